/* SPDX-License-Identifier: ISC */
/* Clients of any protocol on one port: who is told apart must then be understood. */
#include "config.h"

#include "tests/fuzz/feeding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const servers[])(struct handshake *, const uint8_t *, size_t) = {
	    [PROTOCOL_SOCKS4] = socks4_server_init,
	    [PROTOCOL_SOCKS5] = socks5_server_init,
	    [PROTOCOL_HTTP] = http_server_init,
	};
	struct feeding feeding = {0};
	struct fed fed;
	int protocol;

	if (size <= FEEDING_PREFIX)
		return 0;
	protocol = sniff(data[FEEDING_PREFIX], data[0] >> 5);
	if (protocol < 0)
		return 0;
	PROMISE(protocol < PROTOCOL_COUNT && data[0] >> 5 & 1 << protocol);
	feeding.server = servers[protocol];
	feed_all_ways(&feeding, data, size);
	feed_pieces(&feeding, &fed, feeding.length, 0);
	PROMISE(fed.h.request.protocol == (enum protocol)protocol);
	PROMISE(fed.hs != HS_FAIL || fed.h.reason != REASON_NOT_SPOKEN);
	stop(&fed);
	return 0;
}
