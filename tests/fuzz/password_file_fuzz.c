/* SPDX-License-Identifier: ISC */
/* Password files, each line and all of them; no hash is computed. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/password_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void complain(void *arg, unsigned line, bool error, const char *text)
{
	(void)arg;
	(void)error;
	if (line == 0 || text[0] == '\0')
		abort();
}

static void parse_one(const uint8_t *data, size_t size)
{
	struct password_line entry;
	char *line = malloc(size + 1);
	const char *wrong;

	memcpy(line, data, size);
	line[size] = '\0';
	wrong = password_line_parse(&entry, line);
	if (wrong == NULL && entry.user != NULL &&
	    (entry.user_length == 0 || entry.user_length > PASSWORD_USER_MAX ||
	        strlen(entry.hash) > size))
		abort();
	if (entry.strength > 0 && (wrong != NULL || entry.hash[0] != '$'))
		abort();
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *file;

	if (size == 0)
		return 0;
	if (memchr(data, '\n', size) == NULL && size <= PASSWORD_LINE_MAX)
		parse_one(data, size);
	file = fmemopen((void *)data, size, "r");
	if (file != NULL) {
		if (password_file_check(file, complain, NULL) < 0)
			abort();
		fclose(file);
	}
	return 0;
}
