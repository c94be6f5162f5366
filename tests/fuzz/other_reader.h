/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_OTHER_READER_H
#define TESTS_FUZZ_OTHER_READER_H

#include <http_parser.h>
#include <stdbool.h>
#include <string.h>

#include "gateway/http_head.h"
#include "tests/fuzz/promise.h"

/*
 * A message as http-parser reads it, which is behind many servers.  It is more lenient than we
 * are; what we accept it must frame alike.
 */
#define OTHER_FIELDS_MAX (HTTP_FIELDS_MAX + 8) /* what we read, and what we add */
struct other_reader {
	http_parser parser;
	bool bodiless; /* told: the answer to HEAD */
	bool head, whole;
	/* when the head was */
	bool chunked, has_length;
	uint64_t told; /* Content-Length */
	struct span uri;
	struct http_field fields[OTHER_FIELDS_MAX];
	size_t field_count;
	uint8_t *content; /* has room for all that was fed */
	size_t length;
};

static inline enum http_errno other_error(const struct other_reader *o)
{
	return HTTP_PARSER_ERRNO(&o->parser);
}

/* A refusal of Content-Length or Transfer-Encoding. */
static inline bool other_refused_framing(const struct other_reader *o)
{
	return other_error(o) == HPE_UNEXPECTED_CONTENT_LENGTH ||
	    other_error(o) == HPE_INVALID_CONTENT_LENGTH ||
	    other_error(o) == HPE_INVALID_TRANSFER_ENCODING;
}

/* One input, one piece: a field comes at once. */
static inline int other_uri(http_parser *parser, const char *text, size_t n)
{
	((struct other_reader *)parser->data)->uri = (struct span){text, n};
	return 0;
}

static inline int other_name(http_parser *parser, const char *text, size_t n)
{
	struct other_reader *o = parser->data;

	if (o->head) /* a trailer */
		return 0;
	PROMISE(o->field_count < OTHER_FIELDS_MAX);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	o->fields[o->field_count++].name = (struct span){text, n};
	return 0;
}

static inline int other_value(http_parser *parser, const char *text, size_t n)
{
	struct other_reader *o = parser->data;

	if (o->head)
		return 0;
	PROMISE(o->field_count > 0);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	o->fields[o->field_count - 1].value = (struct span){text, n};
	return 0;
}

static inline int other_head(http_parser *parser)
{
	struct other_reader *o = parser->data;

	o->head = true;
	o->chunked = parser->flags & F_CHUNKED;
	o->has_length = parser->flags & F_CONTENTLENGTH;
	o->told = parser->content_length;
	return o->bodiless; /* 1: there is no content */
}

static inline int other_content(http_parser *parser, const char *bytes, size_t n)
{
	struct other_reader *o = parser->data;

	PROMISE(o->content);
	memcpy(o->content + o->length, bytes, n);
	o->length += n;
	return 0;
}

static inline int other_end(http_parser *parser)
{
	((struct other_reader *)parser->data)->whole = true;
	http_parser_pause(parser, 1);
	return 0;
}

static inline void other_begin(struct other_reader *o, enum http_parser_type type, uint8_t *content)
{
	memset(o, 0, sizeof(*o));
	o->content = content;
	http_parser_init(&o->parser, type);
	o->parser.data = o;
}

/* How many octets it took: to the end of the message at most, or to the one that it refuses. */
static inline size_t other_read(struct other_reader *o, const void *bytes, size_t n)
{
	static const http_parser_settings settings = {.on_url = other_uri,
	    .on_header_field = other_name,
	    .on_header_value = other_value,
	    .on_headers_complete = other_head,
	    .on_body = other_content,
	    .on_message_complete = other_end};

	return http_parser_execute(&o->parser, &settings, bytes, n);
}

#endif
