/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_BUCKET_H
#define GATEWAY_BUCKET_H

#include <stddef.h>
#include <stdint.h>

/*
 * A bandwidth that several share by turns: each takes a slice and is told from when on it may use
 * it, first come, first served (the generic cell rate algorithm of ATM as a shaper, ITU-T I.371).
 * Pure; all zero at first.  Rates are bytes a second, more than 0; times are nanoseconds of a clock
 * that never goes back.
 */
struct bucket {
	int64_t next_ns; /* from when on the next slice may be used */
};

#define BUCKET_SLICE_MS 10
#define BUCKET_SLICE_MIN 2048
#define BUCKET_SLICE_MAX (1 << 20)
/* Who comes late by this may make up for it. */
#define BUCKET_LATE_NS INT64_C(100000000)

/* How much is worth taking at once. */
size_t bucket_slice(uint64_t rate);
/* Take so much: from when on it may be used. */
int64_t bucket_take(struct bucket *bucket, uint64_t rate, uint64_t bytes, int64_t now_ns);
/* So much of what was taken is not needed. */
void bucket_give_back(struct bucket *bucket, uint64_t rate, uint64_t bytes);

#endif
