/* SPDX-License-Identifier: ISC */
/* Relaying between two peers: orders of ends, bulk, stalled readers, urgent bytes. */
#include "config.h"

#include "gateway/relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/splice.h"
#include "tests/unit/scene.h"

/* --- ends ------------------------------------------------------------------------------------ */

/* Conformance 120: the client ends first, the answer still flows. */
static void test_client_ends_first(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, 1000, true);
	rig_run(&s->rig, scene_target_ended, s);
	assert_int_equal(s->calls, 0);
	peer_send(&s->target, MB, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 1000, MB);
}

/* Conformance 121: the target ends first, the client goes on sending. */
static void test_target_ends_first(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->target, 1000, true);
	rig_run(&s->rig, scene_client_ended, s);
	peer_send(&s->client, 400000, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 400000, 1000);
}

static void test_both_end_at_once(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, 10, true);
	peer_send(&s->target, 20, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 10, 20);
}

static void test_ends_without_bytes(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->target, 0, true);
	rig_run(&s->rig, scene_client_ended, s);
	peer_send(&s->client, 0, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 0, 0);
}

/* The peer has closed altogether before its last bytes are read here. */
static void test_bytes_and_end_in_one_turn(void **state)
{
	struct scene *s = *state;

	scene_peers(s);
	peer_send(&s->target, 3000, true);
	peer_send(&s->client, 3000, true);
	s->plan.client = scene_stream(s, CLIENT);
	s->plan.target = scene_stream(s, TARGET);
	rig_pass(&s->rig, 20); /* all is in our sockets now, as far as layers let it */
	scene_relay(s);
	assert_int_equal(s->calls, 0);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 3000, 3000);
}

static void test_the_clients_end_was_read_before(void **state)
{
	struct scene *s = *state;
	struct stream *stream;
	uint8_t bytes[4096];
	size_t n = 0;
	ssize_t got;

	scene_peers(s);
	peer_send(&s->client, 500, true);
	stream = scene_stream(s, CLIENT);
	do {
		rig_pass(&s->rig, 6);
		got = stream_read(stream, bytes + n, sizeof bytes - n);
		if (got > 0)
			n += (size_t)got;
	} while (got != 0);
	assert_int_equal(n, 500);
	assert_int_equal(stream_unread(stream, bytes, n), 0);
	s->plan.client = stream;
	s->plan.target = scene_stream(s, TARGET);
	s->plan.client_ended = true;
	scene_relay(s);
	rig_run(&s->rig, scene_target_ended, s);
	peer_send(&s->target, 700, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 500, 700);
}

static void test_surplus_comes_first(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[100];

	scene_peers(s);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = peer_byte(2, i);
	s->plan.client = scene_stream(s, CLIENT);
	s->plan.target = scene_stream(s, TARGET);
	assert_int_equal(stream_unread(s->plan.target, bytes, sizeof bytes), 0);
	scene_relay(s);
	s->target.sent = s->target.to_send = sizeof bytes; /* as if it had sent them */
	rig_run(&s->rig, scene_client_got, s);
	peer_send(&s->target, 500000, true);
	peer_send(&s->client, 0, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 0, 500100);
}

/* --- much ------------------------------------------------------------------------------------ */

/* Layers make it many small records: less of them is as much work. */
static uint64_t bulk(const struct scene *s)
{
	return s->layers == PLAIN ? 8 * MB : MB / 2;
}

static void test_bulk_both_ways(void **state)
{
	struct scene *s = *state;

	scene_start(s);
	peer_send(&s->client, bulk(s), true);
	peer_send(&s->target, bulk(s) / 2, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, bulk(s), bulk(s) / 2);
}

/* Sockets that soon are full: every way blocks all the time. */
static void test_bulk_through_narrow_sockets(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < 4; i++)
		rig_narrow(s->fds[i / 2][i % 2]);
	scene_start(s);
	peer_send(&s->client, MB, true);
	peer_send(&s->target, MB, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, MB, MB);
}

/* A client on a unix socket. */
static void test_bulk_of_a_unix_client(void **state)
{
	struct scene *s = *state;

	close(s->fds[0][0]);
	close(s->fds[0][1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s->fds[0]), 0);
	scene_start(s);
	peer_send(&s->client, bulk(s), true);
	peer_send(&s->target, bulk(s), true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, bulk(s), bulk(s));
}

static void test_bulk_without_pipes(void **state)
{
	struct scene *s = *state;

	atomic_store(s->rig.pipes, 0);
	scene_start(s);
	peer_send(&s->client, bulk(s), true);
	peer_send(&s->target, bulk(s), true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, bulk(s), bulk(s));
	atomic_store(s->rig.pipes, PIPE_MAX);
}

/* Conformance 128: what a stalled reader leaves over is bounded, and all there when it goes on. */
static void test_stalled_reader(void **state)
{
	struct scene *s = *state;
	uint64_t delivered;

	for (int i = 0; i < 4; i++)
		rig_narrow(s->fds[i / 2][i % 2]);
	scene_start_deaf(s);
	peer_send(&s->target, 2 * MB, true);
	rig_run(&s->rig, scene_stands_still, s);
	delivered = relay_bytes(s->relay, RELAY_DOWN);
	assert_true(s->target.sent - delivered < 300000); /* two sockets, 64 KiB and layers */
	peer_send(&s->client, 5000, true);
	if (s->layers == PLAIN) /* a layer may have to write before it reads on */
		rig_run(&s->rig, scene_target_ended, s);
	peer_listen(&s->client, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 5000, 2 * MB);
}

static bool pipe_is_free(void *arg)
{
	struct scene *s = arg;
	struct pipe *pipe = pipe_take(s->rig.loop.pipes);

	if (pipe != NULL)
		pipe_give(s->rig.loop.pipes, pipe);
	return pipe != NULL;
}

static bool past_the_mark(void *arg)
{
	struct scene *s = arg;

	return s->client.received > s->mark;
}

/* A way that is blocked gives its pipe back, bytes and order kept; an idle one has none. */
static void test_blocked_way_gives_its_pipe_back(void **state)
{
	struct scene *s = *state;

	atomic_store(s->rig.pipes, 1);
	scene_start(s);
	peer_send(&s->target, 4 * MB, false);
	rig_run(&s->rig, scene_client_got, s);
	assert_true(pipe_is_free(s));
	peer_send(&s->target, 128 * MB, false);
	for (int i = 0; i < 10 && pipe_is_free(s); i++) { /* it may block while it copies */
		s->mark = s->client.received + MB;
		peer_listen(&s->client, true);
		rig_run(&s->rig, past_the_mark, s);
		peer_listen(&s->client, false);
		rig_run(&s->rig, scene_stands_still, s);
	}
	assert_false(pipe_is_free(s));
	rig_run(&s->rig, pipe_is_free, s);
	peer_listen(&s->client, true);
	rig_run(&s->rig, scene_client_got, s);
	peer_send(&s->target, 0, true);
	peer_send(&s->client, 0, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 0, 132 * MB);
	atomic_fetch_add(s->rig.pipes, PIPE_MAX - 1);
}

static void send_urgent(struct scene *s, const char *before, const char *after)
{
	int fd = s->fds[1][0];

	assert_int_equal(send(fd, before, strlen(before), 0), strlen(before));
	assert_int_equal(send(fd, "!", 1, MSG_OOB), 1);
	assert_int_equal(send(fd, after, strlen(after), 0), strlen(after));
}

/* Conformance 127: an urgent byte is neither lost nor out of order. */
static void test_urgent_byte(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[8] = {0};
	ssize_t n;

	scene_start_deaf(s);
	send_urgent(s, "ab", "cd");
	rig_pass(&s->rig, 30);
	n = recv(s->fds[0][0], bytes, sizeof bytes, 0);
	assert_int_equal(n, 5);
	assert_memory_equal(bytes, "ab!cd", 5);
}

/* The same in the midst of bulk, which splice() would not get past. */
static void test_urgent_byte_in_bulk(void **state)
{
	struct scene *s = *state;
	uint8_t bytes[2];

	scene_start(s);
	for (unsigned i = 1; i <= 20; i++) {
		peer_send(&s->target, 300000, false);
		rig_run(&s->rig, scene_client_got, s);
		bytes[0] = peer_byte(2, s->target.sent);
		assert_int_equal(send(s->fds[1][0], bytes, 1, MSG_OOB), 1);
		s->target.to_send = ++s->target.sent;
	}
	rig_run(&s->rig, scene_client_got, s);
	peer_send(&s->target, 0, true);
	peer_send(&s->client, 0, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, 0, 20 * 300001);
}

/* --- slices ---------------------------------------------------------------------------------- */

#define SLICE 20000

struct slices {
	struct meter meter;
	uint64_t given, most; /* bytes; the end after so many */
};

static void refill(struct meter *m)
{
	struct slices *slices = (struct slices *)m;

	if (slices->given >= slices->most) {
		m->reason = REASON_LIMIT;
		return;
	}
	slices->given += SLICE;
	m->next = SLICE;
	m->resume_ms = loop_now() + 2;
}

/* Both ways together; waiting for a slice is not being idle. */
static void test_slices(void **state)
{
	struct scene *s = *state;
	struct slices slices = {.meter = {.refill = refill}, .most = UINT64_MAX};
	const int64_t before = loop_now();

	s->plan.meter = &slices.meter;
	s->plan.idle_ms = 500;
	scene_start(s);
	peer_send(&s->client, MB, true);
	peer_send(&s->target, MB, true);
	rig_run(&s->rig, scene_over, s);
	scene_check_clean(s, MB, MB);
	assert_int_equal(slices.meter.spent, 2 * MB);
	assert_true(slices.given >= 2 * MB && slices.given < 2 * MB + 2 * SLICE);
	assert_true(loop_now() - before >= 2 * MB / SLICE * 2 - 50);
}

static void test_the_last_slice(void **state)
{
	struct scene *s = *state;
	struct slices slices = {.meter = {.refill = refill}, .most = 10 * SLICE};

	s->plan.meter = &slices.meter;
	scene_start(s);
	peer_send(&s->target, MB, true);
	rig_run(&s->rig, scene_over, s);
	assert_int_equal(s->reason, REASON_LIMIT);
	assert_true(s->client.reset && s->target.reset);
	assert_true(s->client.received <= 10 * SLICE);
	assert_int_equal(slices.meter.spent, 10 * SLICE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    LAYERED(client_ends_first),
	    LAYERED(target_ends_first),
	    LAYERED(both_end_at_once),
	    LAYERED(ends_without_bytes),
	    LAYERED(bytes_and_end_in_one_turn),
	    LAYERED(the_clients_end_was_read_before),
	    LAYERED(surplus_comes_first),
	    LAYERED(bulk_both_ways),
	    LAYERED(bulk_through_narrow_sockets),
	    LAYERED(bulk_of_a_unix_client),
	    LAYERED(bulk_without_pipes),
	    LAYERED(stalled_reader),
	    LAYERED(slices),
	    LAYERED(the_last_slice),
	    PLAIN_ONLY(blocked_way_gives_its_pipe_back),
	    PLAIN_ONLY(urgent_byte),
	    PLAIN_ONLY(urgent_byte_in_bulk),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
