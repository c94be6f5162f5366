/* SPDX-License-Identifier: ISC */
/* What a configuration says about ways, `route`, `routes`; and about leave, `access`. */
#include "config.h"

#include <string.h>

#include "gateway/conf_ways.h"
#include "gateway/value.h"

/* --- rows ------------------------------------------------------------------------------------- */

static bool is_listener(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->listener_count; i++)
		if (strcmp(r->listeners[i], name) == 0)
			return true;
	return false;
}

/* What can follow the values of a condition. */
static bool ends_values(const struct word *word)
{
	static const char *const keywords[] = {"ports", "user", "from", "command", "protocol",
	    "time", "not", "no-resolve", "direct", "via", "reject"};

	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
		if (value_is(word, keywords[i]))
			return true;
	return false;
}

/* A misspelt name in a condition would never hold, which nobody would notice. */
static void check_references(struct reader *r, const struct row *row)
{
	bool listeners = false;

	for (size_t i = 1; i < row->count; i++) {
		const struct word *word = &row->words[i];

		if (value_is(word, "via"))
			return;
		if (word->text[0] == '@' && !word->quoted) {
			conf_group(r, word->text + 1, row->at[i]);
		} else if (value_is(word, "listener")) {
			listeners = true;
		} else if (listeners && ends_values(word)) {
			listeners = false;
		} else if (listeners && !is_listener(r, word->text)) {
			conf_missing(r, word, row->at[i], "listen");
		}
	}
}

/* The index behind `via`; the number of words if there is none. */
static size_t find_via(const struct row *row)
{
	size_t i = 1;

	while (i < row->count && !value_is(&row->words[i], "via"))
		i++;
	return i < row->count ? i + 1 : row->count;
}

/* Behind the last word, where one is missing. */
static struct position row_end(const struct row *row)
{
	struct position at = row->at[row->count - 1];

	at.column += (unsigned)strlen(row->words[row->count - 1].text);
	return at;
}

static void row_wrong(struct reader *r, const struct row *row, const char *wrong, size_t bad)
{
	complain(r->complaints, SEVERITY_ERROR, bad < row->count ? row->at[bad] : row_end(row),
	    "%s", wrong);
}

void conf_add_row(struct reader *r, struct routes *table, const struct row *row)
{
	size_t bad = 0, via = find_via(row);
	const char *wrong;
	struct way *way;

	if (conf_is_broken(r, row->words, via, row->count))
		return;
	wrong = routes_add(table, row->words, row->count, conf_place(row->at[0]), &bad);
	if (wrong != NULL) {
		row_wrong(r, row, wrong, bad);
		return;
	}
	check_references(r, row);
	if (via < row->count && (way = conf_way(r, row->words[via].text)) != NULL)
		way->first = true;
	for (size_t i = via; i < row->count; i++) {
		conf_uri_hidden(r, &row->words[i], row->at[i]);
		conf_use_way(r, row->words[i].text);
	}
}

/* --- tables ----------------------------------------------------------------------------------- */

struct routes *conf_table(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->conf->table_count; i++)
		if (strcmp(routes_name(r->conf->tables[i]), name) == 0)
			return r->conf->tables[i];
	return NULL;
}

struct routes *conf_make_table(struct reader *r, const char *name)
{
	struct conf *conf = r->conf;
	struct routes *table = conf_table(r, name);

	if (table != NULL)
		return table;
	table = routes_new(name, conf->hops);
	if (table == NULL)
		return NULL;
	conf->tables =
	    arena_push(r->parser->arena, conf->tables, &conf->table_count, sizeof *conf->tables);
	conf->tables[conf->table_count - 1] = table;
	return table;
}

static void read_row(struct reader *r, const struct directive *d, void *table)
{
	struct row row = {d->words + 1, d->at + 1, d->count - 1};

	conf_add_row(r, table, &row);
}

static void read_order(struct reader *r, const struct directive *d, void *table)
{
	static const char *const orders[] = {[ORDER_SPECIFIC] = "specific",
	    [ORDER_FIRST] = "first",
	    [ORDER_NAMES_FIRST] = "names-first",
	    NULL};
	int order = schema_choose(r->complaints, d, 1, orders);

	if (order >= 0)
		routes_set_order(table, (enum routes_order)order);
}

static void read_resolve(struct reader *r, const struct directive *d, void *table)
{
	bool on;
	const char *wrong = value_switch(&d->words[1], &on);

	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", d->words[1].text, wrong);
	else
		routes_set_resolve(table, on);
}

#define ROW_USAGE "DESTINATION [CONDITION …] direct | via HOP … | reject [TEXT]"

const struct rule conf_routes_rules[] = {{.name = "order",
                                             .usage = "specific | first | names-first",
                                             .min = 1,
                                             .max = 1,
                                             .read = read_order,
                                             .standard = "specific"},
    {.name = "resolve-for-routing",
        .usage = "on | off",
        .min = 1,
        .max = 1,
        .read = read_resolve,
        .standard = "on"},
    {.name = "route",
        .usage = ROW_USAGE,
        .min = 2,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .phase = 1,
        .read = read_row},
    {.name = "file",
        .usage = "PATH",
        .path = 1,
        .min = 1,
        .max = 2,
        .flags = RULE_LIST,
        .phase = 1,
        .read = conf_read_route_file},
    {0}};

void conf_read_routes(struct reader *r, const struct directive *d, void *object)
{
	struct routes *table;

	(void)object;
	if (d->count > 1 && !conf_name(r, d))
		return;
	if (conf_taken(r, d))
		return;
	table = conf_make_table(r, d->count > 1 ? d->words[1].text : "");
	if (table != NULL)
		schema_read(r, conf_routes_rules, d->children, table);
}

void conf_read_route(struct reader *r, const struct directive *d, void *object)
{
	struct routes *table = conf_make_table(r, "");

	(void)object;
	if (table != NULL)
		read_row(r, d, table);
}

void conf_finish_routes(struct reader *r)
{
	/* A configuration that has tables, but not the one that listeners use unasked, rejects. */
	if (r->conf->table_count > 0)
		conf_make_table(r, "");
	for (size_t i = 0; i < r->conf->table_count; i++)
		if (routes_finish(r->conf->tables[i]) != 0)
			complain(r->complaints, SEVERITY_ERROR, (struct position){0},
			    "not enough memory for the routes");
}

/* --- access ----------------------------------------------------------------------------------- */

static void read_access_row(struct reader *r, const struct directive *d, void *access)
{
	struct row row = {d->words + 1, d->at + 1, d->count - 1};
	size_t bad = 0;
	const char *wrong = access_add(access, strcmp(d->words[0].text, "pass") == 0, row.words,
	    row.count, conf_place(d->at[0]), &bad);

	if (wrong != NULL)
		row_wrong(r, &row, wrong, bad);
	else
		check_references(r, &row);
}

const struct rule conf_access_rules[] = {{.name = "pass",
                                             .usage = "DESTINATION [CONDITION …]",
                                             .min = 1,
                                             .max = RULE_MANY,
                                             .flags = RULE_LIST,
                                             .read = read_access_row},
    {.name = "block",
        .usage = "DESTINATION [CONDITION …]",
        .min = 1,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .read = read_access_row},
    {0}};

void conf_read_access(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	conf->access = access_new();
	if (conf->access != NULL)
		schema_read(r, conf_access_rules, d->children, conf->access);
}
