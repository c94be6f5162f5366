/* SPDX-License-Identifier: ISC */
/* Ports and ranges of them, and what is none. */
#include "config.h"

#include "routes/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_good(void **state)
{
	static const struct {
		const char *text;
		uint16_t first, last;
	} rows[] = {{"443", 443, 443}, {"465-587", 465, 587}, {"0", 0, 0}, {"0-65535", 0, 65535},
	    {"7-7", 7, 7}, {"00080", 80, 80}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ports ports;

		assert_null(ports_parse(&ports, rows[i].text));
		assert_int_equal(ports.first, rows[i].first);
		assert_int_equal(ports.last, rows[i].last);
	}
}

static void test_wrong(void **state)
{
	static const char *const rows[] = {"", "-", "-1", "1-", "65536", "1-65536", "000080",
	    "80,443", "80 ", " 80", "+80", "0x50", "https", "1-2-3"};
	struct ports ports;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(
		    ports_parse(&ports, rows[i]), "expected a port or a range such as 465-587");
	assert_string_equal(ports_parse(&ports, "587-465"), "the range of ports runs backwards");
}

static void test_contain(void **state)
{
	static const struct ports range = {465, 587}, all = {0, UINT16_MAX};

	(void)state;
	assert_false(ports_contain(&range, 464));
	assert_true(ports_contain(&range, 465));
	assert_true(ports_contain(&range, 587));
	assert_false(ports_contain(&range, 588));
	assert_true(ports_contain(&all, 0));
	assert_true(ports_contain(&all, UINT16_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_contain),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
