/* SPDX-License-Identifier: ISC */
/* Decimal digits, against printf(). */
#include "config.h"

#include "gateway/digits.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_digits(uint64_t number)
{
	char expected[DIGITS_MAX + 1], out[DIGITS_MAX];
	int n = snprintf(expected, sizeof(expected), "%" PRIu64, number);

	assert_int_equal(digits_write(out, number), n);
	assert_memory_equal(out, expected, (size_t)n);
}

static void as_printf_writes_them(void **state)
{
	(void)state;
	for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
		assert_digits(power - 1);
		assert_digits(power);
		assert_digits(power + 1);
	}
	assert_digits(UINT64_MAX);
}

static void with_zeros_in_front(void **state)
{
	char out[] = "....";

	(void)state;
	digits_pad(out, 3, 7);
	assert_string_equal(out, "007.");
	digits_pad(out, 4, 2026);
	assert_string_equal(out, "2026");
	digits_pad(out, 2, 123);
	assert_string_equal(out, "2326");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_printf_writes_them),
	    cmocka_unit_test(with_zeros_in_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
