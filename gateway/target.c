/* SPDX-License-Identifier: ISC */
/* Where to connect to, and the ends of connections, as text and as the system wants them. */
#include "config.h"

#include "gateway/target.h"

#include <string.h>

#include "gateway/digits.h"

static char *format(char out[TARGET_TEXT], const struct host *host, uint16_t port)
{
	char text[HOST_NAME_LENGTH + 1], *at = out;
	bool brackets = !host->named && !address_is_ipv4(&host->address);
	size_t n = strlen(host_format(host, text));

	if (brackets)
		*at++ = '[';
	memcpy(at, text, n);
	at += n;
	if (brackets)
		*at++ = ']';
	*at++ = ':';
	at += digits_write(at, port);
	*at = '\0';
	return out;
}

char *target_format(const struct target *target, char out[TARGET_TEXT])
{
	return format(out, &target->host, target->port);
}

char *endpoint_format(const struct endpoint *endpoint, char out[TARGET_TEXT])
{
	struct host host;

	host_from_address(&host, &endpoint->address);
	return format(out, &host, endpoint->port);
}

socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *sa)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	    .sin6_port = htons(endpoint->port),
	    .sin6_addr = endpoint->address,
	    .sin6_scope_id = endpoint->scope};

	memset(sa, 0, sizeof(*sa));
	if (!address_is_ipv4(&endpoint->address)) {
		memcpy(sa, &v6, sizeof(v6));
		return sizeof(v6);
	}
	memcpy(&v4.sin_addr, &endpoint->address.s6_addr[12], sizeof(v4.sin_addr));
	memcpy(sa, &v4, sizeof(v4));
	return sizeof(v4);
}

bool endpoint_from_sockaddr(struct endpoint *endpoint, const struct sockaddr *sa)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*endpoint = (struct endpoint){0};
	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&v4, sa, sizeof(v4));
		endpoint->address = address_from_ipv4(v4.sin_addr.s_addr);
		endpoint->port = ntohs(v4.sin_port);
		return true;
	case AF_INET6:
		memcpy(&v6, sa, sizeof(v6));
		endpoint->address = v6.sin6_addr;
		endpoint->port = ntohs(v6.sin6_port);
		endpoint->scope = v6.sin6_scope_id;
		return true;
	default:
		return false;
	}
}

struct part {
	const char *text; /* NULL: it is not there */
	size_t length;
};

static const char *split(struct part *host, struct part *port, const char *text, size_t length)
{
	const char *end = text + length, *colon;

	*port = (struct part){0};
	if (length > 0 && *text == '[') {
		const char *bracket = memchr(text, ']', length);

		if (!bracket)
			return "the ] is missing";
		colon = bracket + 1;
		if (colon < end && *colon != ':')
			return "only a port may follow the ]";
		if (!memchr(text, ':', (size_t)(bracket - text)))
			return "brackets are for IPv6 addresses";
	} else {
		colon = length > 0 ? memchr(text, ':', length) : NULL;
		if (!colon)
			colon = end;
		else if (memchr(colon + 1, ':', (size_t)(end - colon - 1)))
			return "an IPv6 address stands in brackets";
	}
	*host = (struct part){text, (size_t)(colon - text)};
	if (colon < end)
		*port = (struct part){colon + 1, (size_t)(end - colon - 1)};
	return NULL;
}

/* 0: not a port.  No sign, no blank and no zero in front, which others may read otherwise. */
static uint16_t parse_port(const struct part *part)
{
	unsigned long port = 0;

	if (part->length == 0 || part->length > 5 || part->text[0] == '0')
		return 0;
	for (size_t i = 0; i < part->length; i++) {
		if (part->text[i] < '0' || part->text[i] > '9')
			return 0;
		port = port * 10 + (unsigned long)(part->text[i] - '0');
	}
	return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static enum reason parse(
    struct target *target, const struct part *text, uint16_t default_port, const char **wrong)
{
	struct part host, port;

	*wrong = split(&host, &port, text->text, text->length);
	if (!*wrong)
		*wrong = host_parse(&target->host, host.text, host.length);
	if (*wrong)
		return REASON_BAD_NAME;
	target->port = port.length > 0 ? parse_port(&port) : default_port;
	if (target->port > 0)
		return REASON_OK;
	*wrong = port.text ? "a port is a number from 1 to 65535" : "the port is missing";
	return REASON_BAD_PORT;
}

const char *target_parse(struct target *target, const char *text, size_t length)
{
	const char *wrong;

	parse(target, &(struct part){text, length}, 0, &wrong);
	return wrong;
}

enum reason target_parse_authority(
    struct target *target, const char *text, size_t length, uint16_t default_port)
{
	const char *wrong;

	return parse(target, &(struct part){text, length}, default_port, &wrong);
}
