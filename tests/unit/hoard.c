/* SPDX-License-Identifier: ISC */
/* Records of a type, a length and bytes, under a key that runs on. */
#include "config.h"

#include "tests/unit/hoard.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 3
#define RECORD_MAX 3000
#define ASK_EVERY 5 /* data records */
#define HOARD_MAX 40000

enum { HELLO = 'h', DATA = 'd', ASK = 'a', ACK = 'k', END = 'e' };

struct hoard {
	struct stream_layer layer;
	uint8_t in[HOARD_MAX], out[4 * HEADER + RECORD_MAX];
	size_t in_start, in_end, out_start, out_end;
	uint8_t in_key, out_key;
	size_t data;    /* what is left of the record that is being read */
	size_t owed;    /* bytes of a write that is in `out` but was answered with EAGAIN */
	unsigned sum;   /* of these bytes */
	unsigned count; /* data records written */
	unsigned given; /* reads answered */
	bool said_hello, heard_hello, said_end, heard_end;
	bool asks;
	int read_needs, write_needs;
};

static struct hoard *of(const struct stream_layer *l)
{
	return (struct hoard *)l;
}

static uint8_t next_key(uint8_t key)
{
	return (uint8_t)(key * 5 + 77);
}

static unsigned sum_of(const uint8_t *bytes, size_t n)
{
	unsigned sum = 1;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + bytes[i];
	return sum;
}

static void put_record(struct hoard *h, uint8_t type, const void *bytes, size_t n)
{
	uint8_t *record = h->out + h->out_end;

	assert(HEADER + n <= sizeof h->out - h->out_end);
	record[0] = type;
	record[1] = (uint8_t)(n >> 8);
	record[2] = (uint8_t)n;
	if (n > 0)
		memcpy(record + HEADER, bytes, n);
	for (size_t i = 0; i < HEADER + n; i++, h->out_key = next_key(h->out_key))
		record[i] ^= h->out_key;
	h->out_end += HEADER + n;
}

/* 0, or -1 with errno. */
static int flush(struct hoard *h)
{
	while (h->out_start < h->out_end) {
		ssize_t n =
		    stream_lower_write(&h->layer, h->out + h->out_start, h->out_end - h->out_start);

		if (n < 0)
			return -1;
		h->out_start += (size_t)n;
	}
	h->out_start = h->out_end = 0;
	return 0;
}

/* Take all there is below: 1 something came, 0 the end, -1 errno. */
static int fill(struct hoard *h)
{
	int result = -1;

	memmove(h->in, h->in + h->in_start, h->in_end - h->in_start);
	h->in_end -= h->in_start;
	h->in_start = 0;
	while (h->in_end < sizeof h->in) {
		uint8_t *bytes = h->in + h->in_end;
		ssize_t n = stream_lower_read(&h->layer, bytes, sizeof h->in - h->in_end);

		if (n <= 0)
			return result > 0 ? result : (int)n;
		for (ssize_t i = 0; i < n; i++, h->in_key = next_key(h->in_key))
			bytes[i] ^= h->in_key;
		h->in_end += (size_t)n;
		result = 1;
	}
	return result;
}

/* Read a header, and do what it says: 1 done, 0 the end, -1 errno. */
static int next_record(struct hoard *h)
{
	const uint8_t *record;

	while (h->in_end - h->in_start < HEADER) {
		int result = fill(h);

		if (result <= 0)
			return result;
	}
	record = h->in + h->in_start;
	h->in_start += HEADER;
	switch (record[0]) {
	case HELLO:
		h->heard_hello = true;
		break;
	case DATA:
		h->data = (size_t)record[1] << 8 | record[2];
		break;
	case ASK:
		if (!h->said_end) /* its last word was said */
			put_record(h, ACK, NULL, 0);
		break;
	case END:
		h->heard_end = true;
		break;
	default:
		assert(record[0] == ACK);
	}
	return 1;
}

static int shake(struct hoard *h, int *needs)
{
	if (!h->said_hello)
		put_record(h, HELLO, NULL, 0);
	h->said_hello = true;
	*needs = STREAM_WRITE;
	if (flush(h) < 0)
		return -1;
	*needs = STREAM_READ;
	while (!h->heard_hello) {
		int result = next_record(h);

		if (result == 0)
			errno = ECONNRESET;
		if (result <= 0)
			return -1;
	}
	return 0;
}

static int hoard_handshake(struct stream_layer *l)
{
	return shake(of(l), &of(l)->read_needs);
}

static ssize_t give(struct hoard *h, void *bytes, size_t n)
{
	static const size_t bites[] = {1, 700, 20, 3000};
	size_t held = h->in_end - h->in_start;
	size_t bite = bites[h->given++ % 4];

	n = n < bite ? n : bite;
	n = n < h->data ? n : h->data;
	n = n < held ? n : held;
	memcpy(bytes, h->in + h->in_start, n);
	h->in_start += n;
	h->data -= n;
	return (ssize_t)n;
}

static ssize_t hoard_read(struct stream_layer *l, void *bytes, size_t n)
{
	struct hoard *h = of(l);
	int result = shake(h, &h->read_needs);

	while (result >= 0 && !h->heard_end) {
		h->read_needs = STREAM_WRITE;
		if (flush(h) < 0)
			return -1;
		h->read_needs = STREAM_READ;
		if (h->data > 0 && h->in_start < h->in_end)
			return give(h, bytes, n);
		result = h->data > 0 ? fill(h) : next_record(h);
		if (result == 0) {
			errno = ECONNRESET;
			result = -1;
		}
	}
	return result < 0 ? -1 : 0;
}

static ssize_t hoard_write(struct stream_layer *l, const void *bytes, size_t n)
{
	struct hoard *h = of(l);
	size_t done;

	if (shake(h, &h->write_needs) < 0)
		return -1;
	h->write_needs = STREAM_WRITE;
	if (flush(h) < 0)
		return -1;
	if (h->owed == 0) {
		h->owed = n < RECORD_MAX ? n : RECORD_MAX;
		h->sum = sum_of(bytes, h->owed);
		if (h->asks && h->count++ % ASK_EVERY == 0)
			put_record(h, ASK, NULL, 0);
		put_record(h, DATA, bytes, h->owed);
		if (flush(h) < 0)
			return -1;
	}
	assert(h->owed <= n && sum_of(bytes, h->owed) == h->sum);
	done = h->owed;
	h->owed = 0;
	return (ssize_t)done;
}

static int hoard_shutdown(struct stream_layer *l)
{
	struct hoard *h = of(l);

	if (shake(h, &h->write_needs) < 0)
		return -1;
	h->write_needs = STREAM_WRITE;
	if (!h->said_end && flush(h) < 0)
		return -1;
	if (!h->said_end)
		put_record(h, END, NULL, 0);
	h->said_end = true;
	return flush(h);
}

static int hoard_needs(const struct stream_layer *l, int events)
{
	const struct hoard *h = of(l);

	return (events & STREAM_READ ? h->read_needs : 0) |
	    (events & STREAM_WRITE ? h->write_needs : 0);
}

static bool hoard_pending(const struct stream_layer *l)
{
	const struct hoard *h = of(l);
	size_t held = h->in_end - h->in_start;

	if (h->out_start < h->out_end || h->heard_end)
		return false;
	return h->data > 0 ? held > 0 : held >= HEADER;
}

static void hoard_free(struct stream_layer *l)
{
	free(of(l));
}

static const struct stream_layer_ops ops = {
    .handshake = hoard_handshake,
    .read = hoard_read,
    .write = hoard_write,
    .shutdown = hoard_shutdown,
    .needs = hoard_needs,
    .pending = hoard_pending,
    .free = hoard_free,
};

struct stream_layer *hoard_new(void)
{
	struct hoard *h = calloc(1, sizeof *h);

	assert(h != NULL);
	h->layer.ops = &ops;
	h->in_key = h->out_key = 99;
	h->read_needs = STREAM_READ;
	h->write_needs = STREAM_WRITE;
	return &h->layer;
}

struct stream_layer *hoard_new_far(void)
{
	struct stream_layer *l = hoard_new();

	of(l)->asks = true;
	return l;
}
