/* SPDX-License-Identifier: ISC */
/* SOCKS4 replies of hops, to requests with and without names. */
#include "config.h"

#include "tests/fuzz/feeding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feeding feeding = {.client = socks4_client_init};

	if (size > 0 && data[0] & 0x80)
		feeding.client = socks4a_client_init;
	return feed_all_ways(&feeding, data, size);
}
