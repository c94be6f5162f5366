/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include "gateway/client.h"

/*
 * One request of a client: handshake, identity, decision, dial, answer, relay.  Each step is one
 * function; each way to end passes one exit, which writes one line.
 */

/* `refused`: REASON_OK, or what the client is told once it has said its protocol.  NULL: no
 * memory. */
struct session *session_start(struct client *c, enum reason refused);
/* Look at once whether the client has spoken already; it may have ended when this returns. */
void session_begin(struct session *s);
/* End now, whatever it does; the client is not told.  Logs; does not free the client. */
void session_end(struct session *s, enum reason reason);

#endif
