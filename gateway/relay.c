/* SPDX-License-Identifier: ISC */
/* Two streams, two ways; what their ends, resets and silences mean. */
#include "config.h"

#include "gateway/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/flow.h"
#include "gateway/keepalive.h"
#include "gateway/timer.h"

#define FLUSH_FIRST_MS 10 /* looks at the send queue before a reset: first pause, doubling … */
#define FLUSH_MAX_MS 2000 /* … until so much time has passed */

struct relay {
	struct flow way[2]; /* RELAY_UP reads from the client, RELAY_DOWN from the target */
	void (*done)(void *arg, enum reason reason);
	void *arg;
	struct meter *meter;
	int64_t idle_ms, half_close_ms;
	int64_t last;          /* when a byte moved, loop_lately() */
	int64_t first;         /* when the target's first byte came */
	uint16_t keepalive[2]; /* of the client, of the target; 0: none of ours */
	uint16_t flushing;     /* the latest pause, ms; 0: no reset is waiting */
	uint16_t flushed;      /* sum of these pauses */
	uint8_t lost;          /* bits 1 << side: it was reset, or does not answer */
	enum reason reason;    /* REASON_OK while all is well */
	struct timer timer;
};

/* RELAY_UP: the client; RELAY_DOWN: the target. */
static struct stream *side(const struct relay *r, int w)
{
	return r->way[w].from;
}

/* --- the end --------------------------------------------------------------------------------- */

static void close_both(struct relay *r, void (*how)(struct stream *s))
{
	timer_stop(&r->timer);
	for (int w = 0; w < 2; w++)
		flow_drop(&r->way[w]);
	for (int w = 0; w < 2; w++) {
		how(side(r, w));
		r->way[w].from = NULL;
	}
}

/* r may be gone when this returns. */
static void finish(struct relay *r, void (*how)(struct stream *s))
{
	close_both(r, how);
	r->done(r->arg, r->reason);
}

/* Nothing can be sent to side w any more; what it sent before still counts. */
static void lose(struct relay *r, int w, int error)
{
	struct flow *from = &r->way[w], *to = &r->way[!w];

	r->lost |= (uint8_t)(1 << w);
	if (r->reason == REASON_OK)
		r->reason = w == RELAY_UP ? reason_of_client(error) : reason_of_target(error);
	/* The socket has no more than what it had received before; then comes the reset. */
	from->fin = true;
	from->shuts = false;
	flow_drop(to);
	to->ended = to->passed = true;
}

static void fail(struct relay *r, enum reason reason)
{
	lose(r, RELAY_UP, 0);
	lose(r, RELAY_DOWN, 0);
	r->reason = reason;
}

/*
 * A reset overtakes what our kernel has not sent yet, so it waits until the survivor's queue is
 * empty; the survivor then reads all that was delivered, and the reset after it.
 */
static void flush(struct relay *r)
{
	int survivor = r->lost == 1 << RELAY_UP ? RELAY_DOWN : RELAY_UP;

	if (r->lost == 3 || r->flushed == FLUSH_MAX_MS || stream_queued(side(r, survivor)) == 0) {
		finish(r, stream_abort);
		return;
	}
	r->flushing = r->flushing == 0 ? FLUSH_FIRST_MS : 2 * r->flushing;
	if (r->flushing > FLUSH_MAX_MS - r->flushed)
		r->flushing = FLUSH_MAX_MS - r->flushed;
	r->flushed += r->flushing;
	stream_want(side(r, RELAY_UP), 0);
	stream_want(side(r, RELAY_DOWN), 0);
	timer_stop(&r->timer);
	timer_by(&r->timer, loop_lately() + r->flushing);
}

/* How long the relay may be silent in its present state; 0 = for ever. */
static int64_t patience(const struct relay *r)
{
	bool half = r->way[RELAY_UP].ended || r->way[RELAY_DOWN].ended;

	if (half && r->half_close_ms > 0 && (r->idle_ms == 0 || r->half_close_ms < r->idle_ms))
		return r->half_close_ms;
	return r->idle_ms;
}

/* --- one way --------------------------------------------------------------------------------- */

/* The second end of two plain sockets is told by closing them. */
static void pass_end(struct relay *r, int w)
{
	struct stream *to = r->way[w].to;
	bool last = r->way[!w].passed && stream_plain_fd(to) >= 0;

	if (last || stream_shutdown(to) == 0)
		r->way[w].passed = true;
	else if (errno != EAGAIN)
		lose(r, !w, errno);
}

/* A turn of one way; the end is passed on when it comes. */
static void pump(struct relay *r, int w)
{
	struct flow *way = &r->way[w];
	uint64_t delivered = way->bytes;
	bool ended = way->ended;
	size_t moved, most = meter_ask(r->meter);
	enum flow_state state = flow_pump(way, most, &moved);

	meter_spend(r->meter, moved);
	if (most == 0 && r->meter->reason != REASON_OK) {
		fail(r, r->meter->reason);
		return;
	}

	if (w == RELAY_DOWN && moved > 0 && r->first == 0)
		r->first = loop_now();
	if (moved > 0 || way->bytes != delivered)
		r->last = loop_lately();
	if (way->ended && !ended && r->half_close_ms > 0)
		timer_by(&r->timer, loop_lately() + r->half_close_ms);
	timer_by(&r->timer, flow_due(way));
	if (state == FLOW_FROM_LOST)
		lose(r, w, way->error);
	else if (state == FLOW_TO_LOST)
		lose(r, !w, way->error);
	else if (state == FLOW_OUT_OF_MEMORY)
		fail(r, REASON_RESOURCES);
	if (way->ended && !way->passed && !flow_holds(way) && (r->lost & 1 << w) == 0)
		pass_end(r, w);
}

/* --- both ways ------------------------------------------------------------------------------- */

static int wants(const struct relay *r, int w)
{
	const struct flow *from = &r->way[w], *to = &r->way[!w];
	int events = 0;

	if (!from->ended && !flow_holds(from) && meter_is_open(r->meter))
		events |= STREAM_READ;
	if (flow_holds(to) || (to->ended && !to->passed))
		events |= STREAM_WRITE;
	return events;
}

/* After every turn.  r may be gone when this returns. */
static void settle(struct relay *r)
{
	const struct flow *up = &r->way[RELAY_UP], *down = &r->way[RELAY_DOWN];
	const struct flow *last = r->lost == 1 << RELAY_UP ? up : down;

	if (r->lost == 3 || (r->lost != 0 && last->ended && !flow_holds(last))) {
		flush(r);
		return;
	}
	if (r->lost == 0 && up->passed && down->passed) {
		r->reason = REASON_CLOSED;
		finish(r, stream_free);
		return;
	}
	if (!meter_is_open(r->meter)) {
		r->last = r->meter->resume_ms; /* who waits for us is not idle */
		timer_by(&r->timer, r->last);
	}
	stream_want(side(r, RELAY_UP), wants(r, RELAY_UP));
	stream_want(side(r, RELAY_DOWN), wants(r, RELAY_DOWN));
}

static void ready(struct relay *r, int w, int events)
{
	struct flow *way = &r->way[w];

	if (events & STREAM_END)
		way->fin = true;
	if (events & STREAM_WRITE)
		pump(r, !w);
	if ((events & STREAM_READ) && !way->ended && !flow_holds(way))
		pump(r, w);
	settle(r);
}

static void client_ready(void *arg, int events)
{
	ready(arg, RELAY_UP, events);
}

static void target_ready(void *arg, int events)
{
	ready(arg, RELAY_DOWN, events);
}

/* Is the peer still there, though it takes its time? */
static void look(struct relay *r, int w)
{
	int64_t next = r->lost & 1 << w ? INT64_MAX : keepalive_look(side(r, w), r->keepalive[w]);

	if (next != 0) {
		timer_by(&r->timer, next);
		return;
	}
	lose(r, w, ETIMEDOUT);
	if (!r->way[w].ended && !flow_holds(&r->way[w]))
		pump(r, w);
}

static void late(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;
	int64_t now = loop_lately(), limit = patience(r);

	(void)fd;
	(void)what;
	timer_fired(&r->timer);
	if (r->flushing > 0) {
		flush(r);
		return;
	}
	if (limit > 0 && now - r->last >= limit) {
		if (r->reason == REASON_OK)
			r->reason =
			    limit == r->idle_ms ? REASON_IDLE_TIMEOUT : REASON_HALF_CLOSE_TIMEOUT;
		finish(r, stream_abort);
		return;
	}
	for (int w = 0; w < 2; w++) {
		if (flow_tidy(&r->way[w], now) != FLOW_MORE)
			fail(r, REASON_RESOURCES);
		timer_by(&r->timer, flow_due(&r->way[w]));
		look(r, w);
	}
	if (limit > 0)
		timer_by(&r->timer, r->last + limit);
	settle(r);
}

/* --- life ------------------------------------------------------------------------------------ */

/* In two bytes: there are many relays, and each has two of them. */
static uint16_t seconds(int keepalive)
{
	return keepalive > 0 ? (uint16_t)keepalive : 0;
}

struct relay *relay_start(
    const struct relay_plan *plan, void (*done)(void *arg, enum reason reason), void *arg)
{
	struct relay *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->way[RELAY_UP] = (struct flow){
	    .from = plan->client, .to = plan->target, .fin = plan->client_ended, .shuts = true};
	r->way[RELAY_DOWN] = (struct flow){.from = plan->target, .to = plan->client, .shuts = true};
	r->done = done;
	r->arg = arg;
	r->meter = plan->meter;
	r->idle_ms = plan->idle_ms;
	r->half_close_ms = plan->half_close_ms;
	r->keepalive[RELAY_UP] = seconds(plan->client_keepalive);
	r->keepalive[RELAY_DOWN] = seconds(plan->target_keepalive);
	r->last = loop_lately();
	timer_init(&r->timer, plan->loop, late, r);
	if (r->idle_ms > 0)
		timer_by(&r->timer, r->last + r->idle_ms);
	for (int w = 0; w < 2; w++)
		timer_by(&r->timer, keepalive_begin(r->keepalive[w]));
	stream_handler(plan->client, client_ready, r);
	stream_handler(plan->target, target_ready, r);
	stream_want(plan->client, STREAM_READ);
	stream_want(plan->target, STREAM_READ);
	return r;
}

void relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	if (side(r, RELAY_UP) != NULL)
		close_both(r, stream_abort);
	free(r);
}

uint64_t relay_bytes(const struct relay *r, int direction)
{
	return r->way[direction].bytes;
}

int64_t relay_first_byte(const struct relay *r)
{
	return r->first;
}
