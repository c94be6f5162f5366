/* SPDX-License-Identifier: ISC */
/* Candidates for a query, and the best of them.  Orders differ only in what precedes what. */
#include "config.h"

#include "routes/find.h"

#include <assert.h>
#include <string.h>

/* default < family < prefixes < names; of one name `.x` < `*.x` < x. */
#define RANK_ANY 0
#define RANK_FAMILY 1
#define RANK_PREFIX 2 /* + bits */
#define RANK_NAME 256 /* + labels * 4 + 0, 1, 2 */

static unsigned rank_of(enum pattern_kind kind, unsigned length)
{
	static const unsigned base[] = {
	    [PATTERN_NAME] = RANK_NAME + 2,
	    [PATTERN_BELOW] = RANK_NAME + 1,
	    [PATTERN_ZONE] = RANK_NAME,
	    [PATTERN_PREFIX] = RANK_PREFIX,
	    [PATTERN_IPV4] = RANK_FAMILY,
	    [PATTERN_IPV6] = RANK_FAMILY,
	    [PATTERN_ANY] = RANK_ANY,
	};

	return base[kind] + (pattern_is_name(kind) ? 4 * length : length);
}

/* --- gathering ------------------------------------------------------------------------------- */

static void add_run(struct runs *runs, enum pattern_kind kind, unsigned length, uint32_t last)
{
	if (last == ROW_NONE)
		return;
	assert(runs->count < RUNS_MAX);
	runs->list[runs->count++] = (struct run){
	    .last = last, .kind = (uint8_t)kind, .rank = (uint16_t)rank_of(kind, length)};
}

void find_name_runs(struct find *find, struct runs *runs)
{
	const struct names *names = &find->routes->names;
	struct names_match matches[NAMES_LABELS];
	size_t count = names_find(names, find->query->host->name, matches, &find->visited);

	runs->count = 0;
	for (size_t i = 0; i < count; i++) {
		enum pattern_kind first = matches[i].whole ? PATTERN_NAME : PATTERN_BELOW;
		uint32_t last = *names_number(names, matches[i].cell);

		add_run(runs, first, matches[i].labels, last);
		add_run(runs, PATTERN_ZONE, matches[i].labels, last);
	}
	add_run(runs, PATTERN_ANY, 0, find->routes->any);
}

static void add_prefixes(struct find *find, const struct in6_addr *address, struct runs *runs)
{
	const struct trie_node *found[TRIE_DEPTH];
	size_t count = trie_find(&find->routes->trie, address, found, &find->visited);

	for (size_t i = 0; i < count; i++)
		add_run(runs, PATTERN_PREFIX, found[i]->length, found[i]->number);
}

/* Stable, and nearly nothing to do: what comes in are two sorted lists. */
static void sort(struct runs *runs)
{
	for (size_t i = 1; i < runs->count; i++) {
		struct run run = runs->list[i];
		size_t at = i;

		for (; at > 0 && runs->list[at - 1].rank < run.rank; at--)
			runs->list[at] = runs->list[at - 1];
		runs->list[at] = run;
	}
}

void find_address_runs(
    struct find *find, const struct in6_addr *address, bool any, struct runs *runs)
{
	const struct routes *routes = find->routes;
	bool ipv4 = address_is_ipv4(address);
	struct in6_addr embedded;

	runs->count = 0;
	add_prefixes(find, address, runs);
	if (ipv4)
		add_run(runs, PATTERN_IPV4, 0, routes->ipv4);
	else
		add_run(runs, PATTERN_IPV6, 0, routes->ipv6);
	if (!ipv4 && address_embedded_ipv4(address, &embedded)) {
		add_prefixes(find, &embedded, runs);
		add_run(runs, PATTERN_IPV4, 0, routes->ipv4);
		sort(runs);
	}
	if (any)
		add_run(runs, PATTERN_ANY, 0, routes->any);
}

/* --- walking --------------------------------------------------------------------------------- */

/* From `row` on, the first of the run's kind; ROW_NONE if the ring ends before. */
static uint32_t skip(const struct find *find, const struct run *run, uint32_t row)
{
	const struct row *rows = find->routes->rows;

	while (rows[row].kind != run->kind) {
		if (row == run->last)
			return ROW_NONE;
		row = rows[row].sibling;
	}
	return row;
}

uint32_t find_first(const struct find *find, const struct run *run)
{
	return skip(find, run, find->routes->rows[run->last].sibling);
}

uint32_t find_next(const struct find *find, const struct run *run, uint32_t row)
{
	return row == run->last ? ROW_NONE : skip(find, run, find->routes->rows[row].sibling);
}

static bool is_address_row(const struct row *row)
{
	return row->kind == PATTERN_PREFIX || row->kind == PATTERN_IPV4 ||
	    row->kind == PATTERN_IPV6;
}

/* RFC 6761, 6.3: these names mean the machine where they are used. */
static bool is_localhost(const char *name)
{
	size_t length = strlen(name), end = strlen("localhost");

	return length >= end && strcmp(name + length - end, "localhost") == 0 &&
	    (length == end || name[length - end - 1] == '.');
}

static bool is_onion(const char *name)
{
	size_t length = strlen(name), end = strlen(".onion");

	return length > end && strcmp(name + length - end, ".onion") == 0; /* RFC 7686, 2 */
}

enum row_state find_state(const struct find *find, uint32_t number)
{
	const struct row *row = &find->routes->rows[number];
	const struct rule *rule = &find->routes->rules.list[row->rule];
	const struct conditions *conditions = rules_conditions(&find->routes->rules, rule);
	const struct host *host = find->query->host;

	if (conditions && !conditions_hold(conditions, find->query))
		return ROW_CONDITION;
	if (!host->named || pattern_is_name((enum pattern_kind)row->kind))
		return ROW_HOLDS;
	if (conditions_no_resolve(conditions))
		return ROW_NO_RESOLVE;
	return rule->through && is_localhost(host->name) ? ROW_LOCALHOST : ROW_HOLDS;
}

uint64_t find_precedence(const struct find *find, uint32_t number)
{
	const struct row *row = &find->routes->rows[number];

	switch (find->routes->order) {
	case ORDER_FIRST:
		return number;
	case ORDER_NAMES_FIRST:
		if (find->query->host->named && is_address_row(row))
			return UINT64_C(1) << 32 | number;
		return number;
	case ORDER_SPECIFIC:
		break;
	}
	return UINT16_MAX - rank_of((enum pattern_kind)row->kind, row->length);
}

static uint32_t first_holding(const struct find *find, const struct run *run)
{
	uint32_t row = find_first(find, run);

	while (row != ROW_NONE && find_state(find, row) != ROW_HOLDS)
		row = find_next(find, run, row);
	return row;
}

uint32_t find_best(const struct find *find, const struct runs *runs)
{
	uint32_t best = ROW_NONE;

	for (size_t i = 0; i < runs->count; i++) {
		uint32_t row = first_holding(find, &runs->list[i]);

		if (row == ROW_NONE)
			continue;
		if (find->routes->order == ORDER_SPECIFIC)
			return row;
		if (best == ROW_NONE || find_precedence(find, row) < find_precedence(find, best))
			best = row;
	}
	return best;
}

/*
 * Rows of addresses that look names up are known by their conditions: of those that hold one may
 * come before `row`.  All rows with the same conditions share one entry.
 */
bool find_needs_addresses(const struct find *find, uint32_t row)
{
	const struct rules *rules = &find->routes->rules;
	uint64_t limit = row == ROW_NONE ? UINT64_MAX : find_precedence(find, row);

	if (!find->query->host->named || !find->routes->resolve ||
	    is_onion(find->query->host->name))
		return false;
	for (size_t i = 0; i < rules->set_count; i++) {
		const struct rule_set *set = &rules->sets[i];

		if (set->first != RULES_NO_ROW && find_precedence(find, set->first) < limit &&
		    conditions_hold(set->conditions, find->query))
			return true;
	}
	return false;
}
