/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_TARGET_H
#define GATEWAY_TARGET_H

#include <sys/socket.h>

#include "gateway/reason.h"
#include "routes/routes.h"

/* Where to connect to: what a client asked for, or the next hop. */
struct target {
	struct host host;
	uint16_t port;
};

/* One end of a connection. */
struct endpoint {
	struct in6_addr address; /* IPv4 in v4-mapped form */
	uint16_t port;
	uint32_t scope; /* sin6_scope_id */
};

#define TARGET_TEXT (HOST_NAME_LENGTH + 10) /* "[…]:65535" and its NUL */

/* "name:443", "192.0.2.1:80", "[2001:db8::1]:80"; returns out. */
char *target_format(const struct target *target, char out[TARGET_TEXT]);
char *endpoint_format(const struct endpoint *endpoint, char out[TARGET_TEXT]);

/* IPv4 endpoints give AF_INET, all others AF_INET6. */
socklen_t endpoint_to_sockaddr(const struct endpoint *endpoint, struct sockaddr_storage *sa);
/* False for a family that is not an Internet family. */
bool endpoint_from_sockaddr(struct endpoint *endpoint, const struct sockaddr *sa);

/* HOST:PORT with exactly one port of 1..65535; brackets around IPv6 are demanded.  NULL or what is
 * wrong. */
const char *target_parse(struct target *target, const char *text, size_t length);

/*
 * The same as it stands in HTTP (RFC 9110, 4.2 and 7.2).  Where no port is written it is
 * `default_port`; 0: it must be written.  REASON_OK, REASON_BAD_NAME or REASON_BAD_PORT.
 */
enum reason target_parse_authority(
    struct target *target, const char *text, size_t length, uint16_t default_port);

#endif
