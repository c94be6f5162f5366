/* SPDX-License-Identifier: ISC */
/* When the next byte may pass. */
#include "config.h"

#include "gateway/bucket.h"

#define SECOND_NS 1e9

size_t bucket_slice(uint64_t rate)
{
	uint64_t slice = rate / (1000 / BUCKET_SLICE_MS);

	if (slice < BUCKET_SLICE_MIN)
		return BUCKET_SLICE_MIN;
	return slice < BUCKET_SLICE_MAX ? (size_t)slice : BUCKET_SLICE_MAX;
}

static int64_t duration(uint64_t rate, uint64_t bytes)
{
	return (int64_t)((double)bytes * SECOND_NS / (double)rate);
}

int64_t bucket_take(struct bucket *b, uint64_t rate, uint64_t bytes, int64_t now_ns)
{
	int64_t from = b->next_ns;

	if (from == 0)
		from = now_ns;
	else if (from < now_ns - BUCKET_LATE_NS)
		from = now_ns - BUCKET_LATE_NS;
	b->next_ns = from + duration(rate, bytes);
	return from;
}

void bucket_give_back(struct bucket *b, uint64_t rate, uint64_t bytes)
{
	b->next_ns -= duration(rate, bytes);
}
