/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "gateway/http_exchange.h"

/*
 * A session that forwards one HTTP request: over a connection that is kept or a new one, to the
 * origin or to the last hop.  The session has decided that it may, and which way.
 */
struct forward;
struct session;

/* The plan is made, the request's head is at the beginning of setup->in. */
void forward_start(struct session *s);
/* The connection is there, in setup->outcome. */
void forward_dialled(struct session *s);
/* What is under way is cancelled, and what came of it so far is noted.  False: nothing is. */
bool forward_stop(struct session *s);
void forward_free(struct forward *f); /* NULL is allowed; what is under way is cancelled */

/* Bytes to the origin and to the client, added; when the origin's first byte came, if it did. */
void forward_count(const struct forward *f, uint64_t *up, uint64_t *down, int64_t *first_byte);

#endif
