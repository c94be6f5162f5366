/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_TABLE_H
#define ROUTES_TABLE_H

#include "routes/names.h"
#include "routes/pattern.h"
#include "routes/reader.h"
#include "routes/routes.h"
#include "routes/rules.h"
#include "routes/trie.h"

/*
 * The table as the look-up sees it.  Rows are numbered in file order.  Those of one name, prefix,
 * family or of `default` are a ring: what they hang on knows the last, which leads to the first.
 */
#define ROW_NONE UINT32_MAX

struct row {
	uint32_t line;
	uint32_t target; /* names: cell; prefixes: node of the trie */
	uint32_t rule;
	uint32_t sibling; /* the next row of the ring */
	uint16_t file;
	uint8_t kind;   /* enum pattern_kind */
	uint8_t length; /* labels of the name, bits of the prefix */
};

struct routes {
	char *name;
	enum routes_order order;
	bool resolve;
	bool finished;
	struct row *rows;
	size_t count, size;
	const char **files;
	size_t file_count, file_size;
	struct names names;
	struct trie trie;
	uint32_t ipv4, ipv6, any; /* the last row of each ring */
	struct rules rules;
	struct reader reader;
};

static inline const struct rule *table_rule(const struct routes *routes, uint32_t row)
{
	return &routes->rules.list[routes->rows[row].rule];
}

/* The row in words. */
void table_row_text(const struct routes *routes, uint32_t row, struct phrase *text);
struct place table_place(const struct routes *routes, uint32_t row);

#endif
