/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_KEEPALIVE_H
#define GATEWAY_KEEPALIVE_H

#include "gateway/stream.h"
#include "routes/routes.h"

/*
 * Asking a silent peer whether it is still there (RFC 9293, 3.8.4).  `keepalive` is the time after
 * which one that does not answer is lost, in seconds from its last sign of life: half of it passes
 * in silence, then it is asked up to four times.  Or it is KEEPALIVE_SYSTEM or KEEPALIVE_OFF.
 */
#define KEEPALIVE_MIN 2
#define KEEPALIVE_MAX 64800 /* 18 hours: half of it is not over 32767, Linux's MAX_TCP_KEEPIDLE */

/* On a TCP socket; what a listening one accepts inherits it.  0, or -1 with errno. */
int keepalive_set(int fd, int keepalive);

/*
 * TCP asks only while nothing waits for the peer; as long as bytes do, whoever sends them must
 * look.  When to begin with it, and when to look again, loop_lately(); INT64_MAX: never, 0: now the
 * peer is lost.
 */
int64_t keepalive_begin(int keepalive);
int64_t keepalive_look(const struct stream *peer, int keepalive);

#endif
