/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_HALVES_H
#define GATEWAY_HTTP_HALVES_H

#include "gateway/http_exchange.h"
#include "gateway/timer.h"

/* The inside of an exchange, for http_exchange.c (waiting and ends) and http_halves.c (what is
 * said) only. */
#define HTTP_INTERIM_MAX 16 /* 1xx before the response proper */
#define HTTP_READ_MAX (LOOP_SCRATCH - 2 * FLOW_MARGIN)

struct http_exchange {
	struct http_exchange_plan plan;
	struct http_request request;
	void (*done)(void *arg, const struct http_outcome *outcome);
	void *arg;
	struct flow up, down;
	struct http_coder asked, answered; /* the content of the request, and of the response */
	size_t sent;                       /* of plan.out */
	bool deaf;                         /* the origin takes nothing more */
	bool answering;                    /* the final head is in `reply` */
	unsigned interim;
	struct buffer heard; /* a head that comes in pieces */
	struct buffer reply; /* heads, and content that came with them, for the client */
	struct http_response response;
	struct http_outcome outcome;
	uint64_t moved; /* bytes, each counted at both ends */
	int64_t last;   /* when that changed, loop_lately() */
	struct timer timer;
};

/* Each does what can be done now; what went wrong is in outcome.reason, the first one stands. */
void http_halves_fail(struct http_exchange *x, enum reason reason);

/* The head, and what came with it.  True: the origin has it. */
bool http_halves_send(struct http_exchange *x);
/* Is there more of the request than that, and somebody to take it? */
bool http_halves_asking(const struct http_exchange *x);
void http_halves_ask(struct http_exchange *x);
/* The origin has the whole request. */
bool http_halves_asked(const struct http_exchange *x);
/* What the client says though its request is whole: it is for the next one. */
void http_halves_overhear(struct http_exchange *x);

/* Read heads, up to the final one and what comes with it. */
void http_halves_hear(struct http_exchange *x);
/* Why there will be no response, or no more of it. */
enum reason http_halves_unanswered(const struct http_exchange *x);
/* Heads and content to the client. */
void http_halves_reply(struct http_exchange *x);

#endif
