/* SPDX-License-Identifier: ISC */
/* Any bytes as a configuration file's words and blocks, and the complaints about them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every directive has a name, every word stands inside the text. */
static void check(const struct directive *d, unsigned depth)
{
	if (d != NULL && depth > PARSE_DEPTH)
		abort();
	for (; d != NULL; d = d->next) {
		if (d->count == 0)
			abort();
		for (size_t i = 0; i < d->count; i++)
			if (d->at[i].line == 0 || d->at[i].column == 0 ||
			    strlen(d->words[i].text) > d->at[i].origin->length)
				abort();
		check(d->children, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct complaints complaints = {0};
	struct parser parser = {.arena = &arena, .complaints = &complaints, .sealed = true};
	FILE *out = fopen("/dev/null", "w");

	if (out == NULL)
		return 0;
	check(parse_text(&parser, "fuzz", (const char *)data, size), 0);
	complaints_print(&complaints, SEVERITY_NOTE, out);
	arena_clear(&arena);
	fclose(out);
	return 0;
}
