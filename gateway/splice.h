/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SPLICE_H
#define GATEWAY_SPLICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Pipes for splice(2): at most `max` in the process, kept by each worker for its next user. */
struct pipe_pool;

#define PIPE_MAX 32 /* in the process: what `left` starts with; each is two descriptors */

struct pipe {
	struct pipe *next; /* in the pool */
	int read, write;
	size_t size;   /* what F_SETPIPE_SZ gave */
	size_t held;   /* bytes inside */
	int64_t since; /* its user's */
};

/* `left` is shared by all pools of the process: how many pipes may still be made. */
struct pipe_pool *pipe_pool_new(atomic_int *left);
void pipe_pool_free(struct pipe_pool *pool);
/* NULL: none free, or only small ones to be had: copy instead. */
struct pipe *pipe_take(struct pipe_pool *pool);
/* A pipe that still holds bytes is closed, an empty one kept. */
void pipe_give(struct pipe_pool *pool, struct pipe *pipe);

/*
 * Move what the socket `to` has room for, and 64 KiB at least, but never more than `most` (> 0),
 * from the socket `from` into the pipe: bytes, 0 = the end, -1 with errno.
 */
ssize_t pipe_fill(struct pipe *pipe, int from, int to, uint64_t most);
/* Move what it holds into a socket: bytes, -1 with errno. */
ssize_t pipe_drain(struct pipe *pipe, int fd);
/* Take everything it holds out, into `bytes`; false if that fails. */
bool pipe_empty(struct pipe *pipe, uint8_t *bytes);

#endif
