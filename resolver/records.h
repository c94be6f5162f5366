/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_RECORDS_H
#define RESOLVER_RECORDS_H

#include "resolver/resolver.h"

enum resolver_kind { RESOLVER_A, RESOLVER_AAAA, RESOLVER_KINDS };

/*
 * What is known of one name and kind; shared by the cache and those who wait, within one thread.
 * NULL stands for RESOLVER_FAILED wherever records are handed on: memory ran out.
 */
struct resolver_records {
	unsigned references;
	enum resolver_status status;
	int64_t ttl_ms; /* as the servers said; 0 if they found nothing */
	size_t count;
	struct in6_addr addresses[];
};

/* With one reference, the caller's.  Copies at most RESOLVER_ADDRESSES_MAX; NULL: out of memory. */
struct resolver_records *resolver_records_new(
    enum resolver_status status, const struct in6_addr *addresses, size_t count);
struct resolver_records *resolver_records_ref(struct resolver_records *records);
void resolver_records_unref(struct resolver_records *records);

enum resolver_status resolver_records_status(const struct resolver_records *records);
/*
 * What two answers about one name say together.  An address wins; then a failure, for the failed
 * half might have held one; then "exists", for some servers say NXDOMAIN to the kind they lack.
 */
enum resolver_status resolver_status_join(enum resolver_status a, enum resolver_status b);

/*
 * Addresses in the order to be tried: the families take turns, `first` begins, each in its server's
 * order (RFC 8305, 4).  Either may be NULL.  Returns how many.
 */
size_t resolver_records_merge(struct in6_addr out[RESOLVER_ADDRESSES_MAX],
    const struct resolver_records *first, const struct resolver_records *second);

#endif
