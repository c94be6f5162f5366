/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PARSE_H
#define GATEWAY_PARSE_H

#include "gateway/complain.h"
#include "routes/routes.h"

/* A configuration as a tree of directives, before anything is known about what they mean. */
struct rule;

struct directive {
	struct word *words;    /* words[0] is its name */
	struct position *at;   /* where each word stands */
	size_t count;          /* of words, at least 1 */
	bool bad;              /* a word of it was complained about */
	bool block;            /* { … } follows, perhaps empty */
	struct position close; /* of the block */
	struct directive *children;
	struct directive *next;
	const struct rule *rule; /* what it turned out to be; NULL: unknown */
};

struct parser {
	struct arena *arena; /* the tree, and the texts it was read from */
	struct complaints *complaints;
	bool sealed;     /* never open a file */
	unsigned rank;   /* of the next origin */
	unsigned depth;  /* of blocks */
	unsigned nested; /* includes */
};

#define PARSE_DEPTH 32
#define PARSE_INCLUDES 8
#define PARSE_SIZE (256u << 20) /* of one file */

/*
 * Read a file, and what it includes.  Everything that is wrong is complained about; what was
 * understood is returned, NULL if it is empty or cannot be read.
 */
struct directive *parse_file(struct parser *parser, const char *path);
/* The same for a text of which `name` is said in complaints; it is copied. */
struct directive *parse_text(
    struct parser *parser, const char *name, const char *text, size_t length);
/* The same by hand, for what the command line says: a directive without words but its name … */
struct directive *parse_make(struct parser *parser, const char *name);
/* … and one more word, which an option like `--listen` gave, or the program itself (NULL). */
void parse_add_word(
    struct parser *parser, struct directive *directive, const char *option, const char *word);

/* A path as the user means it: relative to the file that says it.  In the arena. */
const char *parse_path(struct arena *arena, struct position at, const char *path);
/* The same for complaints: not made absolute. */
const char *parse_name(struct arena *arena, struct position at, const char *path);

#endif
