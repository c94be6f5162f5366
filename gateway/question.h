/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_QUESTION_H
#define GATEWAY_QUESTION_H

#include "gateway/plan.h"
#include "gateway/users.h"

/*
 * A request that nobody has made: what `explain` and `expect` ask about.  It is decided by the
 * same function as the requests of clients, and never touches the network.
 */
#define QUESTION_GROUPS 16

struct question {
	struct target target;
	const char *user;                    /* NULL: nobody logged in */
	const char *proven[QUESTION_GROUPS]; /* the groups that were said, without the @ */
	size_t proven_count;
	bool from_said; /* else any client that the listener allows will do */
	bool from_unix;
	struct in6_addr from;
	const char *listener; /* NULL: the first */
	enum command command;
	enum protocol protocol;
	unsigned minute; /* of the week */
	bool resolved;
	struct in6_addr addresses[RESOLVER_ADDRESSES_MAX];
	size_t address_count;
};

/* From this machine, CONNECT by SOCKS5, Monday noon, nobody logged in.  The command http is by
 * HTTP. */
void question_init(struct question *question);
/*
 * One condition: `user alice`, `user @staff`, `from 10.1.2.3`, `from unix`, `listener main`,
 * `command connect`, `protocol http`, `at mon/08:00`, `resolves 192.0.2.1,2001:db8::1`.  `value`
 * must live on.  NULL, or what is wrong as a phrase that follows the value.
 */
const char *question_set(struct question *question, const char *condition, const char *value);
/* Is it the name of a condition? */
bool question_knows(const char *condition);

/* The listener that is asked; NULL if there is none of that name. */
const struct listener *question_listener(const struct question *question, const struct conf *conf);
/* Do the `connect-ports` of that listener leave out the port that is asked for? */
bool question_port_denied(const struct question *question, const struct listener *listener);
/* NULL, or what is wrong with a group that was said: *group is its name. */
const char *question_wrong_group(
    const struct question *question, const struct conf *conf, const char **group);
/* The query as routes take it; it points into the question, and to *member, which is filled. */
struct query question_query(
    const struct question *question, const struct conf *conf, struct member *member);
/* Decide.  PLAN_ROUTE_NEEDS_ADDRESSES: nobody can say without addresses. */
enum plan_result question_ask(
    const struct question *question, const struct conf *conf, struct plan *plan);
/* `direct`, `reject`, `via a b`, `needs addresses`: allocated; NULL: out of memory. */
char *question_decision(enum plan_result result, const struct plan *plan);

#endif
