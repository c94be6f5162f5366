/* SPDX-License-Identifier: ISC */
/* Requests written anew for the next recipient (RFC 9110, 7.6), or back to the client. */
#include "config.h"

#include "gateway/http_request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/http_basic.h"
#include "gateway/http_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct writing {
	struct buffer *out;
	const struct http_request_plan *plan;
	const struct http_head *head;
	struct http_options options;
	bool via, forwarded, x_forwarded_for; /* written */
};

static bool drop(struct writing *w, const struct http_field *field)
{
	(void)w;
	(void)field;
	return true;
}

static bool write_host(struct writing *w, const struct http_field *field)
{
	return http_write_line(w->out, field->name, w->head->authority);
}

static bool write_length(struct writing *w, const struct http_field *field)
{
	return http_write_number(w->out, field->name, w->head->body_length);
}

static bool write_coding(struct writing *w, const struct http_field *field)
{
	return http_write_line(w->out, field->name, (struct span)SPAN("chunked"));
}

enum { KEEP_ALIVE = 1, UPGRADE = 2 };

static bool option_stays(struct span option, unsigned which)
{
	return ((which & KEEP_ALIVE) && span_is(option, "keep-alive")) ||
	    ((which & UPGRADE) && span_is(option, "upgrade"));
}

static bool write_connection(struct writing *w, const struct http_field *field)
{
	unsigned which =
	    (w->plan->pseudonym ? 0 : KEEP_ALIVE) | (w->plan->request->upgrade ? UPGRADE : 0);

	return http_write_members(w->out, field, field->name, option_stays, which);
}

/* Without its first word it is the same field, in the client's spelling. */
static bool write_proxy_connection(struct writing *w, const struct http_field *field)
{
	static const struct span proxy = SPAN("Proxy-");
	struct span name = {field->name.text + proxy.length, field->name.length - proxy.length};
	bool several;

	if (w->plan->pseudonym || http_head_field(w->head, "Connection", &several))
		return true;
	return http_write_members(w->out, field, name, option_stays, KEEP_ALIVE);
}

static bool protocol_stays(struct span protocol, unsigned which)
{
	(void)which;
	return http_is_foreign(protocol);
}

static bool write_upgrade(struct writing *w, const struct http_field *field)
{
	return !w->plan->request->upgrade ||
	    http_write_members(w->out, field, field->name, protocol_stays, 0);
}

static bool write_max_forwards(struct writing *w, const struct http_field *field)
{
	int forwards = w->plan->request->max_forwards;

	if (forwards < 0)
		return http_write_field(w->out, field);
	return http_write_number(w->out, field->name, (uint64_t)forwards - 1);
}

/* RFC 9110, 10.1.1: in HTTP/1.0 it means nothing, in what we send it would. */
static bool write_expect(struct writing *w, const struct http_field *field)
{
	return w->plan->request->old || http_write_field(w->out, field);
}

/* --- lists that we add to --------------------------------------------------------------------- */

static bool write_via(struct writing *w, const struct http_field *field)
{
	if (!w->plan->pseudonym)
		return http_write_field(w->out, field);
	if (w->via)
		return true;
	w->via = true;
	return http_write_via(w->out, w->head, &w->options, field->name, w->plan->pseudonym);
}

/* Lines that Connection names are the client's own affair: ours stands alone then. */
static bool add(
    struct writing *w, struct span name, struct span ours, bool (*sound)(struct span value))
{
	const struct http_head *head = http_options_name(&w->options, name) ? NULL : w->head;

	return http_write_list(w->out, head, name, ours, sound);
}

/* A quoted string without its end would swallow what comes after it (RFC 7239, 4). */
static bool is_balanced(struct span value)
{
	bool quoted = false;

	for (size_t i = 0; i < value.length; i++) {
		if (value.text[i] == '"')
			quoted = !quoted;
		else if (value.text[i] == '\\' && quoted)
			i++;
	}
	return !quoted;
}

/* RFC 7239, 4 and 6: what is no token is quoted, IPv6 stands in brackets, ports are left out. */
static bool add_forwarded(struct writing *w, struct span name)
{
	static const char unknown[] = "unknown";
	const struct endpoint *client = w->plan->client;
	const char *quote = span_is_token(w->head->authority) ? "" : "\"";
	bool ipv6 = client && !address_is_ipv4(&client->address);
	char address[ADDRESS_TEXT], ours[512];
	int n =
	    snprintf(ours, sizeof(ours), "for=%s%s%s;host=%s%.*s%s;proto=http", ipv6 ? "\"[" : "",
	        client ? address_format(&client->address, address) : unknown, ipv6 ? "]\"" : "",
	        quote, (int)w->head->authority.length, w->head->authority.text, quote);

	assert(n > 0 && (size_t)n < sizeof(ours));
	w->forwarded = true;
	return add(w, name, (struct span){ours, (size_t)n}, is_balanced);
}

static bool add_x_forwarded_for(struct writing *w, struct span name)
{
	char address[ADDRESS_TEXT] = "unknown";

	if (w->plan->client)
		address_format(&w->plan->client->address, address);
	w->x_forwarded_for = true;
	return add(w, name, (struct span){address, strlen(address)}, NULL);
}

static bool write_forwarded(struct writing *w, const struct http_field *field)
{
	if (w->plan->forwarded == HTTP_FORWARDED_OFF)
		return http_write_field(w->out, field);
	if (w->plan->forwarded == HTTP_FORWARDED_STRIP || w->forwarded)
		return true;
	return add_forwarded(w, field->name);
}

static bool write_x_forwarded_for(struct writing *w, const struct http_field *field)
{
	if (w->plan->forwarded == HTTP_FORWARDED_OFF)
		return http_write_field(w->out, field);
	if (w->plan->forwarded == HTTP_FORWARDED_STRIP || w->x_forwarded_for)
		return true;
	return add_x_forwarded_for(w, field->name);
}

static bool write_other(struct writing *w, const struct http_field *field)
{
	if (w->plan->forwarded == HTTP_FORWARDED_STRIP && span_starts(field->name, "X-Forwarded-"))
		return true;
	return http_write_field(w->out, field);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool write_field(struct writing *w, const struct http_field *field)
{
	static const struct {
		struct span name;
		bool (*write)(struct writing *w, const struct http_field *field);
	} rules[] = {
	    {SPAN("Host"), write_host},
	    {SPAN("Connection"), write_connection},
	    {SPAN("Content-Length"), write_length},
	    {SPAN("Transfer-Encoding"), write_coding},
	    {SPAN("Expect"), write_expect},
	    {SPAN("Max-Forwards"), write_max_forwards},
	    {SPAN("Upgrade"), write_upgrade},
	    {SPAN("Via"), write_via},
	    {SPAN("Forwarded"), write_forwarded},
	    {SPAN("X-Forwarded-For"), write_x_forwarded_for},
	    {SPAN("Proxy-Connection"), write_proxy_connection},
	    {SPAN("Proxy-Authorization"), drop},
	    {SPAN("Proxy-Authenticate"), drop},
	    {SPAN("Proxy-Authentication-Info"), drop},
	    {SPAN("Keep-Alive"), drop},
	    {SPAN("TE"), drop}, /* trailers are dropped, codings not understood */
	    {SPAN("HTTP2-Settings"), drop},
	};

	if (http_options_name(&w->options, field->name))
		return true;
	for (size_t i = 0; i < COUNT(rules); i++)
		if (span_same(field->name, rules[i].name))
			return rules[i].write(w, field);
	return write_other(w, field);
}

/* RFC 9112, 3.2.1 and 3.2.4 */
static bool write_origin_form(struct buffer *out, const struct http_head *head)
{
	struct span path = head->path;

	if (path.length == 0)
		return buffer_add(out, span_equal(head->method, "OPTIONS") ? "*" : "/", 1);
	if (path.text[0] == '?' && !buffer_add(out, "/", 1))
		return false;
	return buffer_add(out, path.text, path.length);
}

static bool write_request_line(struct writing *w)
{
	static const struct span version = SPAN(" HTTP/1.1\r\n");
	const struct http_head *head = w->head;

	if (!buffer_add(w->out, head->method.text, head->method.length) ||
	    !buffer_add(w->out, " ", 1))
		return false;
	if (w->plan->absolute ? !buffer_add(w->out, head->uri.text, head->uri.length)
	                      : !write_origin_form(w->out, head))
		return false;
	return buffer_add(w->out, version.text, version.length);
}

static bool write_login(struct buffer *out, const struct credentials *credentials)
{
	char basic[HTTP_BASIC_MAX + 1] = "";
	bool said;

	said = http_basic_write(basic, credentials) &&
	    buffer_printf(out, "Proxy-Authorization: Basic %s\r\n", basic);
	explicit_bzero(basic, sizeof(basic));
	return said;
}

/* What had no place among the client's fields. */
static bool write_rest(struct writing *w)
{
	const struct http_request_plan *plan = w->plan;

	if (plan->pseudonym && !w->via &&
	    !http_write_via(
	        w->out, w->head, &w->options, (struct span)SPAN("Via"), plan->pseudonym))
		return false;
	if (plan->forwarded == HTTP_FORWARDED_APPEND) {
		if (!w->forwarded && !add_forwarded(w, (struct span)SPAN("Forwarded")))
			return false;
		if (!w->x_forwarded_for &&
		    !add_x_forwarded_for(w, (struct span)SPAN("X-Forwarded-For")))
			return false;
	}
	if (plan->absolute && plan->proxy && plan->proxy->user_length > 0 &&
	    !write_login(w->out, plan->proxy))
		return false;
	return buffer_add(w->out, "\r\n", 2);
}

bool http_request_write(struct buffer *out, const struct http_request_plan *plan)
{
	const struct http_head *head = plan->head;
	struct writing w = {.out = out, .plan = plan, .head = head};
	bool several;

	assert(plan->request->receiver == HTTP_TO_ORIGIN);
	if (!http_options_read(&w.options, head) || !write_request_line(&w))
		return false;
	if (!http_head_field(head, "Host", &several) &&
	    !http_write_line(out, (struct span)SPAN("Host"), head->authority))
		return false;
	for (size_t i = 0; i < head->field_count; i++)
		if (!write_field(&w, &head->fields[i]))
			return false;
	return write_rest(&w);
}

/* --- back to the client ----------------------------------------------------------------------- */

/* RFC 9110, 9.3.8: what is likely to be secret is not sent. */
static bool is_secret(struct span name)
{
	static const char *const secrets[] = {
	    "Authorization", "Proxy-Authorization", "Cookie", "Cookie2"};

	for (size_t i = 0; i < COUNT(secrets); i++)
		if (span_is(name, secrets[i]))
			return true;
	return false;
}

/* The request as it came; only its length if `out` is NULL. */
static bool copy(struct buffer *out, const struct http_head *head, size_t *length)
{
	const char *version = head->minor > 0 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n";

	*length = head->method.length + 1 + head->uri.length + strlen(version) + 2;
	if (out &&
	    (!buffer_add(out, head->method.text, head->method.length) || !buffer_add(out, " ", 1) ||
	        !buffer_add(out, head->uri.text, head->uri.length) ||
	        !buffer_add(out, version, strlen(version))))
		return false;
	for (size_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		if (is_secret(field->name))
			continue;
		*length += (size_t)(field->value.text + field->value.length - field->name.text) + 2;
		if (out && !http_write_field(out, field))
			return false;
	}
	return !out || buffer_add(out, "\r\n", 2);
}

bool http_request_echo(struct buffer *out, const struct http_head *head,
    const struct http_request *request, bool persists, int64_t now)
{
	const char *type = "Content-Type: message/http\r\nX-Content-Type-Options: nosniff\r\n";
	size_t length = 0;

	if (request->trace)
		copy(NULL, head, &length);
	return buffer_printf(out, "HTTP/1.1 200 OK\r\n") && http_write_date(out, now) &&
	    buffer_printf(out, "%s%sContent-Length: %zu\r\n\r\n",
	        persists ? "" : "Connection: close\r\n", request->trace ? type : "", length) &&
	    (!request->trace || copy(out, head, &length));
}
