/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_QUESTIONS_H
#define RESOLVER_QUESTIONS_H

#include <sys/queue.h>

#include "resolver/records.h"

/*
 * Questions under way: one for each name and kind, however many wait for it; at most
 * RESOLVER_IN_FLIGHT with the servers, the others in a queue.
 *
 * A question is with the servers for at most servers x tries x timeout, and waits as long for its
 * turn; whoever waited longer when a turn is free is told RESOLVER_TIMEOUT.
 */
struct resolver_questions;
struct resolver_question;

struct resolver_questions_config {
	const struct resolver_config *resolver;
	/* Something is to be done: call resolver_questions_run() from the loop. */
	void (*wake)(void *arg);
	/* What was found, before those who wait hear of it. */
	void (*learn)(
	    void *arg, const char *name, enum resolver_kind kind, struct resolver_records *records);
	void *arg;
};

/* NULL with errno. */
struct resolver_questions *resolver_questions_new(
    struct event_base *base, const struct resolver_questions_config *config);
/* Nobody is called. */
void resolver_questions_free(struct resolver_questions *questions);

/* One who waits, embedded in the waiting object. */
struct resolver_waiter {
	TAILQ_ENTRY(resolver_waiter) link;
	struct resolver_question *question; /* NULL: waits for nothing */
	/* From resolver_questions_run(), once; the records are borrowed. */
	void (*answered)(struct resolver_waiter *waiter, struct resolver_records *records);
};

/* Wait for the answer to that question: 0, or -1 out of memory. */
int resolver_questions_join(struct resolver_questions *questions, const char *name,
    enum resolver_kind kind, struct resolver_waiter *waiter);
/* Wait no longer.  A question that has been sent runs on. */
void resolver_questions_leave(struct resolver_waiter *waiter);

/* Hands out what has been answered and sends what waits its turn. */
void resolver_questions_run(struct resolver_questions *questions);

size_t resolver_questions_in_flight(const struct resolver_questions *questions);
/* Adds queries, failed and timeouts. */
void resolver_questions_count(
    const struct resolver_questions *questions, struct resolver_counters *counters);

#endif
