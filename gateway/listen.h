/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LISTEN_H
#define GATEWAY_LISTEN_H

#include "gateway/conf.h"

/*
 * Listening sockets, as the keeper binds them.  TCP addresses have one socket for each worker (the
 * first is bound without SO_REUSEPORT, so that nobody else can join in); unix and inherited
 * sockets have one, which the first worker serves.
 */
struct bound {
	int fd;
	size_t listener; /* index in the configuration */
	unsigned worker;
	bool shared; /* the only socket of its address: accepted connections go round */
	char address[TARGET_TEXT]; /* "127.0.0.1:1080" with the real port, or "unix:/path" */
	const char *path;          /* of a unix socket that is ours; else NULL */
	dev_t device;              /* what the path was when it was bound */
	ino_t inode;
};

struct bound_set {
	struct bound *sockets;
	size_t count;
};

/*
 * Bind everything.  0; or -1 after one log line for each failure that names the address and, for
 * EADDRINUSE, the process that holds it; nothing stays bound then.
 */
int listen_bind(const struct conf *conf, struct bound_set *set);
/* Close all; unlink the unix sockets that are ours. */
void listen_close(struct bound_set *set);
/* `listening on ADDRESS (listener, protocols)` for each address once, and how to point a client at
 * it. */
void listen_announce(const struct conf *conf, const struct bound_set *set, int ready_fd);

#endif
