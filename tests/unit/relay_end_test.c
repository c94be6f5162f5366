/* SPDX-License-Identifier: ISC */
/* How a relay ends otherwise: resets, time, and from outside. */
#include "config.h"

#include "gateway/relay.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/splice.h"
#include "tests/unit/scene.h"

/* --- resets ---------------------------------------------------------------------------------- */

/* Conformance 123: all that was delivered is read, then the reset. */
static void test_target_resets(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->target, 1000, false);
	rig_run(&s->rig, scene_client_got, s);
	peer_abort(&s->target);
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->client.received, 1000);
	assert_false(s->client.ended);
	assert_int_equal(s->reason, REASON_TARGET_RESET);
	assert_int_equal(s->calls, 1);
}

/* Conformance 133: bytes and the reset after them, both there before anything is read. */
static void test_bytes_and_reset_in_one_turn(void **state)
{
	struct scene *s = *state;

	scene_peers(s);
	peer_send(&s->target, 3000, false);
	rig_pass(&s->rig, 20);
	assert_int_equal(s->target.sent, 3000);
	peer_abort(&s->target);
	s->plan.client = scene_stream(s, CLIENT);
	s->plan.target = scene_stream(s, TARGET);
	scene_relay(s);
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->client.received, 3000);
	assert_int_equal(s->client.wrong, 0);
	assert_int_equal(s->reason, REASON_TARGET_RESET);
}

/* Conformance 124. */
static void test_client_resets(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, 1000, false);
	rig_run(&s->rig, scene_target_got, s);
	peer_abort(&s->client);
	rig_run(&s->rig, scene_target_reset, s);
	assert_int_equal(s->target.received, 1000);
	assert_false(s->target.ended);
	assert_int_equal(s->reason, REASON_CLIENT_RESET);
}

/* We can send the client much more than it can take at once. */
static void take_much_slowly(struct scene *s)
{
	static const int much = 200000;

	rig_narrow(s->fds[0][0]);
	setsockopt(s->fds[0][1], SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
}

static bool has_delivered(void *arg)
{
	struct scene *s = arg;

	return s->relay == NULL || relay_bytes(s->relay, RELAY_DOWN) == s->target.to_send;
}

/* The reset does not overtake what is on its way to a reader that is slow. */
static void test_reset_behind_undelivered_bytes(void **state)
{
	struct scene *s = *state;

	take_much_slowly(s);
	scene_start_deaf(s);
	peer_send(&s->target, 100000, false);
	rig_run(&s->rig, has_delivered, s);
	peer_abort(&s->target);
	rig_pass(&s->rig, 50);
	assert_int_equal(s->calls, 0);
	peer_listen(&s->client, true);
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->client.received, 100000);
	assert_int_equal(s->client.wrong, 0);
	assert_int_equal(s->reason, REASON_TARGET_RESET);
}

/* A reader that never takes the rest is not waited for in vain. */
static void test_reset_that_nobody_waits_for(void **state)
{
	struct scene *s = *state;

	take_much_slowly(s);
	scene_start_deaf(s);
	peer_send(&s->target, 100000, false);
	rig_run(&s->rig, has_delivered, s);
	peer_abort(&s->target);
	rig_run(&s->rig, scene_done, s);
	assert_int_equal(s->reason, REASON_TARGET_RESET);
	peer_listen(&s->client, true);
	rig_run(&s->rig, scene_client_reset, s);
}

/* After both FINs' worth of half-close: a reset is still a reset. */
static void test_reset_after_the_other_end(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, 100, true);
	rig_run(&s->rig, scene_target_ended, s);
	peer_abort(&s->target);
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->reason, REASON_TARGET_RESET);
	assert_false(s->client.ended);
}

/* A client that closes with bytes unread resets; the target learns it while it sends. */
static void test_client_closes_in_mid_answer(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->target, 64 * MB, true);
	peer_send(&s->client, 10, false);
	rig_run(&s->rig, scene_target_got, s);
	peer_close(&s->client);
	rig_run(&s->rig, scene_target_reset, s);
	assert_int_equal(s->reason, REASON_CLIENT_RESET);
	assert_false(s->target.ended);
}

/* A target that refuses an upload: its answer is delivered before the reset. */
static void test_answer_before_a_reset(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_listen(&s->target, false);
	peer_send(&s->client, 64 * MB, true);
	rig_pass(&s->rig, 30);
	peer_send(&s->target, 5000, true);
	rig_run(&s->rig, scene_client_got, s);
	peer_close(&s->target);
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->client.received, 5000);
	assert_int_equal(s->reason, REASON_TARGET_RESET);
}

static void test_both_reset(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, 10, false);
	rig_run(&s->rig, scene_target_got, s);
	peer_abort(&s->client);
	peer_abort(&s->target);
	rig_run(&s->rig, scene_done, s);
	assert_true(s->reason == REASON_CLIENT_RESET || s->reason == REASON_TARGET_RESET);
}

/* --- losses ---------------------------------------------------------------------------------- */

/* A layer on a socket that cannot reach its peer any more, as the kernel tells it. */
struct lost {
	struct stream_layer layer;
	int on_read, on_write; /* errno; 0: all is well */
};

static ssize_t lost_read(struct stream_layer *l, void *bytes, size_t n)
{
	ssize_t got = stream_lower_read(l, bytes, n);
	int error = ((struct lost *)l)->on_read;

	if (got <= 0 || error == 0)
		return got;
	errno = error;
	return -1;
}

static ssize_t lost_write(struct stream_layer *l, const void *bytes, size_t n)
{
	int error = ((struct lost *)l)->on_write;

	if (error == 0)
		return stream_lower_write(l, bytes, n);
	errno = error;
	return -1;
}

static int lost_needs(const struct stream_layer *l, int events)
{
	(void)l;
	return events;
}

static bool lost_pending(const struct stream_layer *l)
{
	(void)l;
	return false;
}

static void lost_free(struct stream_layer *l)
{
	free(l);
}

static void push_lost(struct stream *stream, int on_read, int on_write)
{
	static const struct stream_layer_ops ops = {.read = lost_read,
	    .write = lost_write,
	    .needs = lost_needs,
	    .pending = lost_pending,
	    .free = lost_free};
	struct lost *lost = calloc(1, sizeof *lost);

	assert_non_null(lost);
	lost->layer.ops = &ops;
	lost->on_read = on_read;
	lost->on_write = on_write;
	stream_push(stream, &lost->layer);
}

/* Conformance 131: it is told apart from a reset, but to the other side it is one. */
static void test_client_is_lost(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	push_lost(s->plan.client, ETIMEDOUT, 0);
	peer_send(&s->client, 10, false);
	rig_run(&s->rig, scene_target_reset, s);
	assert_int_equal(s->reason, REASON_CLIENT_LOST);
	assert_false(s->target.ended);
}

static void test_target_is_lost(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	push_lost(s->plan.target, 0, EHOSTUNREACH);
	peer_send(&s->client, 10, false);
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->reason, REASON_TARGET_LOST);
	assert_false(s->client.ended);
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_idle(void **state)
{
	struct scene *s = *state;
	int64_t before = loop_now();

	s->plan.idle_ms = 400;
	scene_start(s);
	for (int i = 1; i <= 10; i++) { /* either way keeps it alive */
		peer_send(i % 2 ? &s->client : &s->target, 1, false);
		rig_pass(&s->rig, 60);
		assert_int_equal(s->calls, 0);
	}
	rig_run(&s->rig, scene_done, s);
	assert_true(loop_now() - before >= 600 + 300);
	assert_int_equal(s->reason, REASON_IDLE_TIMEOUT);
	rig_run(&s->rig, scene_over, s);
	assert_true(s->client.reset && s->target.reset);
}

static void test_half_close(void **state)
{
	struct scene *s = *state;

	s->plan.half_close_ms = 400;
	scene_start(s);
	peer_send(&s->client, 10, true);
	rig_run(&s->rig, scene_target_ended, s);
	for (int i = 0; i < 5; i++) { /* an answer that goes on is not cut */
		peer_send(&s->target, 100, false);
		rig_pass(&s->rig, 100);
		assert_int_equal(s->calls, 0);
	}
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->reason, REASON_HALF_CLOSE_TIMEOUT);
	assert_int_equal(s->client.received, 500);
}

static void test_no_timers(void **state)
{
	struct scene *s = *state;

	s->plan.idle_ms = s->plan.half_close_ms = 0;
	scene_start(s);
	peer_send(&s->client, 10, true);
	rig_run(&s->rig, scene_target_ended, s);
	rig_pass(&s->rig, 50);
	peer_send(&s->target, 10, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 10, 10);
}

static void test_first_byte(void **state)
{
	struct scene *s = *state;
	int64_t before = loop_now();

	scene_start(s);
	peer_send(&s->client, 10, false);
	rig_run(&s->rig, scene_target_got, s);
	assert_int_equal(relay_first_byte(s->relay), 0);
	peer_send(&s->target, 10, false);
	rig_run(&s->rig, scene_client_got, s);
	assert_in_range(relay_first_byte(s->relay), before, loop_now());
	assert_int_equal(relay_bytes(s->relay, RELAY_UP), 10);
	assert_int_equal(relay_bytes(s->relay, RELAY_DOWN), 10);
}

/* --- from outside ---------------------------------------------------------------------------- */

static void test_killed(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, 10, false);
	rig_run(&s->rig, scene_target_got, s);
	relay_free(s->relay);
	s->relay = NULL;
	rig_run(&s->rig, scene_client_reset, s);
	rig_run(&s->rig, scene_target_reset, s);
	assert_int_equal(s->calls, 0);
}

static void test_killed_while_blocked(void **state)
{
	struct scene *s = *state;

	scene_start_deaf(s);
	peer_send(&s->target, 64 * MB, false);
	rig_run(&s->rig, scene_stands_still, s);
	relay_free(s->relay);
	s->relay = NULL;
	rig_run(&s->rig, scene_target_reset, s);
	assert_int_equal(s->calls, 0);
}

static void test_killed_before_it_began(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	relay_free(s->relay);
	s->relay = NULL;
	rig_run(&s->rig, scene_client_reset, s);
	assert_int_equal(s->calls, 0);
}

static void test_killed_while_a_reset_waits(void **state)
{
	struct scene *s = *state;

	take_much_slowly(s);
	scene_start_deaf(s);
	peer_send(&s->target, 100000, false);
	rig_run(&s->rig, has_delivered, s);
	peer_abort(&s->target);
	rig_pass(&s->rig, 50);
	relay_free(s->relay);
	s->relay = NULL;
	rig_pass(&s->rig, 50);
	assert_int_equal(s->calls, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    LAYERED(target_resets),
	    PLAIN_ONLY(bytes_and_reset_in_one_turn),
	    LAYERED(client_resets),
	    LAYERED(reset_behind_undelivered_bytes),
	    LAYERED(reset_that_nobody_waits_for),
	    LAYERED(reset_after_the_other_end),
	    LAYERED(client_closes_in_mid_answer),
	    LAYERED(answer_before_a_reset),
	    LAYERED(both_reset),
	    PLAIN_ONLY(client_is_lost),
	    PLAIN_ONLY(target_is_lost),
	    LAYERED(idle),
	    LAYERED(half_close),
	    LAYERED(no_timers),
	    LAYERED(first_byte),
	    LAYERED(killed),
	    LAYERED(killed_while_blocked),
	    LAYERED(killed_before_it_began),
	    LAYERED(killed_while_a_reset_waits),
	};

	return cmocka_run_group_tests_name("relay end", tests, NULL, NULL);
}
