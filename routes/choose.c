/* SPDX-License-Identifier: ISC */
/* The decision: one row for a literal or a name, or one for all addresses of a name together. */
#include "config.h"

#include <string.h>

#include "routes/find.h"

/* What the addresses of a name lead to, taken together. */
struct choice {
	uint32_t row;       /* the best that does not reject */
	uint32_t rejecting; /* the best that rejects */
	bool rejected;      /* an address is, by a row or for want of one */
};

static uint32_t better(const struct find *find, uint32_t best, uint32_t row)
{
	if (best == ROW_NONE || row == ROW_NONE)
		return best == ROW_NONE ? row : best;
	return find_precedence(find, row) < find_precedence(find, best) ? row : best;
}

/* The row of one address, beside `base`, the best for any address of the name. */
static uint32_t row_of_address(struct find *find, const struct in6_addr *address, uint32_t base)
{
	struct runs runs;

	find_address_runs(find, address, false, &runs);
	return better(find, base, find_best(find, &runs));
}

static struct choice weigh(struct find *find, uint32_t base)
{
	struct choice choice = {.row = ROW_NONE, .rejecting = ROW_NONE};

	for (size_t i = 0; i < find->query->address_count; i++) {
		uint32_t row = row_of_address(find, &find->query->addresses[i], base);

		if (row == ROW_NONE) {
			choice.rejected = true;
		} else if (table_rule(find->routes, row)->next == NEXT_REJECT) {
			choice.rejected = true;
			choice.rejecting = better(find, choice.rejecting, row);
		} else {
			choice.row = better(find, choice.row, row);
		}
	}
	return choice;
}

/*
 * Rejected addresses fall away, unless the best of what remains would leave the choice of the
 * address to a hop: then one of them is enough to reject.
 */
static uint32_t choose(struct find *find, uint32_t base, bool *allowed)
{
	const struct query *query = find->query;
	struct choice choice;
	uint32_t row;

	if (query->address_count == 0)
		return base;
	choice = weigh(find, base);
	row = choice.row;
	if (row == ROW_NONE || (choice.rejected && table_rule(find->routes, row)->named_hop))
		row = choice.rejecting;
	for (size_t i = 0; allowed && i < query->address_count; i++)
		allowed[i] =
		    row != ROW_NONE && row_of_address(find, &query->addresses[i], base) == row;
	return row;
}

static enum routes_result find_row(struct find *find, bool *allowed, uint32_t *row)
{
	const struct query *query = find->query;
	struct runs runs;

	if (!query->host->named) {
		find_address_runs(find, &query->host->address, true, &runs);
		*row = find_best(find, &runs);
	} else {
		find_name_runs(find, &runs);
		*row = find_best(find, &runs);
		if (allowed && query->resolved)
			memset(allowed, *row != ROW_NONE, query->address_count * sizeof(*allowed));
		if (find_needs_addresses(find, *row)) {
			if (!query->resolved)
				return ROUTES_NEED_ADDRESSES;
			*row = choose(find, *row, allowed);
		}
	}
	return *row == ROW_NONE ? ROUTES_NONE : ROUTES_FOUND;
}

static void describe(const struct routes *routes, uint32_t row, struct route *route)
{
	const struct rule *rule = table_rule(routes, row);

	*route = (struct route){
	    .place = table_place(routes, row),
	    .destination = pattern_destination((enum pattern_kind)routes->rows[row].kind),
	    .next = rule->next,
	    .text = rule->reject,
	    .hops = rule->hops,
	    .hop_count = rule->hop_count,
	};
}

enum routes_result routes_find(const struct routes *routes, const struct query *query,
    struct route *route, bool *allowed, const struct routes_trace *trace)
{
	struct find find = {.routes = routes, .query = query};
	uint32_t row;
	enum routes_result result = find_row(&find, allowed, &row);

	if (result == ROUTES_FOUND)
		describe(routes, row, route);
	if (trace && result != ROUTES_NEED_ADDRESSES)
		trace_report(&find, row, trace);
	return result;
}

size_t routes_visited(const struct routes *routes, const struct query *query)
{
	struct find find = {.routes = routes, .query = query};
	uint32_t row;

	find_row(&find, NULL, &row);
	return find.visited;
}
