/* SPDX-License-Identifier: ISC */
/* Pipes through which bulk moves from socket to socket without being copied. */
#include "config.h"

#include "gateway/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sock_diag.h>

#define PIPE_SIZE (1 << 20)
#define PIPE_SMALL 65536 /* below this copying is cheaper */
#define PIPES_KEPT 8     /* by one worker; the others shall have some too */
#define SMALL_REST 1024  /* so many times nothing is made after only a small one was to be had */

struct pipe_pool {
	atomic_int *left;
	struct pipe *free;
	unsigned kept;
	unsigned rest;
};

struct pipe_pool *pipe_pool_new(atomic_int *left)
{
	struct pipe_pool *pool = calloc(1, sizeof *pool);

	if (pool != NULL)
		pool->left = left;
	return pool;
}

static void close_pipe(struct pipe_pool *pool, struct pipe *pipe)
{
	close(pipe->read);
	close(pipe->write);
	free(pipe);
	atomic_fetch_add(pool->left, 1);
}

void pipe_pool_free(struct pipe_pool *pool)
{
	struct pipe *pipe;

	if (pool == NULL)
		return;
	while ((pipe = pool->free) != NULL) {
		pool->free = pipe->next;
		close_pipe(pool, pipe);
	}
	free(pool);
}

/* One of the process's number, or false. */
static bool reserve(struct pipe_pool *pool)
{
	int left = atomic_load(pool->left);

	while (left > 0)
		if (atomic_compare_exchange_weak(pool->left, &left, left - 1))
			return true;
	return false;
}

static struct pipe *make(struct pipe_pool *pool)
{
	struct pipe *pipe;
	int ends[2], size;

	if (!reserve(pool))
		return NULL;
	pipe = calloc(1, sizeof *pipe);
	if (pipe == NULL)
		goto fail;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		goto fail;
	/* An ordinary user's share of pipe memory is soon used up. */
	size = fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
	if (size < 0)
		size = fcntl(ends[1], F_GETPIPE_SZ);
	pipe->read = ends[0];
	pipe->write = ends[1];
	if (size < PIPE_SMALL) {
		pool->rest = SMALL_REST;
		close_pipe(pool, pipe);
		return NULL;
	}
	pipe->size = (size_t)size;
	return pipe;
fail:
	free(pipe);
	atomic_fetch_add(pool->left, 1);
	return NULL;
}

struct pipe *pipe_take(struct pipe_pool *pool)
{
	struct pipe *pipe;

	if (pool == NULL)
		return NULL;
	pipe = pool->free;
	if (pipe != NULL) {
		pool->free = pipe->next;
		pool->kept--;
		return pipe;
	}
	if (pool->rest > 0) {
		pool->rest--;
		return NULL;
	}
	return make(pool);
}

void pipe_give(struct pipe_pool *pool, struct pipe *pipe)
{
	/* The last one of the process is not kept, lest another worker never gets any. */
	if (pipe->held > 0 || pool->kept == PIPES_KEPT || atomic_load(pool->left) == 0) {
		close_pipe(pool, pipe);
		return;
	}
	pipe->next = pool->free;
	pool->free = pipe;
	pool->kept++;
}

/*
 * The room in a socket's send queue.  The more is moved at once the cheaper a byte is (a third of
 * the price with 1 MiB instead of 256 KiB), but what the receiver does not take at once has to
 * be kept for it, perhaps for hours.
 */
static size_t room(int fd)
{
	uint32_t memory[SK_MEMINFO_VARS] = {0};
	socklen_t size = sizeof memory;
	uint32_t used;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) < 0)
		return 0;
	used = memory[SK_MEMINFO_WMEM_QUEUED]; /* TCP; unix sockets count the other */
	if (used < memory[SK_MEMINFO_WMEM_ALLOC])
		used = memory[SK_MEMINFO_WMEM_ALLOC];
	return memory[SK_MEMINFO_SNDBUF] > used ? memory[SK_MEMINFO_SNDBUF] - used : 0;
}

ssize_t pipe_fill(struct pipe *pipe, int from, int to, uint64_t most)
{
	size_t n = room(to);
	ssize_t moved;

	if (n < PIPE_SMALL)
		n = PIPE_SMALL;
	if (n > pipe->size)
		n = pipe->size;
	if (n > most)
		n = (size_t)most;
	moved = splice(from, NULL, pipe->write, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (moved > 0)
		pipe->held += (size_t)moved;
	return moved;
}

ssize_t pipe_drain(struct pipe *pipe, int fd)
{
	ssize_t moved =
	    splice(pipe->read, NULL, fd, NULL, pipe->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (moved > 0)
		pipe->held -= (size_t)moved;
	return moved;
}

bool pipe_empty(struct pipe *pipe, uint8_t *bytes)
{
	while (pipe->held > 0) {
		ssize_t n = read(pipe->read, bytes, pipe->held);

		if (n <= 0)
			return false;
		bytes += n;
		pipe->held -= (size_t)n;
	}
	return true;
}
