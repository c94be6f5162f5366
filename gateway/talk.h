/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_TALK_H
#define GATEWAY_TALK_H

#include "gateway/handshake.h"
#include "gateway/stream.h"

/* A handshake with one hop over a stream that reaches it: the pure function and the bytes. */
struct talk {
	struct handshake handshake;
	struct buffer in, out;
	struct stream *stream;
	uint8_t heard[2]; /* the hop's first bytes */
	size_t heard_count;
};

/* What the hop wants to know of us, to be wiped after use; no user: nothing.  Returns c. */
const struct credentials *talk_credentials(struct credentials *c, const struct hop *hop);

void talk_init(struct talk *t, struct loop *loop);
void talk_clear(struct talk *t); /* wipes; the stream is not its own */

/* `as` is the hop's protocol, except for HOP_SOCKS, which is said as SOCKS5 or SOCKS4a. */
void talk_begin(struct talk *t, struct stream *stream, const struct hop *hop, enum hop_protocol as,
    const struct request *request);
/*
 * The stream is ready; events 0 to say the first word.  HS_MORE: waits by stream_want().  HS_DONE:
 * what came after the answer was given back to the stream.  HS_FAIL: handshake.reason and detail.
 */
enum hs talk_on(struct talk *t, int events);
/* Was the answer, if any, one that no SOCKS5 server gives?  A refusal is an answer. */
bool talk_is_foreign(const struct talk *t);

#endif
