/* SPDX-License-Identifier: ISC */
/* Heads of HTTP/1 messages, read strictly (RFC 9112, 2-6). */
#include "config.h"

#include "gateway/http_head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* How the two kinds of heads differ. */
struct grammar {
	enum reason (*start_line)(struct http_head *head, struct span line);
	enum reason (*finish)(struct http_head *head);
	enum reason start_too_long;
	unsigned empty_lines;     /* so many may come first */
	bool blanks_before_colon; /* dropped, not refused (RFC 9112, 5.1) */
};

/* --- characters ------------------------------------------------------------------------------- */

bool http_is_tchar(uint8_t c)
{
	return c < 0x80 && (isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c)));
}

/* No control characters but HTAB. */
bool http_is_text(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (!http_is_tchar((uint8_t)s.text[i]))
			return false;
	return s.length > 0;
}

static bool is_text(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (!http_is_text((uint8_t)s.text[i]))
			return false;
	return true;
}

/* RFC 9112, 3.2: visible ASCII; a fragment is never sent (RFC 9110, 7.1). */
static bool is_uri(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (s.text[i] <= 0x20 || s.text[i] >= 0x7f || s.text[i] == '#')
			return false;
	return s.length > 0;
}

static bool is_number(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (s.text[i] < '0' || s.text[i] > '9')
			return false;
	return s.length > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool same(struct span s, const char *text)
{
	return s.length == strlen(text) && strncasecmp(s.text, text, s.length) == 0;
}

static struct span trim(struct span s)
{
	while (s.length > 0 && is_blank(s.text[0])) {
		s.text++;
		s.length--;
	}
	while (s.length > 0 && is_blank(s.text[s.length - 1]))
		s.length--;
	return s;
}

/* What stands before the first `stop`, which is dropped; the rest stays.  False: there is none. */
static bool cut(struct span *rest, char stop, struct span *first)
{
	const char *found = rest->length > 0 ? memchr(rest->text, stop, rest->length) : NULL;

	if (!found)
		return false;
	*first = (struct span){rest->text, (size_t)(found - rest->text)};
	rest->text += first->length + 1;
	rest->length -= first->length + 1;
	return true;
}

/* --- the first line of a request -------------------------------------------------------------- */

static enum reason read_version(int *minor, struct span s)
{
	if (s.length != 8 || memcmp(s.text, "HTTP/", 5) != 0 || s.text[6] != '.' ||
	    !is_number((struct span){s.text + 5, 1}) || !is_number((struct span){s.text + 7, 1}))
		return REASON_MALFORMED;
	if (s.text[5] != '1')
		return REASON_HTTP_VERSION;
	*minor = s.text[7] > '0';
	return REASON_OK;
}

/* RFC 9110, 4.2.1.  User information is refused (4.2.4). */
static enum reason read_http_uri(struct http_head *head, struct span rest)
{
	struct span authority;
	size_t n = 0;

	authority = (struct span){rest.text + 2, 0};
	while (2 + n < rest.length && authority.text[n] != '/' && authority.text[n] != '?')
		n++;
	authority.length = n;
	head->path = (struct span){authority.text + n, rest.length - 2 - n};
	if (n > 0 && memchr(authority.text, '@', n))
		return REASON_MALFORMED;
	return target_parse_authority(&head->target, authority.text, n, 80);
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
	if (!cut(&rest, ':', &head->scheme) || !is_scheme(head->scheme) || rest.length < 2 ||
	    memcmp(rest.text, "//", 2) != 0)
		return REASON_MALFORMED;
	if (same(head->scheme, "http"))
		return read_http_uri(head, rest);
	head->path = rest;
	return REASON_OK;
}

/* RFC 9112, 3.2.1-3.2.4; methods are case-sensitive. */
static enum reason read_target(struct http_head *head)
{
	bool connect = head->method.length == 7 && memcmp(head->method.text, "CONNECT", 7) == 0;
	bool options = head->method.length == 7 && memcmp(head->method.text, "OPTIONS", 7) == 0;

	if (connect) {
		head->form = HTTP_AUTHORITY;
		return target_parse_authority(&head->target, head->uri.text, head->uri.length, 0);
	}
	if (head->uri.text[0] == '/') {
		head->form = HTTP_ORIGIN;
		return REASON_OK;
	}
	if (options && head->uri.length == 1 && head->uri.text[0] == '*') {
		head->form = HTTP_ASTERISK;
		return REASON_OK;
	}
	return read_absolute(head);
}

/* Exactly one SP on either side of the target (RFC 9112, 3). */
static enum reason request_line(struct http_head *head, struct span line)
{
	enum reason reason;

	if (!cut(&line, ' ', &head->method) || !cut(&line, ' ', &head->uri) ||
	    !is_token(head->method) || !is_uri(head->uri))
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
	return target_parse_authority(&ignored, host->value.text, host->value.length, 80);
}

/* Only "chunked" by itself is understood.  Codings before it: RFC 9112, 6.1; all else: 6.3. */
static enum reason read_codings(struct span list)
{
	struct span coding;

	if (same(list, "chunked"))
		return REASON_OK;
	while (cut(&list, ',', &coding))
		if (!is_token(trim(coding)) || same(trim(coding), "chunked"))
			return REASON_MALFORMED;
	return same(trim(list), "chunked") ? REASON_BAD_CODING : REASON_MALFORMED;
}

/* RFC 9110, 8.6, and no more than fits a signed 64-bit number. */
static enum reason read_length(uint64_t *length, struct span digits)
{
	*length = 0;
	if (!is_number(digits))
		return REASON_MALFORMED;
	for (size_t i = 0; i < digits.length; i++) {
		uint64_t digit = (uint64_t)(digits.text[i] - '0');

		if (*length > (INT64_MAX - digit) / 10)
			return REASON_MALFORMED;
		*length = *length * 10 + digit;
	}
	return REASON_OK;
}

/* RFC 9112, 6.3.  Whatever is said twice is refused, even if it is said alike. */
static enum reason read_framing(struct http_head *head)
{
	bool two_lengths, two_codings;
	const struct http_field *length, *codings;

	length = http_head_field(head, "Content-Length", &two_lengths);
	codings = http_head_field(head, "Transfer-Encoding", &two_codings);
	if (two_lengths || two_codings || (length && codings) || (codings && head->minor == 0))
		return REASON_MALFORMED;
	if (codings) {
		head->framing = HTTP_BODY_CHUNKED;
		return read_codings(codings->value);
	}
	if (length) {
		head->framing = HTTP_BODY_LENGTH;
		return read_length(&head->body_length, length->value);
	}
	return REASON_OK;
}

static enum reason finish_request(struct http_head *head)
{
	enum reason reason = check_host(head);

	return reason == REASON_OK ? read_framing(head) : reason;
}

/* --- responses -------------------------------------------------------------------------------- */

/* RFC 9112, 4.  The blank before an empty phrase is often forgotten. */
static enum reason status_line(struct http_head *head, struct span line)
{
	struct span version, digits;
	enum reason reason;

	if (!cut(&line, ' ', &version))
		return REASON_MALFORMED;
	reason = read_version(&head->minor, version);
	if (reason != REASON_OK)
		return reason;
	if (cut(&line, ' ', &digits))
		head->phrase = line;
	else
		digits = line;
	if (digits.length != 3 || !is_number(digits) || digits.text[0] == '0')
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
	if (!cut(&line, ':', &name))
		return REASON_MALFORMED;
	while (
	    grammar->blanks_before_colon && name.length > 0 && is_blank(name.text[name.length - 1]))
		name.length--;
	if (!is_token(name))
		return REASON_MALFORMED;
	*field = (struct http_field){name, trim(line)};
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
	return is_text(*line) ? 1 : -1;
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

	*head = (struct http_head){0};
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

	*several = false;
	for (size_t i = 0; i < head->field_count && !*several; i++) {
		if (!same(head->fields[i].name, name))
			continue;
		*several = first != NULL;
		if (!first)
			first = &head->fields[i];
	}
	return first;
}
