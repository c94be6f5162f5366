/* SPDX-License-Identifier: ISC */
/* HTTP as a server of requests that are to be forwarded: what it lets pass, and refuses. */
#include "config.h"

#include "tests/unit/http_serving.h"

/* The head of a request that is to be forwarded stays where it is: others write it anew. */
static void forwarded(struct bytes methods, struct bytes request, const char *target)
{
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = methods,
	    .turns = {{request, {0}}},
	    .end = HS_DONE,
	    .command = COMMAND_HTTP,
	    .target = target,
	    .left = request});
}

#define FORWARDED(request, target) \
	forwarded((struct bytes)OPEN, (struct bytes)BYTES(request), target)

static void row_150_absolute_form_is_forwarded(void **state)
{
	(void)state;
	FORWARDED("GET http://h.example/ HTTP/1.1\r\nHost: other\r\n\r\n", "h.example:80");
	FORWARDED("GET http://h.example:8080?q HTTP/1.0\r\n\r\n", "h.example:8080");
	FORWARDED("POST http://[2001:db8::1]/ HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody",
	    "[2001:db8::1]:80");
}

static void row_155_other_forms_are_not(void **state)
{
	struct bytes bodiless = MALFORMED;

	(void)state;
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\n\r\n", MALFORMED, REASON_MALFORMED);
	REFUSED("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", MALFORMED, REASON_MALFORMED);
	/* No body where the client will not read one. */
	bodiless.length -= strlen("the request is malformed\n");
	REFUSED("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", bodiless, REASON_MALFORMED);
}

static void row_224_other_schemes_are_not(void **state)
{
	struct bytes answer =
	    error("501 Not Implemented", STATUS("http_request_error"), "only http is forwarded");

	(void)state;
	REFUSED("GET https://h/ HTTP/1.1\r\nHost: h\r\n\r\n", answer, REASON_BAD_SCHEME);
	REFUSED("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", answer, REASON_BAD_SCHEME);
}

/* A client that may go on is not told that the connection closes. */
static void a_request_without_content_may_be_followed(void **state)
{
	static const char keeps[] =
	    "HTTP/1.1 407 Proxy Authentication Required\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n" CHALLENGE "Content-Length: 27\r\n"
	    "\r\nauthentication is required\n";

	(void)state;
	refused((struct bytes)CLOSED,
	    (struct bytes)BYTES("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
	    (struct bytes)BYTES(keeps), REASON_AUTH_REQUIRED);
	refused((struct bytes)CLOSED,
	    (struct bytes)BYTES("GET http://h/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
	    REQUIRED, REASON_AUTH_REQUIRED);
	refused((struct bytes)CLOSED,
	    (struct bytes)BYTES("PUT http://h/ HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"),
	    REQUIRED, REASON_AUTH_REQUIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_150_absolute_form_is_forwarded),
	    cmocka_unit_test(row_155_other_forms_are_not),
	    cmocka_unit_test(row_224_other_schemes_are_not),
	    cmocka_unit_test(a_request_without_content_may_be_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
