/* SPDX-License-Identifier: ISC */
/* What the tests of the resolver share. */
#include "config.h"

#include "tests/unit/resolving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <cmocka.h>

#define PATIENCE_MS 10000

static void tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

int resolving_setup(void **state)
{
	const struct dns_row *rows = *state;
	struct resolving *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(resolver_library_init(), 0);
	r->base = event_base_new();
	assert_non_null(r->base);
	r->tick = event_new(r->base, -1, EV_PERSIST, tick, NULL);
	event_add(r->tick, &(struct timeval){0, 20000});
	r->dns = dns_server_new(r->base, rows);
	r->config = (struct resolver_config){
	    .servers = r->dns->servers,
	    .ndots = 1,
	    .timeout_ms = 3000,
	    .tries = 2,
	    .cache_max = 100,
	    .max_ttl_ms = 3600 * 1000,
	    .negative_ttl_ms = 30 * 1000,
	};
	*state = r;
	return 0;
}

void resolving_start(struct resolving *r)
{
	r->resolver = resolver_new(r->base, &r->config);
	assert_non_null(r->resolver);
}

int resolving_teardown(void **state)
{
	struct resolving *r = *state;

	resolver_free(r->resolver);
	dns_server_free(r->dns);
	event_free(r->tick);
	event_base_free(r->base);
	resolver_library_cleanup();
	free(r);
	return 0;
}

static void told(void *arg, const struct resolver_answer *answer)
{
	struct outcome *outcome = arg;
	char text[INET6_ADDRSTRLEN];
	size_t used = 0;

	assert_non_null(outcome->lookup); /* not before resolver_ask() has returned */
	outcome->lookup = NULL;
	outcome->calls++;
	outcome->status = answer->status;
	outcome->cached = answer->cached;
	outcome->count = answer->count;
	for (size_t i = 0; i < answer->count; i++) {
		const struct in6_addr *address = &answer->addresses[i];

		if (IN6_IS_ADDR_V4MAPPED(address))
			inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof(text));
		else
			inet_ntop(AF_INET6, address, text, sizeof(text));
		used += (size_t)snprintf(outcome->addresses + used,
		    sizeof(outcome->addresses) - used, "%s%s", i > 0 ? " " : "", text);
	}
}

void resolving_ask(
    struct resolving *r, struct outcome *outcome, const char *name, enum resolver_family family)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->lookup = resolver_ask(r->resolver, name, family, told, outcome);
	assert_non_null(outcome->lookup);
	assert_int_equal(outcome->calls, 0);
}

int64_t resolving_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void turn(struct resolving *r, int64_t until_ms)
{
	assert_true(resolving_now() < until_ms);
	event_base_loop(r->base, EVLOOP_ONCE);
}

void resolving_wait(struct resolving *r, const struct outcome *outcome)
{
	int64_t until_ms = resolving_now() + PATIENCE_MS;

	while (outcome->calls == 0)
		turn(r, until_ms);
}

void resolving_until_asked(struct resolving *r, unsigned queries)
{
	int64_t until_ms = resolving_now() + PATIENCE_MS, more_ms;

	while (dns_server_queries(r->dns) < queries)
		turn(r, until_ms);
	for (more_ms = resolving_now() + 100; resolving_now() < more_ms;)
		turn(r, until_ms);
}

bool resolving_expect(struct resolving *r, const char *name, enum resolver_family family,
    enum resolver_status status, const char *addresses, const char *file, int line)
{
	struct outcome outcome;

	resolving_ask(r, &outcome, name, family);
	resolving_wait(r, &outcome);
	if (outcome.status != status || strcmp(outcome.addresses, addresses) != 0) {
		print_error("%s: status %d, \"%s\"\n", name, outcome.status, outcome.addresses);
		_fail(file, line);
	}
	return outcome.cached;
}
