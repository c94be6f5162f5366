/* SPDX-License-Identifier: ISC */
/* Buffers: their ceiling, their memory, and that nothing stays behind in it. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/buffer.h"

static struct buffer_pool pool;

static int empty_pool(void **state)
{
	(void)state;
	buffer_pool_clear(&pool);
	return 0;
}

static void empty_buffer_owns_nothing(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, &pool, 100);
	assert_null(b.data);
	assert_null(buffer_bytes(&b));
	assert_int_equal(buffer_length(&b), 0);
	assert_true(buffer_add(&b, NULL, 0));
	assert_null(b.data);
	buffer_consume(&b, 0);
	buffer_clear(&b);
}

static void ceiling_is_never_passed(void **state)
{
	struct buffer b;
	size_t got;

	(void)state;
	buffer_init(&b, &pool, 10);
	assert_true(buffer_add(&b, "12345678", 8));
	assert_false(buffer_add(&b, "abc", 3));
	assert_int_equal(buffer_length(&b), 8);
	assert_false(buffer_printf(&b, "%d", 100));
	assert_true(buffer_printf(&b, "%d", 10));
	assert_memory_equal(buffer_bytes(&b), "1234567810", 10);
	assert_null(buffer_room(&b, 1, &got));
	assert_int_equal(got, 0);
	buffer_consume(&b, 4);
	assert_non_null(buffer_room(&b, 100, &got));
	assert_int_equal(got, 4);
	assert_null(buffer_room(&b, 0, &got));
	buffer_clear(&b);
}

static void room_is_given_whole(void **state)
{
	struct buffer b;
	size_t got, sizes = 0, last = 0;

	(void)state;
	buffer_init(&b, &pool, 100000);
	while (buffer_length(&b) < 100000) {
		uint8_t *room = buffer_room(&b, 1000, &got);

		assert_int_equal(got, 1000);
		memset(room, (int)(buffer_length(&b) / 1000), got);
		buffer_commit(&b, got);
		sizes += b.size != last;
		last = b.size;
	}
	/* Doubled, not grown step by step, and to no more than the ceiling. */
	assert_in_range(sizes, 2, 8);
	assert_int_equal(b.size, 100000);
	for (size_t i = 0; i < 100000; i += 999)
		assert_int_equal(buffer_bytes(&b)[i], i / 1000);
	buffer_clear(&b);
}

static void room_in_front_is_used_before_more_is_taken(void **state)
{
	static const uint8_t zeros[BUFFER_BLOCK];
	uint8_t bytes[BUFFER_BLOCK];
	struct buffer b;
	size_t got;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	buffer_init(&b, &pool, 65536);
	assert_true(buffer_add(&b, bytes, BUFFER_BLOCK));
	buffer_consume(&b, BUFFER_BLOCK - 5);
	assert_memory_equal(b.data, zeros, BUFFER_BLOCK - 5);
	assert_non_null(buffer_room(&b, BUFFER_BLOCK - 5, &got));
	assert_int_equal(got, BUFFER_BLOCK - 5);
	assert_int_equal(b.size, BUFFER_BLOCK);
	assert_int_equal(b.start, 0);
	assert_memory_equal(b.data, "xxxxx", 5);
	assert_memory_equal(b.data + 5, zeros, BUFFER_BLOCK - 5);
	assert_non_null(buffer_room(&b, BUFFER_BLOCK, &got));
	assert_int_equal(b.size, 2 * BUFFER_BLOCK);
	assert_memory_equal(buffer_bytes(&b), "xxxxx", 5);
	buffer_clear(&b);
}

static void memory_goes_back_with_the_last_byte(void **state)
{
	struct buffer b;
	uint8_t *block;

	(void)state;
	buffer_init(&b, &pool, 100);
	assert_true(buffer_add(&b, "secret", 6));
	block = b.data;
	buffer_consume(&b, 6);
	assert_null(b.data);
	assert_int_equal(pool.count, 1);
	assert_ptr_equal(pool.free, block);
	assert_true(buffer_add(&b, "x", 1));
	assert_ptr_equal(b.data, block);
	assert_int_equal(pool.count, 0);
	/* Nothing of its last user is left. */
	for (size_t i = 1; i < BUFFER_BLOCK; i++)
		assert_int_equal(block[i], 0);
	buffer_clear(&b);
	assert_int_equal(pool.count, 1);
}

static void what_was_not_committed_is_wiped_too(void **state)
{
	struct buffer b;
	size_t got;

	(void)state;
	buffer_init(&b, &pool, 100);
	memcpy(buffer_room(&b, 10, &got), "0123456789", 10);
	buffer_commit(&b, 1);
	buffer_consume(&b, 1);
	assert_true(buffer_add(&b, "x", 1));
	for (size_t i = 1; i < BUFFER_BLOCK; i++)
		assert_int_equal(b.data[i], 0);
	buffer_clear(&b);
}

static void pool_is_bounded_and_holds_only_blocks(void **state)
{
	struct buffer many[BUFFER_KEPT + 10], big;
	uint8_t bytes[BUFFER_BLOCK + 1] = {0};

	(void)state;
	for (size_t i = 0; i < BUFFER_KEPT + 10; i++) {
		buffer_init(&many[i], &pool, 100);
		assert_true(buffer_add(&many[i], "x", 1));
	}
	for (size_t i = 0; i < BUFFER_KEPT + 10; i++)
		buffer_clear(&many[i]);
	assert_int_equal(pool.count, BUFFER_KEPT);
	buffer_pool_clear(&pool);
	assert_int_equal(pool.count, 0);
	buffer_init(&big, &pool, sizeof(bytes));
	assert_true(buffer_add(&big, bytes, sizeof(bytes)));
	buffer_clear(&big);
	assert_int_equal(pool.count, 0);
}

static void works_without_a_pool(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, NULL, 5000);
	assert_true(buffer_printf(&b, "%03000d", 7));
	assert_int_equal(buffer_length(&b), 3000);
	assert_int_equal(buffer_bytes(&b)[2999], '7');
	buffer_consume(&b, 2999);
	assert_memory_equal(buffer_bytes(&b), "7", 1);
	buffer_clear(&b);
}

#define TEST(name) cmocka_unit_test_teardown(name, empty_pool)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(empty_buffer_owns_nothing),
	    TEST(ceiling_is_never_passed),
	    TEST(room_is_given_whole),
	    TEST(room_in_front_is_used_before_more_is_taken),
	    TEST(memory_goes_back_with_the_last_byte),
	    TEST(what_was_not_committed_is_wiped_too),
	    TEST(pool_is_bounded_and_holds_only_blocks),
	    TEST(works_without_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
