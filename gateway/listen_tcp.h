/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LISTEN_TCP_H
#define GATEWAY_LISTEN_TCP_H

#include "gateway/target.h"

/*
 * Listening sockets for one address, `count` of them, among which the system shares out the
 * connections; `interface` (may be NULL) takes only those that come in there; `keepalive` as in
 * keepalive.h.  Port 0 becomes a free one, the same for all.  0, or -1 with errno and nothing open.
 */
int listen_tcp_open(const struct endpoint *endpoint, const char *interface, int keepalive, int *fds,
    unsigned count);

/* What accepted connections inherit: no delay, keep-alive, urgent bytes in line.  0 or -1. */
int listen_tcp_prepare(int fd, int keepalive);

#endif
