/* SPDX-License-Identifier: ISC */
/* Who guesses passwords waits; the clock is ours. */
#include "config.h"

#include "gateway/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct times three = {3, 60000}, many = {100, 60000};

/* One wrong login; what its answer is put off. */
static int64_t fail_at(struct backoff *b, const struct times *most, int64_t now)
{
	int64_t delay = -1;

	assert_int_equal(backoff_begin(b, most, now), BACKOFF_CHECK);
	backoff_fail(b, most, now, &delay);
	return delay;
}

static void answers_take_longer_and_longer(void **state)
{
	static const int64_t delays[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000};
	struct backoff b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++)
		assert_int_equal(fail_at(&b, &many, 1000), delays[i]);
	/* The failures count from the first for as long as was said. */
	assert_int_equal(fail_at(&b, &many, 60999), 5000);
	assert_int_equal(fail_at(&b, &many, 61000), 100);
}

static void too_many_lock_out(void **state)
{
	struct backoff b = {0};
	int64_t delay;

	(void)state;
	fail_at(&b, &three, 0);
	fail_at(&b, &three, 10);
	assert_int_equal(backoff_begin(&b, &three, 59000), BACKOFF_CHECK);
	assert_true(backoff_fail(&b, &three, 59000, &delay));
	assert_int_equal(backoff_begin(&b, &three, 59001), BACKOFF_LOCKED);
	assert_int_equal(backoff_begin(&b, &three, 118999), BACKOFF_LOCKED);
	assert_false(backoff_is_idle(&b, 118999));
	assert_true(backoff_is_idle(&b, 119000));
	assert_int_equal(fail_at(&b, &three, 119000), 100);
}

static void one_is_enough_if_it_was_said(void **state)
{
	static const struct times one = {1, 1000};
	struct backoff b = {0};
	int64_t delay;

	(void)state;
	assert_int_equal(backoff_begin(&b, &one, 0), BACKOFF_CHECK);
	assert_int_equal(backoff_begin(&b, &one, 0), BACKOFF_WAIT);
	assert_true(backoff_fail(&b, &one, 0, &delay));
	assert_int_equal(backoff_begin(&b, &one, 999), BACKOFF_LOCKED);
	assert_int_equal(backoff_begin(&b, &one, 1000), BACKOFF_CHECK);
}

static void success_forgives(void **state)
{
	struct backoff b = {0};

	(void)state;
	fail_at(&b, &three, 0);
	fail_at(&b, &three, 0);
	assert_int_equal(backoff_begin(&b, &three, 1), BACKOFF_CHECK);
	backoff_succeed(&b);
	assert_true(backoff_is_idle(&b, 1));
	assert_int_equal(fail_at(&b, &three, 2), 100);
}

static void no_more_are_checked_at_once_than_may_fail(void **state)
{
	struct backoff b = {0};
	int64_t delay;

	(void)state;
	fail_at(&b, &three, 0);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_CHECK);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_CHECK);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_WAIT);
	/* Of one of them nothing became: its place is free. */
	backoff_withdraw(&b);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_CHECK);
	/* One was right: so may the others be. */
	backoff_succeed(&b);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_CHECK);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_CHECK);
	assert_int_equal(backoff_begin(&b, &three, 0), BACKOFF_WAIT);
	assert_false(backoff_fail(&b, &three, 0, &delay));
	assert_false(backoff_is_idle(&b, INT64_MAX));
}

/* Two listeners may have rules of their own for one client. */
static void failing_while_locked_does_not_prolong_it(void **state)
{
	struct backoff b = {0};
	int64_t delay;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(backoff_begin(&b, &many, 0), BACKOFF_CHECK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(backoff_fail(&b, &three, 10, &delay), i == 2);
	assert_false(backoff_fail(&b, &many, 20000, &delay));
	assert_int_equal(backoff_begin(&b, &many, 60009), BACKOFF_LOCKED);
	assert_int_equal(backoff_begin(&b, &many, 60010), BACKOFF_CHECK);
}

/* Whatever comes in which order, never more checks than were allowed, and nobody waits for ever. */
static void at_random(void **state)
{
	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		const struct times most = {1 + (unsigned)rand() % 5, 1000};
		struct backoff b = {0};
		int64_t now = 0, delay, window = 0;
		unsigned wrong = 0;

		for (int i = 0; i < 200; i++) {
			now += rand() % 100;
			if (rand() % 2 != 0) {
				if (backoff_begin(&b, &most, now) == BACKOFF_WAIT)
					assert_true(b.pending > 0);
			} else if (b.pending > 0) {
				backoff_fail(&b, &most, now, &delay);
				assert_in_range(delay, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
				wrong++;
			}
			assert_true(b.pending <= most.number);
			if (now - window < 20 * most.in_ms)
				continue;
			/* In each period those of two may meet, one at its end, one at its
			 * beginning. */
			assert_true(wrong <= 20 * 2 * most.number);
			window = now;
			wrong = 0;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_take_longer_and_longer),
	    cmocka_unit_test(too_many_lock_out),
	    cmocka_unit_test(one_is_enough_if_it_was_said),
	    cmocka_unit_test(success_forgives),
	    cmocka_unit_test(no_more_are_checked_at_once_than_may_fail),
	    cmocka_unit_test(failing_while_locked_does_not_prolong_it),
	    cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
