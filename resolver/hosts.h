/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_HOSTS_H
#define RESOLVER_HOSTS_H

#include "resolver/records.h"

/* The text of a hosts file (hosts(5)); lines and names that are none are passed over.  NULL: errno.
 */
struct resolver_hosts *resolver_hosts_parse(const char *text, size_t length);
/* The addresses of a name, of one kind, in the order of the file.  Returns how many. */
size_t resolver_hosts_find(const struct resolver_hosts *hosts, const char *name,
    enum resolver_kind kind, struct in6_addr out[RESOLVER_ADDRESSES_MAX]);

#endif
