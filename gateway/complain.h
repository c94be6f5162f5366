/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_COMPLAIN_H
#define GATEWAY_COMPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "gateway/arena.h"

/*
 * What is wrong in a configuration, and where: `file:line:column: error: …` with the line and a
 * caret under it.  All complaints of a run are kept and written in the order of the files.
 */

/* A text that is read: a file, an option of the command line, or a part of either. */
struct origin {
	const char *name;      /* as the user wrote it */
	const char *directory; /* what its relative paths start from: "" or "…/" */
	const char *text;      /* NULL: it could not be read */
	size_t length;
	unsigned first_line; /* the number of the text's first line */
	unsigned rank;       /* the order in which origins were opened */
	bool argv;           /* everybody can see it with ps */
	bool others_read;    /* a file that everybody may read */
};

struct position {
	const struct origin *origin;
	unsigned line, column; /* from 1, in bytes; line 0: all of it; column 0: the line */
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE, SEVERITY_COUNT };

struct complaint;

struct complaints {
	struct arena arena;
	struct complaint *list;
	size_t count;                   /* of those kept */
	unsigned total[SEVERITY_COUNT]; /* of all */
};

#define COMPLAINTS_MAX 100 /* more are counted, not kept */

/* `format` makes a phrase without a newline: what is wrong, what was expected. */
void complain(struct complaints *complaints, enum severity severity, struct position at,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Write those that are at least as severe as `least`, then forget all. */
void complaints_print(struct complaints *complaints, enum severity least, FILE *out);
void complaints_clear(struct complaints *complaints);

/* The nearest of several words to one that is not among them: all zero but `word` to begin with. */
struct guess {
	const char *word;
	const char *nearest;
	size_t distance;
};
void guess_try(struct guess *guess, const char *candidate);
/* "; did you mean 'x'?" or "", in a buffer of this size; returns out. */
#define GUESS_TEXT 96
char *guess_text(const struct guess *guess, char out[GUESS_TEXT]);

#endif
