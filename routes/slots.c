/* SPDX-License-Identifier: ISC */
/* Hash tables of numbers. */
#include "config.h"

#include "routes/slots.h"

#include <stdlib.h>

#define SLOTS_START 16

static void put(uint64_t *table, uint32_t mask, uint64_t slot)
{
	uint32_t at = (uint32_t)(slot >> 32) & mask;

	while (table[at] != 0)
		at = (at + 1) & mask;
	table[at] = slot;
}

static int grow(struct slots *slots)
{
	size_t size = slots->table ? ((size_t)slots->mask + 1) * 2 : SLOTS_START;
	uint64_t *table;

	if (size - 1 > UINT32_MAX)
		return -1;
	table = calloc(size, sizeof(*table));
	if (!table)
		return -1;
	if (slots->table)
		for (size_t i = 0; i <= slots->mask; i++)
			if (slots->table[i] != 0)
				put(table, (uint32_t)(size - 1), slots->table[i]);
	free(slots->table);
	slots->table = table;
	slots->mask = (uint32_t)(size - 1);
	return 0;
}

int slots_add(struct slots *slots, uint32_t hash, uint32_t number)
{
	bool full = !slots->table || slots->used >= slots->mask - slots->mask / 4;

	if (full && grow(slots) < 0)
		return -1;
	put(slots->table, slots->mask, (uint64_t)hash << 32 | (number + 1));
	slots->used++;
	return 0;
}

void slots_clear(struct slots *slots)
{
	free(slots->table);
	*slots = (struct slots){.table = NULL};
}

uint32_t slots_hash(const void *bytes, size_t length, uint32_t seed)
{
	const unsigned char *at = bytes;
	uint64_t hash = seed;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(hash >> 32);
}
