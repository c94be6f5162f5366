/* SPDX-License-Identifier: ISC */
/* The names that others refer to: listeners, hops and chains; and which of them are used. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/conf_ways.h"

static bool is_kind(const struct directive *d, const char *kind)
{
	return d->rule != NULL && d->count > 1 && strcmp(d->rule->name, kind) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct way *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void conf_collect_names(struct reader *r)
{
	struct arena *arena = r->parser->arena;

	for (const struct directive *d = r->tree; d != NULL; d = d->next) {
		if (is_kind(d, "listen")) {
			r->listeners = arena_push(
			    arena, r->listeners, &r->listener_count, sizeof *r->listeners);
			r->listeners[r->listener_count - 1] = d->words[1].text;
		} else if (is_kind(d, "hop") || is_kind(d, "chain")) {
			r->ways = arena_push(arena, r->ways, &r->way_count, sizeof *r->ways);
			r->ways[r->way_count - 1] =
			    (struct way){.name = d->words[1].text, .directive = d};
		}
	}
	if (r->way_count > 0)
		qsort(r->ways, r->way_count, sizeof *r->ways, compare);
}

struct way *conf_way(const struct reader *r, const char *name)
{
	const struct way key = {.name = name};

	if (r->way_count == 0)
		return NULL;
	return bsearch(&key, r->ways, r->way_count, sizeof *r->ways, compare);
}

/* The directive that says what comes before a hop or makes up a chain; *first: its first word. */
static const struct directive *inner_words(const struct way *way, size_t *first)
{
	const struct directive *via;

	if (is_kind(way->directive, "chain")) {
		*first = 2;
		return way->directive;
	}
	*first = 1;
	via = schema_given(way->directive->children, "via");
	return via != NULL && via->rule != NULL ? via : NULL;
}

void conf_use_way(struct reader *r, const char *name)
{
	struct way *way = conf_way(r, name);
	const struct directive *d;
	size_t first;

	if (way == NULL || way->used)
		return;
	way->used = true;
	d = inner_words(way, &first);
	for (size_t i = first; d != NULL && i < d->count; i++)
		conf_use_way(r, d->words[i].text);
}

/* --- do they lead somewhere ------------------------------------------------------------------- */

/* A word that names a way which is wrong itself is not wrong again. */
static bool names_undefined(const struct reader *r, const char *word)
{
	const struct way *way = conf_way(r, word);

	return way != NULL && !way->defined;
}

static void check_way(struct reader *r, struct way *way)
{
	const struct hop *const *list;
	const struct directive *d;
	size_t first, count, bad = 0;
	const char *wrong = "is not defined";

	if (way->defined)
		wrong = hops_expand(r->conf->hops, &way->name, 1, &list, &count, &bad);
	way->broken = wrong != NULL;
	d = inner_words(way, &first);
	if (!way->defined || d == NULL || wrong == NULL)
		return;
	/* The word in it that is to blame; the way as a whole if each is good. */
	bad = 0;
	if (hops_expand(r->conf->hops, conf_words(r, d, first), d->count - first, &list, &count,
	        &bad) == NULL)
		conf_error(r, way->directive, 1, "%s", wrong);
	else if (!names_undefined(r, d->words[first + bad].text))
		conf_error(r, d, first + bad, "%s", wrong);
}

void conf_check_ways(struct reader *r)
{
	for (size_t i = 0; i < r->way_count && !r->ways_checked; i++)
		check_way(r, &r->ways[i]);
	r->ways_checked = true;
}

bool conf_is_broken(struct reader *r, const struct word *words, size_t first, size_t count)
{
	conf_check_ways(r);
	for (size_t i = first; i < count; i++) {
		const struct way *way = conf_way(r, words[i].text);

		if (way != NULL && way->broken)
			return true;
	}
	return false;
}
