/* SPDX-License-Identifier: ISC */
/* Reading the words of a row, and saying what is wrong with one. */
#include "config.h"

#include "routes/reader.h"

#include <stdio.h>
#include <string.h>

#include "routes/suggest.h"

#define CONDITIONS "ports", "user", "from", "listener", "command", "protocol", "time", "not"

const char *const reader_route_keywords[] = {
    "direct", "via", "reject", CONDITIONS, "no-resolve", NULL};
const char *const reader_access_keywords[] = {CONDITIONS, NULL};

const struct word *reader_word(const struct reader *reader)
{
	return reader->at < reader->count ? &reader->words[reader->at] : NULL;
}

const char *reader_keyword(const struct reader *reader)
{
	const struct word *word = reader_word(reader);

	if (!word || word->quoted)
		return NULL;
	for (const char *const *keyword = reader->keywords; *keyword; keyword++)
		if (strcmp(word->text, *keyword) == 0)
			return *keyword;
	return NULL;
}

bool reader_takes(struct reader *reader, const char *keyword)
{
	const struct word *word = reader_word(reader);

	if (!word || word->quoted || strcmp(word->text, keyword) != 0)
		return false;
	reader->at++;
	return true;
}

const char *reader_fail(struct reader *reader, const char *const *near, const char *what)
{
	const struct word *word = reader_word(reader);
	struct suggest suggest = {.word = word ? word->text : ""};

	if (word && !word->quoted) {
		for (; near && *near; near++)
			suggest_consider(&suggest, *near);
		for (const char *const *keyword = reader->keywords; *keyword; keyword++)
			suggest_consider(&suggest, *keyword);
	}
	if (suggest.nearest && suggest.distance > 0)
		snprintf(reader->error, sizeof(reader->error), "%s; did you mean '%s'?", what,
		    suggest.nearest);
	else
		snprintf(reader->error, sizeof(reader->error), "%s", what);
	return reader->error;
}
