/* SPDX-License-Identifier: ISC */
/* Conditions and next hops of rows, read once for each different spelling. */
#include "config.h"

#include "routes/rules.h"

#include <stdlib.h>
#include <string.h>

#include "routes/array.h"

#define REJECT_TEXT_MAX 255

static const char no_memory[] = "out of memory";
static const char expected_next[] = "expected direct, via HOPS or reject";

int rules_init(struct rules *rules, struct hops *hops)
{
	*rules = (struct rules){.hops = hops};
	rules->sets = array_grow(NULL, 0, &rules->set_size, sizeof(*rules->sets));
	if (!rules->sets)
		return -1;
	rules->sets[rules->set_count++] = (struct rule_set){.first = RULES_NO_ROW};
	return 0;
}

void rules_clear(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		free(rules->list[i].reject);
		free(rules->list[i].text);
	}
	for (size_t i = 0; i < rules->set_count; i++)
		conditions_free(rules->sets[i].conditions);
	free(rules->list);
	free(rules->sets);
	slots_clear(&rules->by_text);
	slots_clear(&rules->sets_by_text);
	phrase_clear(&rules->text);
}

/* --- conditions ------------------------------------------------------------------------------ */

static bool is_next(const struct word *word)
{
	return !word->quoted &&
	    (strcmp(word->text, "direct") == 0 || strcmp(word->text, "via") == 0 ||
	        strcmp(word->text, "reject") == 0);
}

/* The index of the first word that is the next hop. */
static size_t find_next(const struct reader *reader)
{
	size_t at = reader->at;

	while (at < reader->count && !is_next(&reader->words[at]))
		at++;
	return at;
}

static const char *add_set(struct rules *rules, struct reader *reader, uint32_t hash, uint32_t *set)
{
	struct conditions *conditions;
	struct rule_set *sets;
	const char *error = conditions_read(&conditions, reader);

	if (error)
		return error;
	if (!conditions || (reader_word(reader) && !is_next(reader_word(reader)))) {
		conditions_free(conditions);
		return reader_fail(
		    reader, NULL, "expected a condition, or direct, via HOPS or reject");
	}
	sets = array_grow(rules->sets, rules->set_count, &rules->set_size, sizeof(*sets));
	if (sets)
		rules->sets = sets;
	if (!sets || slots_add(&rules->sets_by_text, hash, (uint32_t)rules->set_count) < 0) {
		conditions_free(conditions);
		return reader_fail(reader, NULL, no_memory);
	}
	*set = (uint32_t)rules->set_count++;
	sets[*set] = (struct rule_set){.conditions = conditions, .first = RULES_NO_ROW};
	return NULL;
}

static const char *read_set(struct rules *rules, struct reader *reader, uint32_t *set)
{
	size_t end = find_next(reader);
	struct phrase *key = &rules->text;
	struct slots_walk walk;
	uint32_t hash, at;

	*set = 0;
	if (end == reader->at)
		return NULL;
	phrase_reset(key);
	for (size_t i = reader->at; i < end; i++)
		phrase_add_word(key, &reader->words[i]);
	if (key->failed)
		return reader_fail(reader, NULL, no_memory);
	hash = slots_hash(key->data, key->length, 0);
	walk = slots_walk(&rules->sets_by_text, hash);
	while ((at = slots_next(&walk)) != SLOTS_NONE)
		if (strcmp(conditions_text(rules->sets[at].conditions), key->data) == 0) {
			reader->at = end;
			*set = at;
			return NULL;
		}
	return add_set(rules, reader, hash, set);
}

/* --- next hop -------------------------------------------------------------------------------- */

static const char *read_direct(struct rules *rules, struct reader *reader, struct rule *rule)
{
	rule->next = NEXT_DIRECT;
	phrase_add(&rules->text, "direct");
	if (reader_word(reader))
		return reader_fail(reader, NULL,
		    "expected the end of the row: conditions stand before the next hop");
	return NULL;
}

static const char *check_reject_text(const char *text)
{
	if (strlen(text) > REJECT_TEXT_MAX)
		return "the text for the client has at most 255 bytes";
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return "the text for the client is one line, without control bytes";
	return NULL;
}

static const char *read_reject(struct rules *rules, struct reader *reader, struct rule *rule)
{
	const struct word *word = reader_word(reader);
	const char *error;

	rule->next = NEXT_REJECT;
	phrase_add(&rules->text, "reject");
	if (!word)
		return NULL;
	if (!word->quoted)
		return reader_fail(reader, NULL,
		    "expected the end of the row, or a text for the client in quotes");
	error = check_reject_text(word->text);
	if (error)
		return reader_fail(reader, NULL, error);
	phrase_add_word(&rules->text, word);
	reader->at++;
	if (reader_word(reader))
		return reader_fail(reader, NULL, "expected the end of the row");
	rule->reject = strdup(word->text);
	return rule->reject ? NULL : reader_fail(reader, NULL, no_memory);
}

/* A URI is shown without its password, as its hop is. */
static void add_via_word(struct rules *rules, const struct word *word)
{
	const struct hop *const *hop;
	struct word shown = *word;
	size_t count, bad;

	if (strchr(word->text, ':')) {
		if (hops_expand(rules->hops, &word->text, 1, &hop, &count, &bad)) {
			rules->text.failed = true; /* it was read before: no memory */
			return;
		}
		shown.text = hop[0]->name;
	}
	phrase_add_word(&rules->text, &shown);
}

static const char *read_via(struct rules *rules, struct reader *reader, struct rule *rule)
{
	const struct word *words = &reader->words[reader->at];
	size_t count = reader->count - reader->at, bad;
	const char *via[HOPS_MAX], *error;
	const struct hop *last;

	if (count > HOPS_MAX) {
		reader->at += HOPS_MAX;
		return reader_fail(reader, NULL, "more than 16 hops");
	}
	for (size_t i = 0; i < count; i++)
		via[i] = words[i].text;
	error = hops_expand(rules->hops, via, count, &rule->hops, &rule->hop_count, &bad);
	if (error) {
		bool keyword;

		reader->at += bad;
		keyword = reader_keyword(reader) != NULL;
		return reader_fail(reader, NULL,
		    keyword ? "conditions stand before `via`, hops follow it" : error);
	}
	last = rule->hops[rule->hop_count - 1];
	rule->next = NEXT_VIA;
	rule->through = last->protocol != HOP_DIRECT;
	rule->named_hop = rule->through && !last->resolve_local;
	phrase_add(&rules->text, "via");
	for (size_t i = 0; i < count; i++)
		add_via_word(rules, &words[i]);
	reader->at = reader->count;
	return NULL;
}

static const char *read_next(struct rules *rules, struct reader *reader, struct rule *rule)
{
	phrase_reset(&rules->text);
	if (reader_takes(reader, "direct"))
		return read_direct(rules, reader, rule);
	if (reader_takes(reader, "via"))
		return read_via(rules, reader, rule);
	if (reader_takes(reader, "reject"))
		return read_reject(rules, reader, rule);
	return reader_fail(reader, NULL, expected_next);
}

/* --- sharing --------------------------------------------------------------------------------- */

static bool same(const struct rule *a, const struct rule *b, const char *text)
{
	return a->set == b->set && a->hops == b->hops && strcmp(a->text, text) == 0;
}

/* Takes over rule->reject.  0, or -1 if out of memory. */
static int share(struct rules *rules, struct rule *rule, uint32_t *number)
{
	uint32_t hash = slots_hash(rules->text.data, rules->text.length, rule->set);
	struct slots_walk walk = slots_walk(&rules->by_text, hash);
	struct rule *list;

	while ((*number = slots_next(&walk)) != SLOTS_NONE)
		if (same(&rules->list[*number], rule, rules->text.data)) {
			free(rule->reject);
			return 0;
		}
	rule->text = strdup(rules->text.data);
	list = array_grow(rules->list, rules->count, &rules->size, sizeof(*list));
	if (list)
		rules->list = list;
	if (!list || !rule->text || slots_add(&rules->by_text, hash, (uint32_t)rules->count) < 0) {
		free(rule->reject);
		free(rule->text);
		return -1;
	}
	*number = (uint32_t)rules->count++;
	list[*number] = *rule;
	return 0;
}

const char *rules_read(struct rules *rules, struct reader *reader, uint32_t *number)
{
	struct rule rule = {.next = NEXT_DIRECT};
	const char *error = read_set(rules, reader, &rule.set);

	if (!error)
		error = read_next(rules, reader, &rule);
	if (!error && rules->text.failed)
		error = reader_fail(reader, NULL, no_memory);
	if (error) {
		free(rule.reject);
		return error;
	}
	return share(rules, &rule, number) < 0 ? reader_fail(reader, NULL, no_memory) : NULL;
}
