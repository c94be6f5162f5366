/* SPDX-License-Identifier: ISC */
/* Any bytes as a resolv.conf: what is read is canonical and bounded. */
#include "config.h"

#include "resolver/resolv_conf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "resolver/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *servers, **search;
	unsigned ndots;

	if (resolver_resolv_conf_parse((const char *)data, size, &servers, &search, &ndots) != 0)
		abort();
	if (servers[0] == '\0' || strpbrk(servers, " \t\r\n") != NULL || ndots > 15)
		abort();
	for (char **domain = search; *domain != NULL; domain++) {
		if (!resolver_name_valid(*domain))
			abort();
		free(*domain);
	}
	free(search);
	free(servers);
	return 0;
}
