/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_HTTP_SERVING_H
#define TESTS_UNIT_HTTP_SERVING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/transcript.h"

/* HTTP as a server, for the tests of CONNECT and of requests that are to be forwarded. */

#define OPEN BYTES("\0")
#define CLOSED BYTES("\2")
#define EITHER BYTES("\2\0")
#define CONNECT(target, fields) "CONNECT " target " HTTP/1.1\r\nHost: h\r\n" fields "\r\n"
#define LOGIN(token) "Proxy-Authorization: Basic " token "\r\n"
#define ALADDIN LOGIN("QWxhZGRpbjpvcGVuIHNlc2FtZQ==")

#define STATUS(error) "Proxy-Status: hopgate; error=" error "\r\n"
#define CHALLENGE "Proxy-Authenticate: Basic realm=\"hopgate\", charset=\"UTF-8\"\r\n"

/* An error as it is to be; valid until the third after it. */
static inline struct bytes error(const char *line, const char *fields, const char *body)
{
	static char texts[3][2048];
	static unsigned turn;
	char *text = texts[turn++ % 3];
	int n = snprintf(text, sizeof(texts[0]),
	    "HTTP/1.1 %s\r\n"
	    "Connection: close\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s"
	    "Content-Length: %zu\r\n"
	    "\r\n"
	    "%s\n",
	    line, fields, strlen(body) + 1, body);

	assert_in_range(n, 1, sizeof(texts[0]) - 1);
	return (struct bytes){text, (size_t)n};
}

static inline struct bytes bad_request(const char *body)
{
	return error("400 Bad Request", STATUS("http_request_error"), body);
}

static inline struct bytes challenge(const char *body)
{
	return error("407 Proxy Authentication Required", CHALLENGE, body);
}

#define MALFORMED bad_request("the request is malformed")
#define REQUIRED challenge("authentication is required")
#define WRONG challenge("wrong user name or password")

static inline void granted(struct bytes methods, struct bytes request, const char *target)
{
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = methods,
	    .turns = {{request, {0}}},
	    .end = HS_DONE,
	    .target = target});
}

static inline void refused(
    struct bytes methods, struct bytes request, struct bytes answer, enum reason reason)
{
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = methods,
	    .turns = {{request, answer}},
	    .end = HS_FAIL,
	    .reason = reason});
}

/* Which user and password a request brings. */
static inline void logged_in(struct bytes request, struct bytes user, struct bytes password)
{
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = CLOSED,
	    .user = user,
	    .password = password,
	    .turns = {{request, {0}}},
	    .end = HS_DONE});
}

static inline void answered(enum reason reason, const char *text, struct bytes answer)
{
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES(CONNECT("h:443", "")), {0}}},
	    .end = HS_DONE,
	    .answer = reason,
	    .answer_text = text,
	    .answered = answer});
}

#define GRANTED(request, target) granted((struct bytes)OPEN, (struct bytes)BYTES(request), target)
#define REFUSED(request, answer, reason) \
	refused((struct bytes)OPEN, (struct bytes)BYTES(request), answer, reason)
#define CLOSED_TO(request, answer, reason) \
	refused((struct bytes)CLOSED, (struct bytes)BYTES(request), answer, reason)

#endif
