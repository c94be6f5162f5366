/* SPDX-License-Identifier: ISC */
/* A flow between two peers, for its tests. */
#include "config.h"

#include "tests/unit/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/hoard.h"

const int line_layers[] = {PLAIN, FROM, TO, BOTH};

/* --- the codec ------------------------------------------------------------------------------- */

static enum flow_state content_decode(
    struct flow_codec *codec, uint8_t *bytes, size_t *n, size_t *surplus)
{
	struct content *c = (struct content *)codec;

	(void)bytes;
	if (*n == 0)
		return c->left == 0 ? FLOW_ENDED : FLOW_REFUSED;
	if (*n > c->left) {
		*surplus = *n - c->left;
		*n = c->left;
	}
	c->left -= *n;
	return c->left == 0 ? FLOW_ENDED : FLOW_MORE;
}

/* In all the room there is: how long it is before it, marks behind it. */
static void content_frame(struct flow_codec *codec, uint8_t **bytes, size_t *n, bool last)
{
	const struct content *c = (const struct content *)codec;
	char length[FLOW_MARGIN + 1];

	if (!c->marks)
		return;
	snprintf(length, sizeof length, "%0*zu", FLOW_MARGIN, *n);
	memcpy(*bytes - FLOW_MARGIN, length, FLOW_MARGIN);
	memset(*bytes + *n, last ? '.' : '>', FLOW_MARGIN);
	*bytes -= FLOW_MARGIN;
	*n += 2 * (size_t)FLOW_MARGIN;
}

static uint64_t content_plain(const struct flow_codec *codec)
{
	const struct content *c = (const struct content *)codec;

	if (c->marks)
		return 0;
	return c->left < c->most ? c->left : c->most;
}

static enum flow_state content_moved(struct flow_codec *codec, uint64_t n)
{
	struct content *c = (struct content *)codec;

	assert_true(n <= c->left && n <= c->most);
	c->left -= n;
	c->spliced += n;
	return c->left == 0 ? FLOW_ENDED : FLOW_MORE;
}

const struct flow_codec_ops content_ops = {
    .decode = content_decode,
    .frame = content_frame,
    .plain = content_plain,
    .moved = content_moved,
};

/* --- the line -------------------------------------------------------------------------------- */

int line_setup(void **state)
{
	struct line *l = calloc(1, sizeof *l);

	l->layers = *(const int *)*state;
	rig_setup(&l->rig);
	rig_pair(l->fds[0]);
	rig_pair(l->fds[1]);
	l->at_once = SIZE_MAX;
	l->content = (struct content){.codec = {&content_ops}, .most = UINT64_MAX};
	*state = l;
	return 0;
}

int line_teardown(void **state)
{
	struct line *l = *state;

	flow_drop(&l->flow);
	stream_free(l->flow.from);
	stream_free(l->flow.to);
	stream_free(l->sender.stream);
	stream_free(l->receiver.stream);
	rig_teardown(&l->rig);
	free(l);
	return 0;
}

void line_turn(struct line *l)
{
	struct flow *f = &l->flow;
	size_t moved;

	l->state = flow_pump(f, l->at_once, &moved);
	l->moved += moved;
	stream_want(f->from, !f->ended && !flow_holds(f) ? STREAM_READ : 0);
	stream_want(f->to, flow_holds(f) ? STREAM_WRITE : 0);
}

static void ready(void *arg, int events)
{
	(void)events;
	line_turn(arg);
}

/* `far`: the peer's end, which is a bare socket if it is NULL. */
static struct stream *end(struct line *l, int which, struct peer *far)
{
	const int *fds = l->fds[which == TO];
	struct stream *near = stream_new(&l->rig.loop, fds[1]);

	if (l->layers & which)
		stream_push(near, hoard_new());
	if (far != NULL)
		peer_start(far, &l->rig, fds[0], l->layers & which ? hoard_new_far() : NULL);
	stream_handler(near, ready, l);
	return near;
}

void line_start(struct line *l, struct flow_codec *codec)
{
	l->flow = (struct flow){
	    .from = end(l, FROM, &l->sender), .to = end(l, TO, &l->receiver), .codec = codec};
	line_turn(l);
}

void line_start_bare(struct line *l, struct flow_codec *codec)
{
	l->flow = (struct flow){.from = end(l, FROM, NULL), .to = end(l, TO, NULL), .codec = codec};
	line_turn(l);
}

void line_stop_bare(struct line *l)
{
	close(l->fds[0][0]);
	close(l->fds[1][0]);
}

bool line_stopped(void *arg)
{
	return ((struct line *)arg)->state != FLOW_MORE;
}

bool line_delivered(void *arg)
{
	struct line *l = arg;

	return l->state != FLOW_MORE && !flow_holds(&l->flow) &&
	    l->receiver.received == l->flow.bytes;
}

bool line_blocked(void *arg)
{
	struct line *l = arg;
	uint64_t sent = l->sender.sent, received = l->receiver.received;

	rig_pass(&l->rig, 50);
	return flow_holds(&l->flow) && sent == l->sender.sent && received == l->receiver.received;
}

void line_check_received(const struct line *l, uint64_t n)
{
	assert_int_equal(l->flow.bytes, n);
	assert_int_equal(l->receiver.received, n);
	assert_int_equal(l->receiver.wrong, 0);
}

void line_check_left(struct line *l, uint64_t at)
{
	uint8_t bytes[1024];
	int64_t deadline = loop_now() + 20000;

	stream_want(l->flow.from, 0);
	while (at < l->sender.to_send) {
		ssize_t n = stream_read(l->flow.from, bytes, sizeof bytes);

		assert_true(loop_now() < deadline);
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], peer_byte(0, at++));
		if (n <= 0)
			rig_pass(&l->rig, 6);
	}
}
