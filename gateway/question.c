/* SPDX-License-Identifier: ISC */
/* A request that nobody has made: what `explain` and `expect` ask about. */
#include "config.h"

#include "gateway/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MINUTES (24 * 60)
#define NOON (12 * 60)

void question_init(struct question *q)
{
	*q = (struct question){.from = address_from_ipv4(htonl(INADDR_LOOPBACK)),
	    .command = COMMAND_CONNECT,
	    .protocol = PROTOCOL_SOCKS5,
	    .minute = NOON};
}

/* --- conditions ------------------------------------------------------------------------------- */

static const char *set_user(struct question *q, const char *value)
{
	if (value[0] != '@') {
		q->user = strcmp(value, "-") == 0 ? NULL : value;
		return NULL;
	}
	if (q->proven_count == QUESTION_GROUPS)
		return "is one too many, expected at most 16 groups";
	q->proven[q->proven_count++] = value + 1;
	return NULL;
}

static const char *set_from(struct question *q, const char *value)
{
	q->from_unix = strcmp(value, "unix") == 0;
	q->from_said = true;
	if (!q->from_unix && !address_parse(&q->from, value, strlen(value)))
		return "is not a client, expected an address or unix";
	return NULL;
}

static const char *set_listener(struct question *q, const char *value)
{
	q->listener = value;
	return NULL;
}

static const char *set_command(struct question *q, const char *value)
{
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(command_name((enum command)i), value) == 0) {
			q->command = (enum command)i;
			if (q->command == COMMAND_HTTP)
				q->protocol = PROTOCOL_HTTP;
			return NULL;
		}
	return "is not a command, expected connect, bind, udp or http";
}

static const char *set_protocol(struct question *q, const char *value)
{
	for (int i = 0; i < PROTOCOL_COUNT; i++)
		if (strcmp(protocol_name((enum protocol)i), value) == 0) {
			q->protocol = (enum protocol)i;
			return NULL;
		}
	return "is not a protocol, expected socks4, socks5 or http";
}

/* mon/08:00 */
static const char *set_time(struct question *q, const char *value)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	unsigned hour, minute;
	int end = -1;

	for (unsigned day = 0; day < 7; day++) {
		if (strncmp(value, days[day], 3) != 0)
			continue;
		if (sscanf(value + 3, "/%2u:%2u%n", &hour, &minute, &end) != 2 || end < 0 ||
		    value[3 + end] != '\0' || hour > 23 || minute > 59)
			break;
		q->minute = day * DAY_MINUTES + hour * 60 + minute;
		return NULL;
	}
	return "is not a time, expected mon/08:00";
}

static const char *set_addresses(struct question *q, const char *value)
{
	static const char wrong[] =
	    "is not a list of addresses, expected 192.0.2.1,2001:db8::1 or none";

	q->resolved = true;
	if (strcmp(value, "none") == 0)
		return NULL;
	for (const char *p = value;; p++) {
		size_t length = strcspn(p, ",");

		if (q->address_count == RESOLVER_ADDRESSES_MAX)
			return "is too long, expected at most 64 addresses";
		if (!address_parse(&q->addresses[q->address_count], p, length))
			return wrong;
		q->address_count++;
		p += length;
		if (*p == '\0')
			return NULL;
	}
}

static const struct {
	const char *name;
	const char *(*set)(struct question *q, const char *value);
} conditions[] = {{"user", set_user}, {"from", set_from}, {"listener", set_listener},
    {"command", set_command}, {"protocol", set_protocol}, {"at", set_time},
    {"resolves", set_addresses}};

#define CONDITIONS (sizeof conditions / sizeof conditions[0])

bool question_knows(const char *condition)
{
	for (size_t i = 0; i < CONDITIONS; i++)
		if (strcmp(conditions[i].name, condition) == 0)
			return true;
	return false;
}

const char *question_set(struct question *q, const char *condition, const char *value)
{
	for (size_t i = 0; i < CONDITIONS; i++)
		if (strcmp(conditions[i].name, condition) == 0)
			return conditions[i].set(q, value);
	return "belongs to an unknown condition";
}

/* --- the decision ----------------------------------------------------------------------------- */

const struct listener *question_listener(const struct question *q, const struct conf *conf)
{
	if (q->listener != NULL)
		return conf_listener(conf, q->listener);
	return conf->listener_count > 0 ? &conf->listeners[0] : NULL;
}

const char *question_wrong_group(
    const struct question *q, const struct conf *conf, const char **group)
{
	for (size_t i = 0; i < q->proven_count; i++) {
		const struct users *set = conf_users(conf, q->proven[i]);

		*group = q->proven[i];
		if (set == NULL && conf_identity(conf, q->proven[i]) == NULL)
			return "is no 'auth' and no 'users'";
		if (set != NULL && q->user != NULL && !users_have(set, q->user))
			return "does not name that user";
	}
	return NULL;
}

/* Somebody in a group is somebody, even without a name. */
static struct member question_member(const struct question *q, const struct conf *conf)
{
	return (struct member){.sets = conf->users,
	    .set_count = conf->user_count,
	    .user = q->user == NULL && q->proven_count > 0 ? "" : q->user,
	    .proven = q->proven,
	    .proven_count = q->proven_count};
}

struct query question_query(
    const struct question *q, const struct conf *conf, struct member *member)
{
	const struct listener *listener = question_listener(q, conf);

	*member = question_member(q, conf);
	return (struct query){.host = &q->target.host,
	    .port = q->target.port,
	    .command = q->command,
	    .protocol = q->protocol,
	    .user = q->user,
	    .belongs = member_belongs,
	    .member = member,
	    .from = q->from_unix ? NULL : &q->from,
	    .listener = listener != NULL ? listener->name : "",
	    .minute = q->minute,
	    .resolved = q->resolved,
	    .addresses = q->addresses,
	    .address_count = q->address_count};
}

/* The gateway's own doors, as far as the configuration names them. */
static struct doors *make_doors(const struct conf *conf)
{
	struct doors *doors = doors_new();

	for (size_t i = 0; doors != NULL && i < conf->listener_count; i++)
		for (size_t j = 0; j < conf->listeners[i].address_count; j++) {
			const struct listen_address *a = &conf->listeners[i].addresses[j];

			for (size_t k = 0; k < a->endpoint_count; k++)
				doors_add(doors, &a->endpoints[k]);
		}
	return doors;
}

static bool is_local(const struct question *q)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;

	if (q->from_unix || memcmp(&q->from, &loopback, sizeof loopback) == 0)
		return true;
	return address_is_ipv4(&q->from) && q->from.s6_addr[12] == 127;
}

bool question_port_denied(const struct question *q, const struct listener *listener)
{
	return q->protocol == PROTOCOL_HTTP && q->command == COMMAND_CONNECT &&
	    !listener_connects(listener, q->target.port);
}

/* What the listener refuses before the request is decided, or REASON_OK. */
static enum reason listener_refusal(const struct question *q, const struct listener *listener)
{
	if (q->from_said && !listener_allows(listener, q->from_unix ? NULL : &q->from))
		return REASON_CLIENT_DENIED;
	if (!(listener->commands & 1u << q->command))
		return REASON_COMMAND_DENIED;
	if (question_port_denied(q, listener))
		return REASON_DENIED;
	return REASON_OK;
}

enum plan_result question_ask(const struct question *q, const struct conf *conf, struct plan *plan)
{
	struct member member;
	struct plan_question asked = {.conf = conf,
	    .doors = make_doors(conf),
	    .listener = question_listener(q, conf),
	    .client_is_local = is_local(q),
	    .query = question_query(q, conf, &member)};
	enum plan_result result = PLAN_REFUSED;

	*plan = (struct plan){.reason = REASON_INTERNAL};
	if (asked.doors != NULL && asked.listener != NULL) {
		plan->reason = listener_refusal(q, asked.listener);
		if (plan->reason == REASON_OK)
			result = plan_make(plan, &asked);
	}
	doors_free(asked.doors);
	return result;
}

static char *join_hops(const struct route *route)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	fputs("via", out);
	for (size_t i = 0; i < route->hop_count; i++)
		fprintf(out, " %s", route->hops[i]->name);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *question_decision(enum plan_result result, const struct plan *plan)
{
	switch (result) {
	case PLAN_REFUSED:
		return strdup("reject");
	case PLAN_ROUTE_NEEDS_ADDRESSES:
		return strdup("needs addresses");
	case PLAN_READY:
	case PLAN_DIAL_NEEDS_ADDRESSES:
		break;
	}
	return plan->route.next == NEXT_VIA ? join_hops(&plan->route) : strdup("direct");
}
