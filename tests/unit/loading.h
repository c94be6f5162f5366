/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_LOADING_H
#define TESTS_UNIT_LOADING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/conf_read.h"

/* A configuration from a text, and what was said about it. */
struct loaded {
	struct conf *conf; /* NULL: it was wrong */
	char *said;
	size_t size;
};

/* Only the lines that begin a complaint: without those that repeat the text. */
static inline void drop_quotes(char *said)
{
	char *to = said;

	for (char *line = said, *next; *line != '\0'; line = next) {
		size_t length = strcspn(line, "\n") + 1;

		next = line + length;
		if (*line != ' ') {
			memmove(to, line, length);
			to += length;
		}
	}
	*to = '\0';
}

/* Sealed: without a look at this machine. */
static inline struct loaded load_text(const char *text, bool sealed)
{
	struct loaded loaded = {0};
	FILE *out = open_memstream(&loaded.said, &loaded.size);
	const struct conf_options options = {.messages = out, .notes = true};

	loaded.conf = conf_load_text(&options, text, strlen(text), sealed);
	fclose(out);
	drop_quotes(loaded.said);
	return loaded;
}

static inline void unload(struct loaded *loaded)
{
	conf_free(loaded->conf);
	free(loaded->said);
}

#endif
