/* SPDX-License-Identifier: ISC */
/* May it be asked, and which way does it go: one decision over access, own doors and routes. */
#include "config.h"

#include "gateway/plan.h"

#include <string.h>

static enum plan_result refuse(struct plan *plan, enum reason reason, struct place rule)
{
	plan->reason = reason;
	plan->rule = rule;
	return PLAN_REFUSED;
}

static bool leaves_directly(const struct route *route)
{
	return route->next == NEXT_DIRECT ||
	    (route->next == NEXT_VIA && route->hop_count == 1 &&
	        route->hops[0]->protocol == HOP_DIRECT);
}

static bool hop_wants_address(const struct route *route)
{
	const struct hop *last = route->hops[route->hop_count - 1];

	return last->resolve_local || last->protocol == HOP_SOCKS4;
}

/* One address that is about to be asked for: REASON_OK, or why not and *rule by which row. */
static enum reason judge_address(const struct plan_question *q, const struct route *route,
    const struct in6_addr *address, struct place *rule)
{
	enum door door = doors_check(q->doors, address, q->query.port);
	struct access_verdict verdict;

	access_judge(q->conf->access, &q->query, q->query.host->named ? address : NULL, &verdict);
	*rule = verdict.place;
	if (door == DOOR_NOWHERE)
		return REASON_DENIED;
	if (door != DOOR_NONE && !verdict.opens_door &&
	    (route == NULL || route->destination != DESTINATION_ADDRESS)) {
		if (!q->client_is_local)
			return REASON_OWN_DOOR;
		if (door == DOOR_LISTENER)
			return REASON_LOOP;
	}
	return verdict.pass ? REASON_OK : REASON_DENIED;
}

/* Would the first connection lead back to us?  Further hops are seen from elsewhere, and names are
 * looked at when they are resolved. */
static bool first_hop_is_ours(const struct plan_question *q, const struct route *route)
{
	const struct hop *first = route->hops[0];

	if (first->protocol == HOP_DIRECT && route->hop_count > 1)
		first = route->hops[1];
	return first->protocol != HOP_DIRECT && first->unix_path == NULL && !first->host.named &&
	    doors_check(q->doors, &first->host.address, first->port) == DOOR_LISTENER;
}

static enum plan_result find_route(struct plan *plan, const struct plan_question *q, bool *allowed)
{
	const struct query *query = &q->query;

	memset(allowed, true, RESOLVER_ADDRESSES_MAX);
	if (q->listener->routes == NULL) {
		plan->route = (struct route){.destination = DESTINATION_ANY, .next = NEXT_DIRECT};
		return PLAN_READY;
	}
	switch (routes_find(q->listener->routes, query, &plan->route, allowed, NULL)) {
	case ROUTES_NEED_ADDRESSES:
		return PLAN_ROUTE_NEEDS_ADDRESSES;
	case ROUTES_NONE:
		return refuse(plan, REASON_NO_ROUTE, (struct place){0});
	case ROUTES_FOUND:
		break;
	}
	if (plan->route.next == NEXT_REJECT) {
		plan->text = plan->route.text;
		return refuse(plan, REASON_REJECTED, plan->route.place);
	}
	plan->rule = plan->route.place;
	if (plan->route.next == NEXT_VIA && first_hop_is_ours(q, &plan->route))
		return refuse(plan, REASON_LOOP, plan->rule);
	return PLAN_READY;
}

/* Keep the addresses that may be asked for. */
static enum plan_result choose_addresses(
    struct plan *plan, const struct plan_question *q, const bool *allowed)
{
	const struct query *query = &q->query;
	enum reason first = REASON_NAME_NO_ADDRESS;
	struct place first_rule = plan->rule;

	if (!query->resolved)
		return PLAN_DIAL_NEEDS_ADDRESSES;
	for (size_t i = 0; i < query->address_count && i < RESOLVER_ADDRESSES_MAX; i++) {
		struct place rule;
		enum reason reason;

		if (!allowed[i])
			continue;
		reason = judge_address(q, &plan->route, &query->addresses[i], &rule);
		if (reason == REASON_OK) {
			plan->addresses[plan->address_count++] = query->addresses[i];
		} else if (first == REASON_NAME_NO_ADDRESS) {
			first = reason;
			first_rule = rule;
		}
	}
	return plan->address_count > 0 ? PLAN_READY : refuse(plan, first, first_rule);
}

/* A literal is judged once, and goes as it is to whoever connects to it. */
static enum plan_result plan_literal(struct plan *plan, const struct plan_question *q)
{
	bool allowed[RESOLVER_ADDRESSES_MAX];
	struct place rule = {0};
	struct access_verdict verdict;
	enum reason reason;
	enum plan_result result;

	access_judge(q->conf->access, &q->query, NULL, &verdict);
	if (!verdict.pass)
		return refuse(plan, REASON_DENIED, verdict.place);
	result = find_route(plan, q, allowed);
	if (result != PLAN_READY)
		return result;
	reason = judge_address(q, &plan->route, &q->query.host->address, &rule);
	if (reason != REASON_OK)
		return refuse(plan, reason, rule);
	plan->addresses[plan->address_count++] = q->query.host->address;
	return PLAN_READY;
}

enum plan_result plan_make(struct plan *plan, const struct plan_question *q)
{
	bool allowed[RESOLVER_ADDRESSES_MAX];
	struct access_verdict verdict;
	enum plan_result result;

	plan->reason = REASON_OK;
	plan->text = NULL;
	plan->rule = (struct place){0};
	plan->route = (struct route){0};
	plan->by_name = false;
	plan->address_count = 0;
	if (!q->query.host->named)
		return plan_literal(plan, q);

	access_judge(q->conf->access, &q->query, NULL, &verdict);
	if (!verdict.pass && !verdict.depends)
		return refuse(plan, REASON_DENIED, verdict.place);
	result = find_route(plan, q, allowed);
	if (result != PLAN_READY)
		return result;
	if (leaves_directly(&plan->route) || hop_wants_address(&plan->route))
		return choose_addresses(plan, q, allowed);
	if (!verdict.pass)
		return refuse(plan, REASON_DENIED, verdict.place);
	plan->by_name = true;
	return PLAN_READY;
}

/* The options of the first hop, also if that is only how to leave. */
int plan_keepalive(const struct plan *plan, const struct listener *listener)
{
	const struct route *route = &plan->route;

	return route->next == NEXT_VIA && route->hops[0]->keepalive != KEEPALIVE_UNSAID
	    ? route->hops[0]->keepalive
	    : listener->keepalive;
}
