/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_ASKS_H
#define TESTS_UNIT_ASKS_H

/* Tables made of text, and questions to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/belongs.h"
#include "tests/unit/rows.h"

#define ASKS_ADDRESSES 8

/* What a query may asks_answer instead of a row. */
enum { NONE = 0, NEED = -1 };

/* A table and what belongs to it; rows are numbered from 1 as they stand. */
struct table {
	struct hops *hops;
	struct routes *routes;
};

#define TABLE(...) asks_table((const char *const[]){__VA_ARGS__, NULL}, ORDER_SPECIFIC)
#define TABLE_IN(order, ...) asks_table((const char *const[]){__VA_ARGS__, NULL}, order)

static inline struct table asks_table(const char *const *rows, enum routes_order order)
{
	struct table table = {.hops = rows_hops()};
	size_t bad;

	table.routes = routes_new("test", table.hops);
	routes_set_order(table.routes, order);
	for (unsigned i = 0; rows[i]; i++) {
		const char *error = rows_add(table.routes, rows[i], i + 1, &bad);

		if (error)
			fail_msg("%s: word %zu: %s", rows[i], bad, error);
	}
	assert_int_equal(routes_finish(table.routes), 0);
	return table;
}

static inline void asks_drop(struct table table)
{
	routes_free(table.routes);
	hops_free(table.hops);
}

/* A question; what is not said is an anonymous SOCKS5 CONNECT to port 443 on Monday at noon. */
struct ask {
	const char *host;
	const char *resolves; /* "" = it has no asks_answer; NULL = not looked up */
	uint16_t port;
	const char *user, *auth, *from, *listener;
	enum command command;
	enum protocol protocol;
	unsigned minute;
};

/* The row's number or NONE or NEED; *allowed: bit i for address i. */
static inline int asks_answer(struct table table, struct ask ask, unsigned *allowed)
{
	struct in6_addr addresses[ASKS_ADDRESSES], from;
	bool may[ASKS_ADDRESSES] = {false};
	struct host host;
	struct route route;
	struct query query = {
	    .host = &host,
	    .port = ask.port ? ask.port : 443,
	    .command = ask.command,
	    .protocol = ask.protocol ? ask.protocol : PROTOCOL_SOCKS5,
	    .user = ask.user,
	    .belongs = belongs,
	    .member = ask.auth,
	    .listener = ask.listener ? ask.listener : "main",
	    .minute = ask.minute ? ask.minute : 12 * 60,
	    .resolved = ask.resolves != NULL,
	    .addresses = addresses,
	};

	if (host_parse(&host, ask.host, strlen(ask.host)))
		fail_msg("%s is no host", ask.host);
	if (!ask.from || strcmp(ask.from, "unix") != 0) {
		assert_int_equal(rows_addresses(ask.from ? ask.from : "192.0.2.9", &from, 1), 1);
		query.from = &from;
	}
	if (ask.resolves)
		query.address_count = rows_addresses(ask.resolves, addresses, ASKS_ADDRESSES);
	enum routes_result result = routes_find(table.routes, &query, &route, may, NULL);

	*allowed = 0;
	for (unsigned i = 0; i < query.address_count; i++)
		*allowed |= (unsigned)may[i] << i;
	if (result == ROUTES_NEED_ADDRESSES)
		return NEED;
	return result == ROUTES_NONE ? NONE : (int)route.place.line;
}

#define ASK(table, name, ...) asks_row(table, (struct ask){.host = (name), __VA_ARGS__})

static inline int asks_row(struct table table, struct ask ask)
{
	unsigned allowed;

	return asks_answer(table, ask, &allowed);
}

#endif
