/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SETUP_H
#define GATEWAY_SETUP_H

#include <event2/event_struct.h>

#include "auth/auth.h"
#include "gateway/dial.h"
#include "gateway/forward.h"
#include "gateway/handshake.h"
#include "gateway/pace.h"
#include "gateway/plan.h"
#include "gateway/relay.h"
#include "gateway/session.h"

/*
 * The inside of a session, for session.c (life and exit), greet.c (handshake and identity) and
 * way.c (route, dial, relay) only.
 */
enum step {
	STEP_GREET,
	STEP_AUTH,
	STEP_RESOLVE,
	STEP_DIAL,
	STEP_ANSWER,
	STEP_FORWARD,
	STEP_REFUSE /* say the last, and let the client go in peace */
};

/* What is needed until the relay runs, and no longer. */
struct setup {
	enum step step;
	bool heard;         /* the client has said something */
	bool spoken;        /* the handshake has its protocol */
	bool identified;    /* the client's user is who makes this request */
	bool asked;         /* the handshake holds a request */
	bool ended;         /* the client's FIN came */
	bool hurried;       /* the look-up is for routing, which waits only so long */
	bool gave_up;       /* on that look-up */
	enum reason reason; /* not OK: what the client is to be told, or was */
	struct handshake handshake;
	struct buffer in, out;
	struct event timer;
	struct auth_check *check;
	struct auth_ident *ident;
	struct holder *attempt;    /* of the login that is being checked; NULL: not counted */
	bool denied;               /* the login was wrong, and is to be told so in time */
	int64_t login_ms, turn_ms; /* since when it waits for its turn, and the latest pause */
	struct lookup *lookup;
	struct dial *dial;
	struct plan plan;
	bool resolved;
	enum resolver_status status;
	struct in6_addr addresses[RESOLVER_ADDRESSES_MAX];
	size_t address_count;
	int64_t asked_ms; /* when: look-ups and dial have one time from then */
	int64_t resolve_from, resolve_ms;
	bool dialled;
	struct dial_outcome outcome;
	size_t discarded;
	int64_t wall_ms;
	int64_t over_ms; /* when all was said; 0: not yet */
};

struct session {
	struct client *client;
	struct setup *setup; /* NULL once the relay runs */
	struct relay *relay;
	struct pace *pace;        /* NULL: not limited, or not known yet */
	struct forward *forward;  /* of an HTTP request, from dial to the end */
	struct record_http *http; /* what the log says of it */
	char *head;               /* of the access log's line */
	uint64_t id;
	int64_t started_ms;
};

/* What came of an attempt to read or write; after GONE the session is no more. */
enum moved { MOVED, BLOCKED, GONE };

void setup_free(struct setup *u);

/* session.c: change the step and start its deadline. */
void session_enter(struct session *s, enum step step);
/* What is left, at least 1, of a time that began at `from`; 0 if it is off. */
int64_t session_left(int64_t ms, int64_t from);
/* A nearer deadline for the present step. */
void session_hurry(struct session *s, int64_t ms);
/* Stop what is under way, tell the client no, linger, and leave.  The first reason stands. */
void session_refuse(struct session *s, enum reason reason);
/* What is in setup->out is the last word; then the next request, or our FIN, linger, and leave. */
void session_conclude(struct session *s, enum reason reason, bool persists);
/* Reset the client's connection, so that it takes what it got for no whole answer, and leave. */
void session_cut(struct session *s, enum reason reason);
/* The request was answered; its client may make another. */
void session_next(struct session *s);
/* Is there anything against another request of this client? */
bool session_may_go_on(const struct session *s);
/* Log, free, and the client with it. */
void session_leave(struct session *s, enum reason reason);
/* Before an HTTP head is taken out of setup->in, or instead: what the log will say of it. */
void session_note(struct session *s, const struct http_head *head);
/* The head of the line in the access log; NULL: out of memory. */
char *session_head(const struct session *s);
/* Send all of setup->out. */
enum moved session_flush(struct session *s);
/* Wait for what the present step can use. */
void session_wait(struct session *s);

/* greet.c: go on with what the client has said. */
void session_greet(struct session *s);
/* The client is who it says, or is told that it is not. */
void session_judged(struct session *s, enum reason reason);
/* The time has come for a login that had to wait, or for the answer to a wrong one. */
void session_login(struct session *s);

/* attempt.c: may the login be checked now?  False: session_login() follows, or it was refused. */
bool session_attempt(struct session *s);
/* It was wrong; the client is told so, sooner or later. */
void session_failed(struct session *s);
/* It was right, or nobody knows. */
void session_attempted(struct session *s, bool right);
/* The client has not waited. */
void session_abandon(struct session *s);

/* way.c: decide, and do what was decided. */
void session_decide(struct session *s);
/* The connection that was decided; `to_hop`: only to the last hop, whose word it will be. */
void session_dial(struct session *s, bool to_hop);
/* Where the client came to, if the first hop wants to leave from there; else NULL. */
const struct endpoint *session_arrived_at(const struct session *s, struct endpoint *arrived);
/* Its bytes are about to move: s->pace is made, if it is limited.  False: out of memory. */
bool session_meter(struct session *s);
/* The look-up for routing took too long. */
void session_unresolved(struct session *s);
/* The answer is out. */
void session_relay(struct session *s);

#endif
