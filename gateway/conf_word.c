/* SPDX-License-Identifier: ISC */
/* Helpers of those who read directives: errors at a word, names and references. */
#include "config.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/conf_read.h"

#define NAME_MAX_LENGTH 64

void conf_error(struct reader *r, const struct directive *d, size_t index, const char *format, ...)
{
	va_list list;
	char *phrase;

	if (index >= d->count)
		index = d->count - 1;
	va_start(list, format);
	if (vasprintf(&phrase, format, list) < 0)
		phrase = NULL;
	va_end(list);
	complain(r->complaints, SEVERITY_ERROR, d->at[index], "%s",
	    phrase != NULL ? phrase : "out of memory");
	free(phrase);
}

void conf_later(struct reader *r, const struct directive *d, size_t index)
{
	conf_error(r, d, index, "'%s' is not in this version of hopgate", d->words[index].text);
}

struct place conf_place(struct position at)
{
	return (struct place){at.origin != NULL ? at.origin->name : "hopgate", at.line};
}

bool conf_name(struct reader *r, const struct directive *d)
{
	const char *name = d->words[1].text;

	if (strcmp(name, "none") == 0) {
		conf_error(r, d, 1, "the name 'none' is reserved");
		return false;
	}
	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL) {
			conf_error(r, d, 1,
			    "'%s' is not a name, expected letters, digits, '-', '_' and '.'", name);
			return false;
		}
	if (name[0] == '\0' || strlen(name) > NAME_MAX_LENGTH) {
		conf_error(r, d, 1, "a name has 1 to %d characters", NAME_MAX_LENGTH);
		return false;
	}
	return true;
}

static bool is_named(const struct directive *d, const char *kind)
{
	return d->count > 1 && strcmp(d->words[0].text, kind) == 0;
}

static const char *name_of(const struct directive *d)
{
	return d->count > 1 ? d->words[1].text : "";
}

/* Hops and chains have their names in common, and so have groups of users. */
static const char *names_of(const struct directive *d)
{
	if (is_named(d, "chain"))
		return "hop";
	return is_named(d, "users") ? "auth" : d->words[0].text;
}

static bool names_clash(const struct directive *a, const struct directive *b)
{
	return strcmp(names_of(a), names_of(b)) == 0 && strcmp(name_of(a), name_of(b)) == 0;
}

bool conf_taken(struct reader *r, const struct directive *d)
{
	const struct directive *first = r->tree;
	const struct position *at;

	while (first != NULL && first != d && !names_clash(first, d))
		first = first->next;
	if (first == NULL || first == d)
		return false;
	at = &first->at[first->count > 1];
	conf_error(r, d, 1, "'%s' is given twice, first at %s:%u:%u", d->words[d->count > 1].text,
	    at->origin->name, at->line, at->column);
	return true;
}

void conf_missing(struct reader *r, const struct word *word, struct position at, const char *kind)
{
	struct guess guess = {.word = word->text};
	char hint[GUESS_TEXT];

	for (const struct directive *other = r->tree; other != NULL; other = other->next)
		if (is_named(other, kind))
			guess_try(&guess, other->words[1].text);
	complain(r->complaints, SEVERITY_ERROR, at, "no '%s' is named '%s'%s", kind, word->text,
	    guess_text(&guess, hint));
}

const char *const *conf_words(struct reader *r, const struct directive *d, size_t index)
{
	const char **words = arena_alloc(r->parser->arena, (d->count - index + 1) * sizeof *words);

	for (size_t i = index; i < d->count; i++)
		words[i - index] = d->words[i].text;
	return words;
}
