/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_REQUESTS_H
#define TESTS_UNIT_REQUESTS_H

#include "gateway/http_request.h"
#include "tests/unit/heads.h"

/* Requests for tests, as a proxy reads them and says them again. */
#define PROXY "proxy" /* our pseudonym */
#define VIA "Via: 1.1 " PROXY "\r\n"
#define HOST "Host: h\r\n"

static const struct http_request_plan visible = {.pseudonym = PROXY};
static const struct http_request_plan transparent = {.pseudonym = NULL};

static inline enum reason judge(
    struct http_request *request, struct http_head *head, const char *text, const char *pseudonym)
{
	int got = http_head_request(head, (const uint8_t *)text, strlen(text), HEAD_MAX);

	if (got != 1 || head->length != strlen(text))
		fail_msg("%s: no head (%s)", text, reason_row(head->reason)->log_name);
	return http_request_read(request, head, pseudonym);
}

static inline struct http_request read_request(const char *text)
{
	struct http_request request;
	struct http_head head;
	enum reason reason = judge(&request, &head, text, PROXY);

	if (reason != REASON_OK)
		fail_msg("%s: %s", text, reason_row(reason)->log_name);
	return request;
}

static inline void refuse_request(const char *text, enum reason expected)
{
	struct http_request request;
	struct http_head head;
	enum reason reason = judge(&request, &head, text, PROXY);

	if (reason != expected)
		fail_msg("%s: %s", text, reason_row(reason)->log_name);
}

static inline void assert_bytes(const struct buffer *out, const char *expected)
{
	size_t n = buffer_length(out);

	if (n != strlen(expected) || memcmp(buffer_bytes(out), expected, n) != 0)
		fail_msg(
		    "said:\n%.*s\nnot:\n%s", (int)n, (const char *)buffer_bytes(out), expected);
}

/* It fits where it is promised to, and where it does not fit that is said. */
static inline void pass_request(
    const struct http_request_plan *how, const char *text, const char *expected)
{
	struct http_request_plan plan = *how;
	struct http_request request;
	struct http_head head;
	struct buffer out;

	assert_int_equal(judge(&request, &head, text, plan.pseudonym), REASON_OK);
	plan.head = &head;
	plan.request = &request;
	buffer_init(&out, NULL, HTTP_REQUEST_MAX(head.length));
	assert_true(http_request_write(&out, &plan));
	assert_bytes(&out, expected);
	buffer_clear(&out);
	for (size_t max = 0; max < strlen(expected); max++) {
		buffer_init(&out, NULL, max);
		assert_false(http_request_write(&out, &plan));
		buffer_clear(&out);
	}
}

#endif
