/* SPDX-License-Identifier: ISC */
/* Why a row won and the others did not: for people, so it may cost what it likes. */
#include "config.h"

#include <stdlib.h>

#include "routes/array.h"
#include "routes/find.h"

struct candidate {
	uint64_t precedence;
	uint32_t row;
	size_t order; /* they were found in: decides between equals */
	const struct in6_addr *address;
};

struct candidates {
	struct candidate *list;
	size_t count, size;
};

static void gather(struct candidates *candidates, const struct find *find, const struct runs *runs,
    const struct in6_addr *address)
{
	for (size_t i = 0; i < runs->count; i++) {
		const struct run *run = &runs->list[i];

		for (uint32_t row = find_first(find, run); row != ROW_NONE;
		     row = find_next(find, run, row)) {
			struct candidate *list = array_grow(
			    candidates->list, candidates->count, &candidates->size, sizeof(*list));

			if (!list)
				return;
			candidates->list = list;
			list[candidates->count] = (struct candidate){
			    .precedence = find_precedence(find, row),
			    .row = row,
			    .order = candidates->count,
			    .address = address,
			};
			candidates->count++;
		}
	}
}

static int compare(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->precedence != b->precedence)
		return a->precedence < b->precedence ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static void gather_all(struct find *find, struct candidates *candidates)
{
	const struct query *query = find->query;
	struct runs runs;

	if (!query->host->named) {
		find_address_runs(find, &query->host->address, true, &runs);
		gather(candidates, find, &runs, NULL);
		return;
	}
	find_name_runs(find, &runs);
	gather(candidates, find, &runs, NULL);
	if (!query->resolved || !find_needs_addresses(find, find_best(find, &runs)))
		return;
	for (size_t i = 0; i < query->address_count; i++) {
		find_address_runs(find, &query->addresses[i], false, &runs);
		gather(candidates, find, &runs, &query->addresses[i]);
	}
}

/* Why a row that holds did not win. */
static const char *why_lost(const struct find *find, uint32_t row, uint32_t winner)
{
	bool rejects = table_rule(find->routes, row)->next == NEXT_REJECT;
	uint64_t own = find_precedence(find, row), best;

	if (winner == ROW_NONE)
		return "another of the addresses has no row";
	best = find_precedence(find, winner);
	if (own < best)
		return rejects ? "rejects this address only"
		               : "another of the addresses is rejected";
	if (own == best || find->routes->order != ORDER_SPECIFIC)
		return "after the winner";
	return "less specific";
}

/* Has the candidate's address a better row, though the candidate's is the winner's? */
static bool is_beaten(const struct find *find, const struct candidates *candidates, size_t at)
{
	const struct candidate *list = candidates->list;

	for (size_t i = 0; list[at].address && i < at; i++)
		if (list[i].address == list[at].address &&
		    find_state(find, list[i].row) == ROW_HOLDS)
			return true;
	return false;
}

static const char *explain(const struct find *find, const struct candidates *candidates, size_t at,
    uint32_t winner, struct phrase *scratch)
{
	const struct routes *routes = find->routes;
	uint32_t row = candidates->list[at].row;

	if (row == winner)
		return is_beaten(find, candidates, at) ? "less specific" : NULL;
	switch (find_state(find, row)) {
	case ROW_CONDITION:
		phrase_reset(scratch);
		conditions_explain(rules_conditions(&routes->rules, table_rule(routes, row)),
		    find->query, scratch);
		return phrase_string(scratch);
	case ROW_NO_RESOLVE:
		return "no-resolve: for literal addresses only";
	case ROW_LOCALHOST:
		return "localhost goes to a hop only by a row that names it";
	case ROW_HOLDS:
		break;
	}
	return why_lost(find, row, winner);
}

void trace_report(struct find *find, uint32_t winner, const struct routes_trace *trace)
{
	struct candidates candidates = {.list = NULL};
	struct phrase row = {.data = NULL}, lost = {.data = NULL};

	gather_all(find, &candidates);
	if (candidates.count > 0)
		qsort(candidates.list, candidates.count, sizeof(*candidates.list), compare);
	for (size_t i = 0; i < candidates.count; i++) {
		const struct candidate *candidate = &candidates.list[i];

		phrase_reset(&row);
		table_row_text(find->routes, candidate->row, &row);
		trace->candidate(trace->arg, phrase_string(&row),
		    table_place(find->routes, candidate->row), candidate->address,
		    explain(find, &candidates, i, winner, &lost));
	}
	phrase_clear(&row);
	phrase_clear(&lost);
	free(candidates.list);
}
