/* SPDX-License-Identifier: ISC */
/* Hop URIs: what is taken is written as a URI that means the same hop, but for its password. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "routes/routes.h"

#define URI_TEXT 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *directive(struct hop *hop, const char *name, const char *value)
{
	(void)hop;
	return strlen(name) > strlen(value) ? "refused" : NULL;
}

static void check(struct hop *hop)
{
	char *text = malloc(URI_TEXT);
	struct hop again;

	if (!text)
		return;
	if (!hop_uri_text(hop, text, URI_TEXT) || hop_parse_uri(&again, text, NULL))
		abort();
	if (hop->password) {
		explicit_bzero(hop->password, strlen(hop->password));
		free(hop->password);
		hop->password = NULL;
	}
	if (!hop_equal(hop, &again))
		abort();
	hop_clear(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct hop hop;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (!hop_parse_uri(&hop, text, directive)) {
		check(&hop);
		hop_clear(&hop);
	}
	if (!hop_parse_uri(&hop, text, NULL))
		hop_clear(&hop);
	free(text);
	return 0;
}
