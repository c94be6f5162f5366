/* SPDX-License-Identifier: ISC */
/* The nearest word: insertions, deletions, replacements and swaps of neighbours count one each. */
#include "config.h"

#include "routes/suggest.h"

#include <stddef.h>
#include <string.h>

#define LENGTH_MAX 40 /* longer words are nobody's typing mistake */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][LENGTH_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	size_t width = strlen(b);

	for (unsigned j = 0; j <= width; j++)
		last[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= width; j++) {
			row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		unsigned *free_row = before;

		before = last;
		last = row;
		row = free_row;
	}
	return last[width];
}

void suggest_consider(struct suggest *suggest, const char *candidate)
{
	size_t length = strlen(suggest->word);
	unsigned near, found;

	if (length > LENGTH_MAX || strlen(candidate) > LENGTH_MAX)
		return;
	near = length < 5 ? 1 : (unsigned)(length + 1) / 3;
	found = distance(suggest->word, candidate);
	if (found > near || (suggest->nearest && found >= suggest->distance))
		return;
	suggest->nearest = candidate;
	suggest->distance = found;
}

const char *suggest_from(const char *word, const char *const *list)
{
	struct suggest suggest = {.word = word};

	for (; *list; list++)
		suggest_consider(&suggest, *list);
	return suggest.nearest;
}
