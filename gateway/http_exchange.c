/* SPDX-License-Identifier: ISC */
/* A request and its response, between two streams. */
#include "config.h"

#include "gateway/http_exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/keepalive.h"
#include "gateway/timer.h"

#define INTERIM_MAX 16 /* 1xx before the response proper */
#define ROOM (LOOP_SCRATCH - 2 * FLOW_MARGIN)

struct http_exchange {
	struct http_exchange_plan plan;
	struct http_request request;
	void (*done)(void *arg, const struct http_outcome *outcome);
	void *arg;
	struct flow up, down;
	struct http_coder asked, answered; /* the content of the request, and of the response */
	size_t sent;                       /* of plan.out */
	bool deaf;                         /* the origin takes nothing more */
	bool answering;                    /* the final head is in `reply` */
	unsigned interim;
	struct buffer heard; /* a head that comes in pieces */
	struct buffer reply; /* heads, and content that came with them, for the client */
	struct http_response response;
	struct http_outcome outcome;
	uint64_t moved; /* bytes, each counted at both ends */
	int64_t last;   /* when that changed, loop_lately() */
	struct timer timer;
};

/* --- the end --------------------------------------------------------------------------------- */

/* The origin has the whole request. */
static bool is_asked(const struct http_exchange *x)
{
	return x->asked.body.ended && x->sent == buffer_length(x->plan.out) && !flow_holds(&x->up);
}

struct http_outcome http_exchange_outcome(const struct http_exchange *x)
{
	struct http_outcome o = x->outcome;

	o.unfinished = !x->asked.body.ended;
	o.unheard = o.first_byte == 0;
	o.up = x->sent + x->up.bytes;
	o.down += x->down.bytes;
	o.origin_persists = o.reason == REASON_OK && !o.upgraded && x->response.persists &&
	    !x->deaf && is_asked(x) && !x->answered.surplus;
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

/* The first reason stands.  settle() sees to the rest. */
static void fail(struct http_exchange *x, enum reason reason)
{
	if (x->outcome.reason == REASON_OK)
		x->outcome.reason = reason;
}

/* A turn of content.  False: the receiver has gone. */
static bool pump(
    struct http_exchange *x, struct flow *flow, const struct http_coder *coder, enum reason ended)
{
	size_t n = 0;
	enum flow_state state = flow_pump(flow, &n);
	enum reason wrong = coder->body.reason;

	if (state == FLOW_REFUSED && wrong != REASON_OK)
		fail(x, flow == &x->down ? http_response_refusal(wrong) : wrong);
	else if (state == FLOW_REFUSED)
		fail(x, ended);
	else if (state == FLOW_FROM_LOST)
		fail(x, flow == &x->up ? reason_of_client(flow->error) : ended);
	else if (state == FLOW_OUT_OF_MEMORY)
		fail(x, REASON_RESOURCES);
	return state != FLOW_TO_LOST;
}

/* --- the request ----------------------------------------------------------------------------- */

static void lose_origin(struct http_exchange *x)
{
	/* What it has said before is still there to be read. */
	x->deaf = true;
	flow_drop(&x->up);
	x->up.ended = true;
}

/* The head, and what came with it.  True: the origin has it. */
static bool send_head(struct http_exchange *x)
{
	const struct buffer *out = x->plan.out;

	while (x->sent < buffer_length(out) && !x->deaf) {
		ssize_t n = stream_write(
		    x->plan.origin, buffer_bytes(out) + x->sent, buffer_length(out) - x->sent);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			lose_origin(x);
		if (n < 0)
			return false;
		x->sent += (size_t)n;
	}
	return !x->deaf;
}

static bool asking(const struct http_exchange *x)
{
	return !x->deaf && (!x->up.ended || flow_holds(&x->up));
}

static void ask(struct http_exchange *x)
{
	if (send_head(x) && asking(x) && !pump(x, &x->up, &x->asked, REASON_CLIENT_GONE))
		lose_origin(x);
}

/* What the client says though its request is whole: it is for the next one. */
static void overhear(struct http_exchange *x)
{
	struct buffer *in = x->plan.in;
	size_t room;
	uint8_t *to = buffer_room(in, BUFFER_BLOCK, &room);
	ssize_t n;

	if (to == NULL)
		return;
	n = stream_read(x->plan.client, to, room);
	if (n > 0)
		buffer_commit(in, (size_t)n);
	else if (n == 0)
		x->plan.client_ended = true; /* RFC 9112, 9.6: it may still listen */
	else if (errno != EAGAIN && errno != EINTR)
		fail(x, reason_of_client(errno));
}

/* --- the response ---------------------------------------------------------------------------- */

static bool write_head(struct http_exchange *x, const struct http_head *head)
{
	const struct http_response_plan plan = {
	    .head = head,
	    .request = &x->request,
	    .response = &x->response,
	    .pseudonym = x->plan.pseudonym,
	    .persists = x->outcome.client_persists,
	    .now = time(NULL),
	};

	return http_response_write(&x->reply, &plan);
}

/* The final head; `bytes` follow it. */
static void answer(struct http_exchange *x, const struct http_head *head, uint8_t *bytes, size_t n)
{
	const struct http_response *response = &x->response;
	struct http_coder *c = &x->answered;
	ssize_t used = 0;

	http_coder_init(
	    c, response->framing, response->length, http_response_framing(response, &x->request));
	x->outcome.status = response->status;
	x->outcome.pins = x->request.pins || response->pins;
	x->outcome.upgraded = response->upgraded;
	x->outcome.unframed = c->framing == HTTP_BODY_CLOSE;
	x->outcome.client_persists =
	    x->plan.goes_on && x->request.persists && !x->outcome.unframed && x->asked.body.ended;
	if (!write_head(x, head)) {
		fail(x, REASON_RESPONSE_TOO_LARGE);
		return;
	}
	if (!response->upgraded)
		used = http_coder_begin(c, bytes, n, &x->reply);
	if (used < 0) {
		fail(x, http_response_refusal(c->body.reason));
		return;
	}
	if (response->upgraded && stream_unread(x->plan.origin, bytes, n) != 0)
		fail(x, REASON_RESOURCES);
	x->answering = true;
	x->down.ended = c->body.ended;
}

static void interim(struct http_exchange *x, const struct http_head *head)
{
	if (++x->interim > INTERIM_MAX)
		fail(x, REASON_BAD_RESPONSE);
	else if (!x->request.old && !write_head(x, head))
		fail(x, REASON_RESPONSE_TOO_LARGE);
}

/* A login that is demanded of us is nobody's business but ours and the hop's; another protocol does
 * not begin within the request (RFC 9110, 7.8). */
static enum reason judge(struct http_exchange *x, const struct http_head *head)
{
	enum reason reason = http_response_read(&x->response, head, &x->request);

	if (reason == REASON_OK && x->response.status == 407)
		reason = x->plan.to_proxy ? REASON_HOP_AUTH : REASON_BAD_RESPONSE;
	if (reason == REASON_OK && x->response.upgraded && !is_asked(x))
		reason = REASON_BAD_RESPONSE;
	return reason;
}

/* Every head among these bytes, and the content after the last.  How many need not be kept. */
static size_t understand(struct http_exchange *x, uint8_t *bytes, size_t n)
{
	struct http_head head;
	size_t used = 0;
	enum reason reason;
	int got;

	while (used < n && !x->answering && x->outcome.reason == REASON_OK) {
		got = http_head_response(&head, bytes + used, n - used, x->plan.max_head);
		if (got == 0)
			break;
		reason = got < 0 ? http_response_refusal(head.reason) : judge(x, &head);
		if (reason != REASON_OK)
			fail(x, reason);
		else if (x->response.interim)
			interim(x, &head);
		else
			answer(x, &head, bytes + used + head.length, n - used - head.length);
		used += head.length;
	}
	return x->answering ? n : used;
}

/* The origin said nothing, or stopped before its response was whole. */
static enum reason unanswered(const struct http_exchange *x)
{
	return x->outcome.first_byte == 0 ? REASON_ORIGIN_CLOSED : REASON_RESPONSE_INCOMPLETE;
}

static void hear(struct http_exchange *x)
{
	struct buffer *heard = &x->heard;
	uint8_t *bytes = x->plan.loop->scratch;
	size_t before = buffer_length(heard), used;
	ssize_t n = stream_read(x->plan.origin, bytes, ROOM);

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			fail(x, unanswered(x));
		return;
	}
	if (x->outcome.first_byte == 0)
		x->outcome.first_byte = loop_now();
	if (before == 0) {
		used = understand(x, bytes, (size_t)n);
		if (used < (size_t)n && !buffer_add(heard, bytes + used, (size_t)n - used))
			fail(x, REASON_RESPONSE_TOO_LARGE);
		return;
	}
	if (!buffer_add(heard, bytes, (size_t)n))
		fail(x, REASON_RESPONSE_TOO_LARGE);
	else if (http_head_news(
	             buffer_bytes(heard), before, buffer_length(heard), x->plan.max_head))
		buffer_consume(heard, understand(x, buffer_bytes(heard), buffer_length(heard)));
}

/* To the client: heads first. */
static bool send_reply(struct http_exchange *x)
{
	struct buffer *reply = &x->reply;

	while (buffer_length(reply) > 0) {
		ssize_t n = stream_write(x->plan.client, buffer_bytes(reply), buffer_length(reply));

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			fail(x, reason_of_client(errno));
		if (n < 0)
			return false;
		buffer_consume(reply, (size_t)n);
		x->outcome.said = x->answering || buffer_length(reply) > 0;
		x->outcome.down += (uint64_t)n;
	}
	return true;
}

static void reply(struct http_exchange *x)
{
	if (send_reply(x) && x->answering && (!x->down.ended || flow_holds(&x->down)) &&
	    !pump(x, &x->down, &x->answered, REASON_RESPONSE_INCOMPLETE))
		fail(x, reason_of_client(x->down.error));
}

/* --- both ------------------------------------------------------------------------------------ */

static int client_wants(const struct http_exchange *x)
{
	int events = 0;

	if (buffer_length(&x->reply) > 0 || flow_holds(&x->down))
		events |= STREAM_WRITE;
	if (!x->asked.body.ended && asking(x)) {
		if (x->sent == buffer_length(x->plan.out) && !flow_holds(&x->up))
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
	    !(x->answering && x->down.ended))
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

/* After every turn.  x may be gone when this returns. */
static void settle(struct http_exchange *x)
{
	if (is_over(x)) {
		finish(x);
		return;
	}
	note_progress(x);
	timer_by(&x->timer, flow_due(&x->up));
	timer_by(&x->timer, flow_due(&x->down));
	stream_want(x->plan.client, client_wants(x));
	stream_want(x->plan.origin, origin_wants(x));
}

static void client_ready(void *arg, int events)
{
	struct http_exchange *x = arg;

	if (events & STREAM_WRITE)
		reply(x);
	if (events & STREAM_READ && x->asked.body.ended)
		overhear(x);
	else if (events & STREAM_READ)
		ask(x);
	settle(x);
}

static void origin_ready(void *arg, int events)
{
	struct http_exchange *x = arg;

	if (events & STREAM_WRITE)
		ask(x);
	if (events & STREAM_READ) {
		if (!x->answering)
			hear(x);
		if (x->outcome.reason == REASON_OK) /* else nothing of it may be heard */
			reply(x);
	}
	settle(x);
}

/* Are both still there, though they take their time? */
static void look(struct http_exchange *x)
{
	int64_t client = keepalive_look(x->plan.client, x->plan.client_keepalive);
	int64_t origin = keepalive_look(x->plan.origin, x->plan.origin_keepalive);

	if (client == 0)
		fail(x, REASON_CLIENT_LOST);
	else if (origin == 0)
		fail(x, unanswered(x));
	else
		timer_by(&x->timer, client < origin ? client : origin);
}

static void late(evutil_socket_t fd, short what, void *arg)
{
	struct http_exchange *x = arg;
	int64_t now = loop_lately(), idle = x->plan.idle_ms;

	(void)fd;
	(void)what;
	timer_fired(&x->timer);
	if (flow_tidy(&x->up, now) != FLOW_MORE || flow_tidy(&x->down, now) != FLOW_MORE)
		fail(x, REASON_RESOURCES);
	if (idle > 0 && now - x->last >= idle) {
		fail(x,
		    x->outcome.said || !x->asked.body.ended ? REASON_IDLE_TIMEOUT
		                                            : REASON_RESPONSE_TIMEOUT);
		finish(x);
		return;
	}
	if (idle > 0)
		timer_by(&x->timer, x->last + idle);
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
	buffer_init(&x->heard, &plan->loop->buffers, plan->max_head + ROOM);
	buffer_init(&x->reply, &plan->loop->buffers,
	    (INTERIM_MAX + 1) * HTTP_RESPONSE_MAX(plan->max_head) + plan->max_head + 2 * ROOM);
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
	if (plan->idle_ms > 0)
		timer_by(&x->timer, x->last + plan->idle_ms);
	timer_by(&x->timer, keepalive_begin(plan->client_keepalive));
	timer_by(&x->timer, keepalive_begin(plan->origin_keepalive));
	stream_handler(plan->client, client_ready, x);
	stream_handler(plan->origin, origin_ready, x);
	send_head(x);
	stream_want(plan->client, client_wants(x));
	stream_want(plan->origin, origin_wants(x));
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
