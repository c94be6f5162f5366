/* SPDX-License-Identifier: ISC */
/* Bytes on their way: bounded, pooled, wiped. */
#include "config.h"

#include "gateway/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a free block holds: the way to the next one. */
struct link {
	struct link *next;
};

static uint8_t *take(struct buffer_pool *pool, size_t size)
{
	struct link *block = pool && size == BUFFER_BLOCK ? pool->free : NULL;

	if (!block)
		return malloc(size);
	pool->free = block->next;
	pool->count--;
	block->next = NULL;
	return (uint8_t *)block;
}

/* Also what was never committed may be secret: a reader writes before it knows how much counts. */
static void give(struct buffer_pool *pool, uint8_t *bytes, size_t size)
{
	struct link *block;

	if (!bytes)
		return;
	explicit_bzero(bytes, size);
	if (!pool || size != BUFFER_BLOCK || pool->count >= BUFFER_KEPT) {
		free(bytes);
		return;
	}
	block = (struct link *)bytes;
	block->next = pool->free;
	pool->free = block;
	pool->count++;
}

static void release(struct buffer *b)
{
	give(b->pool, b->data, b->size);
	b->data = NULL;
	b->start = b->end = b->size = 0;
}

void buffer_init(struct buffer *b, struct buffer_pool *pool, size_t max)
{
	*b = (struct buffer){.pool = pool, .max = max};
}

void buffer_clear(struct buffer *b)
{
	release(b);
}

void buffer_pool_clear(struct buffer_pool *pool)
{
	struct link *block;

	while ((block = pool->free)) {
		pool->free = block->next;
		free(block);
	}
	pool->count = 0;
}

static void compact(struct buffer *b)
{
	size_t held = buffer_length(b);

	memmove(b->data, b->data + b->start, held);
	explicit_bzero(b->data + held, b->start);
	b->start = 0;
	b->end = held;
}

/* Move to an allocation that holds `need` bytes; no more than the ceiling asks for. */
static bool grow(struct buffer *b, size_t need)
{
	size_t size = BUFFER_BLOCK, held = buffer_length(b);
	uint8_t *bytes;

	while (size < need)
		size = size > b->max / 2 ? b->max : size * 2;
	bytes = take(b->pool, size);
	if (!bytes)
		return false;
	if (held > 0)
		memcpy(bytes, b->data + b->start, held);
	give(b->pool, b->data, b->size);
	b->data = bytes;
	b->size = size;
	b->start = 0;
	b->end = held;
	return true;
}

uint8_t *buffer_room(struct buffer *b, size_t want, size_t *got)
{
	size_t held = buffer_length(b), left = b->max > held ? b->max - held : 0;

	if (want > left)
		want = left;
	*got = 0;
	if (want == 0)
		return NULL;
	if (b->size - b->end < want && b->start > 0 && b->size - held >= want)
		compact(b);
	if (b->size - b->end < want && !grow(b, held + want))
		return NULL;
	*got = want;
	return b->data + b->end;
}

void buffer_commit(struct buffer *b, size_t n)
{
	assert(n <= b->size - b->end);
	b->end += n;
}

bool buffer_add(struct buffer *b, const void *bytes, size_t n)
{
	size_t got;

	if (n == 0)
		return true;
	if (buffer_length(b) > b->max || n > b->max - buffer_length(b))
		return false;
	if (b->size - b->end < n && !buffer_room(b, n, &got))
		return false;
	memcpy(b->data + b->end, bytes, n);
	buffer_commit(b, n);
	return true;
}

bool buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list arguments;
	char *text;
	bool fits;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0)
		return false;
	fits = buffer_add(b, text, (size_t)n);
	explicit_bzero(text, (size_t)n);
	free(text);
	return fits;
}

void buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= buffer_length(b));
	if (n == buffer_length(b)) {
		release(b);
		return;
	}
	explicit_bzero(b->data + b->start, n);
	b->start += n;
}
