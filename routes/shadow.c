/* SPDX-License-Identifier: ISC */
/* Rows that can never decide, because a row before them always does. */
#include "config.h"

#include "routes/table.h"

static bool always_holds(const struct routes *routes, uint32_t number)
{
	return rules_conditions(&routes->rules, table_rule(routes, number)) == NULL;
}

/* The next row of the same destination; ROW_NONE if this is the last. */
static uint32_t next_alike(const struct routes *routes, uint32_t number)
{
	uint32_t next = routes->rows[number].sibling;

	/* The ring leads back to the first; one name has rows of several kinds. */
	while (next > number && routes->rows[next].kind != routes->rows[number].kind)
		next = routes->rows[next].sibling;
	return next > number ? next : ROW_NONE;
}

static uint32_t shadowed_by(const struct routes *routes, uint32_t number)
{
	if (!always_holds(routes, number))
		return ROW_NONE;
	if (routes->order == ORDER_FIRST && routes->rows[number].kind == PATTERN_ANY)
		return number + 1 < routes->count ? number + 1 : ROW_NONE;
	return next_alike(routes, number);
}

bool routes_shadowed(
    const struct routes *routes, size_t *index, struct place *row, struct place *by)
{
	while (*index < routes->count) {
		uint32_t number = (uint32_t)(*index)++, shadowed = shadowed_by(routes, number);

		if (shadowed == ROW_NONE)
			continue;
		*row = table_place(routes, shadowed);
		*by = table_place(routes, number);
		return true;
	}
	return false;
}
