/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_BODY_H
#define GATEWAY_HTTP_BODY_H

#include <sys/types.h>

#include "gateway/http_head.h"

/*
 * The content of an HTTP/1 message, stripped of its framing and framed anew (RFC 9112, 6 and 7).
 * Chunks are read as strictly as heads: sizes are plain hexadecimal digits, every line ends in
 * CRLF.  Extensions and trailers are dropped (7.1.1, 7.1.2), so both have ceilings.
 */
#define HTTP_CHUNK_DIGITS_MAX 16      /* leading zeros are among them; the value fits an int64_t */
#define HTTP_CHUNK_EXTENSION_MAX 4096 /* bytes between one size and its CRLF */
#define HTTP_EXTENSIONS_MAX 16384     /* of one message … */
#define HTTP_EXTENSIONS_SHARE 16      /* … and one more for so many bytes of content */
#define HTTP_TRAILERS_MAX 16384       /* bytes, CRLF not counted; and HTTP_FIELDS_MAX lines */

struct http_body {
	enum http_framing framing;
	uint64_t left;   /* LENGTH: of the content; CHUNKED: of the chunk */
	uint64_t passed; /* content so far */
	bool ended;
	enum reason reason; /* of a refusal: MALFORMED, TOO_LARGE */
	/* private */
	unsigned state;
	unsigned digits, extension; /* of this chunk */
	unsigned trailers, trailer_lines;
	uint64_t extensions;
};

/* `length`: HTTP_BODY_LENGTH only, at most INT64_MAX. */
void http_body_begin(struct http_body *body, enum http_framing framing, uint64_t length);

/*
 * The next n bytes of the connection, in place: the content among them is moved together at the
 * beginning of `bytes`, *content says how much it is.  Returns how many bytes belonged to the
 * message: fewer than n only where it ended.  -1: refused, now and at every later call;
 * body->reason says why, *content is 0, and nothing of these bytes may be passed on.
 *
 * What is decoded and whether it is refused does not depend on how the bytes are cut.
 */
ssize_t http_body_decode(struct http_body *body, uint8_t *bytes, size_t n, size_t *content);

/*
 * The connection has ended, and with it what HTTP_BODY_CLOSE framed.  False: the message is not
 * whole and must not look so to anybody (RFC 9112, 8); body->reason tells a refusal, if that is
 * why.
 */
bool http_body_finish(struct http_body *body);

/*
 * So many of the next bytes are content and nothing else: they may go their way unseen.  Tell by
 * http_body_skip() how many did.
 */
uint64_t http_body_plain(const struct http_body *body);
void http_body_skip(struct http_body *body, uint64_t n);

/*
 * Framing of our own, around `n` bytes of content that are already in place: what is written
 * before them ends at `bytes`, what comes after begins at `bytes + n`; HTTP_CHUNK_MARGIN bytes must
 * be free on either side.  n = 0 adds no chunk; `last` ends the message.  *bytes and *n become
 * those of the whole.
 */
#define HTTP_CHUNK_MARGIN 24
void http_chunk_frame(uint8_t **bytes, size_t *n, bool last);

#endif
