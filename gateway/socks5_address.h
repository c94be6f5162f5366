/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SOCKS5_ADDRESS_H
#define GATEWAY_SOCKS5_ADDRESS_H

#include "gateway/target.h"

/* ATYP, address and port as they stand in SOCKS5 requests, replies and datagrams (RFC 1928, 5). */
#define SOCKS5_IPV4 0x01
#define SOCKS5_NAME 0x03
#define SOCKS5_IPV6 0x04
#define SOCKS5_ADDRESS_MAX 259 /* 1 + 1 + 255 + 2 */

/* How long the address at bytes[0] is with type and port: 0 if more must be seen to know, -1 if the
 * type is unknown.  More than `length` is possible. */
int socks5_address_length(const uint8_t *bytes, size_t length);

/* A whole address: REASON_OK or REASON_BAD_NAME; the port is set in either case. */
enum reason socks5_address_read(struct target *target, const uint8_t *bytes);

/* Returns how many bytes were written. */
size_t socks5_address_write(uint8_t out[SOCKS5_ADDRESS_MAX], const struct target *target);

#endif
