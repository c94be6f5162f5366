/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_RULES_H
#define ROUTES_RULES_H

#include "routes/condition.h"
#include "routes/reader.h"
#include "routes/routes.h"
#include "routes/slots.h"

/*
 * What stands behind the destination of a row: conditions and next hop.  A million rows have few
 * of them, so equal ones are one.
 */
struct rule {
	uint32_t set; /* of conditions */
	enum next next;
	bool named_hop;                /* the last hop gets names: nothing is looked up for it */
	bool through;                  /* goes through a hop, not only out by one */
	const struct hop *const *hops; /* NEXT_VIA; shared, so equal lists are equal pointers */
	size_t hop_count;
	char *reject; /* NEXT_REJECT; NULL: no text */
	char *text;   /* "direct", "via office dmz", "reject \"text\"" */
};

struct rule_set {
	struct conditions *conditions;
	uint32_t first; /* row of addresses that has it and lets names be looked up */
};

struct rules {
	struct hops *hops; /* not ours */
	struct rule *list;
	size_t count, size;
	struct rule_set *sets; /* 0: no conditions */
	size_t set_count, set_size;
	struct slots by_text, sets_by_text;
	struct phrase text; /* scratch */
};

#define RULES_NO_ROW UINT32_MAX

/* 0, or -1 if out of memory. */
int rules_init(struct rules *rules, struct hops *hops);
void rules_clear(struct rules *rules);
/* Read `[CONDITION …] NEXT` up to the end of the row.  NULL or what is wrong. */
const char *rules_read(struct rules *rules, struct reader *reader, uint32_t *rule);

static inline const struct conditions *rules_conditions(
    const struct rules *rules, const struct rule *rule)
{
	return rules->sets[rule->set].conditions;
}

#endif
