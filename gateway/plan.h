/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PLAN_H
#define GATEWAY_PLAN_H

#include "gateway/conf.h"
#include "gateway/doors.h"
#include "gateway/reason.h"

/*
 * What is decided about one request: own doors, access and routes, asked in that order for the
 * request and for every address that is about to be dialled.  No I/O: if addresses are needed the
 * caller looks them up and asks again.
 */
enum plan_result {
	PLAN_READY,
	PLAN_REFUSED,
	PLAN_ROUTE_NEEDS_ADDRESSES, /* to choose a row; a failed look-up counts as no address */
	PLAN_DIAL_NEEDS_ADDRESSES   /* to connect; a failed look-up ends the request */
};

struct plan_question {
	const struct conf *conf;
	struct doors *doors;
	const struct listener *listener;
	bool client_is_local; /* on loopback or a unix socket */
	struct query query;
};

struct plan {
	enum reason reason; /* PLAN_REFUSED: why */
	const char *text;   /* what a `reject` row wants the client to be told, or NULL */
	struct place rule;  /* of the row that decided; line 0: none */
	struct route route; /* PLAN_READY, and what was refused by it */
	bool by_name;       /* the last hop gets the name */
	/* Else where to connect, or what the last hop gets, in order: a subset of the query's. */
	struct in6_addr addresses[RESOLVER_ADDRESSES_MAX];
	size_t address_count;
};

enum plan_result plan_make(struct plan *plan, const struct plan_question *question);

/* PLAN_READY: the keep-alive of the connection that the way begins with; see keepalive.h. */
int plan_keepalive(const struct plan *plan, const struct listener *listener);

#endif
