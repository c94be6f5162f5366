/* SPDX-License-Identifier: ISC */
/* One way of bytes as they are: its ends, what it holds, pipes and their ceilings. */
#include "config.h"

#include "gateway/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gateway/splice.h"
#include "tests/unit/line.h"

/* --- as it is -------------------------------------------------------------------------------- */

static void test_passes_bytes_and_tells_the_end(void **state)
{
	struct line *l = *state;

	line_start(l, NULL);
	assert_int_equal(l->state, FLOW_MORE);
	peer_send(&l->sender, 300000, true);
	rig_run(&l->rig, line_delivered, l);
	assert_int_equal(l->state, FLOW_ENDED);
	assert_int_equal(l->moved, 300000);
	line_check_received(l, 300000);
	assert_false(l->receiver.ended); /* that is its user's */
}

/* Nothing more will come, though the socket does not say so. */
static void test_an_end_that_is_known(void **state)
{
	struct line *l = *state;

	line_start(l, NULL);
	peer_send(&l->sender, 5000, false);
	while (l->flow.bytes < 5000)
		rig_pass(&l->rig, 6);
	assert_int_equal(l->state, FLOW_MORE);
	l->flow.fin = true;
	line_turn(l);
	assert_int_equal(l->state, FLOW_ENDED);
	rig_run(&l->rig, line_delivered, l);
	line_check_received(l, 5000);
}

/* Slices smaller than anything else: none is exceeded, and all arrive. */
static void test_so_much_at_once(void **state)
{
	struct line *l = *state;
	uint64_t before;

	l->at_once = 0;
	line_start(l, NULL);
	peer_send(&l->sender, 3 * MB + 5, true);
	rig_pass(&l->rig, 20);
	assert_int_equal(l->moved, 0);
	for (l->at_once = 1; !line_delivered(l); l->at_once = l->at_once * 3 / 2 + 1) {
		before = l->moved;
		line_turn(l);
		assert_in_range(l->moved - before, 0, l->at_once);
		rig_pass(&l->rig, 2);
	}
	line_check_received(l, 3 * MB + 5);
}

static void test_sender_lost(void **state)
{
	struct line *l = *state;

	line_start(l, NULL);
	peer_send(&l->sender, 5000, false);
	while (l->flow.bytes < 5000)
		rig_pass(&l->rig, 6);
	peer_abort(&l->sender);
	rig_run(&l->rig, line_stopped, l);
	assert_int_equal(l->state, FLOW_FROM_LOST);
	assert_true(l->flow.ended);
}

static void test_receiver_lost(void **state)
{
	struct line *l = *state;

	line_start(l, NULL);
	peer_send(&l->sender, 64 * MB, false);
	while (l->flow.bytes < 5000)
		rig_pass(&l->rig, 6);
	peer_abort(&l->receiver);
	rig_run(&l->rig, line_stopped, l);
	assert_int_equal(l->state, FLOW_TO_LOST);
	assert_false(flow_holds(&l->flow));
}

/* --- pipes ----------------------------------------------------------------------------------- */

/* Not one byte behind the content is moved. */
static void test_splices_content_only(void **state)
{
	struct line *l = *state;

	l->content.left = 16 * MB + 12345;
	line_start(l, &l->content.codec);
	peer_send(&l->sender, 16 * MB + 12345 + 4000, false);
	rig_run(&l->rig, line_delivered, l);
	assert_int_equal(l->state, FLOW_ENDED);
	assert_in_range(l->content.spliced, l->layers == PLAIN ? MB : 0, 16 * MB + 12345);
	line_check_received(l, 16 * MB + 12345);
	line_check_left(l, 16 * MB + 12345);
}

static void test_splices_no_more_than_is_plain(void **state)
{
	struct line *l = *state;

	l->content.left = 8 * MB;
	l->content.most = 100000; /* asserted in content_moved() */
	line_start(l, &l->content.codec);
	peer_send(&l->sender, 8 * MB, false);
	rig_run(&l->rig, line_delivered, l);
	assert_true(l->content.spliced > 0);
	line_check_received(l, 8 * MB);
}

static void test_little_is_not_spliced(void **state)
{
	struct line *l = *state;

	l->content.left = 8 * MB;
	l->content.most = 1000;
	line_start(l, &l->content.codec);
	peer_send(&l->sender, 8 * MB, false);
	rig_run(&l->rig, line_delivered, l);
	assert_int_equal(l->content.spliced, 0);
	line_check_received(l, 8 * MB);
}

/* Until a blocked flow holds its bytes in a pipe: it may as well block while it copies. */
static void block_with_pipe(struct line *l)
{
	line_start(l, NULL);
	peer_send(&l->sender, 256 * MB, true);
	for (int i = 0; i < 20 && flow_due(&l->flow) == INT64_MAX; i++) {
		uint64_t mark = l->receiver.received + MB;

		peer_listen(&l->receiver, true);
		while (l->receiver.received < mark)
			rig_pass(&l->rig, 6);
		peer_listen(&l->receiver, false);
		rig_run(&l->rig, line_blocked, l);
	}
	assert_true(flow_due(&l->flow) < INT64_MAX);
}

static void finish_blocked(struct line *l)
{
	assert_true(flow_holds(&l->flow));
	peer_listen(&l->receiver, true);
	rig_run(&l->rig, line_delivered, l);
	assert_int_equal(l->state, FLOW_ENDED);
	line_check_received(l, 256 * MB);
}

static void test_tidies_its_pipe_away(void **state)
{
	struct line *l = *state;
	int64_t due;

	block_with_pipe(l);
	due = flow_due(&l->flow);
	assert_in_range(due - loop_now(), 1, 1000);
	assert_int_equal(flow_tidy(&l->flow, due - 1), FLOW_MORE);
	assert_int_equal(flow_due(&l->flow), due);
	assert_int_equal(flow_tidy(&l->flow, due), FLOW_MORE);
	assert_int_equal(flow_due(&l->flow), INT64_MAX);
	assert_int_equal(flow_tidy(&l->flow, due), FLOW_MORE);
	finish_blocked(l);
}

/* The other way may give back to the same stream what it has read of it. */
static void test_receiver_gets_a_layer(void **state)
{
	struct line *l = *state;

	block_with_pipe(l);
	assert_int_equal(stream_unread(l->flow.to, "surplus", 7), 0);
	finish_blocked(l);
}

static void test_dropped_with_a_pipe(void **state)
{
	struct line *l = *state;

	block_with_pipe(l);
	flow_drop(&l->flow);
	assert_false(flow_holds(&l->flow));
	assert_int_equal(flow_due(&l->flow), INT64_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    LAYERED(passes_bytes_and_tells_the_end),
	    LAYERED(an_end_that_is_known),
	    LAYERED(so_much_at_once),
	    LAYERED(sender_lost),
	    LAYERED(receiver_lost),
	    PLAIN_ONLY(splices_content_only),
	    PLAIN_ONLY(splices_no_more_than_is_plain),
	    PLAIN_ONLY(little_is_not_spliced),
	    PLAIN_ONLY(tidies_its_pipe_away),
	    PLAIN_ONLY(receiver_gets_a_layer),
	    PLAIN_ONLY(dropped_with_a_pipe),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
