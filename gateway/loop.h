/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LOOP_H
#define GATEWAY_LOOP_H

#include <event2/event.h>

#include "gateway/buffer.h"

struct resolver;
struct pipe_pool;
struct stream;

/*
 * What all carriers of one worker share.  Owned by the worker's thread; start it as all zero, then
 * fill in the first part.
 */
struct loop {
	struct event_base *base;
	struct resolver *resolver;
	struct buffer_pool buffers;
	struct pipe_pool *pipes; /* NULL: never splice */
	uint8_t *scratch;        /* LOOP_SCRATCH bytes, free between two callbacks */

	/* The carriers' own. */
	struct stream *told; /* whose ready() runs just now */
	unsigned sources;    /* how often a source address was chosen: they take turns */
};
#define LOOP_SCRATCH 65536

/* Milliseconds of the monotonic clock. */
int64_t loop_now(void);
/* The same, up to a tick of the kernel (10 ms) behind, but nearly free: for what happens often. */
int64_t loop_lately(void);

#endif
