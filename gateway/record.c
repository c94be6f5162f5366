/* SPDX-License-Identifier: ISC */
/* Lines of the access log, as logfmt or JSON. */
#include "config.h"

#include "gateway/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A line under construction; what does not fit is cut, never written past. */
struct line {
	char *text;
	size_t length, size;
	bool json;
};

static void put(struct line *l, const char *text, size_t length)
{
	size_t room = l->size - l->length;

	if (length > room)
		length = room;
	memcpy(l->text + l->length, text, length);
	l->length += length;
}

static void put_string(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static void name(struct line *l, const char *key)
{
	if (l->json) {
		put_string(l, l->length == 0 ? "{\"" : ",\"");
		put_string(l, key);
		put_string(l, "\":");
	} else {
		if (l->length > 0)
			put(l, " ", 1);
		put_string(l, key);
		put(l, "=", 1);
	}
}

static void none(struct line *l)
{
	put_string(l, l->json ? "null" : "-");
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Text of ours or of a peer: escaped, and in logfmt quoted where a reader would stumble. */
static void text(struct line *l, const char *key, const char *value)
{
	char escaped[8];
	bool quote = l->json || (value != NULL && (*value == '\0' || strpbrk(value, " =\"\\")));
	size_t n;

	name(l, key);
	if (value == NULL) {
		none(l);
		return;
	}
	if (quote)
		put(l, "\"", 1);
	for (; *value != '\0'; value += n) {
		unsigned char c = (unsigned char)*value;

		for (n = 0; is_plain(value[n]); n++)
			continue;
		put(l, value, n);
		if (n > 0)
			continue;
		n = 1;
		if (c == '"' || c == '\\')
			snprintf(escaped, sizeof escaped, "\\%c", c);
		else
			snprintf(escaped, sizeof escaped, l->json ? "\\u%04x" : "\\x%02x", c);
		put_string(l, escaped);
	}
	if (quote)
		put(l, "\"", 1);
}

static void number(struct line *l, const char *key, int64_t value)
{
	char digits[24];

	name(l, key);
	if (value < 0)
		none(l);
	else
		put(l, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

static void put_time(struct line *l, int64_t ms)
{
	char stamp[40];
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(stamp + n, sizeof stamp - n, ".%03dZ", (int)(ms % 1000));
	text(l, "time", stamp);
}

static void put_rule(struct line *l, const struct place *rule)
{
	char where[512];

	if (rule->line > 0)
		snprintf(where, sizeof where, "%s:%u", rule->file, rule->line);
	text(l, "rule", rule->line > 0 ? where : NULL);
}

static void put_route(struct line *l, const struct record *r)
{
	static const char *const words[][2] = {
	    [NEXT_DIRECT] = {"direct", "direct,unresolved"},
	    [NEXT_VIA] = {"via", "via,unresolved"},
	    [NEXT_REJECT] = {"reject", "reject,unresolved"},
	};

	text(l, "route", r->route != NULL ? words[r->route->next][r->unresolved] : NULL);
}

/* One list of names, or of milliseconds, one for each hop. */
static void put_hops(struct line *l, const struct route *route, const struct dial_outcome *dialled)
{
	size_t count = route != NULL && route->next == NEXT_VIA ? route->hop_count : 0;

	name(l, dialled != NULL ? "hops_ms" : "hops");
	if (l->json)
		put(l, "[", 1);
	else if (count == 0)
		none(l);
	for (size_t i = 0; i < count; i++) {
		char item[128];
		size_t n;

		if (i > 0)
			put(l, ",", 1);
		if (dialled == NULL)
			n = (size_t)snprintf(item, sizeof item, l->json ? "\"%.100s\"" : "%.100s",
			    route->hops[i]->name);
		else if (dialled->hops_ms[i] < 0)
			n = (size_t)snprintf(item, sizeof item, l->json ? "null" : "-");
		else
			n = (size_t)snprintf(item, sizeof item, "%" PRId64, dialled->hops_ms[i]);
		put(l, item, n);
	}
	if (l->json)
		put(l, "]", 1);
}

static const char *family_of(const struct dial_outcome *dialled)
{
	if (dialled == NULL || dialled->connect_ms < 0)
		return NULL;
	if (dialled->peer.port == 0)
		return "unix";
	return address_is_ipv4(&dialled->peer.address) ? "ipv4" : "ipv6";
}

char *record_head(const struct record *r, bool json)
{
	static const struct dial_outcome nothing = {.connect_ms = -1,
	    .resolve_ms = -1,
	    .hops_ms = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}};
	const struct dial_outcome *dialled = r->dialled != NULL ? r->dialled : &nothing;
	char buffer[RECORD_HEAD_MAX], target[TARGET_TEXT], id[64];
	struct line l = {.text = buffer, .size = sizeof buffer - 1, .json = json};

	put_time(&l, r->started_ms);
	snprintf(id, sizeof id, "%u.%" PRIu64 ".%" PRIu64, r->worker, r->client_id, r->session_id);
	text(&l, "id", id);
	text(&l, "listener", r->listener);
	text(&l, "client", r->client);
	text(&l, "user", r->user);
	text(&l, "protocol", r->request != NULL ? protocol_name(r->request->protocol) : NULL);
	text(&l, "command", r->request != NULL ? command_name(r->request->command) : NULL);
	text(&l, "target", r->request != NULL ? target_format(&r->request->target, target) : NULL);
	put_rule(&l, &r->rule);
	put_route(&l, r);
	put_hops(&l, r->route, NULL);
	text(&l, "family", family_of(r->dialled));
	number(&l, "resolve_ms", r->resolve_ms >= 0 ? r->resolve_ms : dialled->resolve_ms);
	put_hops(&l, r->route, dialled);
	number(&l, "connect_ms", dialled->connect_ms);
	return strndup(buffer, l.length);
}

/* A copy that ends in NUL; what is over `max` is cut. */
static char *keep(char *to, struct span s, size_t max)
{
	static const char cut[] = "...";
	size_t n = s.length <= max ? s.length : max - strlen(cut);

	memcpy(to, s.text, n);
	to[n] = '\0';
	if (n < s.length)
		strcpy(to + n, cut);
	return to + strlen(to) + 1;
}

/* A password may stand in a URL of any scheme but http, where the parser refuses it. */
static struct span find_url(const struct http_head *head, bool query)
{
	struct span url = head->uri, path;

	if (head->form != HTTP_ABSOLUTE ||
	    (!span_is(head->scheme, "http") && memchr(url.text, '@', url.length) != NULL))
		return (struct span){"", 0};
	return !query && span_cut(&url, '?', &path) ? path : url;
}

struct record_http *record_http_new(const struct http_head *head, bool query)
{
	struct span url = find_url(head, query);
	bool several;
	const struct http_field *agent = http_head_field(head, "User-Agent", &several);
	struct record_http *http =
	    malloc(sizeof *http + HTTP_METHOD_MAX + RECORD_URL_MAX + RECORD_AGENT_MAX + 3);
	char *at;

	if (http == NULL)
		return NULL;
	*http = (struct record_http){.method = http->text};
	at = keep(http->text, head->method, HTTP_METHOD_MAX);
	if (url.length > 0)
		http->url = at;
	at = keep(at, url, RECORD_URL_MAX);
	if (agent != NULL) {
		http->agent = at;
		keep(at, agent->value, RECORD_AGENT_MAX);
	}
	return http;
}

size_t record_line(char *out, const char *head, const struct record_end *end, bool json)
{
	struct line l = {.text = out, .size = RECORD_MAX - 1, .json = json};
	const struct record_http *http = end->http;

	put_string(&l, head);
	number(&l, "first_byte_ms", end->first_byte_ms);
	number(&l, "up", (int64_t)end->up);
	number(&l, "down", (int64_t)end->down);
	number(&l, "duration_ms", end->duration_ms);
	text(&l, "end", reason_row(end->end)->log_name);
	text(&l, "method", http != NULL ? http->method : NULL);
	number(&l, "status", http != NULL && http->status > 0 ? http->status : -1);
	text(&l, "url", http != NULL ? http->url : NULL);
	text(&l, "agent", http != NULL ? http->agent : NULL);
	if (json)
		put(&l, "}", 1);
	return l.length;
}
