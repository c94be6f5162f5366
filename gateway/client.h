/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

#include "gateway/stream.h"
#include "gateway/worker.h"

struct session;

/* One who connected, from accept to close: the stream, the listener, the identity. */
struct client {
	TAILQ_ENTRY(client) entry;
	struct worker *worker;
	const struct listener *listener;
	struct stream *stream; /* NULL once a relay has it */
	struct session *session;
	struct holder *holder, *user_holder;
	char *user;       /* NULL: nobody logged in */
	const char *auth; /* the block that let the user in */
	uint64_t id;
	struct endpoint peer;
	uid_t uid;
	bool on_unix; /* uid is known instead of peer */
	bool served;  /* its handshake is over */
};

/* Takes over the accepted socket; `peer` as accept() gave it.  Runs by itself until it ends. */
void client_start(
    struct worker *w, const struct listener *listener, int fd, const struct sockaddr *peer);
/* Everything it has goes; the peers see a reset.  Logged with `reason`. */
void client_end(struct client *c, enum reason reason);
/* The session has ended and was logged: the client goes with it. */
void client_free(struct client *c);

/* On loopback or a unix socket: the gateway's machine is its own. */
bool client_is_local(const struct client *c);
#define CLIENT_TEXT TARGET_TEXT
char *client_format(const struct client *c, char out[CLIENT_TEXT]);

#endif
