/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_SLOTS_H
#define ROUTES_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A hash table of 32-bit numbers that stand for things kept elsewhere.  Several may have one hash:
 * walk them and compare.  Open addressing, at most three quarters full.
 */
struct slots {
	uint64_t *table; /* hash << 32 | number + 1; 0 = free */
	uint32_t mask;
	uint32_t used;
};

#define SLOTS_NONE UINT32_MAX

uint32_t slots_hash(const void *bytes, size_t length, uint32_t seed);
void slots_clear(struct slots *slots);
/* Number < SLOTS_NONE.  0, or -1 if out of memory. */
int slots_add(struct slots *slots, uint32_t hash, uint32_t number);

/* Where a walk stands. */
struct slots_walk {
	const struct slots *slots;
	uint32_t hash, at;
};
static inline struct slots_walk slots_walk(const struct slots *slots, uint32_t hash)
{
	return (struct slots_walk){.slots = slots, .hash = hash, .at = hash & slots->mask};
}

/* The next number under the walk's hash; SLOTS_NONE after the last. */
static inline uint32_t slots_next(struct slots_walk *walk)
{
	const struct slots *slots = walk->slots;
	uint64_t slot;

	while (slots->used > 0 && (slot = slots->table[walk->at]) != 0) {
		walk->at = (walk->at + 1) & slots->mask;
		if (slot >> 32 == walk->hash)
			return (uint32_t)slot - 1;
	}
	return SLOTS_NONE;
}

#endif
