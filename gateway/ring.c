/* SPDX-License-Identifier: ISC */
/*
 * The positions only grow; a record never wraps: one that would is preceded by a record that says
 * skip to the start.  Everything is a multiple of the head's size, so a head always fits.
 */
#include "config.h"

#include "gateway/ring.h"

#include <assert.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define UNIT sizeof(struct ring_record)
#define SKIP UINT32_MAX
#define CACHE_LINE 64

static_assert(sizeof(struct ring_record) == 16, "positions are multiples of 16");

struct ring {
	alignas(CACHE_LINE) _Atomic size_t written; /* moved by the writer only */
	alignas(CACHE_LINE) _Atomic size_t read;    /* moved by the reader only */
	alignas(CACHE_LINE) size_t size;
	char *data;
};

struct ring *ring_new(size_t size)
{
	struct ring *ring;

	assert(size >= 4 * UNIT && (size & (size - 1)) == 0);
	ring = aligned_alloc(CACHE_LINE, sizeof(*ring));
	if (ring == NULL)
		return NULL;
	atomic_init(&ring->written, 0);
	atomic_init(&ring->read, 0);
	ring->size = size;
	ring->data = malloc(size);
	if (ring->data == NULL) {
		free(ring);
		return NULL;
	}
	return ring;
}

void ring_free(struct ring *ring)
{
	if (ring == NULL)
		return;
	free(ring->data);
	free(ring);
}

static size_t room_of(uint32_t length)
{
	return UNIT + ((size_t)length + UNIT - 1) / UNIT * UNIT;
}

bool ring_put(struct ring *ring, const struct ring_record *record, const void *bytes)
{
	size_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
	size_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
	size_t need = room_of(record->length), at = written & (ring->size - 1), skip = 0;

	if (record->length > ring->size / 4)
		return false;
	if (ring->size - at < need)
		skip = ring->size - at;
	if (ring->size - (written - read) < skip + need)
		return false;
	if (skip > 0) {
		const struct ring_record jump = {.length = SKIP};

		memcpy(ring->data + at, &jump, UNIT);
		at = 0;
	}
	memcpy(ring->data + at, record, UNIT);
	memcpy(ring->data + at + UNIT, bytes, record->length);
	/* Sequentially consistent: the writer looks next whether the reader sleeps, the reader
	 * says that it does and then looks here; one of the two must see the other. */
	atomic_store(&ring->written, written + skip + need);
	return true;
}

size_t ring_used(const struct ring *ring)
{
	return atomic_load_explicit(&ring->written, memory_order_relaxed) -
	    atomic_load_explicit(&ring->read, memory_order_relaxed);
}

bool ring_peek(struct ring *ring, struct ring_record *record, const char **bytes)
{
	size_t read = atomic_load_explicit(&ring->read, memory_order_relaxed), at;

	for (;;) {
		if (read == atomic_load(&ring->written))
			return false;
		at = read & (ring->size - 1);
		memcpy(record, ring->data + at, UNIT);
		if (record->length != SKIP)
			break;
		read += ring->size - at;
		atomic_store_explicit(&ring->read, read, memory_order_release);
	}
	*bytes = ring->data + at + UNIT;
	return true;
}

void ring_pop(struct ring *ring)
{
	size_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
	struct ring_record record;

	memcpy(&record, ring->data + (read & (ring->size - 1)), UNIT);
	atomic_store_explicit(&ring->read, read + room_of(record.length), memory_order_release);
}
