/* SPDX-License-Identifier: ISC */
/* What a forwarding proxy must know of a request (RFC 9110, 7.6). */
#include "config.h"

#include "gateway/http_request.h"

#include "gateway/http_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct reading {
	struct http_request *request;
	const struct http_head *head;
	const char *pseudonym;
	bool foreign;       /* Upgrade names a protocol to go over to */
	unsigned protocols; /* in Upgrade */
};

/* RFC 9110, 7.6.2: for these two methods only. */
static bool counts_forwards(const struct http_head *head)
{
	return span_equal(head->method, "TRACE") || span_equal(head->method, "OPTIONS");
}

static enum reason read_max_forwards(struct reading *r, struct span value)
{
	if (!counts_forwards(r->head))
		return REASON_OK;
	if (!span_is_number(value) || r->request->max_forwards >= 0)
		return REASON_MALFORMED;
	r->request->max_forwards = 0;
	for (size_t i = 0; i < value.length; i++) {
		int forwards = r->request->max_forwards * 10 + (value.text[i] - '0');

		r->request->max_forwards =
		    forwards < HTTP_FORWARDS_MAX ? forwards : HTTP_FORWARDS_MAX;
	}
	return REASON_OK;
}

/* received-protocol RWS received-by [RWS comment] (RFC 9110, 7.6.3).  A comment falls apart here:
 * one that looks like us is refused too. */
static enum reason read_via(struct reading *r, struct span list)
{
	struct span member, by;

	while (r->pseudonym && span_member(&list, &member)) {
		span_word(&member);
		by = span_word(&member);
		for (size_t i = 0; i < by.length; i++)
			if (by.text[i] == ':' || by.text[i] == '(')
				by.length = i;
		if (span_is(by, r->pseudonym))
			return REASON_LOOP;
	}
	return REASON_OK;
}

static enum reason read_upgrade(struct reading *r, struct span list)
{
	struct span protocol;

	while (span_member(&list, &protocol)) {
		if (++r->protocols > HTTP_OPTIONS_MAX)
			return REASON_TOO_LARGE;
		r->foreign |= http_is_foreign(protocol);
	}
	return REASON_OK;
}

static enum reason read_authorization(struct reading *r, struct span value)
{
	r->request->pins |= http_logs_in(value);
	return REASON_OK;
}

static enum reason read_expect(struct reading *r, struct span list)
{
	struct span member;

	while (span_member(&list, &member))
		r->request->expects |= span_is(member, "100-continue");
	return REASON_OK;
}

/* Never standardised, but old clients mean by it what they would say in Connection. */
static enum reason read_proxy_connection(struct reading *r, struct span list)
{
	struct span member;

	while (span_member(&list, &member))
		if (span_is(member, "close"))
			r->request->persists = false;
	return REASON_OK;
}

static enum reason read_fields(struct reading *r)
{
	static const struct {
		struct span name;
		enum reason (*read)(struct reading *r, struct span value);
	} readers[] = {
	    {SPAN("Authorization"), read_authorization},
	    {SPAN("Expect"), read_expect},
	    {SPAN("Max-Forwards"), read_max_forwards},
	    {SPAN("Proxy-Connection"), read_proxy_connection},
	    {SPAN("Upgrade"), read_upgrade},
	    {SPAN("Via"), read_via},
	};

	for (size_t i = 0; i < r->head->field_count; i++) {
		const struct http_field *field = &r->head->fields[i];
		enum reason reason = REASON_OK;

		for (size_t n = 0; n < COUNT(readers) && reason == REASON_OK; n++)
			if (span_same(field->name, readers[n].name))
				reason = readers[n].read(r, field->value);
		if (reason != REASON_OK)
			return reason;
	}
	return REASON_OK;
}

/* What no client may take away from the next recipient (RFC 9110, 7.6.1): the ends of the message
 * or its way would be seen differently there. */
static bool names_vital(const struct http_options *options)
{
	static const struct span vital[] = {SPAN("Content-Length"), SPAN("Expect"), SPAN("Host"),
	    SPAN("Max-Forwards"), SPAN("Transfer-Encoding")};

	for (size_t i = 0; i < COUNT(vital); i++)
		if (http_options_name(options, vital[i]))
			return true;
	return false;
}

/* RFC 9110, 9.2.2; methods that are not known here may be anything. */
static bool is_idempotent(struct span method)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

	for (size_t i = 0; i < COUNT(methods); i++)
		if (span_equal(method, methods[i]))
			return true;
	return false;
}

static bool has_content(const struct http_head *head)
{
	return head->framing == HTTP_BODY_CHUNKED || head->body_length > 0;
}

enum reason http_request_read(
    struct http_request *request, const struct http_head *head, const char *pseudonym)
{
	struct reading r = {.request = request, .head = head, .pseudonym = pseudonym};
	struct http_options options;
	enum reason reason;

	if (head->form != HTTP_ABSOLUTE)
		return REASON_MALFORMED;
	if (!span_is(head->scheme, "http"))
		return REASON_BAD_SCHEME;
	if (!http_options_read(&options, head))
		return REASON_TOO_LARGE;
	if (options.strange || names_vital(&options))
		return REASON_MALFORMED;
	*request = (struct http_request){.persists = head->minor > 0 && !options.close,
	    .old = head->minor == 0,
	    .head = span_equal(head->method, "HEAD"),
	    .trace = span_equal(head->method, "TRACE"),
	    .may_repeat = is_idempotent(head->method) && !has_content(head),
	    .max_forwards = -1};
	reason = read_fields(&r);
	if (reason != REASON_OK)
		return reason;
	if (request->trace && has_content(head)) /* RFC 9110, 9.3.8 */
		return REASON_MALFORMED;
	if (request->max_forwards == 0)
		request->receiver = HTTP_TO_US;
	/* RFC 9110, 7.8 and 10.1.1: HTTP/1.0 knows neither. */
	request->upgrade = options.upgrade && r.foreign && !request->old;
	request->expects = request->expects && has_content(head) && !request->old;
	return REASON_OK;
}
