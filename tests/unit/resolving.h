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

/*
 * A test whose state is a struct resolving: a server with that table, and a configuration that is
 * patient and caches.
 */
#define RESOLVING_TEST(name, rows) \
	cmocka_unit_test_prestate_setup_teardown( \
	    name, resolving_setup, resolving_teardown, (void *)(rows))
int resolving_setup(void **state);
int resolving_teardown(void **state);
void resolving_start(struct resolving *r);

int64_t resolving_now(void); /* milliseconds, monotonic */

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
