/* SPDX-License-Identifier: ISC */
/* Hosts and prefixes: what is taken has one spelling, which is read as the same again. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "routes/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_host(const char *text, size_t length)
{
	struct host host, again;
	char out[HOST_NAME_LENGTH + 1];

	if (host_parse(&host, text, length))
		return;
	host_format(&host, out);
	if (host_parse(&again, out, strlen(out)) || !host_equal(&host, &again))
		abort();
	if (host.named && out[strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] != '\0')
		abort();
	if (host.named && address_parse(&host.address, out, strlen(out)))
		abort();
}

static void check_prefix(const char *text, size_t length)
{
	struct prefix prefix, again;
	char out[ADDRESS_TEXT + 4];

	if (prefix_parse(&prefix, text, length))
		return;
	prefix_format(&prefix, out);
	if (prefix_parse(&again, out, strlen(out)) || again.length != prefix.length ||
	    memcmp(&again.address, &prefix.address, sizeof(prefix.address)) != 0)
		abort();
	if (!prefix_contains(&prefix, &prefix.address))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of just this size, so that a byte too many is seen. */
	char *text = malloc(size ? size : 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	check_host(text, size);
	check_prefix(text, size);
	free(text);
	return 0;
}
