/* SPDX-License-Identifier: ISC */
/* SOCKS4 and 4a as a server; a test is named after its row of the list of conformance. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/transcript.h"

#define OPEN BYTES("\0")
#define CLOSED BYTES("\2")
#define REJECTED BYTES("\0\x5b\0\0\0\0\0\0")
#define NAME_50 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvw"
#define TEXT_250 NAME_50 NAME_50 NAME_50 NAME_50 NAME_50

static void granted(struct bytes request, const char *target)
{
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{request, {0}}},
	    .end = HS_DONE,
	    .target = target});
}

static void refused(struct bytes request, enum reason reason)
{
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{request, REJECTED}},
	    .end = HS_FAIL,
	    .reason = reason});
}

#define GRANTED(request, target) granted((struct bytes)BYTES(request), target)
#define REFUSED(request, reason) refused((struct bytes)BYTES(request), reason)

static void row_001_connect_granted_with_zero_version(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1user\0"), {0}}},
	    .end = HS_DONE,
	    .target = "192.0.2.1:80",
	    .answer_bound = "198.51.100.7:4096",
	    .answered = BYTES("\0\x5a\x10\0\xc6\x33\x64\7")});
}

static void row_002_reply_is_eight_bytes_once_asked_for(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1\0"), {0}}},
	    .end = HS_DONE,
	    .answered = BYTES("\0\x5a\0\0\0\0\0\0")});
}

static void row_003_failure_is_91(void **state)
{
	static const enum reason reasons[] = {
	    REASON_REFUSED, REASON_DENIED, REASON_TIMEOUT, REASON_HOP_FAILED, REASON_LIMIT};

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		transcript_run(&(struct transcript){.server = socks4_server_init,
		    .methods = OPEN,
		    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1\0"), {0}}},
		    .end = HS_DONE,
		    .answer = reasons[i],
		    .answer_bound = "192.0.2.9:9",
		    .answered = REJECTED});
}

static void row_005_bound_address_is_ours_or_zeros(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1\0"), {0}}},
	    .end = HS_DONE,
	    .answer_bound = "[2001:db8::1]:4096",
	    .answered = BYTES("\0\x5a\0\0\0\0\0\0")});
}

static void row_006_bind_is_a_command(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\2\0\x15\xc0\0\2\1\0"), {0}}},
	    .command = COMMAND_BIND,
	    .target = "192.0.2.1:21",
	    .end = HS_DONE});
	/* Anybody may call, from any port. */
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\2\0\0\0\0\0\0\0"), {0}}},
	    .command = COMMAND_BIND,
	    .target = "0.0.0.0:0",
	    .end = HS_DONE});
}

static void row_009_time_limit_is_answered_at_any_place(void **state)
{
	static const struct bytes places[] = {{0}, BYTES("\4"), BYTES("\4\1\0\x50\xc0\0\2\1us")};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		transcript_run(&(struct transcript){.server = socks4_server_init,
		    .methods = OPEN,
		    .turns = {{places[i], {0}}},
		    .end = HS_MORE,
		    .answer = REASON_HANDSHAKE_TIMEOUT,
		    .answered = REJECTED});
}

static void row_010_4a_reads_a_name(void **state)
{
	(void)state;
	GRANTED("\4\1\1\xbb\0\0\0\1user\0www.example.com\0", "www.example.com:443");
	GRANTED("\4\1\1\xbb\0\0\0\xff\0a\0", "a:443");
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\2\1\xbb\0\0\0\1user\0www.example.com\0"), {0}}},
	    .command = COMMAND_BIND,
	    .target = "www.example.com:443",
	    .end = HS_DONE});
}

static void row_011_all_zeros_is_not_4a(void **state)
{
	(void)state;
	/* The name after it is not waited for. */
	REFUSED("\4\1\0\x50\0\0\0\0user\0", REASON_OWN_DOOR);
	REFUSED("\4\1\0\x50\0\0\0\0\0localhost\0", REASON_OWN_DOOR);
	/* Nor is 0.0.x.y a 4a request. */
	GRANTED("\4\1\0\x50\0\0\1\1\0", "0.0.1.1:80");
}

static void row_013_user_id_is_bounded(void **state)
{
	static const char *const fits = TEXT_250 TEXT_250 "abcdefghijkl"; /* 512 */
	char request[600] = "\4\1\0\x50\xc0\0\2\1";
	size_t length = strlen(fits);

	(void)state;
	assert_int_equal(length, 512);
	memcpy(request + 8, fits, length + 1);
	granted((struct bytes){request, 8 + length + 1}, "192.0.2.1:80");
	memcpy(request + 8 + length, "m", 2);
	refused((struct bytes){request, 8 + length + 2}, REASON_TOO_LARGE);
}

static void row_014_user_id_without_end_is_refused(void **state)
{
	char request[2000] = "\4\1\0\x50\xc0\0\2\1";

	(void)state;
	memset(request + 8, 'a', sizeof(request) - 8);
	refused((struct bytes){request, sizeof(request)}, REASON_TOO_LARGE);
}

static void row_015_name_of_4a_is_bounded(void **state)
{
	char request[400] = "\4\1\0\x50\0\0\0\1u";

	(void)state;
	REFUSED("\4\1\0\x50\0\0\0\1user\0\0", REASON_BAD_NAME);
	memset(request + 10, 'a', 255);
	request[10 + 255] = '\0';
	refused((struct bytes){request, 10 + 256}, REASON_BAD_NAME);
	memset(request + 10, 'a', sizeof(request) - 10);
	refused((struct bytes){request, 10 + 256}, REASON_BAD_NAME);
	refused((struct bytes){request, sizeof(request)}, REASON_BAD_NAME);
	/* 253 in labels of at most 63 is a name. */
	for (size_t i = 10 + 63; i < 10 + 253; i += 64)
		request[i] = '.';
	request[10 + 253] = '\0';
	granted((struct bytes){request, 10 + 254}, NULL);
}

static void row_016_literal_as_name_is_the_address(void **state)
{
	(void)state;
	GRANTED("\4\1\0\x50\0\0\0\1\0"
	        "127.0.0.1\0",
	    "127.0.0.1:80");
	GRANTED("\4\1\0\x50\0\0\0\1\0::ffff:127.0.0.1\0", "127.0.0.1:80");
	GRANTED("\4\1\0\x50\0\0\0\1\0"
	        "2001:db8::1\0",
	    "[2001:db8::1]:80");
}

static void row_017_unknown_command(void **state)
{
	(void)state;
	REFUSED("\4\0\0\x50\xc0\0\2\1\0", REASON_BAD_COMMAND);
	REFUSED("\4\3\0\x50\xc0\0\2\1\0", REASON_BAD_COMMAND);
	REFUSED("\4\xff", REASON_BAD_COMMAND);
}

static void row_018_reply_to_an_ipv6_connection_is_zeros(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\0\0\0\1\0six.example\0"), {0}}},
	    .end = HS_DONE,
	    .answer_bound = "[2001:db8::1]:80",
	    .answered = BYTES("\0\x5a\0\0\0\0\0\0")});
}

static void row_019_refused_where_a_password_is_needed(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = CLOSED,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1root\0"), REJECTED}},
	    .end = HS_FAIL,
	    .reason = REASON_AUTH_REQUIRED});
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1root\0"), REJECTED}},
	    .end = HS_FAIL,
	    .reason = REASON_AUTH_REQUIRED});
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = BYTES("\2\0"),
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1root\0"), {0}}},
	    .end = HS_DONE});
}

static void row_004_codes_of_identd(void **state)
{
	static const struct {
		enum reason reason;
		struct bytes reply;
	} cases[] = {{REASON_IDENT_FAILED, BYTES("\0\x5c\0\0\0\0\0\0")},
	    {REASON_IDENT_MISMATCH, BYTES("\0\x5d\0\0\0\0\0\0")},
	    {REASON_NOT_IDENTIFIED, REJECTED}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		transcript_run(&(struct transcript){.server = socks4_server_init,
		    .methods = CLOSED,
		    .refusal = cases[i].reason,
		    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1root\0"), cases[i].reply}},
		    .end = HS_FAIL,
		    .reason = cases[i].reason});
		transcript_run(&(struct transcript){.server = socks4_server_init,
		    .methods = OPEN,
		    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1root\0"), {0}}},
		    .end = HS_DONE,
		    .claim = BYTES("root"),
		    .answer = cases[i].reason,
		    .answered = cases[i].reply});
	}
	/* One that no user of ours could have claims nothing. */
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1" TEXT_250 "123456\0"), {0}}},
	    .end = HS_DONE,
	    .claim = BYTES("")});
}

static void row_020_optimistic_data_stays(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\xc0\0\2\1u\0GET /"), {0}}},
	    .end = HS_DONE,
	    .left = BYTES("GET /")});
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\0\0\0\1u\0h\0\0\4\1"), {0}}},
	    .end = HS_DONE,
	    .target = "h:80",
	    .left = BYTES("\0\4\1")});
}

static void row_028_other_version_gets_no_reply(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\6\1\0\x50"), {0}}},
	    .end = HS_FAIL,
	    .reason = REASON_NOT_SPOKEN});
}

static void row_050_name_with_foreign_bytes(void **state)
{
	(void)state;
	/* A NUL ends the name: what follows is data. */
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50\0\0\0\1\0a.example\0.b.example\0"), {0}}},
	    .end = HS_DONE,
	    .target = "a.example:80",
	    .left = BYTES(".b.example\0")});
	REFUSED("\4\1\0\x50\0\0\0\1\0a b\0", REASON_BAD_NAME);
	REFUSED("\4\1\0\x50\0\0\0\1\0a\r\n\0", REASON_BAD_NAME);
	REFUSED("\4\1\0\x50\0\0\0\1\0a@b\0", REASON_BAD_NAME);
	REFUSED("\4\1\0\x50\0\0\0\1\0m\xc3\xbcller.example\0", REASON_BAD_NAME);
}

static void row_053_other_spellings_of_addresses(void **state)
{
	(void)state;
	REFUSED("\4\1\0\x50\0\0\0\1\0"
	        "0x7f.1\0",
	    REASON_BAD_NAME);
	REFUSED("\4\1\0\x50\0\0\0\1\0"
	        "2130706433\0",
	    REASON_BAD_NAME);
	REFUSED("\4\1\0\x50\0\0\0\1\0"
	        "127.1\0",
	    REASON_BAD_NAME);
}

static void row_057_port_zero(void **state)
{
	(void)state;
	REFUSED("\4\1\0\0\xc0\0\2\1\0", REASON_BAD_PORT);
	REFUSED("\4\1\0\0\0\0\0\1\0a\0", REASON_BAD_PORT);
}

static void client_that_ends_early_has_gone(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks4_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\4\1\0\x50"), {0}}},
	    .ended = true,
	    .end = HS_FAIL,
	    .reason = REASON_CLIENT_GONE});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_001_connect_granted_with_zero_version),
	    cmocka_unit_test(row_002_reply_is_eight_bytes_once_asked_for),
	    cmocka_unit_test(row_003_failure_is_91),
	    cmocka_unit_test(row_004_codes_of_identd),
	    cmocka_unit_test(row_005_bound_address_is_ours_or_zeros),
	    cmocka_unit_test(row_006_bind_is_a_command),
	    cmocka_unit_test(row_009_time_limit_is_answered_at_any_place),
	    cmocka_unit_test(row_010_4a_reads_a_name),
	    cmocka_unit_test(row_011_all_zeros_is_not_4a),
	    cmocka_unit_test(row_013_user_id_is_bounded),
	    cmocka_unit_test(row_014_user_id_without_end_is_refused),
	    cmocka_unit_test(row_015_name_of_4a_is_bounded),
	    cmocka_unit_test(row_016_literal_as_name_is_the_address),
	    cmocka_unit_test(row_017_unknown_command),
	    cmocka_unit_test(row_018_reply_to_an_ipv6_connection_is_zeros),
	    cmocka_unit_test(row_019_refused_where_a_password_is_needed),
	    cmocka_unit_test(row_020_optimistic_data_stays),
	    cmocka_unit_test(row_028_other_version_gets_no_reply),
	    cmocka_unit_test(row_050_name_with_foreign_bytes),
	    cmocka_unit_test(row_053_other_spellings_of_addresses),
	    cmocka_unit_test(row_057_port_zero),
	    cmocka_unit_test(client_that_ends_early_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
