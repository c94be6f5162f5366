/* SPDX-License-Identifier: ISC */
/* Content between two framings. */
#include "config.h"

#include "gateway/http_coder.h"

#include <string.h>

static enum flow_state decode(struct flow_codec *codec, uint8_t *bytes, size_t *n, size_t *surplus)
{
	struct http_coder *c = (struct http_coder *)codec;
	ssize_t used = 0;
	size_t content = 0;

	if (*n > 0)
		used = http_body_decode(&c->body, bytes, *n, &content);
	else if (!http_body_finish(&c->body))
		used = -1;
	if (used < 0)
		return FLOW_REFUSED;
	*surplus = *n - (size_t)used;
	*n = content;
	c->surplus |= *surplus > 0;
	return c->body.ended ? FLOW_ENDED : FLOW_MORE;
}

static void frame(struct flow_codec *codec, uint8_t **bytes, size_t *n, bool last)
{
	const struct http_coder *c = (const struct http_coder *)codec;

	if (c->framing == HTTP_BODY_CHUNKED)
		http_chunk_frame(bytes, n, last);
}

static uint64_t plain(const struct flow_codec *codec)
{
	const struct http_coder *c = (const struct http_coder *)codec;

	return c->framing == HTTP_BODY_CHUNKED ? 0 : http_body_plain(&c->body);
}

static enum flow_state moved(struct flow_codec *codec, uint64_t n)
{
	struct http_coder *c = (struct http_coder *)codec;

	http_body_skip(&c->body, n);
	return c->body.ended ? FLOW_ENDED : FLOW_MORE;
}

void http_coder_init(
    struct http_coder *c, enum http_framing from, uint64_t length, enum http_framing to)
{
	static const struct flow_codec_ops ops = {
	    .decode = decode, .frame = frame, .plain = plain, .moved = moved};

	*c = (struct http_coder){.codec.ops = &ops, .framing = to};
	http_body_begin(&c->body, from, length);
}

ssize_t http_coder_begin(struct http_coder *c, uint8_t *bytes, size_t n, struct buffer *out)
{
	size_t content = n, surplus = 0, room;
	uint8_t *to, *framed;
	bool ended;

	if (n == 0 || c->body.ended) {
		c->surplus = n > 0;
		return 0;
	}
	if (decode(&c->codec, bytes, &content, &surplus) == FLOW_REFUSED)
		return -1;
	ended = c->body.ended;
	if (content == 0 && !ended)
		return (ssize_t)n;
	to = buffer_room(out, content + 2 * HTTP_CHUNK_MARGIN, &room);
	if (to == NULL || room < content + 2 * HTTP_CHUNK_MARGIN) {
		c->body.reason = REASON_RESOURCES;
		return -1;
	}
	framed = to + HTTP_CHUNK_MARGIN;
	memcpy(framed, bytes, content);
	frame(&c->codec, &framed, &content, ended);
	memmove(to, framed, content);
	buffer_commit(out, content);
	return (ssize_t)(n - surplus);
}
