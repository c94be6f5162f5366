/* SPDX-License-Identifier: ISC */
/*
 * Addresses: one 128-bit value for each, IPv4 in its v4-mapped form, and only the spellings that
 * inet_pton() knows.
 */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "routes/routes.h"

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};

bool address_parse(struct in6_addr *address, const char *text, size_t length)
{
	char copy[ADDRESS_TEXT];

	/* inet_pton() would stop at a NUL and take what stands before it. */
	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (memchr(text, ':', length))
		return inet_pton(AF_INET6, copy, address) == 1;

	struct in_addr ipv4;

	if (inet_pton(AF_INET, copy, &ipv4) != 1)
		return false;
	*address = address_from_ipv4(ipv4.s_addr);
	return true;
}

static char *format_byte(char *out, uint8_t byte)
{
	if (byte >= 100)
		*out++ = (char)('0' + byte / 100);
	if (byte >= 10)
		*out++ = (char)('0' + byte / 10 % 10);
	*out++ = (char)('0' + byte % 10);
	return out;
}

/* inet_ntop() does it by sprintf(), at ten times the cost, and a line of a log has two of them. */
static void format_ipv4(const uint8_t bytes[4], char out[ADDRESS_TEXT])
{
	for (size_t i = 0; i < 4; i++) {
		out = format_byte(out, bytes[i]);
		*out++ = i < 3 ? '.' : '\0';
	}
}

char *address_format(const struct in6_addr *address, char out[ADDRESS_TEXT])
{
	if (address_is_ipv4(address))
		format_ipv4(&address->s6_addr[12], out);
	else
		inet_ntop(AF_INET6, address, out, ADDRESS_TEXT);
	return out;
}

bool address_is_ipv4(const struct in6_addr *address)
{
	return memcmp(address->s6_addr, mapped, sizeof(mapped)) == 0;
}

struct in6_addr address_from_ipv4(uint32_t network_order)
{
	struct in6_addr address;

	memcpy(address.s6_addr, mapped, sizeof(mapped));
	memcpy(&address.s6_addr[12], &network_order, 4);
	return address;
}

/* Where in the 16 bytes an IPv4 address stands; 0: nowhere. */
static size_t embedded_at(const uint8_t bytes[16])
{
	static const uint8_t zeros[15];

	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		return 2; /* RFC 3056, 2 */
	if (memcmp(bytes, nat64, sizeof(nat64)) == 0)
		return 12; /* RFC 6052, 2.1 */
	if (memcmp(bytes, zeros, 12) == 0 && (memcmp(bytes, zeros, 15) != 0 || bytes[15] > 1))
		return 12; /* RFC 4291, 2.5.5.1 */
	return 0;
}

bool address_embedded_ipv4(const struct in6_addr *address, struct in6_addr *ipv4)
{
	size_t at = embedded_at(address->s6_addr);
	uint32_t value;

	if (at == 0)
		return false;
	memcpy(&value, &address->s6_addr[at], sizeof(value));
	*ipv4 = address_from_ipv4(value);
	return true;
}
