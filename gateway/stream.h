/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include <sys/types.h>

#include "gateway/loop.h"

/*
 * A connected socket with zero or more layers (TLS) on top.  Non-blocking: try first, wait only
 * after EAGAIN.  A stream that is not waited for has no event in the loop.
 */
struct stream;

/*
 * STREAM_END cannot be waited for: it is told with STREAM_READ when the peer's FIN is known to lie
 * behind the bytes that can be read, so that reading on is worth it.
 */
enum { STREAM_READ = 1, STREAM_WRITE = 2, STREAM_END = 4 };

/* Takes over the non-blocking socket fd.  NULL: out of memory, fd is then still the caller's. */
struct stream *stream_new(struct loop *loop, int fd);
void stream_free(struct stream *s);  /* closes; NULL is allowed */
void stream_abort(struct stream *s); /* closes so that the peer sees a reset */

struct loop *stream_loop(const struct stream *s);

/* Whom to tell; may be changed at any time, also from inside ready(). */
void stream_handler(struct stream *s, void (*ready)(void *arg, int events), void *arg);
/*
 * Which readiness to be told of, until changed: STREAM_READ | STREAM_WRITE, 0 = none.  Level-
 * triggered, and told from the loop only, never from inside.  Bytes that a layer holds or that
 * were unread count as readable.
 */
void stream_want(struct stream *s, int events);

/* As recv() and send(): bytes, 0 = the peer's end, -1 with errno (EAGAIN: stream_want). */
ssize_t stream_read(struct stream *s, void *bytes, size_t n);
ssize_t stream_write(struct stream *s, const void *bytes, size_t n);
/* As stream_write(), when stream_shutdown() or stream_free() follows at once: then the FIN may
 * leave in the packet of the last bytes. */
ssize_t stream_write_last(struct stream *s, const void *bytes, size_t n);
/* Give surplus back: the next reads return these bytes first.  0, or -1 (ENOMEM). */
int stream_unread(struct stream *s, const void *bytes, size_t n);
/* The end of our bytes: FIN, or what the layer has for it.  0, or -1 with errno (EAGAIN: call again
 * when writable). */
int stream_shutdown(struct stream *s);

/* Bytes written that the peer's side has not acknowledged, and still may. */
int stream_queued(const struct stream *s);
/*
 * How long a peer that was asked more than once, by bytes sent again or about its window, has not
 * said anything, in ms; 0: it owes no answer.  (TCP_USER_TIMEOUT would also end one that is there,
 * but does not read.)
 */
int64_t stream_silence(const struct stream *s);

int stream_fd(const struct stream *s); /* for getsockname() and options only */
/* The socket, if its bytes may be moved without the stream (no layer, nothing unread); else -1. */
int stream_plain_fd(const struct stream *s);

/*
 * A layer transforms what passes between the one who uses the stream and what lies below.  Its
 * functions have the meaning of the stream's; they reach below by stream_lower_read() and
 * stream_lower_write().  `needs` says what the operation that returned EAGAIN waits for below
 * (a read may need to write); `pending` whether a read would give bytes though the socket is
 * silent.
 */
struct stream_layer {
	const struct stream_layer_ops *ops;
	struct stream_layer *below; /* NULL: the socket */
	struct stream *stream;
};
struct stream_layer_ops {
	int (*handshake)(struct stream_layer *l); /* 0 done, -1 errno (EAGAIN) */
	ssize_t (*read)(struct stream_layer *l, void *bytes, size_t n);
	ssize_t (*write)(struct stream_layer *l, const void *bytes, size_t n);
	int (*shutdown)(struct stream_layer *l);
	int (*needs)(const struct stream_layer *l, int events); /* wanted events -> socket events */
	bool (*pending)(const struct stream_layer *l);
	void (*free)(struct stream_layer *l);
};
/* Put a layer on top; the stream frees it.  Bytes unread so far belong below it. */
void stream_push(struct stream *s, struct stream_layer *layer);
int stream_handshake(struct stream *s);
ssize_t stream_lower_read(struct stream_layer *l, void *bytes, size_t n);
ssize_t stream_lower_write(struct stream_layer *l, const void *bytes, size_t n);
int stream_lower_shutdown(struct stream_layer *l);

#endif
