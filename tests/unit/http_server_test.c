/* SPDX-License-Identifier: ISC */
/* HTTP as a server of CONNECT; a test is named after its row of the list of conformance. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/base64.h"
#include "tests/unit/http_serving.h"

static void row_149_host_is_demanded(void **state)
{
	(void)state;
	REFUSED("CONNECT h:443 HTTP/1.1\r\n\r\n", MALFORMED, REASON_MALFORMED);
	GRANTED("CONNECT h:443 HTTP/1.0\r\n\r\n", "h:443");
}

static void row_166_head_is_bounded(void **state)
{
	static char request[SERVER_HANDSHAKE_MAX + 100] =
	    "CONNECT h:443 HTTP/1.1\r\nHost: h\r\nX: ";
	struct bytes answer = error("431 Request Header Fields Too Large",
	    STATUS("http_request_error"), "the request is too large");

	(void)state;
	memset(request + strlen(request), 'x', sizeof(request) - strlen(request));
	refused(
	    (struct bytes)OPEN, (struct bytes){request, sizeof(request)}, answer, REASON_TOO_LARGE);
	refused((struct bytes)OPEN, (struct bytes){request, SERVER_HANDSHAKE_MAX}, answer,
	    REASON_TOO_LARGE);
	memcpy(request + SERVER_HANDSHAKE_MAX - 4, "\r\n\r\n", 4);
	granted((struct bytes)OPEN, (struct bytes){request, SERVER_HANDSHAKE_MAX}, "h:443");
}

static void row_227_target_of_connect(void **state)
{
	(void)state;
	GRANTED(CONNECT("www.Example.com.:443", ""), "www.example.com:443");
	GRANTED(CONNECT("192.0.2.1:1", ""), "192.0.2.1:1");
}

static void bad(struct bytes request, enum reason reason)
{
	refused((struct bytes)OPEN, request, bad_request(reason_row(reason)->text), reason);
}

#define BAD(target, reason) bad((struct bytes)BYTES(CONNECT(target, "")), reason)

static void row_227_bad_targets_of_connect(void **state)
{
	(void)state;
	BAD("h", REASON_BAD_PORT);
	BAD("h:", REASON_BAD_PORT);
	BAD("h:0", REASON_BAD_PORT);
	BAD("h:99999", REASON_BAD_PORT);
	BAD("h:80x", REASON_BAD_PORT);
	BAD("h:+80", REASON_BAD_PORT);
	BAD(":443", REASON_BAD_NAME);
	BAD("u@h:443", REASON_BAD_NAME);
	BAD("0x7f.1:80", REASON_BAD_NAME);
	BAD("h/x:80", REASON_BAD_NAME);
}

static void row_228_success_has_no_framing(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES(CONNECT("h:443", "") "\x16\3\1"), {0}}},
	    .end = HS_DONE,
	    .target = "h:443",
	    .left = BYTES("\x16\3\1"),
	    .answer_bound = "192.0.2.1:80",
	    .answered = BYTES("HTTP/1.1 200 Connection established\r\n\r\n")});
}

static void row_230_refusal_closes(void **state)
{
	(void)state;
	/* What was smuggled behind it is not looked at. */
	CLOSED_TO(CONNECT("h:443", "") "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", REQUIRED,
	    REASON_AUTH_REQUIRED);
}

static void row_233_host_field_does_not_matter(void **state)
{
	(void)state;
	GRANTED("CONNECT a:443 HTTP/1.1\r\nHost: b:80\r\n\r\n", "a:443");
}

static void row_234_ipv6_targets(void **state)
{
	(void)state;
	GRANTED(CONNECT("[2001:db8::1]:443", ""), "[2001:db8::1]:443");
	GRANTED(CONNECT("[::ffff:192.0.2.1]:443", ""), "192.0.2.1:443");
	BAD("2001:db8::1:443", REASON_BAD_NAME);
	BAD("[2001:db8::1]", REASON_BAD_PORT);
	BAD("[fe80::1%25eth0]:443", REASON_BAD_NAME);
	BAD("[h]:443", REASON_BAD_NAME);
	BAD("[192.0.2.1]:443", REASON_BAD_NAME);
}

static void row_235_connect_with_content(void **state)
{
	(void)state;
	REFUSED(CONNECT("h:443", "Content-Length: 0\r\n"), MALFORMED, REASON_MALFORMED);
	REFUSED(CONNECT("h:443", "Content-Length: 4\r\n") "body", MALFORMED, REASON_MALFORMED);
	REFUSED(CONNECT("h:443", "Transfer-Encoding: chunked\r\n"), MALFORMED, REASON_MALFORMED);
}

static void row_236_answer_to_http_1_0(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("CONNECT h:443 HTTP/1.0\r\n\r\n"), {0}}},
	    .end = HS_DONE,
	    .answered = BYTES("HTTP/1.1 200 Connection established\r\n\r\n")});
}

static void row_238_407_with_a_challenge(void **state)
{
	(void)state;
	CLOSED_TO(CONNECT("h:443", ""), REQUIRED, REASON_AUTH_REQUIRED);
	CLOSED_TO(
	    CONNECT("h:443", "Authorization: Basic YTpi\r\n"), REQUIRED, REASON_AUTH_REQUIRED);
	CLOSED_TO(
	    CONNECT("h:443", "Proxy-Authorization: Digest x\r\n"), REQUIRED, REASON_AUTH_REQUIRED);
	granted((struct bytes)EITHER, (struct bytes)BYTES(CONNECT("h:443", "")), "h:443");
	/* A password would not help: no challenge. */
	transcript_run(&(struct transcript){.server = http_server_init,
	    .refusal = REASON_NOT_IDENTIFIED,
	    .turns = {{BYTES(CONNECT("h:443", "")),
	        error("403 Forbidden", STATUS("http_request_denied"),
	            "nothing tells who the client is")}},
	    .end = HS_FAIL,
	    .reason = REASON_NOT_IDENTIFIED});
	/* Nobody here could say whether they are right. */
	GRANTED(CONNECT("h:443", ALADDIN), "h:443");
}

static void row_238_wrong_credentials(void **state)
{
	struct transcript t = {.server = http_server_init,
	    .methods = EITHER,
	    .user = BYTES("Aladdin"),
	    .password = BYTES("open sesame"),
	    .verdict = REASON_AUTH_FAILED,
	    .turns = {{BYTES(CONNECT("h:443", ALADDIN)), WRONG}},
	    .end = HS_FAIL,
	    .reason = REASON_AUTH_FAILED};

	(void)state;
	transcript_run(&t);
	t.verdict = t.reason = REASON_AUTH_UNAVAILABLE;
	t.turns[0].ours = error("503 Service Unavailable", STATUS("proxy_internal_error"),
	    "the password could not be checked");
	transcript_run(&t);
}

static void row_242_statuses_of_failures(void **state)
{
	(void)state;
	answered(REASON_NAME_NOT_FOUND, NULL,
	    error("502 Bad Gateway", STATUS("dns_error"), "the name does not exist"));
	answered(REASON_NAME_TIMEOUT, NULL,
	    error("504 Gateway Timeout", STATUS("dns_timeout"), "the name servers did not answer"));
	answered(REASON_REFUSED, NULL,
	    error("502 Bad Gateway", STATUS("connection_refused"), "connection refused"));
	answered(REASON_TIMEOUT, NULL,
	    error("504 Gateway Timeout", STATUS("connection_timeout"), "connecting took too long"));
	answered(REASON_LIMIT, NULL,
	    error("503 Service Unavailable", STATUS("connection_limit_reached"),
	        "too many sessions"));
	answered(REASON_LOOP, NULL,
	    error("502 Bad Gateway", STATUS("proxy_loop_detected"),
	        "the gateway would connect to itself"));
}

static void row_243_proxy_status_of_denials(void **state)
{
	(void)state;
	answered(REASON_DENIED, NULL,
	    error("403 Forbidden", STATUS("http_request_denied"), "not allowed"));
	/* 405 must say what is allowed: nothing. */
	answered(REASON_COMMAND_DENIED, NULL,
	    error("405 Method Not Allowed", "Allow:\r\n" STATUS("http_request_denied"),
	        "command not allowed here"));
}

static void row_244_bodies_reflect_nothing(void **state)
{
	char text[1400], cut[1024] = "";

	(void)state;
	answered(REASON_REJECTED, "no mail\r\nfrom\x1b here \xc3\xa4",
	    error("403 Forbidden", STATUS("http_request_denied"), "no mail??from? here \xc3\xa4"));
	/* A long text is cut between two characters. */
	memset(text, 'x', 1023);
	memcpy(text + 1023, "\xc3\xa4\xc3\xa4", 5);
	memset(cut, 'x', 1023);
	answered(REASON_REJECTED, text, error("403 Forbidden", STATUS("http_request_denied"), cut));
}

static void row_246_first_colon_splits(void **state)
{
	(void)state;
	logged_in((struct bytes)BYTES(CONNECT("h:443", ALADDIN)), (struct bytes)BYTES("Aladdin"),
	    (struct bytes)BYTES("open sesame"));
	logged_in((struct bytes)BYTES(CONNECT("h:443", LOGIN("dTphOmI="))),
	    (struct bytes)BYTES("u"), (struct bytes)BYTES("a:b"));
	logged_in(
	    (struct bytes)BYTES(CONNECT("h:443", "proxy-authorization:  bASIC   dTphOmI= \r\n")),
	    (struct bytes)BYTES("u"), (struct bytes)BYTES("a:b"));
	logged_in((struct bytes)BYTES(CONNECT("h:443", LOGIN("w7w6w6Q="))),
	    (struct bytes)BYTES("\xc3\xbc"), (struct bytes)BYTES("\xc3\xa4"));
}

static void row_247_control_characters(void **state)
{
	(void)state;
	CLOSED_TO(CONNECT("h:443", LOGIN("dTphAGI=")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("dQo6YQ==")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("dTp/")), WRONG, REASON_AUTH_FAILED);
}

static void row_248_base64_that_is_none(void **state)
{
	char request[2048];
	int n;

	(void)state;
	CLOSED_TO(CONNECT("h:443", LOGIN("dTphOmI")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("dTph OmI=")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("dTphO_-=")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("")), REQUIRED, REASON_AUTH_REQUIRED);
	CLOSED_TO(CONNECT("h:443", "Proxy-Authorization:\r\n"), REQUIRED, REASON_AUTH_REQUIRED);
	CLOSED_TO(CONNECT("h:443", LOGIN("dXA=")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("OnA=")), WRONG, REASON_AUTH_FAILED);
	CLOSED_TO(CONNECT("h:443", LOGIN("dTo=")), WRONG, REASON_AUTH_FAILED);
	n = sprintf(request, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic ");
	memset(request + n, 'e', 1400);
	strcpy(request + n + 1400, "\r\n\r\n");
	refused((struct bytes)CLOSED, (struct bytes){request, strlen(request)}, WRONG,
	    REASON_AUTH_FAILED);
}

static void longest_name_and_password(void **state)
{
	char pair[2 * CREDENTIAL_MAX + 2], text[BASE64_LENGTH(sizeof(pair)) + 1], request[1024];

	(void)state;
	memset(pair, 'x', sizeof(pair));
	pair[CREDENTIAL_MAX] = ':';
	for (size_t extra = 0; extra < 2; extra++) {
		base64_encode(text, (const uint8_t *)pair, 2 * CREDENTIAL_MAX + 1 + extra);
		sprintf(request, CONNECT("h:443", LOGIN("%s")), text);
		if (extra > 0)
			refused((struct bytes)CLOSED, (struct bytes){request, strlen(request)},
			    WRONG, REASON_AUTH_FAILED);
		else
			logged_in((struct bytes){request, strlen(request)},
			    (struct bytes){pair, CREDENTIAL_MAX},
			    (struct bytes){pair + CREDENTIAL_MAX + 1, CREDENTIAL_MAX});
	}
	memmove(pair + 1, pair, CREDENTIAL_MAX + 3);
	base64_encode(text, (const uint8_t *)pair, CREDENTIAL_MAX + 3);
	sprintf(request, CONNECT("h:443", LOGIN("%s")), text);
	refused((struct bytes)CLOSED, (struct bytes){request, strlen(request)}, WRONG,
	    REASON_AUTH_FAILED);
}

static void row_253_credentials_said_twice(void **state)
{
	(void)state;
	CLOSED_TO(CONNECT("h:443", ALADDIN ALADDIN), MALFORMED, REASON_MALFORMED);
}

static void row_058_unspecified_address(void **state)
{
	(void)state;
	REFUSED(CONNECT("0.0.0.0:80", ""),
	    error("403 Forbidden", STATUS("destination_ip_prohibited"),
	        "the gateway's own addresses are closed"),
	    REASON_OWN_DOOR);
}

static void refusal_in_the_middle(void **state)
{
	static const struct bytes places[] = {
	    {0}, BYTES("CONN"), BYTES("CONNECT h:1 HTTP/1.1\r\n")};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		transcript_run(&(struct transcript){.server = http_server_init,
		    .methods = CLOSED,
		    .turns = {{places[i], {0}}},
		    .end = HS_MORE,
		    .answer = REASON_HANDSHAKE_TIMEOUT,
		    .answered = error("408 Request Timeout", "", "the handshake took too long")});
}

static void refusal_is_said_once(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = http_server_init,
	    .methods = CLOSED,
	    .turns = {{BYTES(CONNECT("h:443", "")), REQUIRED}},
	    .end = HS_FAIL,
	    .reason = REASON_AUTH_REQUIRED,
	    .answer = REASON_AUTH_REQUIRED,
	    .answered = BYTES("")});
}

/* 500 stands for what the table of statuses does not know: only an internal error may say it. */
static void every_reason_has_its_status(void **state)
{
	const uint8_t none[] = {METHOD_NO_AUTH};
	struct handshake h;
	struct buffer out;
	char line[64];

	(void)state;
	http_server_init(&h, none, 1);
	for (enum reason reason = REASON_CLOSED + 1; reason < REASON_COUNT; reason++) {
		int n = sprintf(line, "HTTP/1.1 %u ", reason_row(reason)->http);

		buffer_init(&out, NULL, HANDSHAKE_SAYS_MAX);
		h.ops->answer(&h, reason, NULL, NULL, &out);
		assert_memory_equal(buffer_bytes(&out), line, n);
		buffer_clear(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_149_host_is_demanded),
	    cmocka_unit_test(row_166_head_is_bounded),
	    cmocka_unit_test(row_227_target_of_connect),
	    cmocka_unit_test(row_227_bad_targets_of_connect),
	    cmocka_unit_test(row_228_success_has_no_framing),
	    cmocka_unit_test(row_230_refusal_closes),
	    cmocka_unit_test(row_233_host_field_does_not_matter),
	    cmocka_unit_test(row_234_ipv6_targets),
	    cmocka_unit_test(row_235_connect_with_content),
	    cmocka_unit_test(row_236_answer_to_http_1_0),
	    cmocka_unit_test(row_238_407_with_a_challenge),
	    cmocka_unit_test(row_238_wrong_credentials),
	    cmocka_unit_test(row_242_statuses_of_failures),
	    cmocka_unit_test(row_243_proxy_status_of_denials),
	    cmocka_unit_test(row_244_bodies_reflect_nothing),
	    cmocka_unit_test(row_246_first_colon_splits),
	    cmocka_unit_test(row_247_control_characters),
	    cmocka_unit_test(row_248_base64_that_is_none),
	    cmocka_unit_test(longest_name_and_password),
	    cmocka_unit_test(row_253_credentials_said_twice),
	    cmocka_unit_test(row_058_unspecified_address),
	    cmocka_unit_test(refusal_in_the_middle),
	    cmocka_unit_test(refusal_is_said_once),
	    cmocka_unit_test(every_reason_has_its_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
