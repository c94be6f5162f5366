/* SPDX-License-Identifier: ISC */
/*
 * One loop over the hops: reach the first, then ask each for the next, the last for the target.
 * A `socks` hop that turns out not to speak SOCKS5 is remembered, and the loop begins anew.
 */
#include "config.h"

#include "gateway/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event_struct.h>

#include "gateway/talk.h"
#include "resolver/resolver.h"

struct dial {
	struct dial_plan plan; /* what it points to is copied below, but for hops and wrap_arg */
	void (*done)(void *arg, const struct dial_outcome *outcome);
	void *arg;
	size_t first;    /* 1 if hops[0] only says how to leave, else 0 */
	size_t hop;      /* that is being reached or spoken with; hop_count: the target, directly */
	unsigned socks4; /* bits 1 << hop: a `socks` hop that is to be spoken with as SOCKS4a */
	int64_t started;
	int64_t deadline;     /* of everything; 0: none */
	int64_t hop_deadline; /* of this hop; 0: none */
	int64_t connecting;   /* when that began */
	struct connect *connect;
	struct lookup *lookup;
	struct stream *stream;
	struct talk talk;
	struct event timer;
	struct dial_outcome outcome;
	struct request request;
	struct endpoint arrived;
	struct in6_addr addresses[];
};

static bool reach(struct dial *d);

/* --- the outcome ----------------------------------------------------------------------------- */

static void clear(struct dial *d)
{
	event_del(&d->timer);
	connect_free(d->connect);
	d->connect = NULL;
	resolver_cancel(d->lookup);
	d->lookup = NULL;
	stream_free(d->stream);
	d->stream = NULL;
	talk_clear(&d->talk);
}

/* The receiver may free d in there. */
static void finish(struct dial *d, enum reason reason, size_t failed)
{
	struct dial_outcome outcome;

	d->outcome.reason = reason;
	d->outcome.failed = failed;
	d->outcome.stream = d->stream;
	d->stream = NULL;
	clear(d);
	outcome = d->outcome;
	d->done(d->arg, &outcome);
}

static void fail(struct dial *d, enum reason reason, size_t failed)
{
	stream_free(d->stream);
	d->stream = NULL;
	finish(d, reason, failed);
}

static void succeed(struct dial *d)
{
	stream_handler(d->stream, NULL, NULL);
	stream_want(d->stream, 0);
	finish(d, REASON_OK, d->plan.hop_count);
}

/* --- time ------------------------------------------------------------------------------------ */

/* What is left for this hop, at least 1 ms; 0: no limit. */
static int64_t left(const struct dial *d)
{
	int64_t deadline = d->hop_deadline, rest;

	if (deadline == 0 || (d->deadline != 0 && d->deadline < deadline))
		deadline = d->deadline;
	if (deadline == 0)
		return 0;
	rest = deadline - loop_now();
	return rest > 0 ? rest : 1;
}

static void set_timer(struct dial *d)
{
	int64_t ms = left(d);
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (ms > 0)
		event_add(&d->timer, &tv);
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;

	(void)fd;
	(void)what;
	fail(d, REASON_HOP_TIMEOUT, d->hop);
}

static void start_hop_time(struct dial *d)
{
	int64_t ms = d->plan.connect_ms;

	if (d->hop < d->plan.hop_count && d->plan.hops[d->hop]->connect_ms != 0)
		ms = d->plan.hops[d->hop]->connect_ms;
	d->hop_deadline = ms == 0 ? 0 : loop_now() + ms;
}

/* --- speaking with a hop --------------------------------------------------------------------- */

static enum hop_protocol spoken(const struct dial *d)
{
	enum hop_protocol protocol = d->plan.hops[d->hop]->protocol;

	if (protocol == HOP_SOCKS)
		return d->socks4 & 1U << d->hop ? HOP_SOCKS4A : HOP_SOCKS5;
	return protocol;
}

/* Does the hop say what became of the one behind it?  All else is about itself or about us. */
static bool about_next(enum reason reason)
{
	switch (reason) {
	case REASON_REFUSED:
	case REASON_NET_UNREACHABLE:
	case REASON_HOST_UNREACHABLE:
	case REASON_TIMEOUT:
	case REASON_NAME_NOT_FOUND:
	case REASON_NAME_NO_ADDRESS:
	case REASON_NAME_FAILED:
	case REASON_NAME_TIMEOUT:
		return true;
	default:
		return false;
	}
}

/* A hop that cannot be reached is not the target that cannot be reached: the client is told so. */
static enum reason of_hop(enum reason reason)
{
	switch (reason) {
	case REASON_TIMEOUT:
	case REASON_NAME_TIMEOUT:
		return REASON_HOP_TIMEOUT;
	case REASON_RESOURCES:
	case REASON_INTERNAL:
		return reason;
	default:
		return REASON_HOP_UNREACHABLE;
	}
}

/* It closed, or answered what is not SOCKS5: older servers do. */
static bool try_socks4(const struct dial *d, enum reason reason)
{
	return d->plan.hops[d->hop]->protocol == HOP_SOCKS && spoken(d) == HOP_SOCKS5 &&
	    (reason == REASON_HOP_CLOSED || reason == REASON_HOP_PROTOCOL) &&
	    talk_is_foreign(&d->talk);
}

static void hop_failed(struct dial *d, enum reason reason)
{
	size_t failed = d->hop;

	if (try_socks4(d, reason)) {
		d->socks4 |= 1U << d->hop;
		clear(d);
		if (!reach(d))
			fail(d, REASON_RESOURCES, d->hop);
		return;
	}
	d->outcome.detail = d->talk.handshake.detail;
	if (about_next(reason) && ++failed < d->plan.hop_count)
		reason = of_hop(reason);
	fail(d, reason, failed);
}

static void enter(struct dial *d);

static void hop_done(struct dial *d)
{
	event_del(&d->timer);
	d->outcome.bound = d->talk.handshake.bound;
	talk_clear(&d->talk);
	d->outcome.hops_ms[d->hop] = loop_now() - d->started;
	d->hop++;
	start_hop_time(d);
	if (d->hop == d->plan.hop_count)
		succeed(d);
	else
		enter(d);
}

static void speaking(void *arg, int events)
{
	struct dial *d = arg;

	switch (talk_on(&d->talk, events)) {
	case HS_DONE:
		hop_done(d);
		return;
	case HS_FAIL:
		hop_failed(d, d->talk.handshake.reason);
		return;
	case HS_MORE:
	case HS_ASK:
		return;
	}
}

static void speak(struct dial *d, const struct request *request)
{
	talk_begin(&d->talk, d->stream, d->plan.hops[d->hop], spoken(d), request);
	stream_handler(d->stream, speaking, d);
	set_timer(d);
	speaking(d, 0);
}

/* --- what it is asked for -------------------------------------------------------------------- */

static bool wants_address(const struct dial *d)
{
	return d->plan.hops[d->hop]->resolve_local;
}

static bool only_ipv4(const struct dial *d)
{
	return spoken(d) == HOP_SOCKS4 || spoken(d) == HOP_SOCKS4A;
}

/* The first address that the hop can be told; REASON_OK, or why there is none. */
static enum reason pick(
    const struct dial *d, const struct in6_addr *addresses, size_t count, struct host *host)
{
	for (size_t i = 0; i < count; i++)
		if (!only_ipv4(d) || address_is_ipv4(&addresses[i])) {
			host_from_address(host, &addresses[i]);
			return REASON_OK;
		}
	return count == 0 ? REASON_NAME_NO_ADDRESS : REASON_NO_FAMILY;
}

static struct request request_for(const struct hop *next)
{
	return (struct request){
	    .command = COMMAND_CONNECT, .target = {.host = next->host, .port = next->port}};
}

static void next_resolved(void *arg, const struct resolver_answer *answer)
{
	struct dial *d = arg;
	struct request request = request_for(d->plan.hops[d->hop + 1]);

	d->lookup = NULL;
	event_del(&d->timer);
	if (answer->status != RESOLVER_FOUND ||
	    pick(d, answer->addresses, answer->count, &request.target.host) != REASON_OK) {
		fail(d,
		    answer->status == RESOLVER_TIMEOUT ? REASON_HOP_TIMEOUT
		                                       : REASON_HOP_UNREACHABLE,
		    d->hop + 1);
		return;
	}
	speak(d, &request);
}

static void ask_for_hop(struct dial *d, const struct hop *next)
{
	struct request request = request_for(next);

	if (next->unix_path != NULL) { /* nobody else's socket can be named */
		fail(d, REASON_HOP_UNREACHABLE, d->hop + 1);
		return;
	}
	if (!next->host.named || !wants_address(d)) {
		speak(d, &request);
		return;
	}
	stream_want(d->stream, 0);
	d->lookup = resolver_ask(d->plan.loop->resolver, next->host.name,
	    only_ipv4(d) ? RESOLVER_IPV4 : (enum resolver_family)next->family, next_resolved, d);
	if (d->lookup == NULL)
		fail(d, REASON_RESOURCES, d->hop + 1);
	else
		set_timer(d);
}

static void ask(struct dial *d)
{
	struct request request = d->request;
	enum reason reason = REASON_OK;

	if (d->hop + 1 < d->plan.hop_count) {
		ask_for_hop(d, d->plan.hops[d->hop + 1]);
		return;
	}
	if (d->plan.to_hop) {
		hop_done(d);
		return;
	}
	if (request.target.host.named && wants_address(d))
		reason = pick(d, d->plan.addresses, d->plan.address_count, &request.target.host);
	if (reason != REASON_OK)
		fail(d, reason, d->plan.hop_count);
	else
		speak(d, &request);
}

/* --- reaching a hop -------------------------------------------------------------------------- */

/* The layer's own handshake, if there is one: it says what it waits for. */
static void shaking(void *arg, int events)
{
	struct dial *d = arg;

	(void)events;
	if (stream_handshake(d->stream) == 0) {
		event_del(&d->timer);
		ask(d);
	} else if (errno == EAGAIN || errno == EINTR) {
		stream_want(d->stream, STREAM_READ);
	} else {
		fail(d, errno == EPROTO ? REASON_HOP_PROTOCOL : REASON_HOP_CLOSED, d->hop);
	}
}

static void enter(struct dial *d)
{
	struct stream_layer *layer = NULL;

	if (d->plan.wrap != NULL)
		layer = d->plan.wrap(d->hop, d->plan.wrap_arg);
	if (layer == NULL) {
		ask(d);
		return;
	}
	stream_push(d->stream, layer);
	stream_handler(d->stream, shaking, d);
	set_timer(d);
	shaking(d, 0);
}

static void connected(void *arg, const struct connect_outcome *outcome)
{
	struct dial *d = arg;
	int64_t now = loop_now();

	connect_free(d->connect);
	d->connect = NULL;
	d->stream = outcome->stream;
	if (outcome->reason != REASON_OK) {
		fail(d, d->hop == d->plan.hop_count ? outcome->reason : of_hop(outcome->reason),
		    d->hop);
		return;
	}
	d->outcome.connect_ms = now - d->connecting;
	d->outcome.peer = outcome->peer;
	d->outcome.bound = outcome->bound;
	if (d->first == 1)
		d->outcome.hops_ms[0] = now - d->started;
	if (d->hop == d->plan.hop_count)
		succeed(d);
	else
		enter(d);
}

/* With the options of `hops[0]`, if there is any; HOP_DIRECT has nothing else. */
static bool connect_to(struct dial *d, const struct in6_addr *addresses, size_t count)
{
	const struct hop *hop = d->hop == d->plan.hop_count ? NULL : d->plan.hops[d->hop];
	const struct connect_plan plan = {
	    .loop = d->plan.loop,
	    .addresses = addresses,
	    .address_count = count,
	    .port = hop == NULL ? d->request.target.port : hop->port,
	    .unix_path = hop == NULL ? NULL : hop->unix_path,
	    .hop = d->plan.hop_count > 0 ? d->plan.hops[0] : NULL,
	    .arrived = d->plan.arrived,
	    .keepalive = d->plan.keepalive,
	    .timeout_ms = left(d),
	};

	d->connecting = loop_now();
	return (d->connect = connect_start(&plan, connected, d)) != NULL;
}

static bool is_shunned(const struct dial *d, const struct resolver_answer *answer)
{
	const struct dial_plan *p = &d->plan;

	for (size_t i = 0; p->shun != NULL && i < answer->count; i++)
		if (p->shun(&answer->addresses[i], p->hops[d->hop]->port, p->shun_arg))
			return true;
	return false;
}

static void first_resolved(void *arg, const struct resolver_answer *answer)
{
	struct dial *d = arg;

	d->lookup = NULL;
	event_del(&d->timer);
	d->outcome.resolve_ms = loop_now() - d->started;
	if (answer->status == RESOLVER_TIMEOUT)
		fail(d, REASON_HOP_TIMEOUT, d->hop);
	else if (answer->status != RESOLVER_FOUND)
		fail(d, REASON_HOP_UNREACHABLE, d->hop);
	else if (is_shunned(d, answer))
		fail(d, REASON_LOOP, d->hop);
	else if (!connect_to(d, answer->addresses, answer->count))
		fail(d, REASON_RESOURCES, d->hop);
}

static bool reach_first_hop(struct dial *d)
{
	const struct hop *hop = d->plan.hops[d->hop], *leave = d->plan.hops[0];
	enum family family = leave->family != FAMILY_ANY ? leave->family : hop->family;

	if (hop->unix_path != NULL)
		return connect_to(d, NULL, 0);
	if (!hop->host.named)
		return connect_to(d, &hop->host.address, 1);
	d->lookup = resolver_ask(d->plan.loop->resolver, hop->host.name,
	    (enum resolver_family)family, first_resolved, d);
	set_timer(d);
	return d->lookup != NULL;
}

/* Begin the loop.  False: out of memory, and nothing is under way. */
static bool reach(struct dial *d)
{
	for (size_t i = 0; i < HOPS_MAX; i++)
		d->outcome.hops_ms[i] = -1;
	d->hop = d->first;
	start_hop_time(d);
	if (d->hop < d->plan.hop_count)
		return reach_first_hop(d);
	if (d->plan.address_count == 0 && !d->request.target.host.named)
		return connect_to(d, &d->request.target.host.address, 1);
	return connect_to(d, d->addresses, d->plan.address_count);
}

struct dial *dial_start(const struct dial_plan *plan,
    void (*done)(void *arg, const struct dial_outcome *outcome), void *arg)
{
	struct dial *d = calloc(1, sizeof *d + plan->address_count * sizeof *d->addresses);

	if (d == NULL)
		return NULL;
	d->plan = *plan;
	d->done = done;
	d->arg = arg;
	d->request = *plan->request;
	if (plan->address_count > 0)
		memcpy(d->addresses, plan->addresses, plan->address_count * sizeof *d->addresses);
	d->plan.addresses = d->addresses;
	if (plan->arrived != NULL) {
		d->arrived = *plan->arrived;
		d->plan.arrived = &d->arrived;
	}
	d->first = plan->hop_count > 0 && plan->hops[0]->protocol == HOP_DIRECT;
	d->outcome.resolve_ms = d->outcome.connect_ms = -1;
	d->started = loop_now();
	d->deadline = plan->dial_ms == 0 ? 0 : d->started + plan->dial_ms;
	talk_init(&d->talk, plan->loop);
	event_assign(&d->timer, plan->loop->base, -1, 0, timer_fired, d);
	if (!reach(d)) {
		dial_free(d);
		return NULL;
	}
	return d;
}

void dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	clear(d);
	free(d);
}
