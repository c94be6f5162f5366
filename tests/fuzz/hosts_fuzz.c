/* SPDX-License-Identifier: ISC */
/* Any bytes as a hosts file: every word of it is then looked up. */
#include "config.h"

#include <stdlib.h>

#include "resolver/hosts.h"
#include "resolver/name.h"
#include "resolver/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct resolver_hosts *hosts, const struct resolver_text *word)
{
	char name[RESOLVER_NAME_LENGTH + 1];
	struct in6_addr found[RESOLVER_ADDRESSES_MAX];

	if (!resolver_name_canonical(name, word->at, (size_t)(word->end - word->at)))
		return;
	for (int kind = 0; kind < RESOLVER_KINDS; kind++) {
		size_t count = resolver_hosts_find(hosts, name, kind, found);

		if (count > RESOLVER_ADDRESSES_MAX)
			abort();
		while (count-- > 0)
			if ((kind == RESOLVER_A) != (IN6_IS_ADDR_V4MAPPED(&found[count]) != 0))
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct resolver_text rest = {text, text + size}, word;
	struct resolver_hosts *hosts = resolver_hosts_parse(text, size);

	if (hosts == NULL)
		abort();
	while (resolver_text_word(&rest, &word))
		look_up(hosts, &word);
	resolver_hosts_free(hosts);
	return 0;
}
