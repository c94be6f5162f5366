/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_RING_H
#define GATEWAY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A bounded queue of records between one writing and one reading thread, without a lock. */
struct ring;

struct ring_record {
	uint32_t length; /* of the bytes */
	uint16_t kind, level;
	int64_t time_ms;
};

/* `size` is a power of two.  NULL: out of memory. */
struct ring *ring_new(size_t size);
void ring_free(struct ring *ring);

/* The writer's: false if the record does not fit now; more than a quarter of the size never does.
 */
bool ring_put(struct ring *ring, const struct ring_record *record, const void *bytes);
/* The writer's view of how many bytes wait. */
size_t ring_used(const struct ring *ring);

/* The reader's: the oldest record, whose bytes stay valid until ring_pop().  False: empty. */
bool ring_peek(struct ring *ring, struct ring_record *record, const char **bytes);
void ring_pop(struct ring *ring);

#endif
