/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_TEXT_H
#define RESOLVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Small text files of lines and words, as /etc/hosts and /etc/resolv.conf are. */
struct resolver_text {
	const char *at, *end;
};

/* The whole file, the caller's to free: 0, or -1 with errno (EFBIG: longer than `max`). */
int resolver_text_read(const char *path, size_t max, char **bytes, size_t *length);
/*
 * Takes the next line off `rest`, without what follows one of the signs in `comments`; the next
 * word off a line, without blanks.  False: there is none.
 */
bool resolver_text_line(
    struct resolver_text *rest, const char *comments, struct resolver_text *line);
bool resolver_text_word(struct resolver_text *line, struct resolver_text *word);
bool resolver_text_is(const struct resolver_text *word, const char *text);

#endif
