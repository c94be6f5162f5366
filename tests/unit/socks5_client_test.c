/* SPDX-License-Identifier: ISC */
/* SOCKS5 towards a hop. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/transcript.h"

#define HELLO BYTES("\5\1\0")
#define HELLO_BOTH BYTES("\5\2\0\2")
#define NO_AUTH BYTES("\5\0")
#define PASSWORD BYTES("\5\2")
#define LOGIN BYTES("\1\4user\4pass")
#define RIGHT BYTES("\1\0")
#define REQUEST BYTES("\5\1\0\1\xc0\0\2\1\0\x50")
#define GRANT BYTES("\5\0\0\1\xc6\x33\x64\7\x10\0")
#define TARGET "192.0.2.1:80"

static void asked(const char *target, struct bytes request)
{
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = target,
	    .turns = {{{0}, HELLO}, {NO_AUTH, request}, {GRANT, {0}}},
	    .end = HS_DONE,
	    .bound = "198.51.100.7:4096"});
}

static void replied(struct bytes reply, const char *bound, struct bytes left)
{
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .turns = {{{0}, HELLO}, {NO_AUTH, REQUEST}, {reply, {0}}},
	    .end = HS_DONE,
	    .bound = bound,
	    .left = left});
}

static void refused(struct bytes reply, enum reason reason, int detail)
{
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .turns = {{{0}, HELLO}, {NO_AUTH, REQUEST}, {reply, {0}}},
	    .end = HS_FAIL,
	    .reason = reason,
	    .detail = detail});
}

static void greeted(
    struct bytes user, struct bytes hello, struct bytes method, enum reason reason, int detail)
{
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .user = user,
	    .turns = {{{0}, hello}, {method, {0}}},
	    .end = HS_FAIL,
	    .reason = reason,
	    .detail = detail});
}

#define ASKED(target, request) asked(target, (struct bytes)BYTES(request))
#define REFUSED(reply, reason, detail) refused((struct bytes)BYTES(reply), reason, detail)

static void row_021_nothing_offered_but_what_we_have(void **state)
{
	(void)state;
	ASKED(TARGET, "\5\1\0\1\xc0\0\2\1\0\x50");
}

static void row_022_methods_that_were_not_offered(void **state)
{
	(void)state;
	greeted((struct bytes){0}, (struct bytes)HELLO, (struct bytes)BYTES("\5\2"),
	    REASON_HOP_PROTOCOL, 2);
	greeted((struct bytes){0}, (struct bytes)HELLO, (struct bytes)BYTES("\5\1"),
	    REASON_HOP_PROTOCOL, 1);
	greeted((struct bytes)BYTES("user"), (struct bytes)HELLO_BOTH, (struct bytes)BYTES("\5\1"),
	    REASON_HOP_PROTOCOL, 1);
}

static void row_023_no_method_ends_it(void **state)
{
	(void)state;
	greeted((struct bytes){0}, (struct bytes)HELLO, (struct bytes)BYTES("\5\xff"),
	    REASON_HOP_AUTH, 0xff);
	greeted((struct bytes)BYTES("user"), (struct bytes)HELLO_BOTH,
	    (struct bytes)BYTES("\5\xff"), REASON_HOP_AUTH, 0xff);
}

static void row_028_other_version(void **state)
{
	(void)state;
	greeted((struct bytes){0}, (struct bytes)HELLO,
	    (struct bytes)BYTES("HTTP/1.0 400 Bad Request"), REASON_HOP_PROTOCOL, 0);
	greeted((struct bytes){0}, (struct bytes)HELLO, (struct bytes)BYTES("\0\x5b"),
	    REASON_HOP_PROTOCOL, 0);
	REFUSED("\4\0\0\1\0\0\0\0\0\0", REASON_HOP_PROTOCOL, 0);
}

static void row_035_addresses_of_the_target(void **state)
{
	(void)state;
	ASKED("192.0.2.1:65535", "\5\1\0\1\xc0\0\2\1\xff\xff");
	ASKED("[2001:db8::1]:443", "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb");
	ASKED("[::ffff:192.0.2.1]:80", "\5\1\0\1\xc0\0\2\1\0\x50");
}

static void row_036_name_travels(void **state)
{
	char target[300], request[3 + 2 + 253 + 2] = "\5\1\0\3\xfd";

	(void)state;
	ASKED("www.example.com:443", "\5\1\0\3\17www.example.com\1\xbb");
	memset(target, 'a', 253);
	for (size_t i = 63; i < 253; i += 64)
		target[i] = '.';
	memcpy(request + 5, target, 253);
	memcpy(request + 258, "\0\x50", 2);
	memcpy(target + 253, ":80", 4);
	asked(target, (struct bytes){request, sizeof(request)});
}

static void row_046_bound_address_of_any_type_and_length(void **state)
{
	char reply[5 + 255 + 2 + 4] = "\5\0\0\3";

	(void)state;
	replied((struct bytes)BYTES("\5\0\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x10\0"),
	    "[2001:db8::1]:4096", (struct bytes){0});
	replied((struct bytes)BYTES("\5\0\0\3\0\x10\0data"), NULL, (struct bytes)BYTES("data"));
	replied((struct bytes)BYTES("\5\0\0\3\1a\x10\0\0"), NULL, (struct bytes)BYTES("\0"));
	replied((struct bytes)BYTES("\5\0\0\3\11"
	                            "192.0.2.9\x10\0"),
	    "192.0.2.9:4096", (struct bytes){0});
	for (size_t n = 0; n <= 255; n += 51) {
		reply[4] = (char)n;
		memset(reply + 5, n % 2 ? '\0' : 'x', n);
		memcpy(reply + 5 + n, "\x10\0data", 6);
		replied((struct bytes){reply, 5 + n + 6}, NULL, (struct bytes)BYTES("data"));
	}
	REFUSED("\5\0\0\2", REASON_HOP_PROTOCOL, 0);
	REFUSED("\5\0\0\0\0\0\0\0\0\0", REASON_HOP_PROTOCOL, 0);
}

static void row_047_truncated_refusal(void **state)
{
	static const struct bytes replies[] = {BYTES("\5\5"), BYTES("\5\5\0"), BYTES("\5\5\0\1")};

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++)
		transcript_run(&(struct transcript){.client = socks5_client_init,
		    .target = TARGET,
		    .turns = {{{0}, HELLO}, {NO_AUTH, REQUEST}, {replies[i], {0}}},
		    .ended = true,
		    .end = HS_FAIL,
		    .reason = REASON_REFUSED,
		    .detail = 5});
}

static void row_047_truncated_grant(void **state)
{
	static const struct bytes replies[] = {
	    {0}, BYTES("\5"), BYTES("\5\0\0"), BYTES("\5\0\0\1\0\0\0\0\0")};

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++)
		transcript_run(&(struct transcript){.client = socks5_client_init,
		    .target = TARGET,
		    .turns = {{{0}, HELLO}, {NO_AUTH, REQUEST}, {replies[i], {0}}},
		    .ended = true,
		    .end = HS_FAIL,
		    .reason = REASON_HOP_CLOSED});
}

static void row_060_refusals_of_the_hop(void **state)
{
	(void)state;
	REFUSED("\5\1\0\1\0\0\0\0\0\0", REASON_HOP_FAILED, 1);
	REFUSED("\5\2\0\1\0\0\0\0\0\0", REASON_HOP_DENIED, 2);
	REFUSED("\5\3\0\1\0\0\0\0\0\0", REASON_NET_UNREACHABLE, 3);
	REFUSED("\5\4\0\3\1a\0\0", REASON_HOST_UNREACHABLE, 4);
	REFUSED("\5\5\0\1\0\0\0\0\0\0", REASON_REFUSED, 5);
	REFUSED("\5\6\0\1\0\0\0\0\0\0", REASON_TIMEOUT, 6);
	REFUSED("\5\7\0\1\0\0\0\0\0\0", REASON_HOP_NO_COMMAND, 7);
	REFUSED("\5\10\0\1\0\0\0\0\0\0", REASON_HOP_NO_ADDRESS_TYPE, 8);
	REFUSED("\5\11\0\1\0\0\0\0\0\0", REASON_HOP_PROTOCOL, 9);
	REFUSED("\5\xff\0\1\0\0\0\0\0\0", REASON_HOP_PROTOCOL, 0xff);
}

static void row_061_bind_and_associate_are_asked_for(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .command = COMMAND_BIND,
	    .target = TARGET,
	    .turns = {{{0}, HELLO}, {NO_AUTH, BYTES("\5\2\0\1\xc0\0\2\1\0\x50")}},
	    .end = HS_MORE});
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .command = COMMAND_UDP,
	    .target = TARGET,
	    .turns = {{{0}, HELLO}, {NO_AUTH, BYTES("\5\3\0\1\xc0\0\2\1\0\x50")}},
	    .end = HS_MORE});
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .command = COMMAND_RESOLVE,
	    .target = TARGET,
	    .turns = {{{0}, HELLO}, {NO_AUTH, {0}}},
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_COMMAND});
}

static void row_093_login(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{{0}, HELLO_BOTH}, {PASSWORD, LOGIN}, {RIGHT, REQUEST}, {GRANT, {0}}},
	    .end = HS_DONE,
	    .bound = "198.51.100.7:4096"});
	/* The hop does not want to know. */
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{{0}, HELLO_BOTH}, {NO_AUTH, REQUEST}, {GRANT, {0}}},
	    .end = HS_DONE,
	    .bound = "198.51.100.7:4096"});
}

static void login_answered(struct bytes answer, enum reason reason, int detail)
{
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{{0}, HELLO_BOTH}, {PASSWORD, LOGIN}, {answer, {0}}},
	    .end = HS_FAIL,
	    .reason = reason,
	    .detail = detail});
}

static void row_093_login_refused(void **state)
{
	(void)state;
	login_answered((struct bytes)BYTES("\1\1"), REASON_HOP_AUTH, 1);
	login_answered((struct bytes)BYTES("\1\xff"), REASON_HOP_AUTH, 0xff);
	login_answered((struct bytes)BYTES("\0\0"), REASON_HOP_PROTOCOL, 0);
}

static void row_094_version_of_a_careless_server_is_taken(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{{0}, HELLO_BOTH}, {PASSWORD, LOGIN}, {BYTES("\5\0"), REQUEST}, {GRANT, {0}}},
	    .end = HS_DONE,
	    .bound = "198.51.100.7:4096"});
}

static void row_097_longest_name_and_password(void **state)
{
	char login[3 + 2 * 255] = "\1\xff";

	(void)state;
	memset(login + 2, 'u', 255);
	login[257] = '\xff';
	memset(login + 258, 'p', 255);
	transcript_run(&(struct transcript){.client = socks5_client_init,
	    .target = TARGET,
	    .user = {login + 2, 255},
	    .password = {login + 258, 255},
	    .turns = {{{0}, HELLO_BOTH}, {PASSWORD, {login, sizeof(login)}}, {RIGHT, REQUEST},
	        {GRANT, {0}}},
	    .end = HS_DONE,
	    .bound = "198.51.100.7:4096"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_021_nothing_offered_but_what_we_have),
	    cmocka_unit_test(row_022_methods_that_were_not_offered),
	    cmocka_unit_test(row_023_no_method_ends_it),
	    cmocka_unit_test(row_028_other_version),
	    cmocka_unit_test(row_035_addresses_of_the_target),
	    cmocka_unit_test(row_036_name_travels),
	    cmocka_unit_test(row_046_bound_address_of_any_type_and_length),
	    cmocka_unit_test(row_047_truncated_refusal),
	    cmocka_unit_test(row_047_truncated_grant),
	    cmocka_unit_test(row_060_refusals_of_the_hop),
	    cmocka_unit_test(row_061_bind_and_associate_are_asked_for),
	    cmocka_unit_test(row_093_login),
	    cmocka_unit_test(row_093_login_refused),
	    cmocka_unit_test(row_094_version_of_a_careless_server_is_taken),
	    cmocka_unit_test(row_097_longest_name_and_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
