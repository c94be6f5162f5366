/* SPDX-License-Identifier: ISC */
/* Who comes next, and who must go when there is no room. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/queue.h"

#define MAX 16

static struct waiter waiters[64];
static struct queue q;

static int setup(void **unused)
{
	(void)unused;
	queue_init(&q, MAX);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	while (queue_take(&q) != NULL)
		;
	return q.count == 0 && q.asker_count == 0 ? 0 : -1;
}

/* Which one had to go for it, -1 none, -2: it was not let in. */
static int add(int i, const char *rhost)
{
	struct waiter *displaced;

	if (!queue_add(&q, &waiters[i], rhost, &displaced))
		return -2;
	return displaced != NULL ? (int)(displaced - waiters) : -1;
}

static int take(void)
{
	const struct waiter *waiter = queue_take(&q);

	return waiter != NULL ? (int)(waiter - waiters) : -1;
}

static void test_turns(void **unused)
{
	static const int order[] = {0, 4, 5, 1, 6, 2, 3, -1};

	(void)unused;
	for (int i = 0; i < 4; i++)
		assert_int_equal(add(i, "192.0.2.1"), -1);
	add(4, "192.0.2.2");
	add(5, "");
	add(6, "192.0.2.2");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(take(), order[i]);
}

static void test_addresses(void **unused)
{
	static const struct {
		const char *one, *other;
		bool same;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1", true},
	    {"192.0.2.1", "192.0.2.2", false},
	    {"192.0.2.1", "::ffff:192.0.2.1", true},
	    {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
	    {"2001:db8::1", "2001:db8::ffff:2", true},
	    {"2001:db8::1", "2001:db8:0:1::1", false},
	    {"fe80::1%eth0", "fe80::2", true},
	    {"", "no address", true},
	    {"", "1234567890123456789012345678901234567890123456789012345678901234567890", true},
	    {"", "192.0.2.1", false},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		add(0, rows[i].one);
		add(1, rows[i].other);
		assert_int_equal(q.asker_count, rows[i].same ? 1 : 2);
		queue_remove(&q, &waiters[0]);
		queue_remove(&q, &waiters[1]);
		assert_int_equal(q.asker_count, 0);
	}
}

static void test_remove(void **unused)
{
	(void)unused;
	add(0, "192.0.2.1");
	add(1, "192.0.2.2");
	add(2, "192.0.2.1");
	queue_remove(&q, &waiters[0]);
	assert_null(waiters[0].asker);
	assert_int_equal(take(), 2);
	assert_int_equal(take(), 1);
	assert_int_equal(take(), -1);
}

/* One address fills it; others come all the same, each up to its share. */
static void test_full(void **unused)
{
	(void)unused;
	for (int i = 0; i < MAX; i++)
		assert_int_equal(add(i, "192.0.2.1"), -1);
	assert_int_equal(add(20, "192.0.2.1"), -2);
	for (int i = 0; i < MAX / 2 - 1; i++)
		assert_int_equal(add(20 + i, "192.0.2.2"), MAX - 1 - i); /* the newest */
	assert_int_equal(add(40, "192.0.2.2"), -2);
	assert_int_equal(add(40, "192.0.2.1"), -2);
	assert_int_equal(q.count, MAX);
	assert_int_equal(take(), 0);
	assert_int_equal(take(), 20);
}

/* As many addresses as places: no newcomer pushes anybody out. */
static void test_full_of_addresses(void **unused)
{
	char rhost[32];

	(void)unused;
	for (int i = 0; i <= MAX; i++) {
		snprintf(rhost, sizeof(rhost), "192.0.2.%d", i);
		assert_int_equal(add(i, rhost), i < MAX ? -1 : -2);
	}
	assert_int_equal(q.asker_count, MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_turns),
	    TEST(test_addresses),
	    TEST(test_remove),
	    TEST(test_full),
	    TEST(test_full_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
