/* SPDX-License-Identifier: ISC */
/* Lines of the access log, as logfmt or JSON. */
#include "config.h"

#include "gateway/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/digits.h"

#define KEY(literal) ((struct span)SPAN(literal))

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

static void put_byte(struct line *l, char byte)
{
	if (l->length < l->size)
		l->text[l->length++] = byte;
}

static void name(struct line *l, struct span key)
{
	if (l->json) {
		put(l, l->length == 0 ? "{\"" : ",\"", 2);
		put(l, key.text, key.length);
		put(l, "\":", 2);
	} else {
		if (l->length > 0)
			put_byte(l, ' ');
		put(l, key.text, key.length);
		put_byte(l, '=');
	}
}

static void none(struct line *l)
{
	if (l->json)
		put(l, "null", 4);
	else
		put_byte(l, '-');
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

static void put_escaped(struct line *l, const char *value, size_t length)
{
	char escaped[8];
	size_t n;

	for (size_t i = 0; i < length; i += n) {
		unsigned char c = (unsigned char)value[i];

		for (n = 0; i + n < length && is_plain(value[i + n]); n++)
			continue;
		put(l, value + i, n);
		if (n > 0)
			continue;
		n = 1;
		if (c == '"' || c == '\\')
			snprintf(escaped, sizeof escaped, "\\%c", c);
		else
			snprintf(escaped, sizeof escaped, l->json ? "\\u%04x" : "\\x%02x", c);
		put(l, escaped, strlen(escaped));
	}
}

/* Text of a peer or of the configuration: escaped, and in logfmt quoted where a reader would
 * stumble. */
static void text(struct line *l, struct span key, const char *value)
{
	bool quote = l->json || (value != NULL && (*value == '\0' || strpbrk(value, " =\"\\")));

	name(l, key);
	if (value == NULL) {
		none(l);
		return;
	}
	if (quote)
		put_byte(l, '"');
	put_escaped(l, value, strlen(value));
	if (quote)
		put_byte(l, '"');
}

/* What holds nothing to be escaped. */
static void word(struct line *l, struct span key, const char *value)
{
	name(l, key);
	if (value == NULL) {
		none(l);
		return;
	}
	if (l->json)
		put_byte(l, '"');
	put(l, value, strlen(value));
	if (l->json)
		put_byte(l, '"');
}

static void put_number(struct line *l, int64_t value)
{
	char digits[DIGITS_MAX];

	if (value < 0)
		none(l);
	else
		put(l, digits, digits_write(digits, (uint64_t)value));
}

static void number(struct line *l, struct span key, int64_t value)
{
	name(l, key);
	put_number(l, value);
}

static void put_time(struct line *l, int64_t ms)
{
	char stamp[] = "0000-00-00T00:00:00.000Z";
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	digits_pad(stamp, 4, (uint64_t)tm.tm_year + 1900);
	digits_pad(stamp + 5, 2, (uint64_t)tm.tm_mon + 1);
	digits_pad(stamp + 8, 2, (uint64_t)tm.tm_mday);
	digits_pad(stamp + 11, 2, (uint64_t)tm.tm_hour);
	digits_pad(stamp + 14, 2, (uint64_t)tm.tm_min);
	digits_pad(stamp + 17, 2, (uint64_t)tm.tm_sec);
	digits_pad(stamp + 20, 3, (uint64_t)(ms % 1000));
	word(l, KEY("time"), stamp);
}

static void put_id(struct line *l, const struct record *r)
{
	char id[3 * (DIGITS_MAX + 1)];
	size_t n = digits_write(id, r->worker);

	id[n++] = '.';
	n += digits_write(id + n, r->client_id);
	id[n++] = '.';
	n += digits_write(id + n, r->session_id);
	id[n] = '\0';
	word(l, KEY("id"), id);
}

static void put_rule(struct line *l, const struct place *rule)
{
	char where[512];
	size_t n;

	if (rule->line == 0) {
		text(l, KEY("rule"), NULL);
		return;
	}
	n = strnlen(rule->file, sizeof where - DIGITS_MAX - 2);
	memcpy(where, rule->file, n);
	where[n++] = ':';
	n += digits_write(where + n, rule->line);
	where[n] = '\0';
	text(l, KEY("rule"), where);
}

static void put_route(struct line *l, const struct record *r)
{
	static const char *const words[][2] = {
	    [NEXT_DIRECT] = {"direct", "direct,unresolved"},
	    [NEXT_VIA] = {"via", "via,unresolved"},
	    [NEXT_REJECT] = {"reject", "reject,unresolved"},
	};

	word(l, KEY("route"), r->route != NULL ? words[r->route->next][r->unresolved] : NULL);
}

static void put_hop(struct line *l, const char *name)
{
	if (l->json)
		put_byte(l, '"');
	put(l, name, strnlen(name, 100));
	if (l->json)
		put_byte(l, '"');
}

/* One list of names, or of milliseconds, one for each hop. */
static void put_hops(struct line *l, const struct route *route, const struct dial_outcome *dialled)
{
	size_t count = route != NULL && route->next == NEXT_VIA ? route->hop_count : 0;

	name(l, dialled != NULL ? KEY("hops_ms") : KEY("hops"));
	if (l->json)
		put_byte(l, '[');
	else if (count == 0)
		none(l);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			put_byte(l, ',');
		if (dialled == NULL)
			put_hop(l, route->hops[i]->name);
		else
			put_number(l, dialled->hops_ms[i]);
	}
	if (l->json)
		put_byte(l, ']');
}

static const char *family_of(const struct dial_outcome *dialled)
{
	if (dialled == NULL || dialled->connect_ms < 0)
		return NULL;
	if (dialled->peer.port == 0)
		return "unix";
	return address_is_ipv4(&dialled->peer.address) ? "ipv4" : "ipv6";
}

size_t record_head(char *out, const struct record *r, bool json)
{
	static const struct dial_outcome nothing = {.connect_ms = -1,
	    .resolve_ms = -1,
	    .hops_ms = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}};
	const struct dial_outcome *dialled = r->dialled != NULL ? r->dialled : &nothing;
	const struct request *request = r->request;
	char target[TARGET_TEXT];
	struct line l = {.text = out, .size = RECORD_HEAD_MAX - 1, .json = json};

	put_time(&l, r->started_ms);
	put_id(&l, r);
	text(&l, KEY("listener"), r->listener);
	text(&l, KEY("client"), r->client);
	text(&l, KEY("user"), r->user);
	word(&l, KEY("protocol"), request != NULL ? protocol_name(request->protocol) : NULL);
	word(&l, KEY("command"), request != NULL ? command_name(request->command) : NULL);
	word(&l, KEY("target"), request != NULL ? target_format(&request->target, target) : NULL);
	put_rule(&l, &r->rule);
	put_route(&l, r);
	put_hops(&l, r->route, NULL);
	word(&l, KEY("family"), family_of(r->dialled));
	number(&l, KEY("resolve_ms"), r->resolve_ms >= 0 ? r->resolve_ms : dialled->resolve_ms);
	put_hops(&l, r->route, dialled);
	number(&l, KEY("connect_ms"), dialled->connect_ms);
	return l.length;
}

static size_t kept(struct span s, size_t max)
{
	return (s.length <= max ? s.length : max) + 1;
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
	return to + kept(s, max);
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
	struct record_http *http = malloc(sizeof *http + kept(head->method, HTTP_METHOD_MAX) +
	    kept(url, RECORD_URL_MAX) + (agent != NULL ? kept(agent->value, RECORD_AGENT_MAX) : 0));
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

size_t record_line(char *out, size_t head, const struct record_end *end, bool json)
{
	struct line l = {.text = out, .length = head, .size = RECORD_MAX - 1, .json = json};
	const struct record_http *http = end->http;

	number(&l, KEY("first_byte_ms"), end->first_byte_ms);
	number(&l, KEY("up"), (int64_t)end->up);
	number(&l, KEY("down"), (int64_t)end->down);
	number(&l, KEY("duration_ms"), end->duration_ms);
	word(&l, KEY("end"), reason_row(end->end)->log_name);
	text(&l, KEY("method"), http != NULL ? http->method : NULL);
	number(&l, KEY("status"), http != NULL && http->status > 0 ? http->status : -1);
	text(&l, KEY("url"), http != NULL ? http->url : NULL);
	text(&l, KEY("agent"), http != NULL ? http->agent : NULL);
	if (json)
		put_byte(&l, '}');
	return l.length;
}
