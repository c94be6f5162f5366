/* SPDX-License-Identifier: ISC */
/* What a listener says about whom it lets in: the words after its `auth`. */
#include "config.h"

#include <string.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

/* One word, and how far it was read. */
struct choice_reader {
	struct reader *reader;
	const struct directive *directive;
	size_t index;
	struct identity_choice *choice;
	size_t passwords;
};

/* The place of a part; that of a quoted word is the word's. */
static struct position place_in(const struct choice_reader *c, size_t offset)
{
	struct position at = c->directive->at[c->index];

	if (!c->directive->words[c->index].quoted)
		at.column += (unsigned)offset;
	return at;
}

static void wrong(const struct choice_reader *c, size_t offset, const char *phrase)
{
	complain(c->reader->complaints, SEVERITY_ERROR, place_in(c, offset), "'%s' %s",
	    c->directive->words[c->index].text, phrase);
}

static bool add_part(struct choice_reader *c, const char *name, size_t offset)
{
	const struct identity_block *block = conf_identity(c->reader->conf, name);
	const struct word word = {name, false};

	if (block == NULL) {
		conf_missing(c->reader, &word, place_in(c, offset), "auth");
		return false;
	}
	if (c->choice->part_count == IDENTITY_PARTS_MAX) {
		wrong(c, offset, "has too many parts, expected at most 8");
		return false;
	}
	if (block->kind == IDENTITY_PASSWORD && c->passwords++ > 0) {
		wrong(c, offset, "demands two passwords, and a client sends one");
		return false;
	}
	c->choice->parts[c->choice->part_count++] = block;
	return true;
}

/* NAME, or NAME+NAME … */
static bool read_choice(struct choice_reader *c)
{
	const char *text = c->directive->words[c->index].text;

	for (const char *part = text;; part++) {
		size_t length = strcspn(part, "+");
		char *name = arena_copy(c->reader->parser->arena, part, length);

		if (!add_part(c, name, (size_t)(part - text)))
			return false;
		part += length;
		if (*part == '\0')
			return true;
	}
}

void conf_read_gate(struct reader *r, const struct directive *d, void *object)
{
	struct listener *listener = object;
	struct identity_gate *gate = &listener->auth;
	size_t blocks = 0;

	for (size_t i = 1; i < d->count; i++) {
		struct identity_choice choice = {.part_count = 0};
		struct choice_reader reader = {r, d, i, &choice, 0};

		if (!value_is(&d->words[i], "none")) {
			if (blocks++ == AUTH_BLOCKS_MAX) {
				conf_error(r, d, i,
				    "'%s' is one too many, expected at most %d 'auth' blocks in a "
				    "listener",
				    d->words[i].text, AUTH_BLOCKS_MAX);
				return;
			}
			if (!read_choice(&reader))
				continue;
		}
		gate->choices = arena_push(
		    r->parser->arena, gate->choices, &gate->choice_count, sizeof *gate->choices);
		gate->choices[gate->choice_count - 1] = choice;
	}
}
