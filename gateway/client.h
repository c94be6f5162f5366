/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CLIENT_H
#define GATEWAY_CLIENT_H

#include "gateway/handshake.h"
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
	struct event *rest; /* fires when no further request came; NULL: never needed */
	char *user;         /* NULL: nobody logged in */
	const char *proven[IDENTITY_PARTS_MAX]; /* the blocks that let the user in */
	size_t proven_count;
	size_t bandwidth;       /* of the user, bytes a second; 0: no limit */
	struct allotment quota; /* of the user; 0: no limit */
	char *ident_user;       /* what its identd said; NULL: nothing */
	bool ident_asked;
	uint64_t id, requests;
	struct endpoint peer;
	uid_t uid;
	bool on_unix; /* uid is known instead of peer */
	bool served;  /* its handshake is over */
	bool pins;    /* a login of its own sticks to a connection of the pool */
};

/* Takes over the accepted socket; `peer` as accept() gave it.  Runs by itself until it ends. */
void client_start(
    struct worker *w, const struct listener *listener, int fd, const struct sockaddr *peer);
/* Everything it has goes; the peers see a reset.  Logged with `reason`. */
void client_end(struct client *c, enum reason reason);
/* The session has ended and was logged: the client goes with it. */
void client_free(struct client *c);

/* No more requests: one that only rests goes at once. */
void client_dismiss(struct client *c);
/* The session has ended, the client may begin another: it waits for the next request. */
void client_rest(struct client *c);

/* It is this user, or nobody; what belongs to another is left.  REASON_OK, LIMIT, or RESOURCES. */
enum reason client_login(struct client *c, const struct identity *who);
/* Has its user had the whole quota? */
bool client_is_spent(const struct client *c);
/* It is nobody, until it logs in. */
void client_forget(struct client *c);

/* What rows ask about; points into the client. */
struct member client_member(const struct client *c);
/* What is known without its help; points into the client, and to the buffer. */
struct identity_facts client_facts(const struct client *c, char unix_user[UNIX_USER_TEXT]);

/* On loopback or a unix socket: the gateway's machine is its own. */
bool client_is_local(const struct client *c);
#define CLIENT_TEXT TARGET_TEXT
char *client_format(const struct client *c, char out[CLIENT_TEXT]);

#endif
