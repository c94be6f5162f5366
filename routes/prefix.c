/* SPDX-License-Identifier: ISC */
/* Prefixes of addresses: IPv4 ones are 96 bits longer than written, as their addresses are. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "routes/routes.h"

#define IPV4_OFFSET 96 /* bits before the IPv4 address in ::ffff:0:0/96 */

const char prefix_host_bits[] = "bits behind the prefix length are set";

/* A prefix length in plain decimal; false if it is anything else. */
static bool parse_length(unsigned *length, const char *text, size_t digits, unsigned max)
{
	unsigned value = 0;

	if (digits == 0 || digits > 3 || (digits > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*length = value;
	return value <= max;
}

/* Clear the bits behind `length`; true if there were any. */
static bool clear_host_bits(struct in6_addr *address, unsigned length)
{
	unsigned bit = length % 8;
	bool found = false;

	for (size_t i = length / 8; i < 16; i++, bit = 0) {
		uint8_t mask = (uint8_t)(0xff00 >> bit);

		found = found || (address->s6_addr[i] & ~mask) != 0;
		address->s6_addr[i] &= mask;
	}
	return found;
}

const char *prefix_parse(struct prefix *prefix, const char *text, size_t length)
{
	const char *slash = memchr(text, '/', length);
	size_t before = slash ? (size_t)(slash - text) : length;
	const char *error;
	struct host host;
	bool ipv4;

	error = host_parse(&host, text, before);
	if (error)
		return error;
	if (host.named)
		return "expected an address or a prefix such as 10.0.0.0/8";
	prefix->address = host.address;
	prefix->length = 128;
	if (!slash)
		return NULL;
	ipv4 = !memchr(text, ':', before);
	if (!parse_length(&prefix->length, slash + 1, length - before - 1, ipv4 ? 32 : 128))
		return ipv4 ? "expected a prefix length of 0 to 32"
		            : "expected a prefix length of 0 to 128";
	if (ipv4)
		prefix->length += IPV4_OFFSET;
	return clear_host_bits(&prefix->address, prefix->length) ? prefix_host_bits : NULL;
}

static bool is_ipv4(const struct prefix *prefix)
{
	return prefix->length >= IPV4_OFFSET && address_is_ipv4(&prefix->address);
}

char *prefix_format(const struct prefix *prefix, char out[ADDRESS_TEXT + 4])
{
	address_format(&prefix->address, out);
	if (prefix->length < 128) {
		size_t end = strlen(out);
		unsigned offset = is_ipv4(prefix) ? IPV4_OFFSET : 0;

		snprintf(out + end, ADDRESS_TEXT + 4 - end, "/%u", prefix->length - offset);
	}
	return out;
}

bool prefix_contains(const struct prefix *prefix, const struct in6_addr *address)
{
	unsigned bytes = prefix->length / 8, bits = prefix->length % 8;
	uint8_t mask = (uint8_t)(0xff00 >> bits);

	/* ::/0 is every IPv6 address; that IPv4 is kept inside of it is our own affair. */
	if (address_is_ipv4(address) && !is_ipv4(prefix))
		return false;
	if (memcmp(prefix->address.s6_addr, address->s6_addr, bytes) != 0)
		return false;
	return bits == 0 || prefix->address.s6_addr[bytes] == (address->s6_addr[bytes] & mask);
}

bool prefix_covers(const struct prefix *prefix, const struct in6_addr *address)
{
	struct in6_addr ipv4;

	if (prefix_contains(prefix, address))
		return true;
	return address_embedded_ipv4(address, &ipv4) && prefix_contains(prefix, &ipv4);
}
