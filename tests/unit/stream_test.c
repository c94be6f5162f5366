/* SPDX-License-Identifier: ISC */
/* Streams: readiness, surplus, layers, and being freed while they are told of something. */
#include "config.h"

#include "gateway/stream.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/hoard.h"
#include "tests/unit/rig.h"

struct ends {
	struct rig rig;
	struct stream *stream;
	int other;     /* the far end, a bare socket */
	int calls;     /* of ready() */
	int events;    /* of the latest */
	char got[256]; /* what `reads` read */
	size_t length;
	ssize_t result;
	int error;
};

static int setup(void **state)
{
	struct ends *e = calloc(1, sizeof *e);
	int fds[2];

	rig_setup(&e->rig);
	rig_pair(fds);
	e->stream = stream_new(&e->rig.loop, fds[0]);
	e->other = fds[1];
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct ends *e = *state;

	stream_free(e->stream);
	if (e->other >= 0)
		close(e->other);
	rig_teardown(&e->rig);
	free(e);
	return 0;
}

/* The far end, for a peer. */
static int take(struct ends *e)
{
	int fd = e->other;

	e->other = -1;
	return fd;
}

static void counts(void *arg, int events)
{
	struct ends *e = arg;

	e->calls++;
	e->events = events;
}

static void reads(void *arg, int events)
{
	struct ends *e = arg;

	counts(arg, events);
	e->result = stream_read(e->stream, e->got + e->length, sizeof e->got - e->length);
	e->error = errno;
	if (e->result > 0)
		e->length += (size_t)e->result;
	else if (e->result == 0)
		stream_want(e->stream, 0);
}

static void frees(void *arg, int events)
{
	struct ends *e = arg;

	counts(arg, events);
	stream_free(e->stream);
	e->stream = NULL;
}

static bool called(void *arg)
{
	return ((struct ends *)arg)->calls > 0;
}

static bool ended(void *arg)
{
	struct ends *e = arg;

	return e->calls > 0 && e->result == 0;
}

static void test_tells_of_what_is_wanted_only(void **state)
{
	struct ends *e = *state;

	stream_handler(e->stream, counts, e);
	assert_int_equal(write(e->other, "x", 1), 1);
	stream_want(e->stream, STREAM_WRITE);
	assert_int_equal(e->calls, 0); /* never from inside */
	rig_run(&e->rig, called, e);
	assert_int_equal(e->events, STREAM_WRITE);
	stream_want(e->stream, 0);
	e->calls = 0;
	rig_pass(&e->rig, 30);
	assert_int_equal(e->calls, 0);
	stream_want(e->stream, STREAM_READ | STREAM_WRITE);
	rig_run(&e->rig, called, e);
	assert_int_equal(e->events, STREAM_READ | STREAM_WRITE);
}

static void test_keeps_telling(void **state)
{
	struct ends *e = *state;

	stream_handler(e->stream, counts, e);
	stream_want(e->stream, STREAM_READ);
	assert_int_equal(write(e->other, "x", 1), 1);
	rig_pass(&e->rig, 30);
	assert_true(e->calls > 1);
	assert_int_equal(e->events, STREAM_READ);
}

static void test_freed_in_ready(void **state)
{
	struct ends *e = *state;

	stream_handler(e->stream, frees, e);
	stream_want(e->stream, STREAM_READ | STREAM_WRITE);
	assert_int_equal(write(e->other, "x", 1), 1);
	rig_run(&e->rig, called, e);
	rig_pass(&e->rig, 20);
	assert_int_equal(e->calls, 1);
}

static void test_freed_in_ready_with_surplus(void **state)
{
	struct ends *e = *state;

	stream_handler(e->stream, frees, e);
	assert_int_equal(stream_unread(e->stream, "surplus", 7), 0);
	stream_want(e->stream, STREAM_READ);
	rig_run(&e->rig, called, e);
	rig_pass(&e->rig, 20);
	assert_int_equal(e->calls, 1);
}

/* Surplus is readable though the socket is silent, comes first, and leaves the stream plain. */
static void test_surplus(void **state)
{
	struct ends *e = *state;

	stream_handler(e->stream, reads, e);
	stream_want(e->stream, STREAM_READ);
	rig_pass(&e->rig, 10);
	assert_int_equal(e->calls, 0);
	assert_int_equal(stream_unread(e->stream, "second", 6), 0);
	assert_int_equal(stream_unread(e->stream, "first ", 6), 0);
	assert_int_equal(stream_plain_fd(e->stream), -1);
	assert_int_equal(e->calls, 0);
	rig_run(&e->rig, called, e);
	rig_pass(&e->rig, 10);
	assert_int_equal(write(e->other, " third", 6), 6);
	close(e->other);
	e->other = -1;
	rig_run(&e->rig, ended, e);
	assert_int_equal(e->length, 18);
	assert_memory_equal(e->got, "first second third", 18);
	assert_int_equal(stream_plain_fd(e->stream), stream_fd(e->stream));
}

static void test_surplus_of_nothing(void **state)
{
	struct ends *e = *state;

	assert_int_equal(stream_unread(e->stream, "", 0), 0);
	assert_int_equal(stream_plain_fd(e->stream), stream_fd(e->stream));
}

static void test_surplus_in_small_reads(void **state)
{
	struct ends *e = *state;
	char byte;

	assert_int_equal(stream_unread(e->stream, "abc", 3), 0);
	for (const char *want = "abc"; *want != '\0'; want++) {
		assert_int_equal(stream_read(e->stream, &byte, 1), 1);
		assert_int_equal(byte, *want);
	}
	assert_int_equal(stream_read(e->stream, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

/* A stream with much surplus does not keep the others from their turn. */
static void test_surplus_starves_nobody(void **state)
{
	struct ends *e = *state;
	struct ends second = {0};
	int fds[2];

	rig_pair(fds);
	second.stream = stream_new(&e->rig.loop, fds[0]);
	stream_handler(second.stream, counts, &second);
	stream_want(second.stream, STREAM_READ);
	assert_int_equal(write(fds[1], "x", 1), 1);
	stream_handler(e->stream, counts, e); /* never reads its surplus */
	assert_int_equal(stream_unread(e->stream, "surplus", 7), 0);
	stream_want(e->stream, STREAM_READ);
	rig_run(&e->rig, called, &second);
	assert_true(e->calls <= second.calls + 2);
	stream_free(second.stream);
	close(fds[1]);
}

static void test_abort_is_a_reset(void **state)
{
	struct ends *e = *state;
	char byte;

	stream_abort(e->stream);
	e->stream = NULL;
	assert_int_equal(recv(e->other, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void test_shutdown_is_an_end(void **state)
{
	struct ends *e = *state;
	char byte;

	assert_int_equal(stream_shutdown(e->stream), 0);
	assert_int_equal(recv(e->other, &byte, 1, 0), 0);
	assert_int_equal(write(e->other, "x", 1), 1);
	assert_int_equal(stream_read(e->stream, &byte, 1), 1);
}

/* The end is told of together with the bytes before it, and only once it has come. */
static void test_tells_of_an_end(void **state)
{
	struct ends *e = *state;

	stream_handler(e->stream, counts, e); /* never reads */
	stream_want(e->stream, STREAM_READ);
	assert_int_equal(write(e->other, "abc", 3), 3);
	rig_run(&e->rig, called, e);
	assert_int_equal(e->events, STREAM_READ);
	shutdown(e->other, SHUT_WR);
	e->calls = 0;
	rig_run(&e->rig, called, e);
	assert_int_equal(e->events, STREAM_READ | STREAM_END);
	stream_want(e->stream, STREAM_READ | STREAM_WRITE);
	e->calls = 0;
	rig_run(&e->rig, called, e);
	assert_int_equal(e->events, STREAM_READ | STREAM_WRITE | STREAM_END);
	stream_want(e->stream, STREAM_WRITE);
	e->calls = 0;
	rig_run(&e->rig, called, e);
	assert_int_equal(e->events, STREAM_WRITE);
}

/* The socket's end is not the end of what a layer, or surplus, has for the reader. */
static void test_tells_of_no_end_below_a_layer(void **state)
{
	struct ends *e = *state;

	shutdown(e->other, SHUT_WR);
	assert_int_equal(stream_unread(e->stream, "abc", 3), 0);
	stream_handler(e->stream, counts, e);
	stream_want(e->stream, STREAM_READ);
	rig_pass(&e->rig, 6);
	assert_int_equal(e->events, STREAM_READ);
}

static void test_last_bytes_leave_with_the_end(void **state)
{
	struct ends *e = *state;
	char bytes[8];

	assert_int_equal(stream_write_last(e->stream, "abc", 3), 3);
	assert_int_equal(recv(e->other, bytes, sizeof bytes, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(stream_shutdown(e->stream), 0);
	assert_int_equal(recv(e->other, bytes, sizeof bytes, 0), 3);
	assert_int_equal(recv(e->other, bytes, sizeof bytes, 0), 0);
}

static void test_handshake_without_layer(void **state)
{
	struct ends *e = *state;

	assert_int_equal(stream_handshake(e->stream), 0);
}

/* Bytes that were read too early belong below a layer that is pushed later. */
static void test_surplus_goes_below_a_layer(void **state)
{
	struct ends *e = *state;
	struct peer p;
	char byte;

	peer_start(&p, &e->rig, take(e), hoard_new_far());
	peer_send(&p, 100, true);
	rig_pass(&e->rig, 20);
	assert_int_equal(stream_read(e->stream, &byte, 1), 1); /* of the layer's handshake */
	assert_int_equal(stream_unread(e->stream, &byte, 1), 0);
	stream_push(e->stream, hoard_new());
	stream_handler(e->stream, reads, e);
	stream_want(e->stream, STREAM_READ);
	rig_run(&e->rig, ended, e);
	assert_int_equal(e->length, 100);
	for (size_t i = 0; i < e->length; i++)
		assert_int_equal((uint8_t)e->got[i], peer_byte(0, i));
	peer_close(&p);
}

/* Surplus above a layer, while the layer goes on below. */
static void test_surplus_above_a_layer(void **state)
{
	struct ends *e = *state;
	struct peer p;

	peer_start(&p, &e->rig, take(e), hoard_new_far());
	stream_push(e->stream, hoard_new());
	assert_int_equal(stream_unread(e->stream, "ab", 2), 0);
	peer_send(&p, 50, true);
	stream_handler(e->stream, reads, e);
	stream_want(e->stream, STREAM_READ);
	rig_run(&e->rig, ended, e);
	assert_int_equal(e->length, 52);
	assert_memory_equal(e->got, "ab", 2);
	assert_int_equal((uint8_t)e->got[2], peer_byte(0, 0));
	peer_close(&p);
}

struct two {
	struct peer a, b;
};

static bool both_ended(void *arg)
{
	struct two *two = arg;

	return two->a.ended && two->b.ended;
}

/* Much, both ways at once, through one layer and through two. */
static void exchange(struct ends *e, int layers)
{
	struct two two;
	int fds[2];

	rig_pair(fds);
	rig_narrow(fds[0]);
	rig_narrow(fds[1]);
	peer_start(&two.a, &e->rig, fds[0], NULL);
	peer_start(&two.b, &e->rig, fds[1], NULL);
	for (int i = 0; i < layers; i++) {
		stream_push(two.a.stream, hoard_new());
		stream_push(two.b.stream, hoard_new_far());
	}
	two.a.salt = two.b.expect = 7;
	peer_send(&two.a, 300000, true);
	peer_send(&two.b, 200000, true);
	rig_run(&e->rig, both_ended, &two);
	assert_int_equal(two.a.received, 200000);
	assert_int_equal(two.b.received, 300000);
	assert_int_equal(two.a.wrong + two.b.wrong, 0);
	peer_close(&two.a);
	peer_close(&two.b);
}

static void test_no_layer(void **state)
{
	exchange(*state, 0);
}

static void test_one_layer(void **state)
{
	exchange(*state, 1);
}

static void test_two_layers(void **state)
{
	exchange(*state, 2);
}

/* What a layer holds is told of once, not for ever: an idle stream costs no time. */
static void test_layer_at_rest(void **state)
{
	struct ends *e = *state;
	struct peer p;
	int calls;

	peer_start(&p, &e->rig, take(e), hoard_new_far());
	stream_push(e->stream, hoard_new());
	stream_handler(e->stream, reads, e);
	stream_want(e->stream, STREAM_READ);
	peer_send(&p, 200, false);
	rig_pass(&e->rig, 50);
	assert_int_equal(e->length, 200);
	calls = e->calls;
	rig_pass(&e->rig, 50);
	assert_int_equal(e->calls, calls);
	peer_close(&p);
}

/* The end without its record is a loss. */
static void test_layer_cut(void **state)
{
	struct ends *e = *state;
	struct peer p;

	peer_start(&p, &e->rig, take(e), hoard_new_far());
	stream_push(e->stream, hoard_new());
	stream_handler(e->stream, reads, e);
	stream_want(e->stream, STREAM_READ);
	peer_send(&p, 10, false);
	rig_pass(&e->rig, 30);
	peer_close(&p);
	e->calls = 0;
	rig_run(&e->rig, called, e);
	assert_int_equal(e->length, 10);
	assert_int_equal(e->result, -1);
	assert_int_equal(e->error, ECONNRESET);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    T(tells_of_what_is_wanted_only),
	    T(keeps_telling),
	    T(freed_in_ready),
	    T(freed_in_ready_with_surplus),
	    T(surplus),
	    T(surplus_of_nothing),
	    T(surplus_in_small_reads),
	    T(surplus_starves_nobody),
	    T(abort_is_a_reset),
	    T(shutdown_is_an_end),
	    T(tells_of_an_end),
	    T(tells_of_no_end_below_a_layer),
	    T(last_bytes_leave_with_the_end),
	    T(handshake_without_layer),
	    T(surplus_goes_below_a_layer),
	    T(surplus_above_a_layer),
	    T(no_layer),
	    T(one_layer),
	    T(two_layers),
	    T(layer_at_rest),
	    T(layer_cut),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
