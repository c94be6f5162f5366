/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_DIAL_H
#define GATEWAY_DIAL_H

#include "gateway/connect.h"
#include "gateway/handshake.h"

/*
 * The way to a target: directly, or through a list of hops in travel order.  One loop for any mix:
 * connect to the first, shake hands for the next, … until the target.
 */
struct dial;

struct dial_plan {
	struct loop *loop;
	const struct hop *const
	    *hops; /* travel order; a HOP_DIRECT may stand first; must outlive the dial */
	size_t hop_count;
	bool to_hop; /* end with the stream to the last hop, which is not spoken with */
	const struct request *request; /* copied: command and target for the last hop */
	/* Where to connect when no hop is dialled; also what a last hop that wants an address gets
	 * (the first one of a family it can reach). */
	const struct in6_addr *addresses;
	size_t address_count;
	const struct endpoint *arrived; /* see struct connect_plan */
	/* Is that address one that a first hop's name must not stand for?  Then REASON_LOOP.
	 * NULL: all will do. */
	bool (*shun)(const struct in6_addr *address, uint16_t port, void *arg);
	void *shun_arg;
	int64_t dial_ms;    /* for everything */
	int64_t connect_ms; /* for one hop with all its addresses, unless the hop has its own */
	int keepalive;      /* of that connection; see keepalive.h */
	/*
	 * A layer for the connection to hops[hop], just made: put on before anything is said to the
	 * hop, and owned by the stream.  It returns NULL for none; itself NULL: never any.
	 */
	struct stream_layer *(*wrap)(size_t hop, void *arg);
	void *wrap_arg;
};

struct dial_outcome {
	enum reason reason;
	struct stream
	    *stream; /* the receiver's, if OK; surplus of the last hop is unread into it */
	struct endpoint bound; /* our end: of the socket if direct, else as the last hop told; port
	                          0: unknown */
	struct endpoint peer;  /* what was connected to: the target, or the first hop */
	int detail;            /* the failing hop's reply code or HTTP status, or 0 */
	size_t failed;         /* index of the hop that failed; hop_count: the target */
	int64_t resolve_ms;    /* the first hop's name; -1: nothing was asked */
	int64_t connect_ms;    /* the first connection; -1: never up */
	int64_t hops_ms[HOPS_MAX]; /* from the start until each hop was done with; -1: never */
};

/* As connect_start(): done() once, from the loop; dial_free() cancels or releases. */
struct dial *dial_start(const struct dial_plan *plan,
    void (*done)(void *arg, const struct dial_outcome *outcome), void *arg);
void dial_free(struct dial *d);

#endif
