/* SPDX-License-Identifier: ISC */
/* HTTP CONNECT towards a hop. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/transcript.h"

#define ASKED BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n")
#define OK "HTTP/1.1 200 Connection established\r\n\r\n"

static void asked(const char *target, struct bytes request)
{
	transcript_run(&(struct transcript){.client = http_client_init,
	    .target = target,
	    .turns = {{{0}, request}, {BYTES(OK), {0}}},
	    .end = HS_DONE});
}

static void granted(struct bytes response, struct bytes left)
{
	transcript_run(&(struct transcript){.client = http_client_init,
	    .target = "h:443",
	    .turns = {{{0}, ASKED}, {response, {0}}},
	    .end = HS_DONE,
	    .left = left});
}

static void refused(struct bytes response, enum reason reason, int detail)
{
	transcript_run(&(struct transcript){.client = http_client_init,
	    .target = "h:443",
	    .turns = {{{0}, ASKED}, {response, {0}}},
	    .end = HS_FAIL,
	    .reason = reason,
	    .detail = detail});
}

static void truncated(struct bytes response, enum reason reason, int detail)
{
	transcript_run(&(struct transcript){.client = http_client_init,
	    .target = "h:443",
	    .turns = {{{0}, ASKED}, {response, {0}}},
	    .ended = true,
	    .end = HS_FAIL,
	    .reason = reason,
	    .detail = detail});
}

#define ASK(target, request) asked(target, (struct bytes)BYTES(request))
#define GRANTED(response, left) \
	granted((struct bytes)BYTES(response left), (struct bytes)BYTES(left))
#define REFUSED(response, reason, detail) refused((struct bytes)BYTES(response), reason, detail)
#define TRUNCATED(response, reason, detail) truncated((struct bytes)BYTES(response), reason, detail)

static void row_167_status_lines(void **state)
{
	(void)state;
	GRANTED("HTTP/1.0 200\r\n\r\n", "");
	REFUSED("HTTP/1.1 2000 OK\r\n\r\n", REASON_HOP_PROTOCOL, 0);
	REFUSED("ICY 200 OK\r\n\r\n", REASON_HOP_PROTOCOL, 0);
	REFUSED("SSH-2.0-OpenSSH_9.2\r\n", REASON_HOP_PROTOCOL, 0);
	REFUSED("\5\xff\n", REASON_HOP_PROTOCOL, 0);
}

static void row_182_framing_of_a_2xx_is_not_looked_at(void **state)
{
	(void)state;
	GRANTED("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "12345");
	GRANTED(
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n", "5\r\n");
	GRANTED("HTTP/1.1 204 No Content\r\n\r\n", "x");
	GRANTED("HTTP/1.1 299 Fine\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "");
}

static void row_227_targets(void **state)
{
	(void)state;
	ASK("www.example.com:443",
	    "CONNECT www.example.com:443 HTTP/1.1\r\n"
	    "Host: www.example.com:443\r\n\r\n");
	ASK("192.0.2.1:80", "CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n");
	ASK("[2001:db8::1]:80",
	    "CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n");
}

static void row_236_interim_responses_are_skipped(void **state)
{
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
	char response[17 * (sizeof(interim) - 1) + sizeof(OK)];
	size_t n = 0;

	(void)state;
	GRANTED("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK, "data");
	while (n < 16 * (sizeof(interim) - 1)) {
		memcpy(response + n, interim, sizeof(interim) - 1);
		n += sizeof(interim) - 1;
	}
	memcpy(response + n, OK, sizeof(OK));
	granted((struct bytes){response, n + sizeof(OK) - 1}, (struct bytes){0});
	memcpy(response + n, interim, sizeof(interim));
	n += sizeof(interim) - 1;
	memcpy(response + n, OK, sizeof(OK));
	refused((struct bytes){response, n + sizeof(OK) - 1}, REASON_HOP_PROTOCOL, 0);
	REFUSED("HTTP/1.1 101 Switching Protocols\r\n\r\n", REASON_HOP_PROTOCOL, 0);
}

static void row_237_head_is_bounded_and_ends_exactly(void **state)
{
	static char response[CLIENT_HANDSHAKE_MAX + 100] = "HTTP/1.1 200 OK\r\n";
	size_t n = strlen(response);

	(void)state;
	GRANTED("HTTP/1.1 200 OK\r\nVia: x\r\n\r\n", "\0\r\nSSH-2.0");
	while (n < sizeof(response)) {
		size_t line = sizeof(response) - n < 4096 ? sizeof(response) - n : 4096;

		memset(response + n, 'x', line);
		memcpy(response + n, "X:", 2);
		memcpy(response + n + line - 2, "\r\n", 2);
		n += line;
	}
	refused((struct bytes){response, sizeof(response)}, REASON_HOP_PROTOCOL, 0);
	memcpy(response + CLIENT_HANDSHAKE_MAX - 4, "\r\n\r\n", 4);
	granted((struct bytes){response, CLIENT_HANDSHAKE_MAX}, (struct bytes){0});
}

static void row_240_refusals_of_the_hop(void **state)
{
	(void)state;
	REFUSED("HTTP/1.1 403 Forbidden\r\n\r\n", REASON_HOP_DENIED, 403);
	REFUSED("HTTP/1.1 407 Proxy Authentication Required\r\n"
	        "Proxy-Authenticate: Basic\r\n\r\n",
	    REASON_HOP_AUTH, 407);
	REFUSED("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno\n", REASON_HOP_BAD_GATEWAY,
	    502);
	REFUSED("HTTP/1.1 503 Service Unavailable\r\n\r\n", REASON_HOP_UNAVAILABLE, 503);
	REFUSED("HTTP/1.0 504 Gateway Timeout\r\n\r\n", REASON_HOP_GATEWAY_TIMEOUT, 504);
	REFUSED("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", REASON_HOP_FAILED, 302);
	REFUSED("HTTP/1.1 500 Oops\r\n\r\n", REASON_HOP_FAILED, 500);
	REFUSED("HTTP/1.1 999 ?\r\n\r\n", REASON_HOP_FAILED, 999);
}

static void row_047_truncated_refusal(void **state)
{
	(void)state;
	TRUNCATED("HTTP/1.1 503 Service Unavailable\r\n", REASON_HOP_UNAVAILABLE, 503);
	TRUNCATED("HTTP/1.1 403 Forbidden\r\nServer: x", REASON_HOP_DENIED, 403);
	TRUNCATED("HTTP/1.1 200 OK\r\nServer: x", REASON_HOP_CLOSED, 0);
	TRUNCATED("HTTP/1.1 403", REASON_HOP_CLOSED, 0);
	TRUNCATED("", REASON_HOP_CLOSED, 0);
}

static void row_245_credentials(void **state)
{
	struct transcript t = {.client = http_client_init,
	    .target = "h:443",
	    .user = BYTES("Aladdin"),
	    .password = BYTES("open sesame"),
	    .turns = {{{0},
	                  BYTES("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: "
	                        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n")},
	        {BYTES(OK), {0}}},
	    .end = HS_DONE};

	(void)state;
	transcript_run(&t);
	/* A hop would split it elsewhere than we meant. */
	t.user = (struct bytes)BYTES("a:b");
	t.turns[0].ours = (struct bytes){0};
	t.end = HS_FAIL;
	t.reason = REASON_HOP_AUTH;
	transcript_run(&t);
}

static void longest_message_fits(void **state)
{
	char target[300], user[255];

	(void)state;
	memset(user, 'u', sizeof(user));
	memset(target, 'a', 253);
	for (size_t i = 63; i < 253; i += 64)
		target[i] = '.';
	memcpy(target + 253, ":65535", 7);

	struct request request = {.command = COMMAND_CONNECT};
	struct credentials credentials = {.user_length = 255, .password_length = 255};
	struct buffer in, out;
	struct handshake h;

	memcpy(credentials.user, user, 255);
	memcpy(credentials.password, user, 255);
	assert_null(target_parse(&request.target, target, strlen(target)));
	buffer_init(&in, NULL, CLIENT_HANDSHAKE_MAX);
	buffer_init(&out, NULL, HANDSHAKE_SAYS_MAX);
	http_client_init(&h, &request, &credentials);
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_MORE);
	assert_in_range(buffer_length(&out), 1200, HANDSHAKE_SAYS_MAX);
	buffer_clear(&out);
	handshake_clear(&h);
}

static void other_commands_are_not_asked_for(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = http_client_init,
	    .command = COMMAND_BIND,
	    .target = "h:443",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_COMMAND});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_167_status_lines),
	    cmocka_unit_test(row_182_framing_of_a_2xx_is_not_looked_at),
	    cmocka_unit_test(row_227_targets),
	    cmocka_unit_test(row_236_interim_responses_are_skipped),
	    cmocka_unit_test(row_237_head_is_bounded_and_ends_exactly),
	    cmocka_unit_test(row_240_refusals_of_the_hop),
	    cmocka_unit_test(row_047_truncated_refusal),
	    cmocka_unit_test(row_245_credentials),
	    cmocka_unit_test(longest_message_fits),
	    cmocka_unit_test(other_commands_are_not_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
