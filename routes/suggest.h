/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_SUGGEST_H
#define ROUTES_SUGGEST_H

/* Which of several words was meant: start with {.word = what was written}. */
struct suggest {
	const char *word;
	const char *nearest; /* NULL: none is near */
	unsigned distance;
};

void suggest_consider(struct suggest *suggest, const char *candidate);
/* The nearest of `list`, which ends in NULL; NULL if none is near. */
const char *suggest_from(const char *word, const char *const *list);

#endif
