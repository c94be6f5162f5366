/* SPDX-License-Identifier: ISC */
/* One word as a value: what each kind takes, and what it says to the rest. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "gateway/value.h"

static const char zero[] = "could mean none or no limit, write 'off' for no limit";

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: wrong */
	} rows[] = {{"1ms", 1}, {"500ms", 500}, {"10s", 10000}, {"2m", 120000}, {"1h", 3600000},
	    {"7d", 604800000}, {"2h5m", 7500000}, {"1d1h1m1s1ms", 90061001},
	    {"3650d", 315360000000}, {"3651d", -1}, {"99999999999999999999s", -1}, {"10", -1},
	    {"", -1}, {"s", -1}, {"10x", -1}, {"10sm", -1}, {"5m2h", -1}, {"1s1s", -1}, {"-1s", -1},
	    {"1 s", -1}, {"1.5s", -1}, {"10S", -1}, {"0s", -1}, {"off", -1}, {"0", -1}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct word word = {rows[i].text, false};
		int64_t ms = -1;
		const char *wrong = value_duration(&word, &ms);

		if (rows[i].ms >= 0) {
			assert_null(wrong);
			assert_int_equal(ms, rows[i].ms);
		} else {
			assert_non_null(wrong);
		}
	}
}

static void test_off(void **state)
{
	struct word off = {"off", false}, quoted = {"off", true}, nothing = {"0", false};
	int64_t ms = 1;
	unsigned count = 1;
	double rate = 1;

	(void)state;
	assert_null(value_duration_or_off(&off, &ms));
	assert_int_equal(ms, 0);
	assert_null(value_count_or_off(&off, &count));
	assert_int_equal(count, 0);
	assert_null(value_rate_or_off(&off, &rate));
	assert_true(rate == 0);
	/* A quoted word is never a keyword; a bare 0 could mean two things. */
	assert_non_null(value_duration_or_off(&quoted, &ms));
	assert_non_null(value_count_or_off(&quoted, &count));
	assert_non_null(value_rate_or_off(&quoted, &rate));
	assert_string_equal(value_duration_or_off(&nothing, &ms), zero);
	assert_string_equal(value_count_or_off(&nothing, &count), zero);
	assert_string_equal(value_rate_or_off(&nothing, &rate), zero);
	assert_string_equal(value_duration_or_off(&(struct word){"0s", false}, &ms), zero);
	assert_string_equal(value_rate_or_off(&(struct word){"0/s", false}, &rate), zero);
}

static void test_counts(void **state)
{
	static const char *const bad[] = {"", "0", "-1", "+1", "1k", "1000000001", "1.0", " 1"};
	unsigned count;

	(void)state;
	assert_null(value_count(&(struct word){"1000000000", false}, &count));
	assert_int_equal(count, 1000000000);
	assert_null(value_count(&(struct word){"007", false}, &count));
	assert_int_equal(count, 7);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(value_count(&(struct word){bad[i], false}, &count));
}

static void test_rates(void **state)
{
	static const char *const bad[] = {"", "5", "/s", "5/", "5/d", "5/ms", "x/s", "5/s/s"};
	double rate;

	(void)state;
	assert_null(value_rate_or_off(&(struct word){"50/s", false}, &rate));
	assert_true(rate == 50);
	assert_null(value_rate_or_off(&(struct word){"30/m", false}, &rate));
	assert_true(rate == 0.5);
	assert_null(value_rate_or_off(&(struct word){"1800/h", false}, &rate));
	assert_true(rate == 0.5);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(value_rate_or_off(&(struct word){bad[i], false}, &rate));
}

static void test_sizes(void **state)
{
	static const char *const bad[] = {
	    "", "0", "0k", "k", "1t", "1kb", "1K", "1025g", "99999999999999999999"};
	size_t size;

	(void)state;
	assert_null(value_size(&(struct word){"4096", false}, &size));
	assert_int_equal(size, 4096);
	assert_null(value_size(&(struct word){"64k", false}, &size));
	assert_int_equal(size, 65536);
	assert_null(value_size(&(struct word){"10m", false}, &size));
	assert_int_equal(size, 10 << 20);
	assert_null(value_size(&(struct word){"1024g", false}, &size));
	assert_int_equal(size, (size_t)1 << 40);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(value_size(&(struct word){bad[i], false}, &size));
}

static void test_bandwidths(void **state)
{
	static const char *const bad[] = {
	    "", "0", "0/s", "0k/s", "k/s", "1m", "1/m", "1m/", "1m/ss", "1mm/s", "1025g/s", "/s"};
	size_t bandwidth;

	(void)state;
	assert_null(value_bandwidth_or_off(&(struct word){"1500/s", false}, &bandwidth));
	assert_int_equal(bandwidth, 1500);
	assert_null(value_bandwidth_or_off(&(struct word){"10m/s", false}, &bandwidth));
	assert_int_equal(bandwidth, 10 << 20);
	assert_null(value_bandwidth_or_off(&(struct word){"off", false}, &bandwidth));
	assert_int_equal(bandwidth, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_non_null(value_bandwidth_or_off(&(struct word){bad[i], false}, &bandwidth));
}

static void test_allotments(void **state)
{
	static const char *const bad[] = {
	    "", "0", "0/day", "1g", "1g/", "1g/year", "/day", "1/s", "1g/days", "1025g/day"};
	struct allotment a;

	(void)state;
	assert_null(value_allotment_or_off(&(struct word){"50g/month", false}, &a));
	assert_true(a.bytes == UINT64_C(50) << 30 && a.monthly);
	assert_null(value_allotment_or_off(&(struct word){"500/day", false}, &a));
	assert_true(a.bytes == 500 && !a.monthly);
	assert_null(value_allotment_or_off(&(struct word){"off", false}, &a));
	assert_true(a.bytes == 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_non_null(value_allotment_or_off(&(struct word){bad[i], false}, &a));
		assert_true(a.bytes == 0);
	}
}

static void test_switches(void **state)
{
	bool on = false;

	(void)state;
	assert_null(value_switch(&(struct word){"on", false}, &on));
	assert_true(on);
	assert_null(value_switch(&(struct word){"off", false}, &on));
	assert_false(on);
	assert_non_null(value_switch(&(struct word){"on", true}, &on));
	assert_non_null(value_switch(&(struct word){"yes", false}, &on));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_durations),
	    cmocka_unit_test(test_off),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_rates),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_bandwidths),
	    cmocka_unit_test(test_allotments),
	    cmocka_unit_test(test_switches),
	};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
