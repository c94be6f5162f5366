/* SPDX-License-Identifier: ISC */
/* Content of HTTP/1 messages and the lines around it (RFC 9112, 6 and 7). */
#include "config.h"

#include "gateway/http_body.h"

#include <assert.h>
#include <string.h>

/* What the next byte of a chunked message is. */
enum state {
	SIZE,
	/* chunk-ext: read as far as its end can be told */
	BLANK, /* after the size; a semicolon must follow */
	EXTENSION,
	QUOTED,
	ESCAPED,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	/* the trailer section, after the last chunk */
	TRAILER, /* the first of a line */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF
};

void http_body_begin(struct http_body *body, enum http_framing framing, uint64_t length)
{
	assert(length <= INT64_MAX);
	*body = (struct http_body){.framing = framing, .state = SIZE};
	if (framing == HTTP_BODY_LENGTH)
		body->left = length;
	body->ended = framing == HTTP_BODY_NONE || (framing == HTTP_BODY_LENGTH && body->left == 0);
}

/* --- lines ------------------------------------------------------------------------------------ */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static enum reason enter(struct http_body *b, enum state state)
{
	b->state = state;
	return REASON_OK;
}

static enum reason enter_if(struct http_body *b, bool legal, enum state state)
{
	return legal ? enter(b, state) : REASON_MALFORMED;
}

static enum reason read_size(struct http_body *b, uint8_t c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (b->digits == HTTP_CHUNK_DIGITS_MAX || b->left > INT64_MAX >> 4)
			return REASON_MALFORMED;
		b->digits++;
		b->left = b->left << 4 | (unsigned)digit;
		return REASON_OK;
	}
	if (b->digits == 0)
		return REASON_MALFORMED;
	if (c == '\r')
		return enter(b, SIZE_LF);
	if (c == ';')
		return enter(b, EXTENSION);
	return enter_if(b, c == ' ' || c == '\t', BLANK);
}

/* RFC 9112, 7.1.1.  A quoted string that the line's end cuts short could hide that end. */
static enum reason read_extension(struct http_body *b, uint8_t c)
{
	if (++b->extension > HTTP_CHUNK_EXTENSION_MAX ||
	    ++b->extensions > HTTP_EXTENSIONS_MAX + b->passed / HTTP_EXTENSIONS_SHARE)
		return REASON_TOO_LARGE;
	switch (b->state) {
	case BLANK:
		return c == ';' ? enter(b, EXTENSION) : enter_if(b, c == ' ' || c == '\t', BLANK);
	case QUOTED:
		if (c == '"' || c == '\\')
			return enter(b, c == '"' ? EXTENSION : ESCAPED);
		break;
	case ESCAPED:
		return enter_if(b, http_is_text(c), QUOTED);
	default:
		if (c == '"' || c == '\r')
			return enter(b, c == '"' ? QUOTED : SIZE_LF);
	}
	return http_is_text(c) ? REASON_OK : REASON_MALFORMED;
}

/* RFC 9112, 7.1.2, with the syntax of fields of a head (5). */
static enum reason read_trailer(struct http_body *b, uint8_t c)
{
	if (c == '\r' && b->state == TRAILER)
		return enter(b, LAST_LF);
	if (c == '\r' && b->state == TRAILER_VALUE)
		return enter(b, TRAILER_LF);
	if (b->state == TRAILER)
		b->trailer_lines++;
	if (++b->trailers > HTTP_TRAILERS_MAX || b->trailer_lines > HTTP_FIELDS_MAX)
		return REASON_TOO_LARGE;
	if (b->state == TRAILER_VALUE)
		return http_is_text(c) ? REASON_OK : REASON_MALFORMED;
	if (b->state == TRAILER_NAME && c == ':')
		return enter(b, TRAILER_VALUE);
	return enter_if(b, http_is_tchar(c), TRAILER_NAME);
}

/* One byte that is not content. */
static enum reason step(struct http_body *b, uint8_t c)
{
	assert(b->state != DATA);
	switch ((enum state)b->state) {
	case SIZE:
		return read_size(b, c);
	case BLANK:
	case EXTENSION:
	case QUOTED:
	case ESCAPED:
		return read_extension(b, c);
	case SIZE_LF:
		b->digits = b->extension = 0;
		return enter_if(b, c == '\n', b->left > 0 ? DATA : TRAILER);
	case DATA_CR:
		return enter_if(b, c == '\r', DATA_LF);
	case DATA_LF:
		return enter_if(b, c == '\n', SIZE);
	case TRAILER:
	case TRAILER_NAME:
	case TRAILER_VALUE:
		return read_trailer(b, c);
	case TRAILER_LF:
		return enter_if(b, c == '\n', TRAILER);
	case LAST_LF:
		b->ended = c == '\n';
		return b->ended ? REASON_OK : REASON_MALFORMED;
	case DATA:
		break;
	}
	return REASON_INTERNAL;
}

/* --- content ---------------------------------------------------------------------------------- */

uint64_t http_body_plain(const struct http_body *body)
{
	if (body->ended || body->reason != REASON_OK)
		return 0;
	if (body->framing == HTTP_BODY_CLOSE)
		return UINT64_MAX;
	return body->framing == HTTP_BODY_LENGTH || body->state == DATA ? body->left : 0;
}

void http_body_skip(struct http_body *body, uint64_t n)
{
	assert(n <= http_body_plain(body));
	body->passed += n;
	if (body->framing == HTTP_BODY_CLOSE || n == 0)
		return;
	body->left -= n;
	if (body->left > 0)
		return;
	if (body->framing == HTTP_BODY_LENGTH)
		body->ended = true;
	else
		body->state = DATA_CR;
}

ssize_t http_body_decode(struct http_body *body, uint8_t *bytes, size_t n, size_t *content)
{
	size_t used = 0, kept = 0;

	*content = 0;
	while (used < n && !body->ended && body->reason == REASON_OK) {
		uint64_t plain = http_body_plain(body);
		size_t take = plain < n - used ? (size_t)plain : n - used;

		if (take == 0) {
			body->reason = step(body, bytes[used++]);
			continue;
		}
		if (kept < used)
			memmove(bytes + kept, bytes + used, take);
		http_body_skip(body, take);
		kept += take;
		used += take;
	}
	if (body->reason != REASON_OK)
		return -1;
	*content = kept;
	return (ssize_t)used;
}

bool http_body_finish(struct http_body *body)
{
	if (body->framing == HTTP_BODY_CLOSE)
		body->ended = true;
	return body->ended;
}

/* --- framing of our own ----------------------------------------------------------------------- */

void http_chunk_frame(uint8_t **bytes, size_t *n, bool last)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *begin = *bytes, *end = *bytes + *n;

	if (*n > 0) {
		*--begin = '\n';
		*--begin = '\r';
		for (size_t size = *n; size > 0; size >>= 4)
			*--begin = (uint8_t)digits[size & 15];
		memcpy(end, "\r\n", 2);
		end += 2;
	}
	if (last) {
		memcpy(end, "0\r\n\r\n", 5);
		end += 5;
	}
	*bytes = begin;
	*n = (size_t)(end - begin);
}
