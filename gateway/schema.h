/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SCHEMA_H
#define GATEWAY_SCHEMA_H

#include "gateway/parse.h"

/*
 * What directives there are.  Each block has a table, in the file that reads it; a directive is
 * one row.  The rows check what is written, fill structures, and tell the dump the defaults.
 */
struct reader;

#define RULE_LIST 0x01      /* may be given again: adds up */
#define RULE_BLOCK 0x02     /* { … } must follow */
#define RULE_MAY_BLOCK 0x04 /* { … } may follow */
#define RULE_LATER 0x08     /* has its place, but is not built: an error that says so */
#define RULE_ANY 0x20       /* what no other row names, and what is quoted: a list of words */
#define RULE_INHERITS 0x10  /* what is not said in it comes from outside, not from the defaults */

#define RULE_MANY 255

struct rule {
	const char *name;
	const char *usage; /* the words that follow, for people */
	uint8_t min, max;  /* how many; RULE_MANY: no limit */
	uint8_t flags;
	uint8_t phase; /* of a block, those of phase 0 are read first */
	/* One of these says what becomes of it.  value: each word goes to the field at `offset`.
	 * choices: the field, an enum, gets the index of the word.  read: the directive as a whole.
	 * None, but a block: its directives, into the object at `offset`. */
	const char *(*value)(const struct word *word, void *field);
	const char *const *choices; /* ends in NULL */
	void (*read)(struct reader *reader, const struct directive *directive, void *object);
	size_t offset;
	uint8_t path;             /* this word is a path; 2: if the word before is `file` */
	const struct rule *block; /* ends in a row without a name */
	const char *standard;     /* the words if it is not given; NULL: nothing */
};

#define RULE_PHASES 4

/*
 * Look up each directive's rule and check its form: name, number of words, block, twice given.
 * `inside` is the directive around them, or NULL.  Those that are wrong get no rule.
 */
void schema_check(struct complaints *complaints, const struct rule *rules,
    struct directive *directives, const struct directive *inside);
/*
 * Read checked directives into an object, phase by phase; what is not given gets its default.
 */
void schema_read(struct reader *reader, const struct rule *rules,
    const struct directive *directives, void *object);

const struct rule *schema_find(const struct rule *rules, const char *name);
/* The first directive of that name, well formed or not; NULL if there is none. */
const struct directive *schema_given(const struct directive *directives, const char *name);
/* Is there none of that name, and none that is wrong and could be meant for it? */
bool schema_lacks(const struct directive *directives, const char *name);
/* Which of the choices a word is; -1, with a complaint. */
int schema_choose(struct complaints *complaints, const struct directive *directive, size_t index,
    const char *const *choices);

#endif
