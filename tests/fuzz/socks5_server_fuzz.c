/* SPDX-License-Identifier: ISC */
/* SOCKS5 from clients. */
#include "config.h"

#include "tests/fuzz/feeding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feeding feeding = {.server = socks5_server_init};

	return feed_all_ways(&feeding, data, size);
}
