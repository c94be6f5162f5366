/* SPDX-License-Identifier: ISC */
/* Responses on their way through a proxy: judged, and written anew for the client. */
#include "config.h"

#include "gateway/http_response.h"

#include <string.h>

#include "gateway/digits.h"
#include "gateway/http_fields.h"
#include "gateway/http_framing.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* --- what it is ------------------------------------------------------------------------------- */

/* Neither content nor fields that frame it (RFC 9112, 6.1; RFC 9110, 8.6). */
static bool is_bare(int status)
{
	return status / 100 == 1 || status == 204;
}

/* RFC 9112, 6.3 (1) */
static bool has_no_content(int status, const struct http_request *request)
{
	return request->head || is_bare(status) || status == 304;
}

/* It must say to what, and that can only be what was passed on. */
static bool may_upgrade(const struct http_head *head, const struct http_request *request)
{
	struct http_list list = {.head = head, .name = SPAN("Upgrade")};
	struct span protocol;
	bool some = false;

	while (http_list_next(&list, &protocol)) {
		if (!http_is_foreign(protocol))
			return false;
		some = true;
	}
	return some && request->upgrade;
}

static bool goes_on(const struct http_response *response, const struct http_head *head,
    const struct http_options *options, enum http_framing said)
{
	bool unframed = response->framing == HTTP_BODY_CLOSE || response->upgraded;
	bool content_of_none =
	    is_bare(response->status) && (said == HTTP_BODY_CHUNKED || response->length > 0);

	if (unframed || content_of_none || options->close || options->strange)
		return false;
	return (head->minor > 0 || options->keep_alive) &&
	    !http_head_lists(head, "Proxy-Connection", "close");
}

enum reason http_response_read(struct http_response *response, const struct http_head *head,
    const struct http_request *request)
{
	struct http_options options;
	enum http_framing said;

	*response = (struct http_response){.status = head->status};
	/* Transfer-Encoding may be named, some do: it is for this connection anyway. */
	if (!http_options_read(&options, head) ||
	    http_options_name(&options, (struct span)SPAN("Content-Length")) ||
	    http_framing_response(head, &said, &response->length) != REASON_OK)
		return REASON_BAD_RESPONSE;
	response->upgraded = head->status == 101;
	if (response->upgraded && !may_upgrade(head, request))
		return REASON_BAD_RESPONSE;
	response->interim = head->status / 100 == 1 && !response->upgraded;
	response->framing = has_no_content(head->status, request) ? HTTP_BODY_NONE : said;
	response->persists = goes_on(response, head, &options, said);
	response->pins = http_logs_in(head, "WWW-Authenticate");
	return REASON_OK;
}

enum reason http_response_refusal(enum reason reason)
{
	return reason == REASON_TOO_LARGE ? REASON_RESPONSE_TOO_LARGE : REASON_BAD_RESPONSE;
}

enum http_framing http_response_framing(
    const struct http_response *response, const struct http_request *request)
{
	if (response->framing != HTTP_BODY_CHUNKED && response->framing != HTTP_BODY_CLOSE)
		return response->framing;
	return request->old ? HTTP_BODY_CLOSE : HTTP_BODY_CHUNKED;
}

/* --- what is said again ----------------------------------------------------------------------- */

struct writing {
	struct buffer *out;
	const struct http_response_plan *plan;
	struct http_options options;
	enum http_framing framing;
	unsigned kept;                  /* options that the client is told */
	bool length, coding, via, date; /* written */
};

static bool drop(struct writing *w, const struct http_field *field)
{
	(void)w;
	(void)field;
	return true;
}

static bool write_length(struct writing *w, const struct http_field *field)
{
	if (w->length || is_bare(w->plan->response->status))
		return true;
	w->length = true;
	return http_write_number(w->out, field->name, w->plan->response->length);
}

static bool write_coding(struct writing *w, const struct http_field *field)
{
	if (w->framing != HTTP_BODY_CHUNKED)
		return true;
	w->coding = true;
	return http_write_line(w->out, field->name, (struct span)SPAN("chunked"));
}

enum { KEEP_ALIVE = 1, CLOSE = 2, UPGRADE = 4 };

static bool option_stays(struct span option, unsigned which)
{
	return ((which & KEEP_ALIVE) && span_is(option, "keep-alive")) ||
	    ((which & CLOSE) && span_is(option, "close")) ||
	    ((which & UPGRADE) && span_is(option, "upgrade"));
}

static bool write_connection(struct writing *w, const struct http_field *field)
{
	return http_write_members(w->out, field, field->name, option_stays, w->kept);
}

static bool write_upgrade(struct writing *w, const struct http_field *field)
{
	return !(w->kept & UPGRADE) || http_write_field(w->out, field);
}

static bool write_via(struct writing *w, const struct http_field *field)
{
	if (!w->plan->pseudonym)
		return http_write_field(w->out, field);
	if (w->via)
		return true;
	w->via = true;
	return http_write_via(w->out, w->plan->head, &w->options, field->name, w->plan->pseudonym);
}

static bool write_date(struct writing *w, const struct http_field *field)
{
	w->date = true;
	return http_write_field(w->out, field);
}

static bool write_field(struct writing *w, const struct http_field *field)
{
	static const struct {
		struct span name;
		bool (*write)(struct writing *w, const struct http_field *field);
	} rules[] = {
	    {SPAN("Date"), write_date},
	    {SPAN("Content-Length"), write_length},
	    {SPAN("Transfer-Encoding"), write_coding},
	    {SPAN("Connection"), write_connection},
	    {SPAN("Via"), write_via},
	    {SPAN("Upgrade"), write_upgrade},
	    {SPAN("Keep-Alive"), drop},
	    {SPAN("Proxy-Connection"), drop},
	    {SPAN("Proxy-Authenticate"), drop},
	    {SPAN("Proxy-Authentication-Info"), drop},
	    {SPAN("TE"), drop},
	};

	if (http_options_name(&w->options, field->name))
		return true;
	for (size_t i = 0; i < COUNT(rules); i++)
		if (span_same(field->name, rules[i].name))
			return rules[i].write(w, field);
	return http_write_field(w->out, field);
}

/* An interim response says nothing of the connection; 426 says what to ask for (RFC 9110,
 * 15.5.22). */
static unsigned options_kept(const struct http_response_plan *plan)
{
	const struct http_response *response = plan->response;
	unsigned kept = CLOSE;
	bool several;

	if (response->interim)
		return 0;
	if (response->upgraded)
		return UPGRADE;
	if (plan->persists)
		kept = plan->pseudonym ? 0 : KEEP_ALIVE;
	if (response->status == 426 && http_head_field(plan->head, "Upgrade", &several))
		kept |= UPGRADE;
	return kept;
}

/* What had no place among the origin's fields. */
static bool write_rest(struct writing *w)
{
	static const struct span connection = SPAN("Connection");
	const struct http_response_plan *plan = w->plan;

	if (w->framing == HTTP_BODY_CHUNKED && !w->coding &&
	    !http_write_line(
	        w->out, (struct span)SPAN("Transfer-Encoding"), (struct span)SPAN("chunked")))
		return false;
	if ((w->kept & UPGRADE) && !w->options.upgrade &&
	    !http_write_line(w->out, connection, (struct span)SPAN("upgrade")))
		return false;
	if ((w->kept & CLOSE) && !w->options.close &&
	    !http_write_line(w->out, connection, (struct span)SPAN("close")))
		return false;
	if (plan->pseudonym && !w->via &&
	    !http_write_via(
	        w->out, plan->head, &w->options, (struct span)SPAN("Via"), plan->pseudonym))
		return false;
	if (plan->pseudonym && !w->date && plan->response->status >= 200 &&
	    !http_write_date(w->out, plan->now))
		return false;
	return buffer_add(w->out, "\r\n", 2);
}

bool http_response_write(struct buffer *out, const struct http_response_plan *plan)
{
	const struct http_head *head = plan->head;
	struct writing w = {.out = out,
	    .plan = plan,
	    .framing = http_response_framing(plan->response, plan->request),
	    .kept = options_kept(plan)};
	char status[] = "HTTP/1.1 000 ";

	digits_pad(status + 9, 3, (uint64_t)head->status);
	if (!http_options_read(&w.options, head) || !buffer_add(out, status, strlen(status)) ||
	    !buffer_add(out, head->phrase.text, head->phrase.length) || !buffer_add(out, "\r\n", 2))
		return false;
	for (size_t i = 0; i < head->field_count; i++)
		if (!write_field(&w, &head->fields[i]))
			return false;
	return write_rest(&w);
}
