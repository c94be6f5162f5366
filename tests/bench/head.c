/* SPDX-License-Identifier: ISC */
/* Fields of a head of HTTP, as far as a bench needs them. */
#include "config.h"

#include "tests/bench/pxbench.h"

#include <string.h>
#include <strings.h>

const char *head_field(const char *head, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " \t");
	}
	return NULL;
}

bool head_has(const char *head, const char *name, const char *word)
{
	const char *value = head_field(head, name);

	return value && strncasecmp(value, word, strlen(word)) == 0;
}
