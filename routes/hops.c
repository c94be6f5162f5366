/* SPDX-License-Identifier: ISC */
/*
 * The namespace of hops and chains.  Every word that may follow `via` is a way: a hop, named or
 * inline, or a chain.  Expanding walks the ways depth first; equal results are one list.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes/array.h"
#include "routes/routes.h"
#include "routes/slots.h"
#include "routes/suggest.h"
#include "routes/phrase.h"

#define NESTING_MAX HOPS_MAX
#define ERROR_MAX 256

struct way {
	char *word;
	const struct hop *hop; /* NULL: a chain */
	char **via;            /* what comes before the hop; the chain's words */
	size_t via_count;
	bool open; /* being expanded */
};

struct list {
	const struct hop **hops;
	size_t count;
};

struct hops {
	struct way *ways;
	size_t way_count, way_size;
	struct hop **all; /* named and inline, each once */
	size_t hop_count, hop_size;
	struct list *lists;
	size_t list_count, list_size;
	struct slots by_word, by_uri, by_list; /* numbers of ways, hops, lists */
	const char *(*directive)(struct hop *, const char *, const char *);
	char error[ERROR_MAX];
};

static const char no_memory[] = "out of memory";

struct hops *hops_new(void)
{
	return calloc(1, sizeof(struct hops));
}

static void free_words(char **words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		explicit_bzero(words[i], strlen(words[i])); /* a URI may hold a password */
		free(words[i]);
	}
	free(words);
}

static void free_word(char *word)
{
	explicit_bzero(word, strlen(word));
	free(word);
}

void hops_free(struct hops *hops)
{
	if (!hops)
		return;
	for (size_t i = 0; i < hops->way_count; i++) {
		free_word(hops->ways[i].word);
		free_words(hops->ways[i].via, hops->ways[i].via_count);
	}
	for (size_t i = 0; i < hops->hop_count; i++) {
		hop_clear(hops->all[i]);
		free(hops->all[i]);
	}
	for (size_t i = 0; i < hops->list_count; i++)
		free(hops->lists[i].hops);
	free(hops->ways);
	free(hops->all);
	free(hops->lists);
	slots_clear(&hops->by_word);
	slots_clear(&hops->by_uri);
	slots_clear(&hops->by_list);
	free(hops);
}

void hops_directive(
    struct hops *hops, const char *(*directive)(struct hop *, const char *, const char *))
{
	hops->directive = directive;
}

const struct hop *hops_each(const struct hops *hops, size_t index)
{
	return index < hops->hop_count ? hops->all[index] : NULL;
}

static uint32_t hash_word(const char *word)
{
	return slots_hash(word, strlen(word), 0);
}

static struct way *find_way(struct hops *hops, const char *word)
{
	struct slots_walk walk = slots_walk(&hops->by_word, hash_word(word));
	uint32_t at;

	while ((at = slots_next(&walk)) != SLOTS_NONE)
		if (strcmp(hops->ways[at].word, word) == 0)
			return &hops->ways[at];
	return NULL;
}

static char **copy_words(const char *const *words, size_t count)
{
	char **copy = calloc(count + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(words[i]);
		if (!copy[i]) {
			free_words(copy, i);
			return NULL;
		}
	}
	return copy;
}

/* Under `word`: `hop`, which is in hops->all already, behind `via`.  NULL: no memory. */
static struct way *add_way(struct hops *hops, const char *word, const struct hop *hop,
    const char *const *via, size_t via_count)
{
	struct way way = {.word = strdup(word), .hop = hop, .via_count = via_count};
	struct way *ways = array_grow(hops->ways, hops->way_count, &hops->way_size, sizeof(*ways));

	if (ways)
		hops->ways = ways;
	way.via = copy_words(via, via_count);
	if (!ways || !way.word || !way.via ||
	    slots_add(&hops->by_word, hash_word(word), (uint32_t)hops->way_count) < 0) {
		free(way.word);
		if (way.via)
			free_words(way.via, via_count);
		return NULL;
	}
	ways[hops->way_count] = way;
	return &ways[hops->way_count++];
}

/* Take over what *hop holds; NULL: no memory, and nothing was taken. */
static struct hop *keep(struct hops *hops, struct hop *hop)
{
	struct hop **all = array_grow(hops->all, hops->hop_count, &hops->hop_size, sizeof(*all));
	struct hop *kept = malloc(sizeof(*kept));

	if (all)
		hops->all = all;
	if (!all || !kept) {
		free(kept);
		return NULL;
	}
	*kept = *hop;
	*hop = (struct hop){.protocol = HOP_DIRECT};
	all[hops->hop_count++] = kept;
	return kept;
}

static const char *check_name(struct hops *hops, const char *name)
{
	if (strcmp(name, "direct") == 0 || strcmp(name, "reject") == 0)
		return "`direct` and `reject` cannot be names";
	if (*name == '\0' || strchr(name, ':'))
		return "a name is not empty and has no colon";
	if (find_way(hops, name))
		return "the name is taken: hops and chains have their names in common";
	return NULL;
}

const char *hops_add(
    struct hops *hops, const char *name, struct hop *hop, const char *const *via, size_t via_count)
{
	const char *error = check_name(hops, name);
	struct hop *kept;
	char *copy;

	if (error)
		return error;
	copy = strdup(name);
	kept = copy ? keep(hops, hop) : NULL;
	if (!kept) {
		free(copy);
		return no_memory;
	}
	free(kept->name);
	kept->name = copy;
	return add_way(hops, name, kept, via, via_count) ? NULL : no_memory;
}

const char *hops_add_chain(
    struct hops *hops, const char *name, const char *const *via, size_t via_count)
{
	const char *error = check_name(hops, name);

	if (error)
		return error;
	if (via_count == 0)
		return "a chain has at least one hop";
	return add_way(hops, name, NULL, via, via_count) ? NULL : no_memory;
}

/* Inline hops that are the same way are one hop, however they were spelled. */
static const struct hop *unify(struct hops *hops, struct hop *hop)
{
	char uri[ERROR_MAX];
	struct slots_walk walk;
	uint32_t hash, at;
	struct hop *kept;

	hop_uri_text(hop, uri, sizeof(uri));
	hash = hash_word(uri);
	walk = slots_walk(&hops->by_uri, hash);
	while ((at = slots_next(&walk)) != SLOTS_NONE)
		if (hop_equal(hops->all[at], hop)) {
			hop_clear(hop);
			return hops->all[at];
		}
	kept = keep(hops, hop);
	if (kept && slots_add(&hops->by_uri, hash, (uint32_t)hops->hop_count - 1) < 0)
		return NULL;
	return kept;
}

static const char *add_inline(struct hops *hops, const char *word, struct way **way)
{
	struct hop hop;
	const struct hop *kept;
	const char *error = hop_parse_uri(&hop, word, hops->directive);

	if (error)
		return error;
	kept = unify(hops, &hop);
	hop_clear(&hop);
	*way = kept ? add_way(hops, word, kept, NULL, 0) : NULL;
	return *way ? NULL : no_memory;
}

static const char *unknown(struct hops *hops, const char *word)
{
	struct suggest suggest = {.word = word};

	if (strcmp(word, "direct") == 0 || strcmp(word, "reject") == 0)
		return "`direct` and `reject` stand alone, without `via`";
	for (size_t i = 0; i < hops->way_count; i++)
		if (!strchr(hops->ways[i].word, ':'))
			suggest_consider(&suggest, hops->ways[i].word);
	if (!suggest.nearest)
		return "no hop or chain has this name";
	snprintf(hops->error, sizeof(hops->error),
	    "no hop or chain has this name; did you mean '%s'?", suggest.nearest);
	return hops->error;
}

static const char *look_up(struct hops *hops, const char *word, struct way **way)
{
	*way = find_way(hops, word);
	if (*way)
		return NULL;
	return strchr(word, ':') ? add_inline(hops, word, way) : unknown(hops, word);
}

/* A list in the making, and how deep the words nest. */
struct expansion {
	const struct hop *list[HOPS_MAX];
	size_t count;
	unsigned depth;
	bool blamed;
};

static const char *append(struct expansion *to, const struct hop *hop)
{
	if (to->count == HOPS_MAX)
		return "more than 16 hops";
	if (hop->protocol == HOP_DIRECT && to->count > 0)
		return "a `direct:` hop can only stand first";
	to->list[to->count++] = hop;
	return NULL;
}

/* The word in sight is not to blame: say which chain or hop has the one that is. */
static const char *blame(struct hops *hops, struct expansion *to, const struct way *way,
    const char *word, const char *error)
{
	char copy[ERROR_MAX];

	if (to->blamed)
		return error;
	to->blamed = true;
	snprintf(copy, sizeof(copy), "%s", error);
	snprintf(hops->error, sizeof(hops->error), "in '%.40s', word '%.40s': %.150s", way->word,
	    strchr(word, ':') ? "URI" : word, copy);
	return hops->error;
}

/* What a hop stands behind was named before it already: `via office dmz` with dmz behind office. */
static void forget_repeated(struct expansion *to, size_t before)
{
	size_t added = to->count - before;

	if (added <= before &&
	    memcmp(&to->list[before - added], &to->list[before], added * sizeof(to->list[0])) == 0)
		to->count = before;
}

static const char *expand(struct hops *hops, struct expansion *to, const char *word)
{
	struct way *way;
	const char *error = look_up(hops, word, &way);
	size_t number, before = to->count;

	if (error)
		return error;
	if (way->open)
		return "a loop: this is reached through itself";
	if (to->depth == NESTING_MAX)
		return "chains nest more than 16 deep";
	number = (size_t)(way - hops->ways);
	way->open = true;
	to->depth++;
	for (size_t i = 0; !error && i < hops->ways[number].via_count; i++) {
		const char *inner = hops->ways[number].via[i];

		error = expand(hops, to, inner);
		if (error)
			error = blame(hops, to, &hops->ways[number], inner, error);
	}
	to->depth--;
	way = &hops->ways[number]; /* an inline URI may have moved them */
	way->open = false;
	if (!error && way->hop) {
		forget_repeated(to, before);
		error = append(to, way->hop);
	}
	return error;
}

static const char *share(struct hops *hops, const struct expansion *made, struct list *list)
{
	size_t bytes = made->count * sizeof(made->list[0]);
	uint32_t hash = slots_hash(made->list, bytes, 0), at;
	struct slots_walk walk = slots_walk(&hops->by_list, hash);
	struct list *lists;

	while ((at = slots_next(&walk)) != SLOTS_NONE) {
		*list = hops->lists[at];
		if (list->count == made->count && memcmp(list->hops, made->list, bytes) == 0)
			return NULL;
	}
	lists = array_grow(hops->lists, hops->list_count, &hops->list_size, sizeof(*lists));
	if (!lists)
		return no_memory;
	hops->lists = lists;
	*list = (struct list){.hops = malloc(bytes), .count = made->count};
	if (!list->hops || slots_add(&hops->by_list, hash, (uint32_t)hops->list_count) < 0) {
		free(list->hops);
		return no_memory;
	}
	memcpy(list->hops, made->list, bytes);
	lists[hops->list_count++] = *list;
	return NULL;
}

const char *hops_expand(struct hops *hops, const char *const *via, size_t via_count,
    const struct hop *const **list, size_t *count, size_t *bad)
{
	struct expansion made = {.count = 0};
	struct list shared;
	const char *error;

	*bad = via_count;
	if (via_count == 0)
		return "expected hops, chains or URIs after `via`";
	for (size_t i = 0; i < via_count; i++) {
		error = expand(hops, &made, via[i]);
		if (error) {
			*bad = i;
			return error;
		}
	}
	error = share(hops, &made, &shared);
	if (error)
		return error;
	*list = shared.hops;
	*count = shared.count;
	return NULL;
}
