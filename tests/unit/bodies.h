/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_BODIES_H
#define TESTS_UNIT_BODIES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/http_body.h"

/* Content of HTTP messages for tests: fed whole, cut at every place and byte by byte. */
struct decoded {
	struct http_body body;
	char content[1024];
	size_t length; /* of the content */
	size_t used;   /* of what was fed */
	bool refused;
};

/* From an allocation of exactly that length, so that the sanitizer sees a byte read too many. */
static inline void feed(struct decoded *d, const char *text, size_t n)
{
	uint8_t *exact = malloc(n);
	size_t content = SIZE_MAX;
	ssize_t used;

	assert_non_null(exact);
	memcpy(exact, text, n);
	used = http_body_decode(&d->body, exact, n, &content);
	if (used < 0) {
		assert_int_equal(content, 0);
		assert_int_not_equal(d->body.reason, REASON_OK);
		assert_int_equal(http_body_plain(&d->body), 0);
		d->refused = true;
	} else {
		assert_true((size_t)used == n || d->body.ended);
		assert_true(content <= (size_t)used && d->length + content <= sizeof(d->content));
		memcpy(d->content + d->length, exact, content);
		d->length += content;
		d->used += (size_t)used;
		assert_true(d->body.passed == d->length);
	}
	free(exact);
}

/* `cut` bytes at once, then pieces. */
static inline void decode(struct decoded *d, enum http_framing framing, uint64_t length,
    const char *text, size_t n, size_t cut, size_t piece)
{
	*d = (struct decoded){.used = 0};
	http_body_begin(&d->body, framing, length);
	if (cut > 0)
		feed(d, text, cut);
	for (size_t at = cut; at < n; at += piece)
		feed(d, text + at, piece < n - at ? piece : n - at);
}

static inline void same(const struct decoded *one, const struct decoded *other)
{
	assert_int_equal(one->refused, other->refused);
	assert_int_equal(one->body.reason, other->body.reason);
	assert_int_equal(one->body.passed, other->body.passed);
	if (one->refused)
		return;
	assert_int_equal(one->body.ended, other->body.ended);
	assert_int_equal(one->used, other->used);
	assert_int_equal(one->length, other->length);
	assert_memory_equal(one->content, other->content, one->length);
}

/* Whole, cut at every place, byte by byte. */
static inline void decode_all_ways(
    struct decoded *d, enum http_framing framing, uint64_t length, const char *text, size_t n)
{
	struct decoded again;

	decode(d, framing, length, text, n, 0, n);
	for (size_t cut = 1; cut < n; cut++) {
		decode(&again, framing, length, text, n, cut, n);
		same(d, &again);
	}
	decode(&again, framing, length, text, n, 0, 1);
	same(d, &again);
}

/* It ends after its last byte, and what follows is not touched. */
static inline void accept_bytes(enum http_framing framing, uint64_t length, const char *text,
    size_t n, const char *content, size_t content_length)
{
	static const char next[] = "0\r\n\r\nGET";
	struct decoded d;
	char followed[1024];

	assert_true(n + sizeof(next) <= sizeof(followed));
	memcpy(followed, text, n);
	memcpy(followed + n, next, sizeof(next));
	decode_all_ways(&d, framing, length, followed, n + sizeof(next));
	if (d.refused)
		fail_msg("%s: refused", text);
	assert_true(d.body.ended);
	assert_int_equal(d.used, n);
	assert_int_equal(d.length, content_length);
	assert_memory_equal(d.content, content, content_length);
	assert_true(http_body_finish(&d.body));
}

/* More is needed, and an end of the connection is none of the message. */
static inline void wait_for_more(
    enum http_framing framing, uint64_t length, const char *text, size_t n)
{
	struct decoded d;

	decode_all_ways(&d, framing, length, text, n);
	assert_false(d.refused || d.body.ended);
	assert_false(http_body_finish(&d.body) || d.body.ended);
	assert_int_equal(d.body.reason, REASON_OK);
}

static inline void refuse_bytes(const char *text, size_t n, enum reason reason)
{
	struct decoded d;
	size_t content;
	uint8_t byte = '\n';

	decode_all_ways(&d, HTTP_BODY_CHUNKED, 0, text, n);
	if (!d.refused || d.body.reason != reason)
		fail_msg("%s: %s", text, reason_row(d.body.reason)->log_name);
	assert_int_equal(http_body_decode(&d.body, &byte, 1, &content), -1);
	assert_int_equal(content, 0);
	assert_int_equal(d.body.reason, reason);
	assert_false(http_body_finish(&d.body));
}

/* Literals, which may hold NUL.  Chunked if nothing else is said. */
#define ACCEPT(text, content) \
	accept_bytes(HTTP_BODY_CHUNKED, 0, text, sizeof(text) - 1, content, sizeof(content) - 1)
#define MORE(text) wait_for_more(HTTP_BODY_CHUNKED, 0, text, sizeof(text) - 1)
#define REFUSE(text) refuse_bytes(text, sizeof(text) - 1, REASON_MALFORMED)

#endif
