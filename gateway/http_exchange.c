/* SPDX-License-Identifier: ISC */
/* A request and its response, between two streams: what each waits for, and how it ends. */
#include "config.h"

#include "gateway/http_exchange.h"

#include <stdlib.h>

#include "gateway/http_halves.h"
#include "gateway/keepalive.h"

/* --- the end --------------------------------------------------------------------------------- */

struct http_outcome http_exchange_outcome(const struct http_exchange *x)
{
	struct http_outcome o = x->outcome;

	o.unfinished = !x->asked.body.ended;
	o.unheard = o.first_byte == 0;
	o.up = x->sent + x->up.bytes;
	o.down += x->down.bytes;
	o.origin_persists = o.reason == REASON_OK && !o.upgraded && x->response.persists &&
	    !x->deaf && http_halves_asked(x) && !x->answered.surplus;
	o.client_persists &= o.reason == REASON_OK && !o.unfinished;
	return o;
}

/* x may be gone when this returns. */
static void finish(struct http_exchange *x)
{
	const struct http_outcome outcome = http_exchange_outcome(x);

	timer_stop(&x->timer);
	flow_drop(&x->up);
	flow_drop(&x->down);
	stream_handler(x->plan.client, NULL, NULL);
	stream_handler(x->plan.origin, NULL, NULL);
	x->done(x->arg, &outcome);
}
/* --- both ------------------------------------------------------------------------------------ */

static int client_wants(const struct http_exchange *x)
{
	int events = 0;

	if (buffer_length(&x->reply) > 0 || flow_holds(&x->down))
		events |= STREAM_WRITE;
	if (!x->asked.body.ended && http_halves_asking(x)) {
		if (x->sent == buffer_length(x->plan.out) && !flow_holds(&x->up) &&
		    meter_is_open(x->plan.meter))
			events |= STREAM_READ;
	} else if (x->asked.body.ended && !x->plan.client_ended &&
	    buffer_length(x->plan.in) < x->plan.in->max) {
		events |= STREAM_READ;
	}
	return events;
}

static int origin_wants(const struct http_exchange *x)
{
	int events = 0;

	if (!x->deaf && (x->sent < buffer_length(x->plan.out) || flow_holds(&x->up)))
		events |= STREAM_WRITE;
	if (buffer_length(&x->reply) == 0 && !flow_holds(&x->down) &&
	    !(x->answering && x->down.ended) && meter_is_open(x->plan.meter))
		events |= STREAM_READ;
	return events;
}

/* What has been heard of a response is passed on even if no more of it will come. */
static bool is_over(const struct http_exchange *x)
{
	bool pending = buffer_length(&x->reply) > 0 || flow_holds(&x->down);

	if (x->outcome.reason != REASON_OK)
		return x->outcome.reason != REASON_RESPONSE_INCOMPLETE || !x->outcome.said ||
		    !pending;
	return x->answering && x->down.ended && !pending;
}

static void note_progress(struct http_exchange *x)
{
	uint64_t moved = x->sent + x->up.bytes + x->asked.body.passed + x->outcome.down +
	    x->down.bytes + x->answered.body.passed + buffer_length(&x->heard);

	if (moved != x->moved)
		x->last = loop_lately();
	x->moved = moved;
}

/* How long nothing may move, 0 = for ever: less with a client that has only its ear left. */
static int64_t patience(const struct http_exchange *x)
{
	int64_t idle = x->plan.idle_ms, half = x->plan.half_close_ms;

	return x->plan.client_ended && half > 0 && (idle == 0 || half < idle) ? half : idle;
}

static void wait(struct http_exchange *x)
{
	if (!meter_is_open(x->plan.meter)) {
		x->last = x->plan.meter->resume_ms; /* who waits for us is not idle */
		timer_by(&x->timer, x->last);
	}
	if (patience(x) > 0)
		timer_by(&x->timer, x->last + patience(x));
	timer_by(&x->timer, flow_due(&x->up));
	timer_by(&x->timer, flow_due(&x->down));
	stream_want(x->plan.client, client_wants(x));
	stream_want(x->plan.origin, origin_wants(x));
}

/* After every turn.  x may be gone when this returns. */
static void settle(struct http_exchange *x)
{
	if (is_over(x)) {
		finish(x);
		return;
	}
	note_progress(x);
	wait(x);
}

static void client_ready(void *arg, int events)
{
	struct http_exchange *x = arg;

	if (events & STREAM_WRITE)
		http_halves_reply(x);
	if (events & STREAM_READ && x->asked.body.ended)
		http_halves_overhear(x);
	else if (events & STREAM_READ)
		http_halves_ask(x);
	settle(x);
}

static void origin_ready(void *arg, int events)
{
	struct http_exchange *x = arg;

	if (events & STREAM_WRITE)
		http_halves_ask(x);
	if (events & STREAM_READ) {
		if (!x->answering)
			http_halves_hear(x);
		if (x->outcome.reason == REASON_OK) /* else nothing of it may be heard */
			http_halves_reply(x);
	}
	settle(x);
}

/* Are both still there, though they take their time? */
static void look(struct http_exchange *x)
{
	int64_t client = keepalive_look(x->plan.client, x->plan.client_keepalive);
	int64_t origin = keepalive_look(x->plan.origin, x->plan.origin_keepalive);

	if (client == 0)
		http_halves_fail(x, REASON_CLIENT_LOST);
	else if (origin == 0)
		http_halves_fail(x, http_halves_unanswered(x));
	else
		timer_by(&x->timer, client < origin ? client : origin);
}

/* What it means that nothing moved for so long. */
static enum reason silence(const struct http_exchange *x, int64_t limit)
{
	if (limit != x->plan.idle_ms)
		return REASON_HALF_CLOSE_TIMEOUT;
	return x->outcome.said || !x->asked.body.ended ? REASON_IDLE_TIMEOUT
	                                               : REASON_RESPONSE_TIMEOUT;
}

static void late(evutil_socket_t fd, short what, void *arg)
{
	struct http_exchange *x = arg;
	int64_t now = loop_lately(), limit = patience(x);

	(void)fd;
	(void)what;
	timer_fired(&x->timer);
	if (flow_tidy(&x->up, now) != FLOW_MORE || flow_tidy(&x->down, now) != FLOW_MORE)
		http_halves_fail(x, REASON_RESOURCES);
	if (limit > 0 && now - x->last >= limit) {
		http_halves_fail(x, silence(x, limit));
		finish(x);
		return;
	}
	look(x);
	settle(x);
}

/* --- life ------------------------------------------------------------------------------------ */

static struct http_exchange *new (const struct http_exchange_plan *plan)
{
	struct http_exchange *x = calloc(1, sizeof *x);

	if (x == NULL)
		return NULL;
	x->plan = *plan;
	x->request = *plan->request;
	x->up = (struct flow){.from = plan->client, .to = plan->origin, .codec = &x->asked.codec};
	x->down =
	    (struct flow){.from = plan->origin, .to = plan->client, .codec = &x->answered.codec};
	buffer_init(&x->heard, &plan->loop->buffers, plan->max_head + HTTP_READ_MAX);
	buffer_init(&x->reply, &plan->loop->buffers,
	    (HTTP_INTERIM_MAX + 1) * HTTP_RESPONSE_MAX(plan->max_head) + plan->max_head +
	        2 * HTTP_READ_MAX);
	timer_init(&x->timer, plan->loop, late, x);
	return x;
}

enum reason http_exchange_start(struct http_exchange **exchange,
    const struct http_exchange_plan *plan,
    void (*done)(void *arg, const struct http_outcome *outcome), void *arg)
{
	struct http_coder asked = *plan->asked;
	struct http_exchange *x;
	ssize_t used;

	used = http_coder_begin(&asked, buffer_bytes(plan->in), buffer_length(plan->in), plan->out);
	if (used < 0)
		return asked.body.reason;
	buffer_consume(plan->in, (size_t)used);
	x = new (plan);
	if (x == NULL)
		return REASON_RESOURCES;
	x->asked = asked;
	x->done = done;
	x->arg = arg;
	x->up.ended = x->asked.body.ended;
	x->last = loop_lately();
	timer_by(&x->timer, keepalive_begin(plan->client_keepalive));
	timer_by(&x->timer, keepalive_begin(plan->origin_keepalive));
	stream_handler(plan->client, client_ready, x);
	stream_handler(plan->origin, origin_ready, x);
	http_halves_send(x);
	wait(x);
	*exchange = x;
	return REASON_OK;
}

void http_exchange_free(struct http_exchange *x)
{
	if (x == NULL)
		return;
	timer_stop(&x->timer);
	flow_drop(&x->up);
	flow_drop(&x->down);
	buffer_clear(&x->heard);
	buffer_clear(&x->reply);
	free(x);
}
