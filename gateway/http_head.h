/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_HEAD_H
#define GATEWAY_HTTP_HEAD_H

#include "gateway/http_text.h"
#include "gateway/reason.h"
#include "gateway/target.h"

/*
 * Strict parser of HTTP/1 heads (RFC 9112, 2-5), whole heads only: everything that two readers
 * could understand differently is refused.  The head's bytes stay where they are; spans point into
 * them.
 */
#define HTTP_FIELDS_MAX 100
#define HTTP_FIELD_MAX 16384 /* one field's line */
#define HTTP_METHOD_MAX 64
#define HTTP_START_LINE_MAX 8192 /* RFC 9112, 3: at least 8000 */
#define HTTP_EMPTY_LINES_MAX 2   /* before a request, RFC 9112, 2.2 */

struct http_field {
	struct span name, value; /* value without surrounding blanks */
};

/* RFC 9112, 3.2 */
enum http_form { HTTP_ORIGIN, HTTP_ABSOLUTE, HTTP_AUTHORITY, HTTP_ASTERISK };

/* How the end of a message is told (RFC 9112, 6); CLOSE, by that of the connection: responses only.
 */
enum http_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_CLOSE };

struct http_head {
	size_t length; /* of the whole head with its empty line */
	int minor;     /* 0 or 1: what is newer than HTTP/1.1 is taken as that */
	/* request */
	struct span method, uri; /* uri: the request-target as it came */
	enum http_form form;
	struct target target; /* AUTHORITY; ABSOLUTE of http, port 80 if none is written */
	struct span scheme;   /* ABSOLUTE */
	/* ABSOLUTE of http: as they came; the path with its query, may be empty */
	struct span authority, path;
	enum http_framing framing;
	uint64_t body_length; /* HTTP_BODY_LENGTH */
	/* response */
	int status; /* 0 until its line is whole */
	struct span phrase;
	/* both */
	enum reason reason; /* of a refusal */
	size_t field_count;
	struct http_field fields[HTTP_FIELDS_MAX]; /* what is not counted is not written either */
};

/*
 * Parse the head at the beginning of `bytes`.  1: whole, *head is filled.  0: more is needed.
 * -1: refused, head->reason says why (MALFORMED, TOO_LARGE, URI_TOO_LONG, HTTP_VERSION, BAD_NAME,
 * BAD_PORT ...), possibly before the head is whole.  `max` is the ceiling of the head.
 *
 * A request is also refused for what would let two readers disagree about where it ends or to
 * whom it goes: framing (RFC 9112, 6.1-6.3) and Host (RFC 9112, 3.2).  A response's framing is
 * not looked at, it depends on what was asked.
 */
int http_head_request(struct http_head *head, const uint8_t *bytes, size_t length, size_t max);
int http_head_response(struct http_head *head, const uint8_t *bytes, size_t length, size_t max);

/*
 * May the verdict on `length` bytes differ from that on the first `before` of them, which was
 * "more"?  A head that trickles in is then parsed once a line, not once a byte.
 */
bool http_head_news(const uint8_t *bytes, size_t before, size_t length, size_t max);

/* The first field of that name (case-insensitive); NULL if there is none; *several if more. */
const struct http_field *http_head_field(
    const struct http_head *head, const char *name, bool *several);

/* The members of all fields of that name, as of one list (RFC 9110, 5.3): begin with head and name
 * set, the rest zero.  As span_member(). */
struct http_list {
	const struct http_head *head;
	struct span name;
	size_t next; /* field */
	struct span rest;
};
bool http_list_next(struct http_list *list, struct span *member);
/* Is it one of them (case-insensitive)? */
bool http_head_lists(const struct http_head *head, const char *name, const char *member);

#endif
