/* SPDX-License-Identifier: ISC */
/* How much may pass: slices one after the other, what passed unasked, the end. */
#include "config.h"

#include "gateway/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/loop.h"

static int64_t pause_ms;
static enum reason end;
static unsigned refills;

static void refill(struct meter *m)
{
	refills++;
	m->reason = end;
	m->next = end == REASON_OK ? 100 : 0;
	m->resume_ms = loop_now() + pause_ms;
}

static int setup(void **state)
{
	(void)state;
	pause_ms = 0;
	end = REASON_OK;
	refills = 0;
	return 0;
}

static void without_one_all_may_pass(void **state)
{
	(void)state;
	assert_true(meter_ask(NULL) == SIZE_MAX);
	assert_true(meter_is_open(NULL));
	meter_spend(NULL, 1000);
}

static void slices_follow_each_other(void **state)
{
	struct meter m = {.refill = refill};

	(void)state;
	assert_true(meter_is_open(&m));
	assert_int_equal(meter_ask(&m), 100);
	meter_spend(&m, 30);
	assert_int_equal(meter_ask(&m), 70);
	assert_int_equal(refills, 1);
	meter_spend(&m, 70);
	assert_true(meter_is_open(&m));
	assert_int_equal(meter_ask(&m), 100);
	meter_spend(&m, 150);
	assert_int_equal(m.owed, 50);
	assert_int_equal(m.left, 0);
	assert_int_equal(m.spent, 250);
}

static void the_next_one_is_waited_for(void **state)
{
	struct meter m = {.refill = refill};

	(void)state;
	pause_ms = 3600000;
	assert_int_equal(meter_ask(&m), 0);
	assert_int_equal(meter_ask(&m), 0);
	assert_false(meter_is_open(&m));
	assert_int_equal(refills, 1);
	m.resume_ms = loop_now();
	assert_true(meter_is_open(&m));
	assert_int_equal(meter_ask(&m), 100);
}

static void the_end_is_the_end(void **state)
{
	struct meter m = {.refill = refill};

	(void)state;
	assert_int_equal(meter_ask(&m), 100);
	meter_spend(&m, 100);
	end = REASON_LIMIT;
	assert_int_equal(meter_ask(&m), 0);
	assert_int_equal(meter_ask(&m), 0);
	assert_int_equal(m.reason, REASON_LIMIT);
	assert_int_equal(refills, 2);
	assert_true(meter_is_open(&m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_one_all_may_pass),
	    cmocka_unit_test_setup(slices_follow_each_other, setup),
	    cmocka_unit_test_setup(the_next_one_is_waited_for, setup),
	    cmocka_unit_test_setup(the_end_is_the_end, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
