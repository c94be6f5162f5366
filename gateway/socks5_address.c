/* SPDX-License-Identifier: ISC */
/* Addresses of SOCKS5 (RFC 1928, 5). */
#include "config.h"

#include "gateway/socks5_address.h"

#include <string.h>

int socks5_address_length(const uint8_t *bytes, size_t length)
{
	if (length == 0)
		return 0;
	switch (bytes[0]) {
	case SOCKS5_IPV4:
		return 1 + 4 + 2;
	case SOCKS5_IPV6:
		return 1 + 16 + 2;
	case SOCKS5_NAME:
		return length < 2 ? 0 : 1 + 1 + bytes[1] + 2;
	default:
		return -1;
	}
}

enum reason socks5_address_read(struct target *target, const uint8_t *bytes)
{
	const uint8_t *port = bytes + socks5_address_length(bytes, 2) - 2;
	struct in6_addr v6;
	uint32_t v4;

	target->port = (uint16_t)(port[0] << 8 | port[1]);
	switch (bytes[0]) {
	case SOCKS5_IPV4:
		memcpy(&v4, bytes + 1, sizeof(v4));
		v6 = address_from_ipv4(v4);
		break;
	case SOCKS5_IPV6:
		memcpy(&v6, bytes + 1, sizeof(v6));
		break;
	default:
		/* A literal in the place of a name is that literal, for every rule. */
		if (host_parse(&target->host, (const char *)bytes + 2, bytes[1]))
			return REASON_BAD_NAME;
		return REASON_OK;
	}
	host_from_address(&target->host, &v6);
	return REASON_OK;
}

size_t socks5_address_write(uint8_t out[SOCKS5_ADDRESS_MAX], const struct target *target)
{
	const struct host *host = &target->host;
	size_t n = 0;

	if (host->named) {
		size_t length = strlen(host->name);

		out[n++] = SOCKS5_NAME;
		out[n++] = (uint8_t)length;
		memcpy(out + n, host->name, length);
		n += length;
	} else if (address_is_ipv4(&host->address)) {
		out[n++] = SOCKS5_IPV4;
		memcpy(out + n, &host->address.s6_addr[12], 4);
		n += 4;
	} else {
		out[n++] = SOCKS5_IPV6;
		memcpy(out + n, &host->address, 16);
		n += 16;
	}
	out[n++] = (uint8_t)(target->port >> 8);
	out[n++] = (uint8_t)target->port;
	return n;
}
