/* SPDX-License-Identifier: ISC */
/* A relay between two peers, for its tests. */
#include "config.h"

#include "tests/unit/scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/hoard.h"

const int scene_layers[] = {PLAIN, CLIENT, TARGET, BOTH};

int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

	s->layers = *(const int *)*state;
	rig_setup(&s->rig);
	rig_pair(s->fds[0]);
	rig_pair(s->fds[1]);
	s->plan = (struct relay_plan){.loop = &s->rig.loop, .idle_ms = 8000, .half_close_ms = 8000};
	*state = s;
	return 0;
}

int scene_teardown(void **state)
{
	struct scene *s = *state;

	relay_free(s->relay);
	stream_free(s->client.stream);
	stream_free(s->target.stream);
	rig_pass(&s->rig, 6);
	rig_teardown(&s->rig);
	free(s);
	return 0;
}

static void done(void *arg, enum reason reason)
{
	struct scene *s = arg;

	s->calls++;
	s->reason = reason;
	s->up = relay_bytes(s->relay, RELAY_UP);
	s->down = relay_bytes(s->relay, RELAY_DOWN);
	relay_free(s->relay);
	s->relay = NULL;
}

static struct stream_layer *far_layer(const struct scene *s, int side)
{
	return s->layers & side ? hoard_new_far() : NULL;
}

struct stream *scene_stream(struct scene *s, int side)
{
	struct stream *stream = stream_new(&s->rig.loop, s->fds[side == TARGET][1]);

	if (s->layers & side)
		stream_push(stream, hoard_new());
	return stream;
}

void scene_peers(struct scene *s)
{
	peer_start(&s->client, &s->rig, s->fds[0][0], far_layer(s, CLIENT));
	peer_start(&s->target, &s->rig, s->fds[1][0], far_layer(s, TARGET));
	s->client.salt = s->target.expect = 1;
	s->target.salt = s->client.expect = 2;
}

void scene_relay(struct scene *s)
{
	s->relay = relay_start(&s->plan, done, s);
	assert_non_null(s->relay);
	assert_int_equal(s->calls, 0);
}

void scene_start(struct scene *s)
{
	scene_peers(s);
	s->plan.client = scene_stream(s, CLIENT);
	s->plan.target = scene_stream(s, TARGET);
	scene_relay(s);
}

static void shake(struct scene *s, struct stream *stream)
{
	while (stream_handshake(stream) < 0) {
		assert_int_equal(errno, EAGAIN);
		rig_pass(&s->rig, 6);
	}
}

void scene_start_deaf(struct scene *s)
{
	scene_peers(s);
	s->plan.client = scene_stream(s, CLIENT);
	s->plan.target = scene_stream(s, TARGET);
	shake(s, s->plan.client);
	shake(s, s->plan.target);
	peer_listen(&s->client, false);
	scene_relay(s);
}

bool scene_done(void *arg)
{
	return ((struct scene *)arg)->calls > 0;
}

bool scene_over(void *arg)
{
	struct scene *s = arg;

	return s->calls > 0 && (s->client.ended || s->client.stream == NULL) &&
	    (s->target.ended || s->target.stream == NULL);
}

bool scene_target_got(void *arg)
{
	struct scene *s = arg;

	return s->target.received == s->client.to_send;
}

bool scene_client_got(void *arg)
{
	struct scene *s = arg;

	return s->client.received == s->target.to_send;
}

bool scene_client_reset(void *arg)
{
	return ((struct scene *)arg)->client.reset;
}

bool scene_target_reset(void *arg)
{
	return ((struct scene *)arg)->target.reset;
}

bool scene_client_ended(void *arg)
{
	return ((struct scene *)arg)->client.ended;
}

bool scene_target_ended(void *arg)
{
	return ((struct scene *)arg)->target.ended;
}

void scene_check_clean(const struct scene *s, uint64_t up, uint64_t down)
{
	assert_int_equal(s->calls, 1);
	assert_int_equal(s->reason, REASON_CLOSED);
	assert_int_equal(s->up, up);
	assert_int_equal(s->down, down);
	assert_int_equal(s->target.received, up);
	assert_int_equal(s->client.received, down);
	assert_int_equal(s->client.wrong + s->target.wrong, 0);
	assert_false(s->client.reset || s->target.reset);
}

bool scene_stands_still(void *arg)
{
	struct scene *s = arg;
	uint64_t sent = s->target.sent;

	rig_pass(&s->rig, 50);
	return sent > 0 && sent == s->target.sent;
}
