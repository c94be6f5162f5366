/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CONNECT_H
#define GATEWAY_CONNECT_H

#include "gateway/reason.h"
#include "gateway/stream.h"
#include "gateway/target.h"

/* A TCP (or unix) connection to the first of several addresses that answers, each in turn. */
struct connect;

struct connect_plan {
	struct loop *loop;
	const struct in6_addr *addresses; /* copied; in the order to be tried */
	size_t address_count;
	uint16_t port;
	const char *unix_path; /* instead of addresses; must outlive the object, like hop */
	const struct hop *hop; /* source, interface, mark, family; NULL: the system's choice */
	const struct endpoint
	    *arrived;  /* for `source listener`: where the client came to; or NULL */
	int keepalive; /* of the hop or else of the listener; see keepalive.h */
	int64_t
	    timeout_ms; /* for all addresses: each gets an equal share of what is left; 0: off */
};

struct connect_outcome {
	enum reason reason; /* OK, or the most telling failure: refused > unreachable > timeout */
	struct stream *stream; /* the receiver's, if OK */
	struct endpoint peer;  /* the address that answered */
	struct endpoint bound; /* our end of it */
};

/*
 * Starts; done() comes once, from the loop, never before this returns and never after
 * connect_free(), which cancels.  The object is freed by the receiver, also inside done().
 * NULL: out of memory.  Sockets get TCP_NODELAY, their keep-alive and SO_OOBINLINE.
 */
struct connect *connect_start(const struct connect_plan *plan,
    void (*done)(void *arg, const struct connect_outcome *outcome), void *arg);
void connect_free(struct connect *c);

#endif
