/* SPDX-License-Identifier: ISC */
#ifndef AUTH_QUEUE_H
#define AUTH_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

/*
 * A bounded queue in which client addresses take turns: whoever asks a thousand questions waits
 * for a thousand answers, the others wait for one of them.
 */

struct asker;

/* Embedded in what waits. */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	struct asker *asker;
};

TAILQ_HEAD(asker_list, asker);

struct queue {
	struct asker_list askers; /* with something waiting; whose turn it is first */
	size_t count, asker_count, max;
};

void queue_init(struct queue *q, size_t max);
/*
 * `rhost` is the client's address as text: IPv6 ones of one /64 are one, "" and what is no address
 * are one more.  When the queue is full, the newest of the address that has the most waiting goes
 * and is in *displaced, else NULL, unless this address has its share already.  False: full, or out
 * of memory.
 */
bool queue_add(
    struct queue *q, struct waiter *waiter, const char *rhost, struct waiter **displaced);
/* The next one's oldest; NULL: nothing waits. */
struct waiter *queue_take(struct queue *q);
void queue_remove(struct queue *q, struct waiter *waiter);

#endif
