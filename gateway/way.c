/* SPDX-License-Identifier: ISC */
/* A session's way: decide, resolve, dial, answer, hand both streams to a relay. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "gateway/setup.h"

#define ROUTING_MS 1000 /* a slower look-up for routing counts as no answer */

/* --- route and resolve --- */

static unsigned minute_of_week(void)
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	return (unsigned)((tm.tm_wday + 6) % 7 * 24 * 60 + tm.tm_hour * 60 + tm.tm_min);
}

static enum reason name_reason(enum resolver_status status)
{
	static const enum reason reasons[] = {
	    [RESOLVER_FOUND] = REASON_NAME_NO_ADDRESS,
	    [RESOLVER_NOT_FOUND] = REASON_NAME_NOT_FOUND,
	    [RESOLVER_NO_ADDRESS] = REASON_NAME_NO_ADDRESS,
	    [RESOLVER_FAILED] = REASON_NAME_FAILED,
	    [RESOLVER_TIMEOUT] = REASON_NAME_TIMEOUT,
	};

	return reasons[status];
}

static void resolved(void *arg, const struct resolver_answer *answer)
{
	struct session *s = arg;
	struct setup *u = s->setup;

	u->lookup = NULL;
	u->resolved = true;
	u->gave_up = false;
	u->status = answer->status;
	u->resolve_ms = loop_now() - u->resolve_from;
	u->address_count = answer->count;
	if (u->address_count > RESOLVER_ADDRESSES_MAX)
		u->address_count = RESOLVER_ADDRESSES_MAX;
	memcpy(u->addresses, answer->addresses, u->address_count * sizeof u->addresses[0]);
	session_decide(s);
}

/* Look the target's name up, once; for routing it must not take long. */
static void resolve(struct session *s, bool for_routing)
{
	struct setup *u = s->setup;
	struct loop *loop = &s->client->worker->loop;

	session_enter(s, STEP_RESOLVE);
	u->hurried = for_routing;
	if (for_routing)
		session_hurry(s, ROUTING_MS);
	if (u->lookup == NULL) {
		u->resolve_from = loop_now();
		u->lookup = resolver_ask(loop->resolver, u->handshake.request.target.host.name,
		    RESOLVER_ANY, resolved, s);
	}
	if (u->lookup == NULL) {
		session_refuse(s, REASON_RESOURCES);
		return;
	}
	session_wait(s);
}

void session_unresolved(struct session *s)
{
	s->setup->gave_up = true;
	session_decide(s);
}

/* Ask for a decision with what is known by now, and do what it says. */
void session_decide(struct session *s)
{
	const struct client *c = s->client;
	struct setup *u = s->setup;
	const struct request *request = &u->handshake.request;
	const struct member member = client_member(c);
	const struct plan_question question = {
	    .conf = c->worker->gateway->conf,
	    .doors = c->worker->gateway->doors,
	    .listener = c->listener,
	    .client_is_local = client_is_local(c),
	    .query =
	        {
	            .host = &request->target.host,
	            .port = request->target.port,
	            .command = request->command,
	            .protocol = request->protocol,
	            .user = c->user,
	            .belongs = member_belongs,
	            .member = &member,
	            .from = c->on_unix ? NULL : &c->peer.address,
	            .listener = c->listener->name,
	            .minute = minute_of_week(),
	            .resolved = u->resolved || u->gave_up,
	            .addresses = u->addresses,
	            .address_count = u->address_count,
	        },
	};

	switch (plan_make(&u->plan, &question)) {
	case PLAN_ROUTE_NEEDS_ADDRESSES:
		resolve(s, true);
		return;
	case PLAN_DIAL_NEEDS_ADDRESSES:
		resolve(s, false);
		return;
	case PLAN_REFUSED:
		if (u->plan.reason == REASON_NAME_NO_ADDRESS && u->gave_up)
			resolve(s, false);
		else
			session_refuse(s,
			    u->plan.reason == REASON_NAME_NO_ADDRESS ? name_reason(u->status)
			                                             : u->plan.reason);
		return;
	case PLAN_READY:
		if (request->command == COMMAND_HTTP)
			forward_start(s);
		else
			session_dial(s, false);
		return;
	}
}

/* --- dial, answer, relay --- */

static void dialled(void *arg, const struct dial_outcome *outcome)
{
	struct session *s = arg;
	struct setup *u = s->setup;

	u->outcome = *outcome;
	u->dialled = true;
	dial_free(u->dial);
	u->dial = NULL;
	if (outcome->reason != REASON_OK) {
		session_refuse(s, outcome->reason);
		return;
	}
	if (s->forward != NULL) {
		forward_dialled(s);
		return;
	}
	session_enter(s, STEP_ANSWER);
	u->handshake.ops->answer(&u->handshake, REASON_OK,
	    outcome->bound.port != 0 ? &outcome->bound : NULL, NULL, &u->out);
	switch (session_flush(s)) {
	case MOVED:
		session_relay(s);
		return;
	case BLOCKED:
		session_wait(s);
		return;
	case GONE:
		return;
	}
}

const struct endpoint *session_arrived_at(const struct session *s, struct endpoint *arrived)
{
	const struct route *route = &s->setup->plan.route;
	const struct hop *first = route->next == NEXT_VIA ? route->hops[0] : NULL;
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;

	for (size_t i = 0; first != NULL && i < first->source_count; i++)
		if (first->sources[i].kind == SOURCE_LISTENER &&
		    getsockname(stream_fd(s->client->stream), (struct sockaddr *)&sa, &length) ==
		        0 &&
		    endpoint_from_sockaddr(arrived, (struct sockaddr *)&sa))
			return arrived;
	return NULL;
}

static bool is_own_listener(const struct in6_addr *address, uint16_t port, void *doors)
{
	return doors_check(doors, address, port) == DOOR_LISTENER;
}

void session_dial(struct session *s, bool to_hop)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	/* To whom it matters, a forwarded request is one for a connection. */
	const struct request request = {.protocol = u->handshake.request.protocol,
	    .command = COMMAND_CONNECT,
	    .target = u->handshake.request.target};
	struct endpoint arrived;
	const bool via = u->plan.route.next == NEXT_VIA;
	const struct dial_plan plan = {
	    .loop = &c->worker->loop,
	    .hops = via ? u->plan.route.hops : NULL,
	    .hop_count = via ? u->plan.route.hop_count : 0,
	    .to_hop = to_hop,
	    .request = &request,
	    .addresses = u->plan.addresses,
	    .address_count = u->plan.address_count,
	    .arrived = session_arrived_at(s, &arrived),
	    .shun = is_own_listener,
	    .shun_arg = c->worker->gateway->doors,
	    .dial_ms = session_left(c->listener->timeouts.dial, u->asked_ms),
	    .connect_ms = c->listener->timeouts.connect,
	    .keepalive = plan_keepalive(&u->plan, c->listener),
	};

	resolver_cancel(u->lookup);
	u->lookup = NULL;
	session_enter(s, STEP_DIAL);
	u->dial = dial_start(&plan, dialled, s);
	if (u->dial == NULL)
		session_refuse(s, REASON_RESOURCES);
	else
		session_wait(s);
}

static void relayed(void *arg, enum reason reason)
{
	session_leave(arg, reason);
}

bool session_meter(struct session *s)
{
	const struct client *c = s->client;
	const struct limits *limits = &c->listener->limits;
	const bool known = s->setup->identified;
	const struct pace_plan plan = {.account = c->worker->gateway->account,
	    .quota = c->worker->gateway->quota,
	    .session_rate = limits->bandwidth_per_session,
	    .client_holder = c->holder,
	    .client_rate = limits->bandwidth_per_client,
	    .user_holder = c->user_holder,
	    .user_rate = c->bandwidth,
	    .user = known ? c->user : NULL,
	    .allotment = c->quota};

	return s->pace != NULL || pace_new(&s->pace, &plan);
}

/* From here on the relay has both streams, and the session is only its line in the log. */
void session_relay(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	const bool metered = session_meter(s);
	const struct relay_plan plan = {
	    .loop = &c->worker->loop,
	    .client = c->stream,
	    .target = u->outcome.stream,
	    .idle_ms = c->listener->timeouts.idle,
	    .half_close_ms = c->listener->timeouts.half_close,
	    .client_keepalive = c->listener->keepalive,
	    .target_keepalive = plan_keepalive(&u->plan, c->listener),
	    .meter = pace_meter(s->pace),
	    .client_ended = u->ended,
	};

	if (c->worker->gateway->conf->access_log)
		s->head = session_head(s);
	if (!metered ||
	    (buffer_length(&u->in) > 0 &&
	        stream_unread(c->stream, buffer_bytes(&u->in), buffer_length(&u->in)) != 0)) {
		session_leave(s, REASON_RESOURCES);
		return;
	}
	s->relay = relay_start(&plan, relayed, s);
	if (s->relay == NULL) {
		session_leave(s, REASON_RESOURCES);
		return;
	}
	c->stream = NULL;
	u->outcome.stream = NULL;
	setup_free(u);
	s->setup = NULL;
}
