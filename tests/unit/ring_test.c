/* SPDX-License-Identifier: ISC */
/* Records of all lengths through a small ring, round and round, by one thread and by two. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "gateway/ring.h"

#define SIZE 1024
#define COUNT 20000

/* Record number i: its length and every byte follow from i. */
static uint32_t length_of(unsigned i)
{
	return i * 7919 % (SIZE / 4 + 1);
}

static bool put(struct ring *ring, unsigned i)
{
	const struct ring_record record = {
	    .length = length_of(i), .kind = (uint16_t)i, .level = 3, .time_ms = i};
	char bytes[SIZE / 4];

	memset(bytes, (int)(i & 0x7f), sizeof(bytes));
	return ring_put(ring, &record, bytes);
}

static void check(const struct ring_record *record, const char *bytes, unsigned i)
{
	assert_int_equal(record->length, length_of(i));
	assert_int_equal(record->kind, (uint16_t)i);
	assert_int_equal(record->level, 3);
	assert_int_equal(record->time_ms, i);
	for (uint32_t n = 0; n < record->length; n++)
		assert_int_equal(bytes[n], i & 0x7f);
}

static void test_round_and_round(void **unused)
{
	struct ring *ring = ring_new(SIZE);
	struct ring_record record;
	const char *bytes;
	unsigned written = 0, read = 0;

	(void)unused;
	assert_false(ring_peek(ring, &record, &bytes));
	while (read < COUNT) {
		while (written < COUNT && put(ring, written))
			written++;
		assert_true(ring_used(ring) <= SIZE);
		assert_true(written > read); /* whatever is in the way, one always fits */
		for (unsigned n = written % 3; n < 3 && ring_peek(ring, &record, &bytes); n++) {
			check(&record, bytes, read++);
			ring_pop(ring);
		}
	}
	assert_false(ring_peek(ring, &record, &bytes));
	assert_int_equal(ring_used(ring), 0);
	ring_free(ring);
}

static void test_what_never_fits(void **unused)
{
	static const char bytes[SIZE];
	struct ring_record record = {.length = SIZE / 4 + 1};
	struct ring *ring = ring_new(SIZE);

	(void)unused;
	assert_false(ring_put(ring, &record, bytes));
	record.length = UINT32_MAX;
	assert_false(ring_put(ring, &record, bytes));
	record.length = SIZE / 4;
	assert_true(ring_put(ring, &record, bytes));
	ring_free(ring);
	ring_free(NULL);
}

static void *write_all(void *arg)
{
	for (unsigned i = 0; i < COUNT;)
		if (put(arg, i))
			i++;
		else
			sched_yield();
	return NULL;
}

static void test_two_threads(void **unused)
{
	struct ring *ring = ring_new(SIZE);
	struct ring_record record;
	const char *bytes;
	pthread_t writer;

	(void)unused;
	assert_int_equal(pthread_create(&writer, NULL, write_all, ring), 0);
	for (unsigned i = 0; i < COUNT;) {
		if (!ring_peek(ring, &record, &bytes)) {
			sched_yield();
			continue;
		}
		check(&record, bytes, i++);
		ring_pop(ring);
	}
	pthread_join(writer, NULL);
	ring_free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_and_round),
	    cmocka_unit_test(test_what_never_fits),
	    cmocka_unit_test(test_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
