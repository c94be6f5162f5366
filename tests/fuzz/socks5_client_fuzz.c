/* SPDX-License-Identifier: ISC */
/* SOCKS5 replies of hops. */
#include "config.h"

#include "tests/fuzz/feeding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feeding feeding = {.client = socks5_client_init};

	return feed_all_ways(&feeding, data, size);
}
