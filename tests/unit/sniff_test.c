/* SPDX-License-Identifier: ISC */
/* Protocols told apart by their first byte. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/handshake.h"

#define ALL (1U << PROTOCOL_SOCKS4 | 1U << PROTOCOL_SOCKS5 | 1U << PROTOCOL_HTTP)

static void each_protocol_is_known(void **state)
{
	(void)state;
	assert_int_equal(sniff(4, ALL), PROTOCOL_SOCKS4);
	assert_int_equal(sniff(5, ALL), PROTOCOL_SOCKS5);
	assert_int_equal(sniff('C', ALL), PROTOCOL_HTTP);
	assert_int_equal(sniff('g', ALL), PROTOCOL_HTTP);
	/* An empty line may come before a request. */
	assert_int_equal(sniff('\r', ALL), PROTOCOL_HTTP);
	assert_int_equal(sniff('\n', ALL), PROTOCOL_HTTP);
}

static void row_028_other_versions_belong_to_none(void **state)
{
	(void)state;
	assert_int_equal(sniff(0, ALL), -1);
	assert_int_equal(sniff(6, ALL), -1);
	assert_int_equal(sniff(0x16, ALL), -1); /* TLS */
	assert_int_equal(sniff(0x80, ALL), -1);
	assert_int_equal(sniff(0xff, ALL), -1);
	assert_int_equal(sniff(' ', ALL), -1);
	assert_int_equal(sniff('"', ALL), -1);
}

static void row_029_what_is_not_spoken_here(void **state)
{
	(void)state;
	assert_int_equal(sniff('G', 1U << PROTOCOL_SOCKS5 | 1U << PROTOCOL_SOCKS4), -1);
	assert_int_equal(sniff(4, 1U << PROTOCOL_SOCKS5), -1);
	assert_int_equal(sniff(5, 1U << PROTOCOL_HTTP), -1);
	assert_int_equal(sniff(5, 0), -1);
}

static void every_byte_has_at_most_one_protocol(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 256; first++)
		for (unsigned protocols = 0; protocols <= ALL; protocols++) {
			int all = sniff((uint8_t)first, ALL),
			    some = sniff((uint8_t)first, protocols);

			assert_int_equal(some, all >= 0 && protocols & 1U << all ? all : -1);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_protocol_is_known),
	    cmocka_unit_test(row_028_other_versions_belong_to_none),
	    cmocka_unit_test(row_029_what_is_not_spoken_here),
	    cmocka_unit_test(every_byte_has_at_most_one_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
