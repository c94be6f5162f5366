/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_NAME_H
#define RESOLVER_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define RESOLVER_NAME_LENGTH 253 /* RFC 1035, 2.3.4, without the final dot */

/*
 * A host name as the resolver takes it: lower case letters, digits, - and _, labels of 1 to 63, no
 * final dot, and a last label that is no number (192.0.2.1, 127.1, 0x7f.1 are not names).
 */
bool resolver_name_valid(const char *name);
/* The same from a file: makes it lower case and drops a final dot.  False if it is no name. */
bool resolver_name_canonical(char out[RESOLVER_NAME_LENGTH + 1], const char *text, size_t length);
unsigned resolver_name_dots(const char *name);

/* Names that are never asked of a server. */
enum resolver_special {
	RESOLVER_ORDINARY,
	RESOLVER_LOOPBACK, /* localhost and below: RFC 6761, 6.3 */
	RESOLVER_NEVER     /* onion: RFC 7686, 2; invalid: RFC 6761, 6.4 */
};
enum resolver_special resolver_name_special(const char *name);

#endif
