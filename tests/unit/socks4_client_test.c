/* SPDX-License-Identifier: ISC */
/* SOCKS4 and 4a towards a hop. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/transcript.h"

#define ASKED BYTES("\4\1\0\x50\xc0\0\2\1\0")

static void row_001_request_and_grant(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "192.0.2.1:80",
	    .user = BYTES("user"),
	    .turns = {{{0}, BYTES("\4\1\0\x50\xc0\0\2\1user\0")},
	        {BYTES("\0\x5a\x10\0\xc6\x33\x64\7"), {0}}},
	    .end = HS_DONE,
	    .bound = "198.51.100.7:4096"});
}

static void row_002_no_byte_behind_the_reply_is_taken(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4a_client_init,
	    .target = "192.0.2.1:80",
	    .turns = {{{0}, ASKED}, {BYTES("\0\x5a\0\0\0\0\0\0SSH-2.0"), {0}}},
	    .end = HS_DONE,
	    .left = BYTES("SSH-2.0")});
}

static void row_006_bind_is_asked_for(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .command = COMMAND_BIND,
	    .target = "192.0.2.1:21",
	    .turns = {{{0}, BYTES("\4\2\0\x15\xc0\0\2\1\0")}, {BYTES("\0\x5a\x10\0\0\0\0\0"), {0}}},
	    .end = HS_DONE,
	    .bound = "0.0.0.0:4096"});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .command = COMMAND_UDP,
	    .target = "192.0.2.1:21",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_COMMAND});
}

static void row_010_name_travels_by_4a(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4a_client_init,
	    .target = "www.example.com:443",
	    .user = BYTES("me"),
	    .turns = {{{0}, BYTES("\4\1\1\xbb\0\0\0\1me\0www.example.com\0")},
	        {BYTES("\0\x5a\0\0\0\0\0\0"), {0}}},
	    .end = HS_DONE});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "www.example.com:443",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_ADDRESS_TYPE});
}

/* A hop would read 0.0.0.5 as the announcement of a name, and what we send next as the name. */
static void row_011_address_that_looks_like_4a_is_not_sent(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4a_client_init,
	    .target = "0.0.0.5:80",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_ADDRESS_TYPE});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "0.0.0.5:80",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_ADDRESS_TYPE});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "0.0.1.5:80",
	    .turns = {{{0}, BYTES("\4\1\0\x50\0\0\1\5\0")}, {BYTES("\0\x5a\0\0\0\0\0\0"), {0}}},
	    .end = HS_DONE});
}

static void row_012_longest_name_and_user(void **state)
{
	char request[8 + 255 + 1 + 253 + 1] = "\4\1\0\x50\0\0\0\1", target[300], user[255];

	(void)state;
	memset(user, 'u', sizeof(user));
	memset(target, 'a', 253);
	for (size_t i = 63; i < 253; i += 64)
		target[i] = '.';
	memcpy(request + 8, user, 255);
	request[263] = '\0';
	memcpy(request + 264, target, 253);
	request[517] = '\0';
	memcpy(target + 253, ":80", 4);
	transcript_run(&(struct transcript){.client = socks4a_client_init,
	    .target = target,
	    .user = {user, sizeof(user)},
	    .turns = {{{0}, {request, sizeof(request)}}, {BYTES("\0\x5a\0\0\0\0\0\0"), {0}}},
	    .end = HS_DONE});
}

static void row_018_ipv6_cannot_be_said(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4a_client_init,
	    .target = "[2001:db8::1]:80",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_ADDRESS_TYPE});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "[2001:db8::1]:80",
	    .end = HS_FAIL,
	    .reason = REASON_HOP_NO_ADDRESS_TYPE});
}

static void row_047_truncated_refusal(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "192.0.2.1:80",
	    .turns = {{{0}, ASKED}, {BYTES("\0\x5b"), {0}}},
	    .end = HS_FAIL,
	    .reason = REASON_HOP_FAILED,
	    .detail = 0x5b});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "192.0.2.1:80",
	    .turns = {{{0}, ASKED}, {BYTES("\0\x5a\0"), {0}}},
	    .ended = true,
	    .end = HS_FAIL,
	    .reason = REASON_HOP_CLOSED});
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "192.0.2.1:80",
	    .turns = {{{0}, ASKED}},
	    .ended = true,
	    .end = HS_FAIL,
	    .reason = REASON_HOP_CLOSED});
}

static void row_060_refusals_of_the_hop(void **state)
{
	static const struct {
		struct bytes reply;
		enum reason reason;
		int detail;
	} cases[] = {
	    {BYTES("\0\x5b\0\0\0\0\0\0"), REASON_HOP_FAILED, 0x5b},
	    {BYTES("\4\x5b\0\0\0\0\0\0"), REASON_HOP_FAILED, 0x5b},
	    {BYTES("\0\x5c\0\0\0\0\0\0"), REASON_HOP_AUTH, 0x5c},
	    {BYTES("\0\x5d\0\0\0\0\0\0"), REASON_HOP_AUTH, 0x5d},
	    {BYTES("\0\x5e\0\0\0\0\0\0"), REASON_HOP_PROTOCOL, 0x5e},
	    {BYTES("\0\0\0\0\0\0\0\0"), REASON_HOP_PROTOCOL, 0},
	    {BYTES("HTTP/1.0 400 Bad Request"), REASON_HOP_PROTOCOL, 0},
	    {BYTES("\5\xff"), REASON_HOP_PROTOCOL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		transcript_run(&(struct transcript){.client = socks4_client_init,
		    .target = "192.0.2.1:80",
		    .turns = {{{0}, ASKED}, {cases[i].reply, {0}}},
		    .end = HS_FAIL,
		    .reason = cases[i].reason,
		    .detail = cases[i].detail});
}

static void version_of_a_careless_server_is_taken(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "192.0.2.1:80",
	    .turns = {{{0}, ASKED}, {BYTES("\4\x5a\0\0\0\0\0\0"), {0}}},
	    .end = HS_DONE});
}

static void user_with_nul_is_not_sent(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.client = socks4_client_init,
	    .target = "192.0.2.1:80",
	    .user = BYTES("a\0b"),
	    .end = HS_FAIL,
	    .reason = REASON_HOP_AUTH});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_001_request_and_grant),
	    cmocka_unit_test(row_002_no_byte_behind_the_reply_is_taken),
	    cmocka_unit_test(row_006_bind_is_asked_for),
	    cmocka_unit_test(row_010_name_travels_by_4a),
	    cmocka_unit_test(row_011_address_that_looks_like_4a_is_not_sent),
	    cmocka_unit_test(row_012_longest_name_and_user),
	    cmocka_unit_test(row_018_ipv6_cannot_be_said),
	    cmocka_unit_test(row_047_truncated_refusal),
	    cmocka_unit_test(row_060_refusals_of_the_hop),
	    cmocka_unit_test(version_of_a_careless_server_is_taken),
	    cmocka_unit_test(user_with_nul_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
