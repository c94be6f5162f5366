/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_HEADS_H
#define TESTS_UNIT_HEADS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/http_head.h"

/* Heads of HTTP for tests: read whole and at every length before. */
#define HEAD_MAX 16384
#define GET "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n"

typedef int head_parser(struct http_head *head, const uint8_t *bytes, size_t length, size_t max);

/* From an allocation of exactly that length, so that the sanitizer sees a byte read too many. */
static inline int read_exact(
    head_parser *parser, struct http_head *head, const char *text, size_t length)
{
	uint8_t *exact = malloc(length);
	int got;

	assert_non_null(exact);
	memcpy(exact, text, length);
	got = parser(head, exact, length, HEAD_MAX);
	free(exact);
	return got;
}

/* It is whole at its last byte and not before.  Spans of *head point into `text`. */
static inline void accept_bytes(
    head_parser *parser, struct http_head *head, const char *text, size_t length)
{
	size_t step = length > 1024 ? 61 : 1;

	for (size_t n = 1; n < length; n += step)
		if (read_exact(parser, head, text, n) != 0)
			fail_msg("%s: decided after %zu bytes", text, n);
	if (read_exact(parser, head, text, length) != 1)
		fail_msg("%s: refused (%s)", text, reason_row(head->reason)->log_name);
	assert_int_equal(parser(head, (const uint8_t *)text, length, HEAD_MAX), 1);
	assert_int_equal(head->length, length);
}

/* It is refused, and for the same reason as soon as it is refused at all. */
static inline void refuse_bytes(
    head_parser *parser, const char *text, size_t length, enum reason reason)
{
	size_t step = length > 1024 ? 61 : 1;
	struct http_head head;
	bool refused = false;

	for (size_t n = 1; n <= length; n += n + step > length && n < length ? length - n : step) {
		int got = read_exact(parser, &head, text, n);

		if (got > 0 || (got == 0 && refused))
			fail_msg("%s: accepted at %zu bytes", text, n);
		refused = got < 0;
		if (refused && head.reason != reason)
			fail_msg("%s: refused as %s", text, reason_row(head.reason)->log_name);
	}
	if (!refused)
		fail_msg("%s: not refused", text);
}

/* Literals, which may hold NUL. */
#define ACCEPT(head, text) accept_bytes(http_head_request, head, text, sizeof(text) - 1)
#define REFUSE(text, reason) refuse_bytes(http_head_request, text, sizeof(text) - 1, reason)
#define ACCEPT_RESPONSE(head, text) accept_bytes(http_head_response, head, text, sizeof(text) - 1)
#define REFUSE_RESPONSE(text, reason) \
	refuse_bytes(http_head_response, text, sizeof(text) - 1, reason)

static inline void assert_span(struct span span, const char *text)
{
	assert_int_equal(span.length, strlen(text));
	assert_memory_equal(span.text, text, span.length);
}

static inline void assert_target(const struct http_head *head, const char *expected)
{
	char text[TARGET_TEXT];

	assert_string_equal(target_format(&head->target, text), expected);
}

#endif
