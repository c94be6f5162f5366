/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_BUFFER_H
#define GATEWAY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes on their way: data[start .. end).  A buffer never grows past its maximum, owns no memory
 * while it is empty and untouched, and wipes what it held before it gives memory back.
 */
#define BUFFER_BLOCK 2048 /* the size that a pool keeps: every SOCKS message and most heads fit */

#define BUFFER_KEPT 64 /* blocks in a pool at most */

/* Blocks kept for reuse by one worker; never shared between threads.  All zero = empty. */
struct buffer_pool {
	void *free;
	unsigned count;
};

struct buffer {
	uint8_t *data;
	size_t start, end; /* the bytes that are held */
	size_t size;       /* of the allocation */
	size_t max;        /* hard ceiling of end - start */
	struct buffer_pool *pool;
};

/* An empty buffer of at most `max` bytes; `pool` may be NULL. */
void buffer_init(struct buffer *b, struct buffer_pool *pool, size_t max);
/* Wipe, give the memory back, leave an empty buffer that may be used again. */
void buffer_clear(struct buffer *b);

static inline size_t buffer_length(const struct buffer *b)
{
	return b->end - b->start;
}
/* NULL if nothing was ever written. */
static inline uint8_t *buffer_bytes(const struct buffer *b)
{
	return b->data ? b->data + b->start : b->data;
}

/*
 * Room for `want` more bytes, or fewer if the ceiling is nearer: sets *got and returns where to
 * write.  NULL with *got = 0 if the buffer is full or memory is.  buffer_commit() then says how
 * many were written.
 */
uint8_t *buffer_room(struct buffer *b, size_t want, size_t *got);
void buffer_commit(struct buffer *b, size_t n);

/* All or nothing; false if the bytes do not fit under the ceiling. */
bool buffer_add(struct buffer *b, const void *bytes, size_t n);
bool buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forget the first n bytes (wiped; memory goes back when the last byte has gone). */
void buffer_consume(struct buffer *b, size_t n);

/* Free what a pool keeps. */
void buffer_pool_clear(struct buffer_pool *pool);

#endif
