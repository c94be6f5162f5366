/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SPLICE_H
#define GATEWAY_SPLICE_H

#include <stdatomic.h>
#include <stddef.h>

/* Pipes for splice(2): at most `max` in the process, kept by each worker for its next user. */
struct pipe_pool;

struct pipe {
	int read, write;
	size_t size; /* what F_SETPIPE_SZ gave */
	size_t held; /* bytes inside */
};

/* `left` is shared by all pools of the process: how many pipes may still be made. */
struct pipe_pool *pipe_pool_new(atomic_int *left);
void pipe_pool_free(struct pipe_pool *pool);
/* NULL: none free, copy instead. */
struct pipe *pipe_take(struct pipe_pool *pool);
/* A pipe that still holds bytes is closed, an empty one kept. */
void pipe_give(struct pipe_pool *pool, struct pipe *pipe);

#endif
