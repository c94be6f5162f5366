/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_RESOLVING_H
#define TESTS_UNIT_RESOLVING_H

/* What the tests of the resolver share: a loop, a name server and a resolver that asks it. */
#include "resolver/resolver.h"
#include "tests/unit/dns_server.h"

struct resolving {
	struct event_base *base;
	struct event *tick; /* so that a turn of the loop ends although nothing happens */
	struct dns_server *dns;
	struct resolver *resolver;
	struct resolver_config config; /* to be changed before resolving_start() */
};

/* One look-up and what came of it. */
struct outcome {
	struct lookup *lookup; /* NULL once it has been told */
	int calls;
	enum resolver_status status;
	bool cached;
	size_t count;
	char addresses[64 * 48]; /* with a space between */
};

/* A server with that table, and a configuration that is patient and caches. */
void resolving_setup(struct resolving *r, const struct dns_row *rows);
void resolving_start(struct resolving *r);
void resolving_teardown(struct resolving *r);

void resolving_ask(
    struct resolving *r, struct outcome *outcome, const char *name, enum resolver_family family);
/* Turns the loop until the outcome is there; fails the test after ten seconds. */
void resolving_wait(struct resolving *r, const struct outcome *outcome);
/* Turns the loop until the server has had that many questions in all, then a while longer. */
void resolving_until_asked(struct resolving *r, unsigned queries);

/* Asks, waits and compares; `addresses` as in struct outcome.  Returns whether it was cached. */
#define resolve(r, name, family, status, addresses) \
	resolving_expect(r, name, family, status, addresses, __FILE__, __LINE__)
bool resolving_expect(struct resolving *r, const char *name, enum resolver_family family,
    enum resolver_status status, const char *addresses, const char *file, int line);

#endif
