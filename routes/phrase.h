/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_PHRASE_H
#define ROUTES_PHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "routes/routes.h"

/* A string that grows. */
struct phrase {
	char *data;
	size_t length, size;
	bool failed; /* out of memory: the string is not whole */
};

void phrase_clear(struct phrase *phrase);
/* Make it empty, keep the memory. */
void phrase_reset(struct phrase *phrase);
void phrase_add(struct phrase *phrase, const char *string);
void phrase_add_bytes(struct phrase *phrase, const char *bytes, size_t length);
/* A word as it can be read again: quoted if it was, or if it must be.  Blanks come before it
 * unless it is the first. */
void phrase_add_word(struct phrase *phrase, const struct word *word);
/* Never NULL. */
const char *phrase_string(const struct phrase *phrase);

#endif
