/* SPDX-License-Identifier: ISC */
/* One way of bytes through a codec: what is sent of them, and what is given back. */
#include "config.h"

#include "gateway/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/line.h"

/* "-" is dropped, "." is the last, "!" is refused; so is an end without ".". */
static enum flow_state text_decode(
    struct flow_codec *codec, uint8_t *bytes, size_t *n, size_t *surplus)
{
	size_t end = 0, all = *n;

	(void)codec;
	*n = 0;
	while (end < all && bytes[end] != '.' && bytes[end] != '!') {
		if (bytes[end] != '-')
			bytes[(*n)++] = bytes[end];
		end++;
	}
	if (all == 0 || (end < all && bytes[end] == '!'))
		return FLOW_REFUSED;
	if (end == all)
		return FLOW_MORE;
	*surplus = all - end - 1;
	return FLOW_ENDED;
}

static void text_frame(struct flow_codec *codec, uint8_t **bytes, size_t *n, bool last)
{
	(void)codec;
	if (*n > 0) {
		*--*bytes = '[';
		(*bytes)[*n + 1] = ']';
		*n += 2;
	}
	if (last) {
		memcpy(*bytes + *n, "(the end)", 9);
		*n += 9;
	}
}

static uint64_t text_plain(const struct flow_codec *codec)
{
	(void)codec;
	return 0;
}

static const struct flow_codec_ops text_ops = {
    .decode = text_decode,
    .frame = text_frame,
    .plain = text_plain,
};

static struct flow_codec text = {.ops = &text_ops};

/* --- what is sent ---------------------------------------------------------------------------- */

static void say(struct line *l, const char *words)
{
	l->said += strlen(words);
	assert_int_equal(send(l->fds[0][0], words, strlen(words), 0), strlen(words));
}

static bool heard(void *arg)
{
	struct line *l = arg;

	return l->state != FLOW_MORE || l->moved == l->said;
}

/* What the receiver's bare socket has got once all that was said is read. */
static const char *got(struct line *l)
{
	ssize_t n;

	rig_run(&l->rig, heard, l);
	n = recv(l->fds[1][0], l->got, sizeof l->got - 1, MSG_DONTWAIT);
	l->got[n > 0 ? n : 0] = '\0';
	return l->got;
}

static void test_strips_and_frames(void **state)
{
	struct line *l = *state;

	line_start_bare(l, &text);
	say(l, "-a-bc-");
	assert_string_equal(got(l), "[abc]");
	say(l, "--");
	assert_string_equal(got(l), "");
	assert_int_equal(l->state, FLOW_MORE);
	say(l, "d.");
	assert_string_equal(got(l), "[d](the end)");
	assert_int_equal(l->state, FLOW_ENDED);
	assert_int_equal(l->moved, 10);
	assert_int_equal(l->flow.bytes, 5 + 12);
	assert_true(stream_plain_fd(l->flow.from) >= 0);
	line_stop_bare(l);
}

/* The frame of the end is longer than what was read of it: it lies where the surplus was. */
static void test_surplus_under_a_frame(void **state)
{
	struct line *l = *state;
	char bytes[16];

	line_start_bare(l, &text);
	say(l, ".surplus");
	assert_string_equal(got(l), "(the end)");
	assert_int_equal(l->state, FLOW_ENDED);
	assert_int_equal(l->moved, 1);
	assert_int_equal(stream_read(l->flow.from, bytes, sizeof bytes), 7);
	assert_memory_equal(bytes, "surplus", 7);
	line_stop_bare(l);
}

static void test_refused(void **state)
{
	struct line *l = *state;

	line_start_bare(l, &text);
	say(l, "ab");
	assert_string_equal(got(l), "[ab]");
	say(l, "cd!ef");
	assert_string_equal(got(l), "");
	assert_int_equal(l->state, FLOW_REFUSED);
	assert_true(l->flow.ended);
	assert_int_equal(l->flow.bytes, 4);
	line_stop_bare(l);
}

static void test_cut_short(void **state)
{
	struct line *l = *state;

	line_start_bare(l, &text);
	say(l, "ab");
	assert_string_equal(got(l), "[ab]");
	shutdown(l->fds[0][0], SHUT_WR);
	rig_run(&l->rig, line_stopped, l);
	assert_string_equal(got(l), "");
	assert_int_equal(l->state, FLOW_REFUSED);
	line_stop_bare(l);
}

static bool all_received(void *arg)
{
	struct line *l = arg;
	ssize_t n = recv(l->fds[1][0], l->all + l->length, sizeof l->all - l->length, MSG_DONTWAIT);

	l->length += n > 0 ? (size_t)n : 0;
	return l->state != FLOW_MORE && l->length == l->flow.bytes;
}

/* Full reads, margins used to their last byte. */
static void test_frames_in_bulk(void **state)
{
	struct line *l = *state;
	const uint8_t *at = l->all;
	uint64_t i = 0;

	l->content.left = MB;
	l->content.marks = true;
	line_start_bare(l, &l->content.codec);
	peer_start(&l->sender, &l->rig, dup(l->fds[0][0]), NULL);
	peer_send(&l->sender, MB, false);
	rig_run(&l->rig, all_received, l);
	assert_int_equal(l->state, FLOW_ENDED);
	while (i < MB) {
		uint64_t end = i + strtoul((const char *)at, NULL, 10); /* marks follow */

		assert_in_range(end, i + 1, MB);
		for (at += FLOW_MARGIN; i < end; i++)
			assert_int_equal(*at++, peer_byte(0, i));
		for (int n = 0; n < FLOW_MARGIN; n++)
			assert_int_equal(*at++, end == MB ? '.' : '>');
	}
	assert_ptr_equal(at, l->all + l->length);
	line_stop_bare(l);
}

static void test_surplus_goes_back(void **state)
{
	struct line *l = *state;

	l->content.left = 70001;
	line_start(l, &l->content.codec);
	peer_send(&l->sender, 71000, false);
	rig_run(&l->rig, line_delivered, l);
	assert_int_equal(l->state, FLOW_ENDED);
	assert_int_equal(l->moved, 70001);
	line_check_received(l, 70001);
	line_check_left(l, 70001);
}

/* As if the sender had sent it already: what our end of the receiver's connection takes. */
static void fill_receiver(struct line *l)
{
	uint8_t bytes[1000];
	ssize_t n;

	peer_listen(&l->receiver, false);
	do {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = peer_byte(0, l->sender.sent + i);
		n = stream_write(l->flow.to, bytes, sizeof bytes);
		l->sender.sent += n > 0 ? (uint64_t)n : 0;
		rig_pass(&l->rig, 6);
	} while (n > 0);
	l->sender.to_send = l->flow.bytes = l->sender.sent;
}

/* It has ended, but its receiver has nothing of it yet. */
static void test_held_beyond_the_end(void **state)
{
	struct line *l = *state;
	uint64_t all;

	for (int i = 0; i < 4; i++)
		rig_narrow(l->fds[i / 2][i % 2]);
	l->content.left = 10000;
	line_start(l, &l->content.codec);
	fill_receiver(l);
	all = l->flow.bytes + 10000;
	peer_send(&l->sender, 10100, false);
	rig_run(&l->rig, line_stopped, l);
	assert_int_equal(l->state, FLOW_ENDED);
	assert_true(flow_holds(&l->flow));
	peer_listen(&l->receiver, true);
	rig_run(&l->rig, line_delivered, l);
	assert_int_equal(l->state, FLOW_ENDED);
	line_check_received(l, all);
	line_check_left(l, all);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    PLAIN_ONLY(strips_and_frames),
	    PLAIN_ONLY(surplus_under_a_frame),
	    PLAIN_ONLY(refused),
	    PLAIN_ONLY(cut_short),
	    PLAIN_ONLY(frames_in_bulk),
	    LAYERED(surplus_goes_back),
	    PLAIN_ONLY(held_beyond_the_end),
	};

	return cmocka_run_group_tests_name("flow codec", tests, NULL, NULL);
}
