/* SPDX-License-Identifier: ISC */
/* HTTP/1 messages for models: lines, how the end is told, content (RFC 9112). */
#include "config.h"

#include "tests/fuzz/simple_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/promise.h"

struct reader {
	const uint8_t *bytes;
	size_t n, at;
	bool response;
};

/* --- lines ------------------------------------------------------------------------------------ */

/* The next one, without its CRLF. */
static enum reading next_line(struct reader *r, struct span *line)
{
	const uint8_t *from = r->bytes + r->at;

	for (size_t i = 0; i < r->n - r->at; i++) {
		if (from[i] == '\n' && i > 0 && from[i - 1] == '\r') {
			*line = (struct span){(const char *)from, i - 1};
			r->at += i + 1;
			return READING_WHOLE;
		}
		if (from[i] == '\n' || (i > 0 && from[i - 1] == '\r'))
			return READING_WRONG;
		if (from[i] != '\r' && from[i] != '\t' && (from[i] < 0x20 || from[i] == 0x7f))
			return READING_WRONG;
	}
	return READING_MORE;
}

/* "HTTP/1." and a digit. */
static bool read_version(struct message *m, struct span s)
{
	if (s.length != 8 || memcmp(s.text, "HTTP/1.", 7) != 0 || !isdigit((uint8_t)s.text[7]))
		return false;
	m->minor = s.text[7] > '0';
	return true;
}

static bool request_line(struct message *m, struct span line)
{
	return span_cut(&line, ' ', &m->method) && span_cut(&line, ' ', &m->target) &&
	    span_is_token(m->method) && m->target.length > 0 && read_version(m, line);
}

static bool status_line(struct message *m, struct span line)
{
	struct span version;

	if (!span_cut(&line, ' ', &version) || !read_version(m, version) || line.length < 3 ||
	    !span_is_number((struct span){line.text, 3}) || line.text[0] == '0' ||
	    (line.length > 3 && line.text[3] != ' '))
		return false;
	m->status = atoi((char[]){line.text[0], line.text[1], line.text[2], '\0'});
	return true;
}

static bool is_field(const struct reader *r, struct span line)
{
	struct span name;

	if (!span_cut(&line, ':', &name))
		return false;
	while (r->response && name.length > 0 && strchr(" \t", name.text[name.length - 1]))
		name.length--;
	return span_is_token(name);
}

/* The next field in `rest`. */
static bool next_field(struct span *rest, struct span *name, struct span *value)
{
	if (!span_cut(rest, '\n', value))
		return false;
	value->length--;
	PROMISE(span_cut(value, ':', name));
	*name = span_trim(*name);
	*value = span_trim(*value);
	return true;
}

unsigned message_field(const struct message *m, const char *name, struct span *value)
{
	struct span rest = m->lines, found, text;
	unsigned count = 0;

	while (next_field(&rest, &found, &text))
		if (span_is(found, name)) {
			*value = text;
			count++;
		}
	return count;
}

bool message_lists(const struct message *m, const char *name, const char *member)
{
	struct span rest = m->lines, found, list, one;

	while (next_field(&rest, &found, &list))
		while (span_is(found, name) && span_member(&list, &one))
			if (span_is(one, member))
				return true;
	return false;
}

/* Empty lines may come before a request. */
static enum reading read_head(struct reader *r, struct message *m)
{
	struct span line = {NULL, 0};
	enum reading reading;
	size_t from;

	do
		reading = next_line(r, &line);
	while (reading == READING_WHOLE && line.length == 0 && !r->response);
	if (reading != READING_WHOLE)
		return reading;
	if (!(r->response ? status_line(m, line) : request_line(m, line)))
		return READING_WRONG;
	from = r->at;
	while ((reading = next_line(r, &line)) == READING_WHOLE && line.length > 0)
		if (!is_field(r, line))
			return READING_WRONG;
	if (reading == READING_WHOLE)
		m->lines = (struct span){(const char *)r->bytes + from, r->at - from - 2};
	return reading;
}

/* --- where it ends ---------------------------------------------------------------------------- */

static bool read_number(uint64_t *number, struct span digits)
{
	*number = 0;
	for (size_t i = 0; i < digits.length; i++) {
		if (!isdigit((uint8_t)digits.text[i]) || *number > INT64_MAX / 10 - 1)
			return false;
		*number = *number * 10 + (uint64_t)(digits.text[i] - '0');
	}
	return digits.length > 0;
}

/* RFC 9112, 6.3; a Host that is missing or said twice is as bad (3.2). */
static bool frame_request(struct message *m)
{
	struct span length, coding, host;
	unsigned lengths = message_field(m, "Content-Length", &length);
	unsigned codings = message_field(m, "Transfer-Encoding", &coding);
	unsigned hosts = message_field(m, "Host", &host);

	if (lengths + codings > 1 || hosts > 1 || (hosts == 0 && m->minor > 0))
		return false;
	if (lengths > 0)
		m->framing = HTTP_BODY_LENGTH;
	if (codings > 0)
		m->framing = HTTP_BODY_CHUNKED;
	return (lengths == 0 || read_number(&m->told, length)) &&
	    (codings == 0 || (m->minor > 0 && span_is(coding, "chunked")));
}

/* The same number again and again is that number (RFC 9110, 8.6). */
static bool read_lengths(struct message *m, bool *said)
{
	struct span rest = m->lines, name, list, one;

	*said = false;
	while (next_field(&rest, &name, &list)) {
		bool more = span_is(name, "Content-Length");
		uint64_t number;

		while (more) {
			more = span_cut(&list, ',', &one);
			if (!read_number(&number, span_trim(more ? one : list)) ||
			    (*said && number != m->told))
				return false;
			m->told = number;
			*said = true;
		}
	}
	return true;
}

static bool frame_response(struct message *m, bool bodiless)
{
	struct span coding = {NULL, 0};
	unsigned codings = message_field(m, "Transfer-Encoding", &coding);
	bool said;

	if (!read_lengths(m, &said) || codings > 1 || (codings > 0 && (said || m->minor == 0)) ||
	    (codings > 0 && !span_is(coding, "chunked") && !span_is(coding, "identity")))
		return false;
	m->framing = said ? HTTP_BODY_LENGTH : HTTP_BODY_CLOSE;
	if (codings > 0 && span_is(coding, "chunked"))
		m->framing = HTTP_BODY_CHUNKED;
	if (bodiless || m->status / 100 == 1 || m->status == 204 || m->status == 304)
		m->framing = HTTP_BODY_NONE;
	return true;
}

/* --- content ---------------------------------------------------------------------------------- */

/* Up to that many octets.  True: all of them are there. */
static bool take(struct reader *r, struct message *m, uint64_t n)
{
	size_t here = r->n - r->at;
	bool all = n <= here;

	if (all)
		here = (size_t)n;
	memcpy(m->content + m->content_length, r->bytes + r->at, here);
	m->content_length += here;
	r->at += here;
	return all;
}

/* Hexadecimal digits, perhaps an extension. */
static bool read_size(uint64_t *size, struct span line)
{
	size_t n = 0;

	*size = 0;
	while (n < line.length && isxdigit((uint8_t)line.text[n])) {
		const char digit[2] = {line.text[n++], '\0'};

		if (*size > INT64_MAX / 16)
			return false;
		*size = *size * 16 + strtoul(digit, NULL, 16);
	}
	return n > 0 && (n == line.length || strchr("; \t", line.text[n]));
}

static enum reading read_chunks(struct reader *r, struct message *m)
{
	enum reading reading;
	struct span line;
	uint64_t size;

	do {
		reading = next_line(r, &line);
		if (reading != READING_WHOLE)
			return reading;
		if (!read_size(&size, line))
			return READING_WRONG;
		if (!take(r, m, size))
			return READING_MORE;
		if (size > 0)
			reading = next_line(r, &line);
		if (reading != READING_WHOLE)
			return reading;
		if (size > 0 && line.length > 0)
			return READING_WRONG;
	} while (size > 0);
	do
		reading = next_line(r, &line);
	while (reading == READING_WHOLE && line.length > 0);
	return reading;
}

static enum reading read_content(struct reader *r, struct message *m, bool ended)
{
	m->content = malloc(r->n + 1);
	PROMISE(m->content);
	switch (m->framing) {
	case HTTP_BODY_NONE:
		return READING_WHOLE;
	case HTTP_BODY_LENGTH:
		return take(r, m, m->told) ? READING_WHOLE : READING_MORE;
	case HTTP_BODY_CHUNKED:
		return read_chunks(r, m);
	case HTTP_BODY_CLOSE:
		take(r, m, r->n - r->at);
		return ended ? READING_WHOLE : READING_MORE;
	}
	abort();
}

void read_request(struct message *m, const uint8_t *bytes, size_t n)
{
	struct reader r = {.bytes = bytes, .n = n};

	*m = (struct message){.framing = HTTP_BODY_NONE};
	m->reading = read_head(&r, m);
	if (m->reading == READING_WHOLE && !frame_request(m))
		m->reading = READING_WRONG;
	m->head = m->reading == READING_WHOLE;
	if (m->head)
		m->reading = read_content(&r, m, false);
	m->length = r.at;
}

void read_response(struct message *m, const uint8_t *bytes, size_t n, bool bodiless, bool ended)
{
	struct reader r = {.bytes = bytes, .n = n, .response = true};

	*m = (struct message){.framing = HTTP_BODY_NONE};
	m->reading = read_head(&r, m);
	if (m->reading == READING_WHOLE && !frame_response(m, bodiless))
		m->reading = READING_WRONG;
	m->head = m->reading == READING_WHOLE;
	if (m->head)
		m->reading = read_content(&r, m, ended);
	m->length = r.at;
}

void message_clear(struct message *m)
{
	free(m->content);
	m->content = NULL;
}
