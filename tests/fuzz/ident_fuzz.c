/* SPDX-License-Identifier: ISC */
/* What an identd says: a name only as it may be, and the same however much more has come. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/ident.h"
#include "tests/fuzz/promise.h"

#define THEIRS 6193
#define OURS 23

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum ident_said read_exactly(char *user, const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	enum ident_said said;

	PROMISE(copy);
	if (size > 0)
		memcpy(copy, data, size);
	said = ident_read(user, copy, size, THEIRS, OURS);
	free(copy);
	return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, '\n', size);
	const size_t line = end != NULL ? (size_t)(end - data) + 1 : size;
	char user[AUTH_IDENT_USER_MAX + 1], again[AUTH_IDENT_USER_MAX + 1];
	enum ident_said said = read_exactly(user, data, size);

	PROMISE((said == IDENT_MORE) == (end == NULL && size < IDENT_LINE_MAX));
	PROMISE(read_exactly(again, data, line) == said);
	if (line > 0 && line <= IDENT_LINE_MAX)
		PROMISE(read_exactly(again, data, line - 1) == IDENT_MORE);
	if (said != IDENT_USER)
		return 0;
	PROMISE(user[0] != '\0' && user[0] != ' ' && strlen(user) <= AUTH_IDENT_USER_MAX);
	for (const char *p = user; *p != '\0'; p++)
		PROMISE((unsigned char)*p >= ' ' && *p != 0x7f);
	PROMISE(memmem(data, line, user, strlen(user)) != NULL);
	return 0;
}
