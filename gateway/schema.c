/* SPDX-License-Identifier: ISC */
/* Directives by tables: their form is checked, their values are read. */
#include "config.h"

#include "gateway/schema.h"

#include <string.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

const struct rule *schema_find(const struct rule *rules, const char *name)
{
	for (const struct rule *rule = rules; rule->name != NULL; rule++)
		if (strcmp(rule->name, name) == 0)
			return rule;
	return NULL;
}

/* Those of a directive that is no keyword here; NULL: then it is wrong. */
static const struct rule *any_rule(const struct rule *rules)
{
	while (rules->name != NULL && !(rules->flags & RULE_ANY))
		rules++;
	return rules->name != NULL ? rules : NULL;
}

const struct directive *schema_given(const struct directive *d, const char *name)
{
	while (d != NULL && (d->words[0].quoted || strcmp(d->words[0].text, name) != 0))
		d = d->next;
	return d;
}

bool schema_lacks(const struct directive *d, const char *name)
{
	for (; d != NULL; d = d->next)
		if (d->rule == NULL || strcmp(d->rule->name, name) == 0)
			return false;
	return true;
}

/* --- form ------------------------------------------------------------------------------------- */

static void complain_unknown(struct complaints *complaints, const struct rule *rules,
    const struct directive *d, const struct directive *inside)
{
	struct guess guess = {.word = d->words[0].text};
	char hint[GUESS_TEXT];

	if (d->words[0].quoted) {
		complain(complaints, SEVERITY_ERROR, d->at[0],
		    "a quoted word is never a keyword, expected a directive");
		return;
	}
	for (const struct rule *rule = rules; rule->name != NULL; rule++)
		guess_try(&guess, rule->name);
	guess_text(&guess, hint);
	if (inside != NULL)
		complain(complaints, SEVERITY_ERROR, d->at[0], "unknown directive '%s' in '%s'%s",
		    d->words[0].text, inside->words[0].text, hint);
	else
		complain(complaints, SEVERITY_ERROR, d->at[0], "unknown directive '%s'%s",
		    d->words[0].text, hint);
}

/* Does it have the words and the block that its rule asks for? */
static bool well_formed(
    struct complaints *complaints, const struct rule *rule, const struct directive *d)
{
	size_t given = d->count - 1;
	const char *usage = rule->usage != NULL ? rule->usage : "";

	if (rule->flags & RULE_LATER) {
		complain(complaints, SEVERITY_ERROR, d->at[0],
		    "'%s' is not in this version of hopgate", rule->name);
		return false;
	}
	if (given < rule->min || (rule->max != RULE_MANY && given > rule->max)) {
		complain(complaints, SEVERITY_ERROR, d->at[given > rule->max ? rule->max + 1u : 0],
		    "'%s' has too %s words, expected: %s%s%s", rule->name,
		    given < rule->min ? "few" : "many", rule->name, *usage != '\0' ? " " : "",
		    usage);
		return false;
	}
	if (d->block && !(rule->flags & (RULE_BLOCK | RULE_MAY_BLOCK))) {
		complain(complaints, SEVERITY_ERROR, d->at[0],
		    "'%s' takes no block, expected: %s %s", d->words[0].text, rule->name, usage);
		return false;
	}
	if (!d->block && (rule->flags & RULE_BLOCK)) {
		complain(complaints, SEVERITY_ERROR, d->at[0],
		    "'%s' needs a block, expected: %s%s%s { … }", rule->name, rule->name,
		    *usage != '\0' ? " " : "", usage);
		return false;
	}
	return true;
}

static void complain_twice(struct complaints *complaints, struct position at, const char *what,
    const char *name, struct position first)
{
	complain(complaints, SEVERITY_ERROR, at, "%s'%s' is given twice, first at %s:%u:%u", what,
	    name, first.origin != NULL ? first.origin->name : "hopgate", first.line, first.column);
}

static const struct directive *given_before(
    const struct directive *list, const struct directive *d, const struct rule *rule)
{
	for (; list != d; list = list->next)
		if (list->rule == rule)
			return list;
	return NULL;
}

void schema_check(struct complaints *complaints, const struct rule *rules,
    struct directive *directives, const struct directive *inside)
{
	for (struct directive *d = directives; d != NULL; d = d->next) {
		const struct rule *rule = schema_find(rules, d->words[0].text);
		const struct directive *first;

		if (d->bad)
			continue;
		if (rule == NULL || d->words[0].quoted)
			rule = any_rule(rules);
		if (rule == NULL) {
			complain_unknown(complaints, rules, d, inside);
			continue;
		}
		if (!well_formed(complaints, rule, d))
			continue;
		if (!(rule->flags & RULE_LIST) &&
		    (first = given_before(directives, d, rule)) != NULL) {
			complain_twice(complaints, d->at[0], "", rule->name, first->at[0]);
			continue;
		}
		d->rule = rule;
		if (d->block && rule->block != NULL)
			schema_check(complaints, rule->block, d->children, d);
	}
}

/* --- values ----------------------------------------------------------------------------------- */

int schema_choose(struct complaints *complaints, const struct directive *d, size_t index,
    const char *const *choices)
{
	struct guess guess = {.word = d->words[index].text};
	char hint[GUESS_TEXT], list[256] = "";

	for (int i = 0; choices[i] != NULL; i++) {
		if (value_is(&d->words[index], choices[i]))
			return i;
		guess_try(&guess, choices[i]);
		if (i > 0)
			strncat(list, choices[i + 1] != NULL ? ", " : " or ",
			    sizeof list - strlen(list) - 1);
		strncat(list, choices[i], sizeof list - strlen(list) - 1);
	}
	complain(complaints, SEVERITY_ERROR, d->at[index], "'%s' is unknown here, expected %s%s",
	    d->words[index].text, list, guess_text(&guess, hint));
	return -1;
}

static void read_list(struct reader *reader, const struct rule *rules,
    const struct directive *directives, void *object, bool defaults);

static void read_one(
    struct reader *reader, const struct rule *rule, const struct directive *d, void *object)
{
	char *field = (char *)object + rule->offset;

	if (rule->read != NULL) {
		rule->read(reader, d, object);
	} else if (rule->value != NULL) {
		for (size_t i = 1; i < d->count; i++) {
			const char *wrong = rule->value(&d->words[i], field);

			if (wrong != NULL)
				complain(reader->complaints, SEVERITY_ERROR, d->at[i], "'%s' %s",
				    d->words[i].text, wrong);
		}
	} else if (rule->choices != NULL) {
		int choice = schema_choose(reader->complaints, d, 1, rule->choices);

		if (choice >= 0)
			*(int *)(void *)field = choice;
	} else if (rule->block != NULL) {
		bool inherits = rule->flags & RULE_INHERITS;

		read_list(reader, rule->block, d->children, field, !inherits);
	}
}

/* The default's text is read as if it had been written. */
static void read_standard(struct reader *reader, const struct rule *rule, void *object)
{
	struct directive *d = parse_make(reader->parser, rule->name);
	char *words = arena_string(reader->parser->arena, rule->standard), *rest = NULL;

	d->rule = rule;
	for (char *w = strtok_r(words, " ", &rest); w != NULL; w = strtok_r(NULL, " ", &rest))
		parse_add_word(reader->parser, d, NULL, w);
	read_one(reader, rule, d, object);
}

static bool is_given(const struct rule *rule, const struct directive *list)
{
	for (; list != NULL; list = list->next)
		if (list->rule == rule)
			return true;
	return false;
}

static void read_list(struct reader *reader, const struct rule *rules,
    const struct directive *directives, void *object, bool defaults)
{
	for (unsigned phase = 0; phase < RULE_PHASES; phase++) {
		for (const struct directive *d = directives; d != NULL; d = d->next)
			if (d->rule != NULL && d->rule->phase == phase)
				read_one(reader, d->rule, d, object);
		for (const struct rule *rule = rules; defaults && rule->name != NULL; rule++) {
			if (rule->phase != phase || is_given(rule, directives))
				continue;
			if (rule->standard != NULL)
				read_standard(reader, rule, object);
			else if (rule->block != NULL && rule->read == NULL &&
			    !(rule->flags & RULE_INHERITS))
				read_list(
				    reader, rule->block, NULL, (char *)object + rule->offset, true);
		}
	}
}

void schema_read(struct reader *reader, const struct rule *rules,
    const struct directive *directives, void *object)
{
	read_list(reader, rules, directives, object, true);
}
