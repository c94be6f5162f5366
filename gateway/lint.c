/* SPDX-License-Identifier: ISC */
/* What is allowed in a configuration, but hardly meant. */
#include "config.h"

#include <string.h>

#include "gateway/conf_ways.h"

static void check_shorthands(struct reader *r, const struct directive *listen)
{
	for (const struct directive *d = listen->children; d != NULL; d = d->next) {
		if (d->rule == NULL || strcmp(d->rule->name, "address") != 0)
			continue;
		for (size_t i = 1; i < d->count; i++) {
			const char *text = d->words[i].text;

			if (text[strspn(text, "0123456789")] == '\0' && d->at[i].line > 0)
				complain(r->complaints, SEVERITY_NOTE, d->at[i],
				    "'%s' is the loopback only; ':%s' is every address", text,
				    text);
		}
	}
}

static void check_ways(struct reader *r)
{
	for (size_t i = 0; i < r->way_count; i++) {
		const struct directive *d = r->ways[i].directive;

		if (!r->ways[i].used)
			complain(r->complaints, SEVERITY_WARNING, d->at[1],
			    "no route leads through the %s '%s'", d->rule->name, r->ways[i].name);
	}
}

/* Does a row begin with this hop? */
static bool stands_first(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->way_count; i++) {
		const struct hop *const *list;
		size_t count, bad;

		if (r->ways[i].first &&
		    hops_expand(r->conf->hops, &r->ways[i].name, 1, &list, &count, &bad) == NULL &&
		    strcmp(list[0]->name, name) == 0)
			return true;
	}
	return false;
}

/* Only the first hop is connected to from here. */
static void check_sources(struct reader *r)
{
	static const char *const names[] = {"source", "interface", "mark", "socket"};

	for (size_t i = 0; i < r->way_count; i++) {
		const struct way *way = &r->ways[i];

		for (size_t j = 0; j < sizeof names / sizeof names[0] && way->used; j++) {
			const struct directive *d =
			    schema_given(way->directive->children, names[j]);

			if (d != NULL && !stands_first(r, way->name))
				complain(r->complaints, SEVERITY_WARNING, d->at[0],
				    "'%s' has no effect: no route goes through '%s' first",
				    names[j], way->name);
		}
	}
}

static bool is_used_table(const struct conf *conf, const struct routes *table)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (conf->listeners[i].routes == table)
			return true;
	return false;
}

/* The place of a table: its block, else its first row at the top level. */
static struct position table_position(const struct reader *r, const char *name)
{
	for (const struct directive *d = r->tree; d != NULL; d = d->next)
		if (d->rule != NULL && strcmp(d->rule->name, "routes") == 0 &&
		    strcmp(d->count > 1 ? d->words[1].text : "", name) == 0)
			return d->at[d->count > 1];
	for (const struct directive *d = r->tree; d != NULL; d = d->next)
		if (d->rule != NULL && strcmp(d->rule->name, "route") == 0)
			return d->at[0];
	return (struct position){0};
}

/* Where a row stands in the tree: the last of its line. */
static struct position find_row(const struct directive *d, struct place place)
{
	struct position found = {0}, inner;

	for (; d != NULL; d = d->next) {
		if (strcmp(d->words[0].text, "routes") == 0) {
			inner = find_row(d->children, place);
			if (inner.origin != NULL)
				found = inner;
		} else if (strcmp(d->words[0].text, "route") == 0 && d->at[0].origin != NULL &&
		    d->at[0].origin->name == place.file && d->at[0].line == place.line) {
			found = d->at[0];
		}
	}
	return found;
}

static void check_rows(struct reader *r, const struct routes *table)
{
	struct place row, by;
	size_t index = 0;

	while (r->complaints->count < COMPLAINTS_MAX && routes_shadowed(table, &index, &row, &by)) {
		/* A file of rows has not been kept. */
		const struct origin file = {.name = row.file, .rank = r->parser->rank};
		struct position at = find_row(r->tree, row);

		complain(r->complaints, SEVERITY_WARNING,
		    at.origin != NULL ? at : (struct position){&file, row.line, 0},
		    "this row is never reached: the one at %s:%u takes everything", by.file,
		    by.line);
	}
}

static void check_tables(struct reader *r)
{
	for (size_t i = 0; i < r->conf->table_count; i++) {
		const struct routes *table = r->conf->tables[i];
		const char *name = routes_name(table);
		struct position at = table_position(r, name);

		check_rows(r, table);
		if (!is_used_table(r->conf, table)) {
			if (routes_count(table) > 0)
				complain(r->complaints, SEVERITY_WARNING, at,
				    "no listener uses the table '%s'", name);
		} else if (routes_count(table) == 0) {
			complain(r->complaints, SEVERITY_WARNING, at,
			    "the table '%s' is empty: everything is rejected", name);
		} else if (routes_may_resolve(table)) {
			complain(r->complaints, SEVERITY_WARNING, at,
			    "names that a hop resolves are also looked up here, for the rows "
			    "with addresses; 'no-resolve' or 'resolve-for-routing off' stops that");
		}
	}
}

static bool is_part(const struct identity_choice *choice, const struct identity_block *block)
{
	for (size_t i = 0; i < choice->part_count; i++)
		if (choice->parts[i] == block)
			return true;
	return false;
}

static bool is_used_auth(const struct conf *conf, const struct identity_block *block)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		for (size_t j = 0; j < conf->listeners[i].auth.choice_count; j++)
			if (is_part(&conf->listeners[i].auth.choices[j], block))
				return true;
	return false;
}

static void check_auths(struct reader *r)
{
	size_t index = 0;

	for (const struct directive *d = r->tree; d != NULL; d = d->next)
		if (d->rule != NULL && strcmp(d->rule->name, "auth") == 0 &&
		    !is_used_auth(r->conf, &r->conf->identities[index++]))
			complain(r->complaints, SEVERITY_WARNING, d->at[1],
			    "no listener uses the auth '%s'", d->words[1].text);
}

static void check_users(struct reader *r)
{
	size_t index = 0;

	for (const struct directive *d = r->tree; d != NULL; d = d->next) {
		const struct users *users;

		if (d->rule == NULL || strcmp(d->rule->name, "users") != 0)
			continue;
		users = &r->conf->users[index++];
		if (!users->named && !users->has_sessions && !users->has_bandwidth &&
		    !users->has_quota)
			complain(r->complaints, SEVERITY_WARNING, d->at[1],
			    "no row asks for the users '%s'", users->name);
	}
}

/* Has the listener clients on unix sockets, or others?  What is inherited may be either. */
static bool has_clients(const struct listener *listener, bool on_unix)
{
	for (size_t i = 0; i < listener->address_count; i++) {
		enum address_kind kind = listener->addresses[i].kind;

		if (kind == ADDRESS_FD ||
		    (kind == ADDRESS_UNIX || kind == ADDRESS_ABSTRACT) == on_unix)
			return true;
	}
	return false;
}

/* A part that holds for no client of the listener; NULL: none. */
static const struct identity_block *vain_part(
    const struct listener *listener, const struct identity_choice *choice)
{
	for (size_t i = 0; i < choice->part_count; i++) {
		const struct identity_block *block = choice->parts[i];

		if (block->kind != IDENTITY_PASSWORD &&
		    !has_clients(listener, block->kind == IDENTITY_UNIX_PEER))
			return block;
	}
	return NULL;
}

static void check_gate(
    struct reader *r, const struct directive *listen, const struct listener *listener)
{
	const struct directive *auth = schema_given(listen->children, "auth");

	for (size_t i = 0; i < listener->auth.choice_count; i++) {
		const struct identity_block *block =
		    vain_part(listener, &listener->auth.choices[i]);

		if (block != NULL)
			complain(r->complaints, SEVERITY_WARNING, auth->at[i + 1],
			    "'%s' holds for no client of '%s', which has %s unix sockets",
			    block->name, listener->name,
			    block->kind == IDENTITY_UNIX_PEER ? "no" : "only");
	}
}

void lint(struct reader *r)
{
	size_t index = 0;

	for (const struct directive *d = r->tree; d != NULL; d = d->next) {
		if (d->rule == NULL || strcmp(d->rule->name, "listen") != 0)
			continue;
		check_shorthands(r, d);
		check_gate(r, d, &r->conf->listeners[index++]);
	}
	check_ways(r);
	check_sources(r);
	check_tables(r);
	check_auths(r);
	check_users(r);
}
