/* SPDX-License-Identifier: ISC */
/* The routing table: rows are added, then it is only read. */
#include "config.h"

#include "routes/table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes/array.h"

static const char no_memory[] = "out of memory";

struct routes *routes_new(const char *name, struct hops *hops)
{
	struct routes *routes = calloc(1, sizeof(*routes));

	if (!routes)
		return NULL;
	routes->resolve = true;
	routes->ipv4 = routes->ipv6 = routes->any = ROW_NONE;
	names_init(&routes->names);
	routes->name = strdup(name);
	if (!routes->name || rules_init(&routes->rules, hops) < 0) {
		routes_free(routes);
		return NULL;
	}
	return routes;
}

void routes_free(struct routes *routes)
{
	if (!routes)
		return;
	free(routes->name);
	free(routes->rows);
	free(routes->files);
	names_clear(&routes->names);
	trie_clear(&routes->trie);
	rules_clear(&routes->rules);
	free(routes);
}

const char *routes_name(const struct routes *routes)
{
	return routes->name;
}

void routes_set_order(struct routes *routes, enum routes_order order)
{
	routes->order = order;
}

void routes_set_resolve(struct routes *routes, bool on)
{
	routes->resolve = on;
}

size_t routes_count(const struct routes *routes)
{
	return routes->count;
}

/* --- adding ---------------------------------------------------------------------------------- */

/* Rows of one file come together, so the last is nearly always the one. */
static const char *number_file(struct routes *routes, const char *file, uint16_t *number)
{
	const char **files;

	for (size_t i = routes->file_count; i > 0; i--)
		if (routes->files[i - 1] == file) {
			*number = (uint16_t)(i - 1);
			return NULL;
		}
	if (routes->file_count > UINT16_MAX)
		return "rows come from more than 65536 files";
	files = array_grow(routes->files, routes->file_count, &routes->file_size, sizeof(*files));
	if (!files)
		return no_memory;
	routes->files = files;
	*number = (uint16_t)routes->file_count;
	files[routes->file_count++] = file;
	return NULL;
}

/* What the row hangs on: where the number of its ring's last row is kept.  NULL: no memory. */
static uint32_t *find_ring(struct routes *routes, const struct pattern *pattern, struct row *row)
{
	switch (pattern->kind) {
	case PATTERN_PREFIX:
		row->target = trie_add(&routes->trie, &pattern->prefix);
		row->length = (uint8_t)pattern->prefix.length;
		return row->target == 0 ? NULL : &routes->trie.nodes[row->target].number;
	case PATTERN_IPV4:
		return &routes->ipv4;
	case PATTERN_IPV6:
		return &routes->ipv6;
	case PATTERN_ANY:
		return &routes->any;
	default:
		row->target = names_add(&routes->names, pattern->name);
		row->length = (uint8_t)names_labels(pattern->name);
		return row->target == NAMES_NONE ? NULL : names_number(&routes->names, row->target);
	}
}

static void join_ring(struct routes *routes, uint32_t number, uint32_t *last)
{
	struct row *row = &routes->rows[number];

	if (*last == ROW_NONE) {
		row->sibling = number;
	} else {
		row->sibling = routes->rows[*last].sibling;
		routes->rows[*last].sibling = number;
	}
	*last = number;
}

/* Remember which conditions could let an address row hold for a name, once it is looked up. */
static void note_address_row(struct routes *routes, uint32_t number)
{
	const struct rule *rule = table_rule(routes, number);
	struct rule_set *set = &routes->rules.sets[rule->set];
	enum destination destination =
	    pattern_destination((enum pattern_kind)routes->rows[number].kind);

	if (destination != DESTINATION_ADDRESS && destination != DESTINATION_FAMILY)
		return;
	if (set->first == RULES_NO_ROW && !conditions_no_resolve(set->conditions))
		set->first = number;
}

static const char *add_row(struct routes *routes, const struct pattern *pattern, struct row *row)
{
	struct row *rows = array_grow(routes->rows, routes->count, &routes->size, sizeof(*rows));
	uint32_t *ring;

	if (!rows)
		return no_memory;
	routes->rows = rows;
	if (routes->count >= ROW_NONE)
		return "more than 4294967295 rows";
	row->kind = (uint8_t)pattern->kind;
	ring = find_ring(routes, pattern, row);
	if (!ring)
		return no_memory;
	rows[routes->count] = *row;
	join_ring(routes, (uint32_t)routes->count, ring);
	note_address_row(routes, (uint32_t)routes->count++);
	return NULL;
}

/* `no-resolve` has a meaning for addresses only; nothing is accepted and ignored. */
static const char *check_no_resolve(struct routes *routes, enum pattern_kind kind, uint32_t rule)
{
	struct reader *reader = &routes->reader;
	const struct rules *rules = &routes->rules;

	if (!conditions_no_resolve(rules_conditions(rules, &rules->list[rule])))
		return NULL;
	if (kind == PATTERN_PREFIX || kind == PATTERN_IPV4 || kind == PATTERN_IPV6)
		return NULL;
	for (reader->at = 0; !reader_takes(reader, "no-resolve"); reader->at++)
		;
	reader->at--;
	return reader_fail(reader, NULL, "`no-resolve` is for rows of addresses");
}

static const char *read_row(struct routes *routes, struct place place)
{
	struct reader *reader = &routes->reader;
	struct pattern pattern;
	struct row row = {.line = place.line};
	const char *error = pattern_read(&pattern, reader, "default");

	if (!error)
		error = rules_read(&routes->rules, reader, &row.rule);
	if (!error)
		error = check_no_resolve(routes, pattern.kind, row.rule);
	if (!error)
		error = number_file(routes, place.file, &row.file);
	if (!error)
		error = add_row(routes, &pattern, &row);
	return error;
}

const char *routes_add(struct routes *routes, const struct word *words, size_t word_count,
    struct place place, size_t *bad)
{
	struct reader *reader = &routes->reader;
	const char *error;

	assert(!routes->finished);
	reader->words = words;
	reader->count = word_count;
	reader->at = 0;
	reader->keywords = reader_route_keywords;
	error = read_row(routes, place);
	if (error)
		*bad = reader->at;
	return error;
}

int routes_finish(struct routes *routes)
{
	uint32_t *moved = trie_finish(&routes->trie);
	struct row *exact;

	if (!moved)
		return -1;
	for (size_t i = 0; i < routes->count; i++)
		if (routes->rows[i].kind == PATTERN_PREFIX)
			routes->rows[i].target = moved[routes->rows[i].target];
	free(moved);
	names_shrink(&routes->names);
	exact = reallocarray(routes->rows, routes->count ? routes->count : 1, sizeof(*exact));
	if (!exact)
		return -1;
	routes->rows = exact;
	routes->size = routes->count;
	routes->finished = true;
	return 0;
}

/* --- showing --------------------------------------------------------------------------------- */

struct place table_place(const struct routes *routes, uint32_t row)
{
	return (struct place){
	    .file = routes->files[routes->rows[row].file], .line = routes->rows[row].line};
}

void table_row_text(const struct routes *routes, uint32_t number, struct phrase *text)
{
	const struct row *row = &routes->rows[number];
	const struct rule *rule = table_rule(routes, number);
	const struct conditions *conditions = rules_conditions(&routes->rules, rule);
	struct pattern pattern = {.kind = (enum pattern_kind)row->kind};
	char out[PATTERN_TEXT];

	if (pattern.kind == PATTERN_PREFIX)
		trie_prefix(&routes->trie, row->target, &pattern.prefix);
	else if (pattern_is_name(pattern.kind))
		snprintf(pattern.name, sizeof(pattern.name), "%s",
		    names_text(&routes->names, row->target));
	phrase_add(text, pattern_format(&pattern, "default", out));
	if (conditions) {
		phrase_add(text, " ");
		phrase_add(text, conditions_text(conditions));
	}
	phrase_add(text, " ");
	phrase_add(text, rule->text);
}

bool routes_row_text(const struct routes *routes, size_t index, char *out, size_t size)
{
	struct phrase text = {.data = NULL};

	if (index >= routes->count)
		return false;
	table_row_text(routes, (uint32_t)index, &text);
	snprintf(out, size, "%s", phrase_string(&text));
	phrase_clear(&text);
	return true;
}

/* Would this row send a name to a hop although a row for addresses comes first? */
static bool leaks(const struct routes *routes, uint32_t number, uint32_t first_address)
{
	const struct rule *rule = table_rule(routes, number);

	if (!rule->named_hop)
		return false;
	switch (pattern_destination((enum pattern_kind)routes->rows[number].kind)) {
	case DESTINATION_NAME:
		return routes->order == ORDER_FIRST && number > first_address;
	case DESTINATION_ANY:
		return routes->order == ORDER_SPECIFIC ||
		    (routes->order == ORDER_FIRST && number > first_address);
	default:
		return !conditions_no_resolve(rules_conditions(&routes->rules, rule));
	}
}

bool routes_may_resolve(const struct routes *routes)
{
	uint32_t first = RULES_NO_ROW;

	for (size_t i = 0; routes->resolve && i < routes->rules.set_count; i++)
		if (routes->rules.sets[i].first < first)
			first = routes->rules.sets[i].first;
	for (size_t i = 0; first != RULES_NO_ROW && i < routes->count; i++)
		if (leaks(routes, (uint32_t)i, first))
			return true;
	return false;
}
