/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_NAMES_H
#define ROUTES_NAMES_H

#include "routes/routes.h"
#include "routes/slots.h"

/*
 * The names that rows are for, each with a number of the caller's.  One hash table over whole
 * names: a look-up asks it once for each label of the name, whatever the table's size.
 */
struct names {
	uint32_t *cells; /* for each name its number, then its text, padded to whole cells */
	size_t used, size;
	struct slots slots; /* of cells */
	uint32_t seed;
	unsigned labels_max; /* of the longest name */
};

#define NAMES_LABELS 127 /* 253 bytes, a dot between any two */
#define NAMES_NONE UINT32_MAX

void names_init(struct names *names);
void names_clear(struct names *names);
/*
 * The cell of `name`, added with NAMES_NONE as its number if it was not there; NAMES_NONE if out
 * of memory.
 */
uint32_t names_add(struct names *names, const char *name);
/* Give back what growing left over. */
void names_shrink(struct names *names);
/* By cell; the text moves when names are added. */
static inline uint32_t *names_number(const struct names *names, uint32_t cell)
{
	return &names->cells[cell];
}

static inline const char *names_text(const struct names *names, uint32_t cell)
{
	return (const char *)&names->cells[cell + 1];
}

/* A name of the table that the name asked for is, or is below of. */
struct names_match {
	uint32_t cell;
	unsigned labels; /* it has */
	bool whole;      /* it is the name asked for */
};
/*
 * All that match, most labels first; how many.  *visited grows by one for each entry of the table
 * that was asked for.
 */
size_t names_find(const struct names *names, const char *name,
    struct names_match matches[NAMES_LABELS], size_t *visited);
unsigned names_labels(const char *name);

#endif
