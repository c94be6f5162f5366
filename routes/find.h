/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_FIND_H
#define ROUTES_FIND_H

#include "routes/table.h"

/*
 * A look-up under way.  Candidates come in runs: rows of one destination, in file order.  Runs are
 * gathered with the more specific ones first.
 */
struct run {
	uint32_t last; /* of the ring */
	uint16_t rank; /* how specific */
	uint8_t kind;  /* rows of other kinds in the ring are not meant */
};

/* A name of 127 labels has two runs each and `default`; an address with an IPv4 one inside has
 * fewer. */
#define RUNS_MAX (2 * NAMES_LABELS + 1)

struct runs {
	struct run list[RUNS_MAX];
	size_t count;
};

struct find {
	const struct routes *routes;
	const struct query *query;
	size_t visited;
};

/* Rows by name, and `default`. */
void find_name_runs(struct find *find, struct runs *runs);
/* Rows of an address: prefixes and families; and `default` if `any`. */
void find_address_runs(
    struct find *find, const struct in6_addr *address, bool any, struct runs *runs);

/* The first row of a run, the next, ROW_NONE after the last. */
uint32_t find_first(const struct find *find, const struct run *run);
uint32_t find_next(const struct find *find, const struct run *run, uint32_t row);
/* Why a row is no candidate; ROW_HOLDS: it is one. */
enum row_state { ROW_HOLDS, ROW_CONDITION, ROW_NO_RESOLVE, ROW_LOCALHOST };
enum row_state find_state(const struct find *find, uint32_t row);
/* Less is better; equal only for rows that are equally specific. */
uint64_t find_precedence(const struct find *find, uint32_t row);
/* The best row of the runs that holds, or ROW_NONE. */
uint32_t find_best(const struct find *find, const struct runs *runs);
/* Do addresses of the name asked for count, when the best row without them is `row`? */
bool find_needs_addresses(const struct find *find, uint32_t row);

/* Report every candidate: see routes_find().  `winner` may be ROW_NONE. */
void trace_report(struct find *find, uint32_t winner, const struct routes_trace *trace);

#endif
