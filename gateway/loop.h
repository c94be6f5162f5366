/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LOOP_H
#define GATEWAY_LOOP_H

#include <event2/event.h>

#include "gateway/buffer.h"

struct resolver;
struct pipe_pool;

/* What all carriers of one worker share.  Owned by the worker's thread. */
struct loop {
	struct event_base *base;
	struct resolver *resolver;
	struct buffer_pool buffers;
	struct pipe_pool *pipes; /* NULL: never splice */
	uint8_t *scratch;        /* LOOP_SCRATCH bytes, free between two callbacks */
};
#define LOOP_SCRATCH 65536

/* Milliseconds of the monotonic clock. */
int64_t loop_now(void);

#endif
