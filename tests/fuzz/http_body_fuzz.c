/* SPDX-License-Identifier: ISC */
/* Content of messages: one reading however it is cut, ours and http-parser's. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include "gateway/http_body.h"
#include "tests/fuzz/other_reader.h"

struct input {
	enum http_framing framing;
	uint64_t length;
	size_t cut, piece;
	const uint8_t *bytes;
	size_t n;
};
/* One octet for the framing, two for the place of a cut, one for the size of pieces, two for
 * Content-Length, then what the connection brings. */
#define PREFIX 6

struct decoded {
	struct http_body body;
	uint8_t *content;
	size_t length, used;
	bool refused;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- ours ------------------------------------------------------------------------------------- */

/* From an allocation of exactly that length.  What is not of the message stays as it was. */
static void feed(struct decoded *d, const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n);
	size_t content = SIZE_MAX;
	ssize_t used;

	PROMISE(exact);
	memcpy(exact, bytes, n);
	used = http_body_decode(&d->body, exact, n, &content);
	if (used < 0) {
		PROMISE(content == 0 && d->body.reason != REASON_OK && !d->body.ended);
		d->refused = true;
	} else {
		PROMISE((size_t)used <= n && content <= (size_t)used);
		PROMISE((size_t)used == n || d->body.ended);
		PROMISE(memcmp(exact + used, bytes + used, n - (size_t)used) == 0);
		memcpy(d->content + d->length, exact, content);
		d->length += content;
		d->used += (size_t)used;
		PROMISE(d->body.passed == d->length);
	}
	free(exact);
}

/* What may pass unseen does. */
static size_t skip(struct decoded *d, const uint8_t *bytes, size_t n)
{
	uint64_t plain = http_body_plain(&d->body);

	if (plain < n)
		n = (size_t)plain;
	http_body_skip(&d->body, n);
	memcpy(d->content + d->length, bytes, n);
	d->length += n;
	d->used += n;
	return n;
}

static void begin(struct decoded *d, const struct input *in)
{
	memset(d, 0, sizeof(*d));
	d->content = malloc(in->n + 1);
	PROMISE(d->content);
	http_body_begin(&d->body, in->framing, in->length);
}

static void decode(
    struct decoded *d, const struct input *in, size_t cut, size_t piece, bool skipping)
{
	size_t at = 0, n;

	begin(d, in);
	for (n = cut; at < in->n && !d->refused && !d->body.ended; n = piece) {
		if (skipping)
			at += skip(d, in->bytes + at, in->n - at);
		if (n > in->n - at)
			n = in->n - at;
		if (n > 0)
			feed(d, in->bytes + at, n);
		at += n;
	}
}

static void check_same(const struct decoded *one, const struct decoded *other)
{
	PROMISE(one->refused == other->refused && one->body.reason == other->body.reason);
	PROMISE(one->body.passed == other->body.passed && one->body.ended == other->body.ended);
	if (one->refused)
		return;
	PROMISE(one->used == other->used && one->length == other->length);
	PROMISE(memcmp(one->content, other->content, one->length) == 0);
}

static void check_cuts(const struct decoded *whole, const struct input *in)
{
	struct decoded again;

	decode(&again, in, in->cut, in->n, false);
	check_same(whole, &again);
	free(again.content);
	decode(&again, in, in->piece, in->piece, false);
	check_same(whole, &again);
	free(again.content);
	decode(&again, in, 1, in->piece, true);
	check_same(whole, &again);
	free(again.content);
}

/* --- http-parser's ---------------------------------------------------------------------------- */

static void begin_other(struct other_reader *o, const struct input *in, uint8_t *content)
{
	static const char *const heads[] = {[HTTP_BODY_NONE] = "POST / HTTP/1.1\r\n\r\n",
	    [HTTP_BODY_LENGTH] = "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n",
	    [HTTP_BODY_CHUNKED] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	    [HTTP_BODY_CLOSE] = "HTTP/1.1 200 OK\r\n\r\n"};
	char head[80];
	int n = snprintf(head, sizeof(head), heads[in->framing], (size_t)in->length);

	other_begin(o, in->framing == HTTP_BODY_CLOSE ? HTTP_RESPONSE : HTTP_REQUEST, content);
	PROMISE(other_read(o, head, (size_t)n) == (size_t)n && o->head);
}

/* A field that it takes for one of the head's wherever it stands, against RFC 9110, 6.5.1. */
static bool is_framing_trailer(const uint8_t *line, size_t n)
{
	static const char *const names[] = {"Content-Length:", "Transfer-Encoding:"};

	for (size_t i = 0; i < 2; i++)
		if (n >= strlen(names[i]) &&
		    strncasecmp((const char *)line, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* Where it is known to be wrong: a tab is no blank before an extension (RFC 9112, 7.1.1), and
 * trailers that frame. */
static bool is_its_fault(const struct other_reader *o, const struct input *in, size_t at)
{
	if (other_error(o) == HPE_INVALID_CHUNK_SIZE)
		return in->bytes[at] == '\t';
	if (!other_refused_framing(o))
		return false;
	for (size_t i = 2; i < in->n; i++)
		if (in->bytes[i - 1] == '\n' && is_framing_trailer(in->bytes + i, in->n - i))
			return true;
	return false;
}

static void check_other(const struct decoded *d, const struct input *in)
{
	uint8_t *content = malloc(in->n + 1);
	struct other_reader o;
	size_t used = 0;

	PROMISE(content);
	begin_other(&o, in, content);
	if (!o.whole)
		used = other_read(&o, in->bytes, in->n);
	if (other_error(&o) != HPE_OK && other_error(&o) != HPE_PAUSED) {
		PROMISE(is_its_fault(&o, in, used));
	} else {
		PROMISE(o.whole == d->body.ended && used == d->used);
		PROMISE(o.length == d->length);
		PROMISE(memcmp(o.content, d->content, d->length) == 0);
	}
	free(content);
}

/* --- framed anew ------------------------------------------------------------------------------ */

/* The content in chunks of ours, from margins that nothing else may touch. */
static size_t frame(uint8_t *to, const struct decoded *d, size_t piece)
{
	size_t n = 0, at = 0;

	do {
		size_t take = piece < d->length - at ? piece : d->length - at, length = take;
		uint8_t *exact = malloc(take + 2 * HTTP_CHUNK_MARGIN);
		uint8_t *bytes = exact + HTTP_CHUNK_MARGIN;

		PROMISE(exact);
		memcpy(bytes, d->content + at, take);
		at += take;
		http_chunk_frame(&bytes, &length, at == d->length);
		memcpy(to + n, bytes, length);
		n += length;
		free(exact);
	} while (at < d->length);
	return n;
}

static void check_framed(const struct decoded *d, size_t piece)
{
	size_t room = d->length + (d->length / piece + 2) * 2 * HTTP_CHUNK_MARGIN;
	uint8_t *framed = malloc(room);
	struct input again = {.framing = HTTP_BODY_CHUNKED, .bytes = framed};
	struct decoded ours;

	PROMISE(framed);
	again.n = frame(framed, d, piece);
	decode(&ours, &again, again.n, again.n, false);
	PROMISE(ours.body.ended && ours.used == again.n && ours.length == d->length);
	PROMISE(memcmp(ours.content, d->content, d->length) == 0);
	check_other(&ours, &again);
	free(ours.content);
	free(framed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decoded whole;
	struct input in;

	if (size <= PREFIX)
		return 0;
	in.bytes = data + PREFIX;
	in.n = size - PREFIX;
	in.framing = data[0] % 4;
	in.cut = (size_t)(data[1] << 8 | data[2]) % in.n;
	in.piece = 1 + data[3];
	in.length = in.framing == HTTP_BODY_LENGTH ? (uint64_t)(data[4] << 8 | data[5]) : 0;
	decode(&whole, &in, in.n, in.n, false);
	check_cuts(&whole, &in);
	if (!whole.refused) {
		check_other(&whole, &in);
		check_framed(&whole, in.piece);
	}
	free(whole.content);
	return 0;
}
