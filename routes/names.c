/* SPDX-License-Identifier: ISC */
/* Rows by name: one hash over the labels from the right, so that every suffix has its own. */
#include "config.h"

#include "routes/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CELLS_START 1024

/*
 * Lists of names come from strangers: without a seed one could choose names that all collide.  If
 * there is no random number the table works as well.
 */
void names_init(struct names *names)
{
	*names = (struct names){.cells = NULL};
	if (getrandom(&names->seed, sizeof(names->seed), GRND_NONBLOCK) < 0)
		names->seed = 0;
}

void names_clear(struct names *names)
{
	free(names->cells);
	slots_clear(&names->slots);
	*names = (struct names){.cells = NULL};
}

static inline uint64_t mix(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t hash_name(const struct names *names, const char *name, size_t length)
{
	uint64_t hash = names->seed;

	while (length > 0)
		hash = mix(hash, name[--length]);
	return (uint32_t)(hash >> 32);
}

unsigned names_labels(const char *name)
{
	unsigned labels = 1;

	for (; *name; name++)
		labels += *name == '.';
	return labels;
}

static uint32_t find(const struct names *names, uint32_t hash, const char *name)
{
	struct slots_walk walk = slots_walk(&names->slots, hash);
	uint32_t cell;

	while ((cell = slots_next(&walk)) != SLOTS_NONE)
		if (strcmp(names_text(names, cell), name) == 0)
			break;
	return cell;
}

static int reserve(struct names *names, size_t cells)
{
	size_t size = names->size ? names->size : CELLS_START;
	uint32_t *grown;

	if (names->used + cells <= names->size)
		return 0;
	while (size < names->used + cells)
		size += size / 2;
	if (names->used + cells >= NAMES_NONE)
		return -1;
	grown = reallocarray(names->cells, size, sizeof(*grown));
	if (!grown)
		return -1;
	names->cells = grown;
	names->size = size;
	return 0;
}

uint32_t names_add(struct names *names, const char *name)
{
	size_t length = strlen(name), cells = 1 + length / 4 + 1;
	uint32_t hash = hash_name(names, name, length), cell = find(names, hash, name);
	unsigned labels = names_labels(name);

	if (cell != NAMES_NONE)
		return cell;
	cell = (uint32_t)names->used;
	if (reserve(names, cells) < 0 || slots_add(&names->slots, hash, cell) < 0)
		return NAMES_NONE;
	names->cells[cell] = NAMES_NONE;
	memcpy(&names->cells[cell + 1], name, length + 1);
	names->used += cells;
	if (labels > names->labels_max)
		names->labels_max = labels;
	return cell;
}

void names_shrink(struct names *names)
{
	uint32_t *exact = reallocarray(names->cells, names->used ? names->used : 1, sizeof(*exact));

	if (!exact)
		return;
	names->cells = exact;
	names->size = names->used;
}

size_t names_find(const struct names *names, const char *name,
    struct names_match matches[NAMES_LABELS], size_t *visited)
{
	uint32_t hashes[NAMES_LABELS + 1];
	const char *starts[NAMES_LABELS + 1];
	uint64_t hash = names->seed;
	size_t at = strlen(name), count = 0;
	unsigned labels = 0;

	/* All places first, so that their cache misses overlap. */
	while (at > 0 && labels < names->labels_max) {
		hash = mix(hash, name[--at]);
		if (at > 0 && name[at - 1] != '.')
			continue;
		hashes[labels] = (uint32_t)(hash >> 32);
		starts[labels] = &name[at];
		__builtin_prefetch(&names->slots.table[hashes[labels++] & names->slots.mask]);
		if (at > 0)
			hash = mix(hash, name[--at]);
	}
	*visited += labels;
	for (; labels > 0; labels--) {
		uint32_t cell = find(names, hashes[labels - 1], starts[labels - 1]);

		if (cell != NAMES_NONE)
			matches[count++] = (struct names_match){
			    .cell = cell, .labels = labels, .whole = starts[labels - 1] == name};
	}
	return count;
}
