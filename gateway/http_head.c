/* SPDX-License-Identifier: ISC */
/* Heads of HTTP/1 messages, read strictly (RFC 9112, 2-6). */
#include "config.h"

#include "gateway/http_framing.h"

#include <ctype.h>
#include <string.h>

/* How the two kinds of heads differ. */
struct grammar {
	enum reason (*start_line)(struct http_head *head, struct span line);
	enum reason (*finish)(struct http_head *head);
	enum reason start_too_long;
	unsigned empty_lines;     /* so many may come first */
	bool blanks_before_colon; /* dropped, not refused (RFC 9112, 5.1) */
};

/* RFC 9112, 3.2: visible ASCII; a fragment is never sent (RFC 9110, 7.1). */
static bool is_uri(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (s.text[i] <= 0x20 || s.text[i] >= 0x7f || s.text[i] == '#')
			return false;
	return s.length > 0;
}

/* --- the first line of a request -------------------------------------------------------------- */

static enum reason read_version(int *minor, struct span s)
{
	if (s.length != 8 || memcmp(s.text, "HTTP/", 5) != 0 || s.text[6] != '.' ||
	    !span_is_number((struct span){s.text + 5, 1}) ||
	    !span_is_number((struct span){s.text + 7, 1}))
		return REASON_MALFORMED;
	if (s.text[5] != '1')
		return REASON_HTTP_VERSION;
	*minor = s.text[7] > '0';
	return REASON_OK;
}

/* RFC 9110, 4.2.1.  User information is refused (4.2.4). */
static enum reason read_http_uri(struct http_head *head, struct span rest)
{
	const char *text = rest.text + 2;
	size_t n = 0;

	while (2 + n < rest.length && text[n] != '/' && text[n] != '?')
		n++;
	head->authority = (struct span){text, n};
	head->path = (struct span){text + n, rest.length - 2 - n};
	if (n > 0 && memchr(text, '@', n))
		return REASON_MALFORMED;
	return target_parse_authority(&head->target, text, n, 80);
}

static bool is_scheme(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (!isalnum((unsigned char)s.text[i]) && !memchr("+-.", s.text[i], 3))
			return false;
	return s.length > 0 && isalpha((unsigned char)s.text[0]);
}

/* Without an authority it could be taken for one: `host:443` is a URI of the scheme `host`. */
static enum reason read_absolute(struct http_head *head)
{
	struct span rest = head->uri;

	head->form = HTTP_ABSOLUTE;
	if (!span_cut(&rest, ':', &head->scheme) || !is_scheme(head->scheme) || rest.length < 2 ||
	    memcmp(rest.text, "//", 2) != 0)
		return REASON_MALFORMED;
	if (span_is(head->scheme, "http"))
		return read_http_uri(head, rest);
	return REASON_OK;
}

/* RFC 9112, 3.2.1-3.2.4; methods are case-sensitive. */
static enum reason read_target(struct http_head *head)
{
	if (span_equal(head->method, "CONNECT")) {
		head->form = HTTP_AUTHORITY;
		return target_parse_authority(&head->target, head->uri.text, head->uri.length, 0);
	}
	if (head->uri.text[0] == '/') {
		head->form = HTTP_ORIGIN;
		return REASON_OK;
	}
	if (span_equal(head->method, "OPTIONS") && span_equal(head->uri, "*")) {
		head->form = HTTP_ASTERISK;
		return REASON_OK;
	}
	return read_absolute(head);
}

/* Exactly one SP on either side of the target (RFC 9112, 3). */
static enum reason request_line(struct http_head *head, struct span line)
{
	enum reason reason;

	if (!span_cut(&line, ' ', &head->method) || !span_cut(&line, ' ', &head->uri) ||
	    !span_is_token(head->method) || !is_uri(head->uri))
		return REASON_MALFORMED;
	reason = read_version(&head->minor, line);
	if (reason != REASON_OK)
		return reason;
	if (head->method.length > HTTP_METHOD_MAX)
		return REASON_BAD_COMMAND;
	return read_target(head);
}

/* --- the end of a request's head -------------------------------------------------------------- */

/* RFC 9112, 3.2: one, from HTTP/1.1 on; it may be empty. */
static enum reason check_host(const struct http_head *head)
{
	struct target ignored;
	bool several;
	const struct http_field *host = http_head_field(head, "Host", &several);

	if (several || (!host && head->minor > 0))
		return REASON_MALFORMED;
	if (!host || host->value.length == 0)
		return REASON_OK;
	/* Most clients say what stands in the URI, which was judged already. */
	if (head->form == HTTP_ABSOLUTE && span_same(host->value, head->authority))
		return REASON_OK;
	return target_parse_authority(&ignored, host->value.text, host->value.length, 80);
}

static enum reason finish_request(struct http_head *head)
{
	enum reason reason = check_host(head);

	if (reason != REASON_OK)
		return reason;
	return http_framing_request(head, &head->framing, &head->body_length);
}

/* --- responses -------------------------------------------------------------------------------- */

/* RFC 9112, 4.  The blank before an empty phrase is often forgotten. */
static enum reason status_line(struct http_head *head, struct span line)
{
	struct span version, digits;
	enum reason reason;

	if (!span_cut(&line, ' ', &version))
		return REASON_MALFORMED;
	reason = read_version(&head->minor, version);
	if (reason != REASON_OK)
		return reason;
	if (span_cut(&line, ' ', &digits))
		head->phrase = line;
	else
		digits = line;
	if (digits.length != 3 || !span_is_number(digits) || digits.text[0] == '0')
		return REASON_MALFORMED;
	head->status =
	    (digits.text[0] - '0') * 100 + (digits.text[1] - '0') * 10 + (digits.text[2] - '0');
	return REASON_OK;
}

static enum reason finish_response(struct http_head *head)
{
	(void)head;
	return REASON_OK;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* A line that begins with a blank has no name before its colon: folding is refused with it. */
static enum reason read_field(
    struct http_head *head, const struct grammar *grammar, struct span line)
{
	struct http_field *field = &head->fields[head->field_count];
	struct span name;

	if (line.length > HTTP_FIELD_MAX || head->field_count == HTTP_FIELDS_MAX)
		return REASON_TOO_LARGE;
	if (!span_cut(&line, ':', &name))
		return REASON_MALFORMED;
	while (grammar->blanks_before_colon && name.length > 0 &&
	    memchr(" \t", name.text[name.length - 1], 2))
		name.length--;
	if (!span_is_token(name))
		return REASON_MALFORMED;
	*field = (struct http_field){name, span_trim(line)};
	head->field_count++;
	return REASON_OK;
}

/* The next line, which CRLF ends: 1; 0: it is not whole; -1: a bare CR or LF or a control. */
static int next_line(struct span *line, const uint8_t *bytes, size_t length)
{
	const uint8_t *end = length > 0 ? memchr(bytes, '\n', length) : NULL;

	if (!end)
		return 0;
	if (end == bytes || end[-1] != '\r')
		return -1;
	*line = (struct span){(const char *)bytes, (size_t)(end - bytes) - 1};
	return span_is_text(*line) ? 1 : -1;
}

static int refuse(struct http_head *head, enum reason reason)
{
	head->reason = reason;
	return -1;
}

/* The first line has a ceiling of its own.  Lines are judged as they come, so that one that never
 * ends is not waited for and the same bytes get the same verdict however they arrive. */
static int parse(
    struct http_head *head, const struct grammar *grammar, const uint8_t *bytes, size_t length)
{
	unsigned empty = 0;
	bool started = false;
	struct span line;
	size_t visible;
	int got;

	for (;;) {
		enum reason reason = REASON_OK;

		visible = started || length < HTTP_START_LINE_MAX ? length : HTTP_START_LINE_MAX;
		got = next_line(&line, bytes + head->length, visible - head->length);
		if (got <= 0)
			break;
		head->length += line.length + 2;
		if (line.length == 0 && started) {
			reason = grammar->finish(head);
			return reason == REASON_OK ? 1 : refuse(head, reason);
		}
		if (started)
			reason = read_field(head, grammar, line);
		else if (line.length > 0)
			reason = grammar->start_line(head, line);
		else if (++empty > grammar->empty_lines)
			reason = REASON_MALFORMED;
		if (reason != REASON_OK)
			return refuse(head, reason);
		started = line.length > 0;
	}
	if (got < 0)
		return refuse(head, REASON_MALFORMED);
	if (!started && length >= HTTP_START_LINE_MAX)
		return refuse(head, grammar->start_too_long);
	return 0;
}

static int parse_within(struct http_head *head, const struct grammar *grammar, const uint8_t *bytes,
    size_t length, size_t max)
{
	int got;

	memset(head, 0, offsetof(struct http_head, fields));
	got = parse(head, grammar, bytes, length < max ? length : max);
	if (got == 0 && length >= max)
		return refuse(head, REASON_TOO_LARGE);
	return got;
}

int http_head_request(struct http_head *head, const uint8_t *bytes, size_t length, size_t max)
{
	static const struct grammar request = {.start_line = request_line,
	    .finish = finish_request,
	    .start_too_long = REASON_URI_TOO_LONG,
	    .empty_lines = HTTP_EMPTY_LINES_MAX};

	return parse_within(head, &request, bytes, length, max);
}

int http_head_response(struct http_head *head, const uint8_t *bytes, size_t length, size_t max)
{
	static const struct grammar response = {.start_line = status_line,
	    .finish = finish_response,
	    .start_too_long = REASON_TOO_LARGE,
	    .blanks_before_colon = true};

	return parse_within(head, &response, bytes, length, max);
}

bool http_head_news(const uint8_t *bytes, size_t before, size_t length, size_t max)
{
	if (length >= max || (before < HTTP_START_LINE_MAX && length >= HTTP_START_LINE_MAX))
		return true;
	return length > before && memchr(bytes + before, '\n', length - before);
}

const struct http_field *http_head_field(
    const struct http_head *head, const char *name, bool *several)
{
	const struct http_field *first = NULL;
	const struct span wanted = {name, strlen(name)};

	*several = false;
	for (size_t i = 0; i < head->field_count && !*several; i++) {
		if (!span_same(head->fields[i].name, wanted))
			continue;
		*several = first != NULL;
		if (!first)
			first = &head->fields[i];
	}
	return first;
}

bool http_list_next(struct http_list *list, struct span *member)
{
	const struct http_head *head = list->head;

	while (list->rest.length == 0 || !span_member(&list->rest, member)) {
		while (list->next < head->field_count &&
		    !span_same(head->fields[list->next].name, list->name))
			list->next++;
		if (list->next == head->field_count)
			return false;
		list->rest = head->fields[list->next++].value;
	}
	return true;
}

bool http_head_lists(const struct http_head *head, const char *name, const char *member)
{
	struct http_list list = {.head = head, .name = {name, strlen(name)}};
	struct span found;

	while (http_list_next(&list, &found))
		if (span_is(found, member))
			return true;
	return false;
}
