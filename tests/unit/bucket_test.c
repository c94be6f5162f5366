/* SPDX-License-Identifier: ISC */
/* A bandwidth that is shared; the clock is ours. */
#include "config.h"

#include "gateway/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define NOW (1000 * MS)

static void slices(void **state)
{
	(void)state;
	assert_int_equal(bucket_slice(1), BUCKET_SLICE_MIN);
	assert_int_equal(bucket_slice(1000000), 10000);
	assert_int_equal(bucket_slice(UINT64_C(1) << 40), BUCKET_SLICE_MAX);
}

static void one_after_the_other(void **state)
{
	struct bucket b = {0};

	(void)state;
	assert_int_equal(bucket_take(&b, 1000, 10, NOW), NOW);
	assert_int_equal(bucket_take(&b, 1000, 20, NOW), NOW + 10 * MS);
	assert_int_equal(bucket_take(&b, 1000, 10, NOW), NOW + 30 * MS);
	bucket_give_back(&b, 1000, 10);
	assert_int_equal(bucket_take(&b, 1000, 1, NOW), NOW + 30 * MS);
}

static void who_is_late_may_catch_up_but_not_for_ever(void **state)
{
	struct bucket b = {0};

	(void)state;
	bucket_take(&b, 1000, 10, NOW);
	assert_int_equal(bucket_take(&b, 1000, 10, NOW + 50 * MS), NOW + 10 * MS);
	assert_int_equal(
	    bucket_take(&b, 1000, 10, NOW + 9000 * MS), NOW + 9000 * MS - BUCKET_LATE_NS);
}

/* Whoever asks when for how much: over any time never more than the rate, and what may be late. */
static void at_random(void **state)
{
	(void)state;
	srand(2);
	for (int round = 0; round < 200; round++) {
		const uint64_t rate = 1000 + (uint64_t)rand() % 100000000;
		const size_t slice = bucket_slice(rate);
		struct bucket b = {0};
		int64_t now = NOW, last = 0;
		double passed = 0;

		for (int i = 0; i < 1000; i++) {
			size_t bytes = 1 + (size_t)rand() % slice;
			int64_t from = bucket_take(&b, rate, bytes, now);

			assert_true(from >= last);
			last = from;
			passed += (double)bytes;
			if (from > now)
				now = from;
			now += rand() % 3 == 0 ? rand() % 20000000 : 0;
			assert_true(passed <=
			    (double)rate * ((double)(now - NOW) + (double)BUCKET_LATE_NS) / 1e9 +
			        2 * (double)slice);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slices),
	    cmocka_unit_test(one_after_the_other),
	    cmocka_unit_test(who_is_late_may_catch_up_but_not_for_ever),
	    cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
