/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_RELAY_H
#define GATEWAY_RELAY_H

#include "gateway/meter.h"
#include "gateway/reason.h"
#include "gateway/stream.h"

/*
 * Bytes between two streams, both ways, until both directions ended.  Copies while exchanges are
 * small, splices when they are bulk; FIN and RST are passed on as what they are.
 */
struct relay;

enum { RELAY_UP, RELAY_DOWN }; /* client to target, target to client */

struct relay_plan {
	struct loop *loop;
	struct stream *client, *target; /* taken over */
	int64_t idle_ms;                /* no byte either way; 0 = never */
	int64_t half_close_ms;          /* the same once one side has ended; 0 = as idle_ms */
	int client_keepalive, target_keepalive; /* what the sockets have; see keepalive.h */
	struct meter *meter;                    /* stays the caller's; NULL: nothing is limited */
	bool client_ended; /* the client's FIN was read already; its bytes are unread in the stream
	                    */
};

/* done() once, from the loop.  Both streams are closed by then.  NULL: out of memory, streams
 * untouched. */
struct relay *relay_start(
    const struct relay_plan *plan, void (*done)(void *arg, enum reason reason), void *arg);
/* Also from outside, at any time: both sides are then reset (kill, stop). */
void relay_free(struct relay *r);
/* Bytes delivered in a direction so far. */
uint64_t relay_bytes(const struct relay *r, int direction);
/* When the first byte from the target came, loop_now(); 0: not yet. */
int64_t relay_first_byte(const struct relay *r);

#endif
