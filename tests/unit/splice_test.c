/* SPDX-License-Identifier: ISC */
/* Pipes: how many there are, who keeps them, and what they move. */
#include "config.h"

#include "gateway/splice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 12 /* more than a pool keeps */

static void test_no_more_than_there_may_be(void **state)
{
	atomic_int left = 2;
	struct pipe_pool *pool = pipe_pool_new(&left), *other = pipe_pool_new(&left);
	struct pipe *first = pipe_take(pool), *second = pipe_take(other);

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_null(pipe_take(pool));
	assert_null(pipe_take(NULL));
	pipe_give(pool, first);
	first = pipe_take(other); /* none is left, so the pool did not keep it */
	assert_non_null(first);
	pipe_give(other, first);
	pipe_give(other, second);
	pipe_pool_free(pool);
	pipe_pool_free(other);
	pipe_pool_free(NULL);
	assert_int_equal(atomic_load(&left), 2);
}

static void test_kept_for_the_next_user(void **state)
{
	atomic_int left = MANY + 1;
	struct pipe_pool *pool = pipe_pool_new(&left);
	struct pipe *pipes[MANY];
	int kept;

	(void)state;
	for (int i = 0; i < MANY; i++)
		pipes[i] = pipe_take(pool);
	assert_int_equal(atomic_load(&left), 1);
	for (int i = 0; i < MANY; i++)
		pipe_give(pool, pipes[i]);
	kept = MANY + 1 - atomic_load(&left);
	assert_in_range(kept, 1, MANY - 1); /* some, not all: others want pipes too */
	pipes[0] = pipe_take(pool);
	assert_int_equal(atomic_load(&left), MANY + 1 - kept);
	pipe_give(pool, pipes[0]);
	pipe_pool_free(pool);
	assert_int_equal(atomic_load(&left), MANY + 1);
}

/* What one session left in a pipe is never another one's. */
static void test_with_bytes_inside_it_is_closed(void **state)
{
	atomic_int left = 2;
	struct pipe_pool *pool = pipe_pool_new(&left);
	struct pipe *pipe = pipe_take(pool);
	int in[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, in), 0);
	assert_int_equal(write(in[0], "secret", 6), 6);
	assert_int_equal(pipe_fill(pipe, in[1], in[0], UINT64_MAX), 6);
	pipe_give(pool, pipe);
	assert_int_equal(atomic_load(&left), 2);
	close(in[0]);
	close(in[1]);
	pipe_pool_free(pool);
}

static void test_moves(void **state)
{
	atomic_int left = 1;
	struct pipe_pool *pool = pipe_pool_new(&left);
	struct pipe *pipe = pipe_take(pool);
	int in[2], out[2];
	uint8_t bytes[16] = {0};

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, out), 0);
	assert_int_equal(pipe_fill(pipe, in[1], out[0], UINT64_MAX), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(write(in[0], "abcdef", 6), 6);
	assert_int_equal(pipe_fill(pipe, in[1], out[0], UINT64_MAX), 6);
	assert_int_equal(pipe->held, 6);
	assert_int_equal(pipe_drain(pipe, out[0]), 6);
	assert_int_equal(pipe->held, 0);
	assert_int_equal(read(out[1], bytes, sizeof bytes), 6);
	assert_memory_equal(bytes, "abcdef", 6);

	assert_int_equal(write(in[0], "ghi", 3), 3);
	assert_int_equal(pipe_fill(pipe, in[1], out[0], UINT64_MAX), 3);
	assert_true(pipe_empty(pipe, bytes));
	assert_memory_equal(bytes, "ghi", 3);
	assert_int_equal(pipe->held, 0);

	close(in[0]);
	assert_int_equal(pipe_fill(pipe, in[1], out[0], UINT64_MAX), 0);
	pipe_give(pool, pipe);
	pipe_pool_free(pool);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

/* No more is taken than the receiver has room for, and 64 KiB: it may keep it waiting for hours. */
static void test_takes_what_there_is_room_for(void **state)
{
	static uint8_t bytes[512 * 1024];
	const int large = sizeof bytes, small = 4096;
	atomic_int left = 1;
	struct pipe_pool *pool = pipe_pool_new(&left);
	struct pipe *pipe = pipe_take(pool);
	int in[2], out[2];
	ssize_t sent;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, in), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, out), 0);
	setsockopt(in[0], SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
	setsockopt(out[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	sent = write(in[0], bytes, sizeof bytes);
	assert_true(sent > 100000);
	assert_in_range(pipe_fill(pipe, in[1], out[0], UINT64_MAX), 1, 65536);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
	pipe_give(pool, pipe);
	pipe_pool_free(pool);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_more_than_there_may_be),
	    cmocka_unit_test(test_kept_for_the_next_user),
	    cmocka_unit_test(test_with_bytes_inside_it_is_closed),
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_takes_what_there_is_room_for),
	};

	return cmocka_run_group_tests_name("splice", tests, NULL, NULL);
}
