/* SPDX-License-Identifier: ISC */
/* The bytes of a client's handshake: read, fed, written, and the surplus given back. */
#include "config.h"

#include "gateway/talk.h"

#include <errno.h>
#include <string.h>

void talk_init(struct talk *t, struct loop *loop)
{
	memset(t, 0, sizeof *t);
	buffer_init(&t->in, &loop->buffers, CLIENT_HANDSHAKE_MAX);
	buffer_init(&t->out, &loop->buffers, CLIENT_HANDSHAKE_MAX);
}

void talk_clear(struct talk *t)
{
	buffer_clear(&t->in);
	buffer_clear(&t->out);
	handshake_clear(&t->handshake);
	t->heard_count = 0;
	t->stream = NULL;
}

const struct credentials *talk_credentials(struct credentials *c, const struct hop *hop)
{
	memset(c, 0, sizeof *c);
	if (hop->user != NULL) {
		c->user_length = strnlen(hop->user, CREDENTIAL_MAX);
		memcpy(c->user, hop->user, c->user_length);
	}
	if (hop->password != NULL) {
		c->password_length = strnlen(hop->password, CREDENTIAL_MAX);
		memcpy(c->password, hop->password, c->password_length);
	}
	return c;
}

void talk_begin(struct talk *t, struct stream *stream, const struct hop *hop, enum hop_protocol as,
    const struct request *request)
{
	static void (*const init[])(
	    struct handshake *, const struct request *, const struct credentials *) = {
	    [HOP_SOCKS4] = socks4_client_init,
	    [HOP_SOCKS4A] = socks4a_client_init,
	    [HOP_SOCKS5] = socks5_client_init,
	    [HOP_HTTP] = http_client_init,
	};
	struct credentials credentials;

	talk_credentials(&credentials, hop);
	init[as](&t->handshake, request, &credentials);
	explicit_bzero(&credentials, sizeof credentials);
	t->stream = stream;
}

/* A hop that takes nothing more may have said why: that is for the next read to find. */
static void flush(struct talk *t)
{
	while (buffer_length(&t->out) > 0) {
		ssize_t n = stream_write(t->stream, buffer_bytes(&t->out), buffer_length(&t->out));

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			buffer_clear(&t->out);
		if (n < 0)
			return;
		buffer_consume(&t->out, (size_t)n);
	}
}

static enum hs fail(struct talk *t, enum reason reason)
{
	t->handshake.reason = reason;
	return HS_FAIL;
}

static enum hs say(struct talk *t)
{
	enum hs hs = t->handshake.ops->feed(&t->handshake, &t->in, &t->out);
	int wait = hs == HS_MORE ? STREAM_READ : 0;

	if (hs == HS_FAIL)
		return hs;
	flush(t);
	if (buffer_length(&t->out) > 0)
		wait |= STREAM_WRITE;
	if (wait != 0) {
		stream_want(t->stream, wait);
		return HS_MORE;
	}
	if (stream_unread(t->stream, buffer_bytes(&t->in), buffer_length(&t->in)) < 0)
		return fail(t, REASON_RESOURCES);
	return HS_DONE;
}

enum hs talk_on(struct talk *t, int events)
{
	uint8_t *bytes;
	size_t room;
	ssize_t n;

	if ((events & STREAM_READ) == 0)
		return say(t);
	bytes = buffer_room(&t->in, BUFFER_BLOCK, &room);
	if (bytes == NULL) /* every handshake gives up before its buffer is full */
		return fail(t, REASON_RESOURCES);
	n = stream_read(t->stream, bytes, room);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return say(t);
	for (ssize_t i = 0; i < n && t->heard_count < sizeof t->heard; i++)
		t->heard[t->heard_count++] = bytes[i];
	if (n > 0)
		buffer_commit(&t->in, (size_t)n);
	else
		handshake_end(&t->handshake, &t->in);
	return say(t);
}

bool talk_is_foreign(const struct talk *t)
{
	return t->heard_count < sizeof t->heard || t->heard[0] != 5;
}
