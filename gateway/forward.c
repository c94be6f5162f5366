/* SPDX-License-Identifier: ISC */
/* One HTTP request: whether it is forwarded, over which connection, and what becomes of that. */
#include "config.h"

#include "gateway/forward.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http_pool.h"
#include "gateway/record.h"
#include "gateway/setup.h"
#include "gateway/talk.h"

#define RESPONSE_HEAD_MAX 65536
#define ORIGIN_KEEP_MS 60000 /* a connection that nobody uses */

struct forward {
	struct http_request request;
	struct http_coder asked; /* its content */
	bool to_proxy;           /* the last hop is told the whole URI */
	bool reused;             /* the connection was idle before */
	struct buffer out;       /* the head as it is sent on */
	struct http_pool_key key;
	struct http_kept origin; /* stream NULL: not yet, or no more */
	struct http_exchange *exchange;
	struct http_outcome outcome;
};

void forward_free(struct forward *f)
{
	if (f == NULL)
		return;
	http_exchange_free(f->exchange);
	stream_abort(f->origin.stream);
	buffer_clear(&f->out);
	free(f);
}

bool forward_stop(struct session *s)
{
	struct forward *f = s->forward;

	if (f == NULL || f->exchange == NULL)
		return false;
	f->outcome = http_exchange_outcome(f->exchange);
	http_exchange_free(f->exchange);
	f->exchange = NULL;
	if (s->http != NULL && f->outcome.said)
		s->http->status = f->outcome.status;
	return true;
}

void forward_count(const struct forward *f, uint64_t *up, uint64_t *down, int64_t *first_byte)
{
	*up += f->outcome.up;
	*down += f->outcome.down;
	if (f->outcome.first_byte > 0)
		*first_byte = f->outcome.first_byte;
}

/* --- the connection -------------------------------------------------------------------------- */

static const char *pseudonym(const struct client *c)
{
	const struct http_settings *http = &c->listener->http;

	if (!http->via)
		return NULL;
	return http->pseudonym != NULL ? http->pseudonym : c->worker->gateway->pseudonym;
}

/* A hop that is an HTTP proxy itself needs no CONNECT, unless it is to get an address. */
static bool ends_at_proxy(const struct route *route)
{
	const struct hop *last = route->next == NEXT_VIA ? route->hops[route->hop_count - 1] : NULL;

	return last != NULL && last->protocol == HOP_HTTP && !last->resolve_local;
}

static bool leaves_directly(const struct route *route)
{
	return route->next != NEXT_VIA ||
	    (route->hop_count == 1 && route->hops[0]->protocol == HOP_DIRECT);
}

static void make_key(struct session *s)
{
	struct forward *f = s->forward;
	const struct plan *plan = &s->setup->plan;
	const struct route *route = &plan->route;
	const bool via = route->next == NEXT_VIA;
	const struct endpoint *arrived = session_arrived_at(s, &f->key.arrived);

	f->key.conf = s->client->worker->gateway->conf;
	f->key.row = route->place;
	f->key.hops = via ? route->hops : NULL;
	f->key.hop_count = via ? route->hop_count : 0;
	if (!f->to_proxy)
		f->key.target = s->setup->handshake.request.target;
	/* A hop that is told an address: which of them is not known here. */
	if (!f->to_proxy && !plan->by_name && !leaves_directly(route)) {
		f->key.addresses = plan->addresses;
		f->key.address_count = plan->address_count;
	}
	if (arrived == NULL)
		f->key.arrived = (struct endpoint){.port = 0};
}

/* One that is logged in is for its client alone, and for all its requests; any other only for what
 * may be said again, should the origin just be closing it (RFC 9110, 9.2.2). */
static bool take_kept(struct session *s)
{
	struct client *c = s->client;
	struct forward *f = s->forward;
	const struct plan *plan = &s->setup->plan;
	/* To whom it leads is ours to say only where no hop stands between. */
	size_t count = leaves_directly(&plan->route) ? plan->address_count : 0;

	f->key.owner = c->id;
	if (c->pins &&
	    http_pool_take(c->worker->origins, &f->key, plan->addresses, count, &f->origin))
		return true;
	f->key.owner = 0;
	if (f->request.may_repeat)
		return http_pool_take(
		    c->worker->origins, &f->key, plan->addresses, count, &f->origin);
	http_pool_yield(c->worker->origins, &f->key);
	return false;
}

/* --- what became of it ----------------------------------------------------------------------- */

/* An origin tires of waiting, even if our client has no limit. */
static int64_t keep_ms(const struct listener *listener)
{
	int64_t ms = listener->timeouts.keep_alive;

	return ms > 0 && ms < ORIGIN_KEEP_MS ? ms : ORIGIN_KEEP_MS;
}

static void part_from_origin(struct session *s)
{
	struct client *c = s->client;
	struct forward *f = s->forward;
	const struct http_outcome *o = &f->outcome;

	f->origin.requests++;
	if (o->pins && o->reason == REASON_OK) {
		f->key.owner = c->id;
		c->pins = true;
	}
	if (o->origin_persists)
		http_pool_give(c->worker->origins, &f->key, &f->origin, keep_ms(c->listener));
	else if (o->reason == REASON_OK)
		stream_free(f->origin.stream);
	else
		stream_abort(f->origin.stream);
	f->origin.stream = NULL;
}

/* From here on both sides speak something else. */
static void upgrade(struct session *s)
{
	struct forward *f = s->forward;

	s->setup->outcome.stream = f->origin.stream;
	f->origin.stream = NULL;
	buffer_clear(&f->out);
	session_relay(s);
}

static void exchanged(void *arg, const struct http_outcome *outcome)
{
	struct session *s = arg;
	struct forward *f = s->forward;
	bool stale = f->reused && f->request.may_repeat && outcome->unheard &&
	    outcome->reason == REASON_ORIGIN_CLOSED;

	f->outcome = *outcome;
	if (s->http != NULL)
		s->http->status = outcome->status;
	http_exchange_free(f->exchange);
	f->exchange = NULL;
	if (outcome->upgraded && outcome->reason == REASON_OK) {
		upgrade(s);
		return;
	}
	part_from_origin(s);
	if (stale) {
		f->reused = false;
		f->outcome = (struct http_outcome){0};
		s->setup->asked_ms = loop_now();
		session_dial(s, f->to_proxy);
	} else if (outcome->reason != REASON_OK && !outcome->said) {
		session_refuse(s, outcome->reason);
	} else if (outcome->reason != REASON_OK && outcome->unframed) {
		session_cut(s, outcome->reason);
	} else if (outcome->client_persists) {
		session_next(s);
	} else {
		session_conclude(s, outcome->reason, false);
	}
}

static void start(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	struct forward *f = s->forward;
	const bool metered = session_meter(s);
	const struct http_exchange_plan plan = {
	    .loop = &c->worker->loop,
	    .client = c->stream,
	    .origin = f->origin.stream,
	    .request = &f->request,
	    .asked = &f->asked,
	    .in = &u->in,
	    .out = &f->out,
	    .client_ended = u->ended,
	    .goes_on = session_may_go_on(s),
	    .to_proxy = f->to_proxy,
	    .pseudonym = pseudonym(c),
	    .max_head = RESPONSE_HEAD_MAX,
	    .idle_ms = c->listener->timeouts.idle,
	    .half_close_ms = c->listener->timeouts.half_close,
	    .meter = pace_meter(s->pace),
	    .client_keepalive = c->listener->keepalive,
	    .origin_keepalive = plan_keepalive(&u->plan, c->listener),
	};
	enum reason reason;

	session_enter(s, STEP_FORWARD);
	reason =
	    metered ? http_exchange_start(&f->exchange, &plan, exchanged, s) : REASON_RESOURCES;
	if (reason == REASON_OK)
		return;
	stream_abort(f->origin.stream);
	f->origin.stream = NULL;
	session_refuse(s, reason);
}

void forward_dialled(struct session *s)
{
	struct setup *u = s->setup;
	struct forward *f = s->forward;

	f->origin = (struct http_kept){
	    .stream = u->outcome.stream, .peer = u->outcome.peer, .bound = u->outcome.bound};
	u->outcome.stream = NULL;
	start(s);
}

/* --- the request ----------------------------------------------------------------------------- */

/* It ends here: TRACE or OPTIONS with Max-Forwards 0. */
static void answer_ourselves(struct session *s, const struct http_head *head)
{
	struct setup *u = s->setup;
	const bool persists = u->handshake.persists && session_may_go_on(s);

	if (!http_request_echo(&u->out, head, &s->forward->request, persists, u->wall_ms / 1000)) {
		session_refuse(s, REASON_RESOURCES);
		return;
	}
	if (s->http != NULL)
		s->http->status = 200;
	session_conclude(s, REASON_OK, persists);
}

static bool write_head(struct session *s, const struct http_head *head)
{
	struct client *c = s->client;
	struct forward *f = s->forward;
	const struct route *route = &s->setup->plan.route;
	const struct credentials *login = NULL;
	struct credentials credentials;
	bool written;

	if (f->to_proxy)
		login = talk_credentials(&credentials, route->hops[route->hop_count - 1]);
	const struct http_request_plan plan = {
	    .head = head,
	    .request = &f->request,
	    .pseudonym = pseudonym(c),
	    .forwarded = c->listener->http.forwarded,
	    .client = c->on_unix ? NULL : &c->peer,
	    .absolute = f->to_proxy,
	    .proxy = login,
	};
	written = http_request_write(&f->out, &plan);
	explicit_bzero(&credentials, sizeof credentials);
	return written;
}

/* Content that is here already is judged before anybody is connected to. */
static void forward(struct session *s, const struct http_head *head)
{
	struct setup *u = s->setup;
	struct forward *f = s->forward;
	ssize_t used;

	http_coder_init(&f->asked, head->framing, head->body_length, head->framing);
	f->to_proxy = ends_at_proxy(&u->plan.route);
	if (!write_head(s, head)) {
		session_refuse(s, REASON_RESOURCES);
		return;
	}
	buffer_consume(&u->in, head->length);
	u->handshake.head_length = 0;
	used = http_coder_begin(&f->asked, buffer_bytes(&u->in), buffer_length(&u->in), &f->out);
	if (used < 0) {
		session_refuse(s, f->asked.body.reason);
		return;
	}
	buffer_consume(&u->in, (size_t)used);
	make_key(s);
	f->reused = take_kept(s);
	if (f->reused)
		start(s);
	else
		session_dial(s, f->to_proxy);
}

void forward_start(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	struct forward *f = calloc(1, sizeof *f);
	struct http_head head;
	enum reason reason;
	int got;

	s->forward = f;
	if (f == NULL) {
		session_refuse(s, REASON_RESOURCES);
		return;
	}
	buffer_init(&f->out, &c->worker->loop.buffers,
	    HTTP_REQUEST_MAX(c->listener->http.max_head) + c->listener->http.max_head);
	got = http_head_request(&head, buffer_bytes(&u->in), buffer_length(&u->in), u->in.max);
	assert(got == 1); /* it was judged before */
	session_note(s, &head);
	reason = http_request_read(&f->request, &head, pseudonym(c));
	if (reason != REASON_OK)
		session_refuse(s, reason);
	else if (f->request.receiver == HTTP_TO_US)
		answer_ourselves(s, &head);
	else
		forward(s, &head);
}
