/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_READER_H
#define ROUTES_READER_H

#include "routes/routes.h"

#define READER_ERROR 256

/* Lists of keywords end in NULL. */
extern const char *const reader_route_keywords[];
extern const char *const reader_access_keywords[];

/* The words of one row, read from left to right. */
struct reader {
	const struct word *words;
	size_t count, at;
	const char *const *keywords; /* of this kind of row */
	char error[READER_ERROR];    /* of the last failure */
};

/* The word at the cursor, or NULL at the end. */
const struct word *reader_word(const struct reader *reader);
/* Which keyword stands at the cursor, or NULL. */
const char *reader_keyword(const struct reader *reader);
/* Step over this keyword if it stands at the cursor. */
bool reader_takes(struct reader *reader, const char *keyword);
/*
 * Fail at the cursor: `what`, and whether one of `near` (ends in NULL; or NULL) or a keyword was
 * meant.  Returns the whole text, which lives as long as the reader.
 */
const char *reader_fail(struct reader *reader, const char *const *near, const char *what);

#endif
