/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_POOL_H
#define GATEWAY_HTTP_POOL_H

#include "gateway/loop.h"
#include "gateway/stream.h"
#include "gateway/target.h"

/*
 * Idle connections to origins, kept by one worker until one of its requests can use them.  One that
 * the origin ends, or says something on, is closed at once.
 */
struct http_pool;

/* Two requests may use the same connection only if all of this is equal. */
struct http_pool_key {
	const void *conf;              /* the snapshot; it outlives what is kept for it */
	struct place row;              /* of the routing table that led there */
	const struct hop *const *hops; /* travel order; equal hops are one */
	size_t hop_count;              /* up to HOPS_MAX */
	struct target target; /* host without name and port 0: the last hop, which is told each
	                         target by itself */
	/* That the last hop may have been told for the target's name, in their order: those that
	 * the request may reach. */
	const struct in6_addr *addresses;
	size_t address_count;    /* up to RESOLVER_ADDRESSES_MAX */
	struct endpoint arrived; /* where the client came to, if the connection leaves from there;
	                            port 0: it does not matter */
	uint64_t owner;          /* a client to whom its login belongs; 0: anybody's */
};

/* What a taken connection brings along. */
struct http_kept {
	struct stream *stream;
	struct endpoint peer, bound; /* as in struct dial_outcome */
	unsigned requests;           /* that it has carried */
};

struct http_pool_plan {
	struct loop *loop;
	unsigned max;      /* connections in all; the one unused longest gives way */
	unsigned max_each; /* with one key, likewise */
};

struct http_pool *http_pool_new(const struct http_pool_plan *plan); /* NULL: out of memory */
void http_pool_free(struct http_pool *pool);                        /* closes all */

/*
 * The connection with this key that was used last, out of the pool.  Its peer must be one of
 * `addresses`, if there are any: those that this request may reach.  False: there is none.  The
 * stream has no handler, and still wants STREAM_READ: its next user will, too.
 */
bool http_pool_take(struct http_pool *pool, const struct http_pool_key *key,
    const struct in6_addr *addresses, size_t address_count, struct http_kept *kept);
/* A new connection takes the place of one with this key, the one unused longest: so there are never
 * more than were used at a time. */
void http_pool_yield(struct http_pool *pool, const struct http_pool_key *key);
/*
 * Keep it for at most `idle_ms` (> 0): then it is not taken any more, and soon closed.  The stream
 * is taken over, and closed if there is no room.
 */
void http_pool_give(struct http_pool *pool, const struct http_pool_key *key,
    const struct http_kept *kept, int64_t idle_ms);
/* The client has gone: what only it could use is closed. */
void http_pool_forget(struct http_pool *pool, uint64_t owner);
unsigned http_pool_count(const struct http_pool *pool);

#endif
