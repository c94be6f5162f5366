/* SPDX-License-Identifier: ISC */
/* Round robin over the addresses that have something waiting. */
#include "config.h"

#include "auth/queue.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

TAILQ_HEAD(waiter_list, waiter);

struct asker {
	TAILQ_ENTRY(asker) entry;
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d, IPv6 as its /64 */
	struct waiter_list waiters;
	size_t count;
};

void queue_init(struct queue *q, size_t max)
{
	*q = (struct queue){.max = max};
	TAILQ_INIT(&q->askers);
}

static struct in6_addr address_of(const char *rhost)
{
	struct in6_addr address = {0};
	char text[INET6_ADDRSTRLEN];
	size_t length = strcspn(rhost, "%");

	if (length >= sizeof(text))
		return address;
	memcpy(text, rhost, length);
	text[length] = '\0';
	if (inet_pton(AF_INET, text, &address.s6_addr[12]) == 1) {
		memset(&address.s6_addr[10], 0xff, 2);
	} else if (inet_pton(AF_INET6, text, &address) != 1) {
		address = in6addr_any;
	} else if (!IN6_IS_ADDR_V4MAPPED(&address)) {
		memset(&address.s6_addr[8], 0, 8);
	}
	return address;
}

static struct asker *find(const struct queue *q, const struct in6_addr *address)
{
	struct asker *asker;

	TAILQ_FOREACH(asker, &q->askers, entry)
	if (IN6_ARE_ADDR_EQUAL(&asker->address, address))
		break;
	return asker;
}

/* The one that has the most waiting. */
static struct asker *longest(const struct queue *q)
{
	struct asker *asker, *best = TAILQ_FIRST(&q->askers);

	TAILQ_FOREACH(asker, &q->askers, entry)
	if (asker->count > best->count)
		best = asker;
	return best;
}

static struct asker *enter(struct queue *q, const struct in6_addr *address)
{
	struct asker *asker = malloc(sizeof(*asker));

	if (asker == NULL)
		return NULL;
	*asker = (struct asker){.address = *address};
	TAILQ_INIT(&asker->waiters);
	TAILQ_INSERT_TAIL(&q->askers, asker, entry);
	q->asker_count++;
	return asker;
}

bool queue_add(struct queue *q, struct waiter *waiter, const char *rhost, struct waiter **displaced)
{
	const struct in6_addr address = address_of(rhost);
	struct asker *asker = find(q, &address);
	size_t has = asker != NULL ? asker->count : 0;

	*displaced = NULL;
	/* Below the average: another one is above. */
	if (q->count >= q->max && (has + 1) * q->asker_count >= q->max)
		return false;
	if (asker == NULL)
		asker = enter(q, &address);
	if (asker == NULL)
		return false;
	if (q->count >= q->max) {
		*displaced = TAILQ_LAST(&longest(q)->waiters, waiter_list);
		queue_remove(q, *displaced);
	}
	waiter->asker = asker;
	TAILQ_INSERT_TAIL(&asker->waiters, waiter, entry);
	asker->count++;
	q->count++;
	return true;
}

struct waiter *queue_take(struct queue *q)
{
	struct asker *asker = TAILQ_FIRST(&q->askers);
	struct waiter *waiter;

	if (asker == NULL)
		return NULL;
	waiter = TAILQ_FIRST(&asker->waiters);
	TAILQ_REMOVE(&q->askers, asker, entry);
	TAILQ_INSERT_TAIL(&q->askers, asker, entry);
	queue_remove(q, waiter);
	return waiter;
}

void queue_remove(struct queue *q, struct waiter *waiter)
{
	struct asker *asker = waiter->asker;

	TAILQ_REMOVE(&asker->waiters, waiter, entry);
	waiter->asker = NULL;
	q->count--;
	if (--asker->count > 0)
		return;
	TAILQ_REMOVE(&q->askers, asker, entry);
	q->asker_count--;
	free(asker);
}
