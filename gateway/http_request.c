/* SPDX-License-Identifier: ISC */
/* What a forwarding proxy must know of a request (RFC 9110, 7.6). */
#include "config.h"

#include "gateway/http_request.h"

#include "gateway/http_fields.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* RFC 9110, 7.6.2: for these two methods only. */
static bool counts_forwards(const struct http_head *head)
{
	return span_equal(head->method, "TRACE") || span_equal(head->method, "OPTIONS");
}

static enum reason read_max_forwards(int *forwards, const struct http_head *head)
{
	bool several;
	const struct http_field *field = http_head_field(head, "Max-Forwards", &several);

	if (!field || !counts_forwards(head))
		return REASON_OK;
	if (several || !span_is_number(field->value))
		return REASON_MALFORMED;
	*forwards = 0;
	for (size_t i = 0; i < field->value.length; i++) {
		*forwards = *forwards * 10 + (field->value.text[i] - '0');
		if (*forwards > HTTP_FORWARDS_MAX)
			*forwards = HTTP_FORWARDS_MAX;
	}
	return REASON_OK;
}

/* received-protocol RWS received-by [RWS comment] (RFC 9110, 7.6.3).  A comment falls apart here:
 * one that looks like us is refused too. */
static bool went_through(const struct http_head *head, const char *pseudonym)
{
	struct http_list list = {.head = head, .name = SPAN("Via")};
	struct span member, by;

	while (http_list_next(&list, &member)) {
		span_word(&member);
		by = span_word(&member);
		for (size_t i = 0; i < by.length; i++)
			if (by.text[i] == ':' || by.text[i] == '(')
				by.length = i;
		if (span_is(by, pseudonym))
			return true;
	}
	return false;
}

static enum reason read_upgrade(bool *foreign, const struct http_head *head)
{
	struct http_list list = {.head = head, .name = SPAN("Upgrade")};
	struct span protocol;

	for (unsigned n = 0; http_list_next(&list, &protocol); n++) {
		if (n == HTTP_OPTIONS_MAX)
			return REASON_TOO_LARGE;
		*foreign |= http_is_foreign(protocol);
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

/* Who may not ask, or not like that. */
static enum reason check(
    const struct http_head *head, const struct http_options *options, const char *pseudonym)
{
	if (options->strange || names_vital(options))
		return REASON_MALFORMED;
	if (span_equal(head->method, "TRACE") && has_content(head)) /* RFC 9110, 9.3.8 */
		return REASON_MALFORMED;
	return pseudonym && went_through(head, pseudonym) ? REASON_LOOP : REASON_OK;
}

/* HTTP/1.0 knows neither upgrades (RFC 9110, 7.8) nor expectations (10.1.1), and is not kept open
 * for a client (RFC 9112, 9.3).  Proxy-Connection was never standardised, but means the same. */
static void describe(
    struct http_request *request, const struct http_head *head, const struct http_options *options)
{
	request->old = head->minor == 0;
	request->persists =
	    !request->old && !options->close && !http_head_lists(head, "Proxy-Connection", "close");
	request->head = span_equal(head->method, "HEAD");
	request->trace = span_equal(head->method, "TRACE");
	request->upgrade = request->upgrade && options->upgrade && !request->old;
	request->expects =
	    !request->old && has_content(head) && http_head_lists(head, "Expect", "100-continue");
	request->may_repeat = is_idempotent(head->method) && !has_content(head);
	request->pins = http_logs_in(head, "Authorization");
	request->receiver = request->max_forwards == 0 ? HTTP_TO_US : HTTP_TO_ORIGIN;
}

enum reason http_request_read(
    struct http_request *request, const struct http_head *head, const char *pseudonym)
{
	struct http_options options;
	enum reason reason;

	*request = (struct http_request){.max_forwards = -1};
	if (head->form != HTTP_ABSOLUTE)
		return REASON_MALFORMED;
	if (!span_is(head->scheme, "http"))
		return REASON_BAD_SCHEME;
	if (!http_options_read(&options, head))
		return REASON_TOO_LARGE;
	reason = check(head, &options, pseudonym);
	if (reason == REASON_OK)
		reason = read_max_forwards(&request->max_forwards, head);
	if (reason == REASON_OK)
		reason = read_upgrade(&request->upgrade, head);
	if (reason == REASON_OK)
		describe(request, head, &options);
	return reason;
}
