/* SPDX-License-Identifier: ISC */
/* Addresses of one name and kind, counted references, and the order in which to try them. */
#include "config.h"

#include "resolver/records.h"

#include <stdlib.h>
#include <string.h>

struct resolver_records *resolver_records_new(
    enum resolver_status status, const struct in6_addr *addresses, size_t count)
{
	struct resolver_records *records;

	if (count > RESOLVER_ADDRESSES_MAX)
		count = RESOLVER_ADDRESSES_MAX;
	records = malloc(sizeof(*records) + count * sizeof(*addresses));
	if (records == NULL)
		return NULL;
	records->references = 1;
	records->status = status;
	records->ttl_ms = 0;
	records->count = count;
	if (count > 0)
		memcpy(records->addresses, addresses, count * sizeof(*addresses));
	return records;
}

struct resolver_records *resolver_records_ref(struct resolver_records *records)
{
	if (records != NULL)
		records->references++;
	return records;
}

void resolver_records_unref(struct resolver_records *records)
{
	if (records != NULL && --records->references == 0)
		free(records);
}

enum resolver_status resolver_records_status(const struct resolver_records *records)
{
	return records == NULL ? RESOLVER_FAILED : records->status;
}

enum resolver_status resolver_status_join(enum resolver_status a, enum resolver_status b)
{
	static const int weight[] = {
	    [RESOLVER_FOUND] = 4,
	    [RESOLVER_FAILED] = 3,
	    [RESOLVER_TIMEOUT] = 2,
	    [RESOLVER_NO_ADDRESS] = 1,
	    [RESOLVER_NOT_FOUND] = 0,
	};

	return weight[a] >= weight[b] ? a : b;
}

size_t resolver_records_merge(struct in6_addr out[RESOLVER_ADDRESSES_MAX],
    const struct resolver_records *first, const struct resolver_records *second)
{
	size_t count = 0, firsts = first == NULL ? 0 : first->count;
	size_t seconds = second == NULL ? 0 : second->count;

	for (size_t i = 0; i < firsts || i < seconds; i++) {
		if (i < firsts && count < RESOLVER_ADDRESSES_MAX)
			out[count++] = first->addresses[i];
		if (i < seconds && count < RESOLVER_ADDRESSES_MAX)
			out[count++] = second->addresses[i];
	}
	return count;
}
