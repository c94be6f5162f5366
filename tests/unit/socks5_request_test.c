/* SPDX-License-Identifier: ISC */
/* Requests of SOCKS5 and replies to them; the greeting before them is always the same. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/transcript.h"

#define OPEN BYTES("\0")
#define HELLO BYTES("\5\1\0")
#define NO_AUTH BYTES("\5\0")
#define REQUEST BYTES("\5\1\0\1\xc0\0\2\1\0\x50")
#define REPLY(code) BYTES("\5" code "\0\1\0\0\0\0\0\0")

static void granted(struct bytes request, const char *target)
{
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{HELLO, NO_AUTH}, {request, {0}}},
	    .end = HS_DONE,
	    .target = target});
}

static void refused(struct bytes request, struct bytes reply, enum reason reason)
{
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{HELLO, NO_AUTH}, {request, reply}},
	    .end = HS_FAIL,
	    .reason = reason});
}

static void answered(enum reason reason, const char *bound, struct bytes reply)
{
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{HELLO, NO_AUTH}, {REQUEST, {0}}},
	    .end = HS_DONE,
	    .answer = reason,
	    .answer_bound = bound,
	    .answered = reply});
}

#define GRANTED(request, target) granted((struct bytes)BYTES(request), target)
#define REFUSED(request, code, reason) \
	refused((struct bytes)BYTES(request), (struct bytes)REPLY(code), reason)

static void row_035_reply_carries_our_end(void **state)
{
	(void)state;
	answered(
	    REASON_OK, "198.51.100.7:4096", (struct bytes)BYTES("\5\0\0\1\xc6\x33\x64\7\x10\0"));
	answered(REASON_OK, "[2001:db8::7]:4096",
	    (struct bytes)BYTES("\5\0\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\x10\0"));
	answered(REASON_OK, NULL, (struct bytes)REPLY("\0"));
}

static void row_036_name(void **state)
{
	(void)state;
	GRANTED("\5\1\0\3\11localhost\0\x50", "localhost:80");
}

static void row_037_ipv6(void **state)
{
	(void)state;
	GRANTED("\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb", "[2001:db8::1]:443");
}

static void row_038_unknown_command_is_answered_at_once(void **state)
{
	(void)state;
	REFUSED("\5\0", "\7", REASON_BAD_COMMAND);
	REFUSED("\5\4", "\7", REASON_BAD_COMMAND);
	REFUSED("\5\xf0\0\3\11localhost\0\0", "\7", REASON_BAD_COMMAND);
	REFUSED("\5\xf1", "\7", REASON_BAD_COMMAND);
	REFUSED("\5\xff\0\1\xc0\0\2\1\0\x50", "\7", REASON_BAD_COMMAND);
}

static void row_039_unknown_address_type_is_answered_at_once(void **state)
{
	(void)state;
	REFUSED("\5\1\0\0", "\10", REASON_BAD_ADDRESS_TYPE);
	REFUSED("\5\1\0\2", "\10", REASON_BAD_ADDRESS_TYPE);
	REFUSED("\5\1\0\5\xc0\0\2\1\0\x50", "\10", REASON_BAD_ADDRESS_TYPE);
	REFUSED("\5\1\0\xff", "\10", REASON_BAD_ADDRESS_TYPE);
}

static void row_041_reserved_octet_of_ours_is_zero(void **state)
{
	(void)state;
	answered(REASON_REFUSED, NULL, (struct bytes)REPLY("\5"));
}

static void row_042_reserved_octet_of_theirs_is_not_looked_at(void **state)
{
	(void)state;
	GRANTED("\5\1\xff\1\xc0\0\2\1\0\x50", "192.0.2.1:80");
}

static void row_043_other_version_in_the_request(void **state)
{
	(void)state;
	REFUSED("\4\1\0\1\xc0\0\2\1\0\x50", "\1", REASON_MALFORMED);
	REFUSED("\1\4user\4pass", "\1", REASON_MALFORMED);
}

static void row_044_denial_is_2(void **state)
{
	(void)state;
	answered(REASON_DENIED, "192.0.2.9:9", (struct bytes)REPLY("\2"));
}

static void row_045_failure_has_a_whole_address(void **state)
{
	static const struct {
		enum reason reason;
		struct bytes reply;
	} cases[] = {
	    {REASON_INTERNAL, REPLY("\1")},
	    {REASON_NET_UNREACHABLE, REPLY("\3")},
	    {REASON_NAME_NOT_FOUND, REPLY("\4")},
	    {REASON_REFUSED, REPLY("\5")},
	    {REASON_TIMEOUT, REPLY("\6")},
	    {REASON_COMMAND_DENIED, REPLY("\7")},
	    {REASON_NO_FAMILY, REPLY("\10")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		answered(cases[i].reason, "[2001:db8::7]:4096", cases[i].reply);
}

static void row_048_empty_name(void **state)
{
	(void)state;
	REFUSED("\5\1\0\3\0\0\x50", "\4", REASON_BAD_NAME);
}

static void row_049_longest_names(void **state)
{
	char request[3 + 2 + 255 + 2] = "\5\1\0\3\xff";

	(void)state;
	memset(request + 5, 'a', 255);
	request[260] = 0;
	request[261] = 80;
	refused(
	    (struct bytes){request, sizeof(request)}, (struct bytes)REPLY("\4"), REASON_BAD_NAME);
	for (size_t i = 5 + 63; i < 5 + 255; i += 64)
		request[i] = '.';
	/* 255 octets are a name of 254 with its final dot: one too many (RFC 1035, 2.3.4). */
	refused(
	    (struct bytes){request, sizeof(request)}, (struct bytes)REPLY("\4"), REASON_BAD_NAME);
	request[4] = (char)253;
	request[258] = 0;
	request[259] = 80;
	granted((struct bytes){request, 260}, NULL);
	REFUSED("\5\1\0\3\x40"
	        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	        "\0\x50",
	    "\4", REASON_BAD_NAME);
}

static void row_050_nul_in_a_name(void **state)
{
	(void)state;
	REFUSED("\5\1\0\3\23"
	        "127.0.0.1\0.evil.com\0\x50",
	    "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\12localhost\0\0\x50", "\4", REASON_BAD_NAME);
}

static void row_051_foreign_bytes_in_a_name(void **state)
{
	(void)state;
	REFUSED("\5\1\0\3\3a b\0\x50", "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\3a\nb\0\x50", "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\3a@b\0\x50", "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\3a/b\0\x50", "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\3a\x7f"
	        "b\0\x50",
	    "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\3a\xe4"
	        "b\0\x50",
	    "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\4a..b\0\x50", "\4", REASON_BAD_NAME);
}

static void row_052_dotted_quad_as_name_is_the_address(void **state)
{
	(void)state;
	GRANTED("\5\1\0\3\11"
	        "127.0.0.1\0\x50",
	    "127.0.0.1:80");
}

static void row_053_other_spellings_of_addresses(void **state)
{
	(void)state;
	REFUSED("\5\1\0\3\6"
	        "0x7f.1\0\x50",
	    "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\12"
	        "2130706433\0\x50",
	    "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\12"
	        "0177.0.0.1\0\x50",
	    "\4", REASON_BAD_NAME);
	REFUSED("\5\1\0\3\5"
	        "127.1\0\x50",
	    "\4", REASON_BAD_NAME);
}

static void row_054_ipv6_literal_as_name(void **state)
{
	(void)state;
	GRANTED("\5\1\0\3\13"
	        "2001:db8::1\0\x50",
	    "[2001:db8::1]:80");
	GRANTED("\5\1\0\3\15"
	        "[2001:db8::1]\0\x50",
	    "[2001:db8::1]:80");
	REFUSED("\5\1\0\3\14"
	        "fe80::1%eth0\0\x50",
	    "\4", REASON_BAD_NAME);
}

static void row_055_mapped_address_is_the_ipv4_address(void **state)
{
	(void)state;
	GRANTED("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1\0\x50", "127.0.0.1:80");
	GRANTED("\5\1\0\3\20::ffff:127.0.0.1\0\x50", "127.0.0.1:80");
}

static void row_056_case_and_final_dot(void **state)
{
	(void)state;
	GRANTED("\5\1\0\3\12LOCALHOST.\0\x50", "localhost:80");
	REFUSED("\5\1\0\3\1.\0\x50", "\4", REASON_BAD_NAME);
}

static void row_057_port_zero(void **state)
{
	(void)state;
	REFUSED("\5\1\0\1\xc0\0\2\1\0\0", "\1", REASON_BAD_PORT);
	REFUSED("\5\1\0\3\1a\0\0", "\1", REASON_BAD_PORT);
}

static void row_058_unspecified_address(void **state)
{
	(void)state;
	REFUSED("\5\1\0\1\0\0\0\0\0\x50", "\2", REASON_OWN_DOOR);
	REFUSED("\5\1\0\3\7"
	        "0.0.0.0\0\x50",
	    "\2", REASON_OWN_DOOR);
	REFUSED("\5\1\0\3\2::\0\x50", "\2", REASON_OWN_DOOR);
	REFUSED("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x50", "\2", REASON_OWN_DOOR);
	REFUSED("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\xff\xff\0\0\0\0\0\x50", "\2", REASON_OWN_DOOR);
}

static void row_060_refused_by_target_and_by_hop_differ(void **state)
{
	(void)state;
	answered(REASON_REFUSED, NULL, (struct bytes)REPLY("\5"));
	answered(REASON_HOP_UNREACHABLE, NULL, (struct bytes)REPLY("\1"));
}

static void row_061_bind_is_a_command(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{HELLO, NO_AUTH}, {BYTES("\5\2\0\1\0\0\0\0\0\0"), {0}}},
	    .end = HS_DONE,
	    .command = COMMAND_BIND,
	    .target = "0.0.0.0:0"});
}

static void row_070_associate_from_anywhere(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{HELLO, NO_AUTH}, {BYTES("\5\3\0\1\0\0\0\0\0\0"), {0}}},
	    .end = HS_DONE,
	    .command = COMMAND_UDP,
	    .target = "0.0.0.0:0"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_035_reply_carries_our_end),
	    cmocka_unit_test(row_036_name),
	    cmocka_unit_test(row_037_ipv6),
	    cmocka_unit_test(row_038_unknown_command_is_answered_at_once),
	    cmocka_unit_test(row_039_unknown_address_type_is_answered_at_once),
	    cmocka_unit_test(row_041_reserved_octet_of_ours_is_zero),
	    cmocka_unit_test(row_042_reserved_octet_of_theirs_is_not_looked_at),
	    cmocka_unit_test(row_043_other_version_in_the_request),
	    cmocka_unit_test(row_044_denial_is_2),
	    cmocka_unit_test(row_045_failure_has_a_whole_address),
	    cmocka_unit_test(row_048_empty_name),
	    cmocka_unit_test(row_049_longest_names),
	    cmocka_unit_test(row_050_nul_in_a_name),
	    cmocka_unit_test(row_051_foreign_bytes_in_a_name),
	    cmocka_unit_test(row_052_dotted_quad_as_name_is_the_address),
	    cmocka_unit_test(row_053_other_spellings_of_addresses),
	    cmocka_unit_test(row_054_ipv6_literal_as_name),
	    cmocka_unit_test(row_055_mapped_address_is_the_ipv4_address),
	    cmocka_unit_test(row_056_case_and_final_dot),
	    cmocka_unit_test(row_057_port_zero),
	    cmocka_unit_test(row_058_unspecified_address),
	    cmocka_unit_test(row_060_refused_by_target_and_by_hop_differ),
	    cmocka_unit_test(row_061_bind_is_a_command),
	    cmocka_unit_test(row_070_associate_from_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
