/* SPDX-License-Identifier: ISC */
/*
 * A socket, the layers on top of it, and one level-triggered event.  The event is changed only when
 * the set of what it waits for changes.
 */
#include "config.h"

#include "gateway/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>
#include <linux/sockios.h>

/* There are two of these in every session, idle or not: every byte counts. */
struct stream {
	struct event event;
	struct loop *loop;
	void (*ready)(void *arg, int events);
	void *arg;
	struct stream_layer *top;
	uint8_t wanted; /* by the user */
	uint8_t armed;  /* what the event waits for */
	bool soon;      /* the event fires at the next turn, whatever the socket says */
};

/* --- events ---------------------------------------------------------------------------------- */

/* What must happen on the socket before `events` can; *pending: a layer has bytes for a reader. */
static int translate(const struct stream *s, int events, bool *pending)
{
	for (const struct stream_layer *l = s->top; l != NULL; l = l->below) {
		if ((events & STREAM_READ) && l->ops->pending(l))
			*pending = true;
		events = l->ops->needs(l, events);
	}
	return events;
}

static void fired(evutil_socket_t fd, short what, void *arg);

static void disarm(struct stream *s)
{
	if (s->armed || s->soon)
		event_del(&s->event);
	s->armed = 0;
	s->soon = false;
}

/*
 * Bytes that a layer holds are told of by a timeout of no length: event_active() would call back
 * in this very turn of the loop, again and again, and starve all other streams.
 */
static void arm(struct stream *s)
{
	static const struct timeval now;
	bool pending = false;
	int events = translate(s, s->wanted, &pending);
	short wait = (events & STREAM_READ ? EV_READ | EV_CLOSED : 0) |
	    (events & STREAM_WRITE ? EV_WRITE : 0);

	if (events != s->armed) {
		disarm(s);
		if (events != 0) {
			event_assign(
			    &s->event, s->loop->base, stream_fd(s), wait | EV_PERSIST, fired, s);
			event_add(&s->event, NULL);
		}
		s->armed = (uint8_t)events;
	}
	if (pending && !s->soon) {
		event_add(&s->event, &now);
		s->soon = true;
	}
}

/* May `event`, for which the user waits, have come true? */
static bool possible(const struct stream *s, int event, int sockets)
{
	bool pending = false;

	if ((s->wanted & event) == 0)
		return false;
	return (translate(s, event, &pending) & sockets) != 0 || pending;
}

static void fired(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	struct loop *loop = s->loop;
	int sockets = (what & EV_READ ? STREAM_READ : 0) | (what & EV_WRITE ? STREAM_WRITE : 0);
	int events = (possible(s, STREAM_READ, sockets) ? STREAM_READ : 0) |
	    (possible(s, STREAM_WRITE, sockets) ? STREAM_WRITE : 0);

	(void)fd;
	if ((what & EV_CLOSED) && (events & STREAM_READ) && s->top == NULL)
		events |= STREAM_END;
	if (what & EV_TIMEOUT) { /* libevent has removed the whole event */
		s->armed = 0;
		s->soon = false;
	}
	if (events != 0 && s->ready != NULL) {
		loop->told = s;
		s->ready(s->arg, events);
		if (loop->told != s) /* freed in there */
			return;
		loop->told = NULL;
	}
	arm(s);
}

/* Inside ready() this waits until ready() returns, so that many changes become one or none. */
static void rearm(struct stream *s)
{
	if (s->loop->told != s)
		arm(s);
}

void stream_handler(struct stream *s, void (*ready)(void *arg, int events), void *arg)
{
	s->ready = ready;
	s->arg = arg;
}

void stream_want(struct stream *s, int events)
{
	s->wanted = (uint8_t)events;
	rearm(s);
}

/* --- life ------------------------------------------------------------------------------------ */

struct stream *stream_new(struct loop *loop, int fd)
{
	struct stream *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->loop = loop;
	event_assign(&s->event, loop->base, fd, 0, fired, s);
	return s;
}

static void free_layer(struct stream *s)
{
	struct stream_layer *l = s->top;

	s->top = l->below;
	l->ops->free(l);
}

void stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->loop->told == s)
		s->loop->told = NULL;
	while (s->top != NULL)
		free_layer(s);
	disarm(s);
	close(stream_fd(s));
	free(s);
}

void stream_abort(struct stream *s)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	if (s == NULL)
		return;
	setsockopt(stream_fd(s), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	stream_free(s);
}

struct loop *stream_loop(const struct stream *s)
{
	return s->loop;
}

int stream_fd(const struct stream *s)
{
	return event_get_fd(&s->event);
}

int stream_plain_fd(const struct stream *s)
{
	return s->top == NULL ? stream_fd(s) : -1;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static ssize_t socket_read(struct stream *s, void *bytes, size_t n)
{
	return recv(stream_fd(s), bytes, n, 0);
}

static ssize_t socket_write(struct stream *s, const void *bytes, size_t n, int flags)
{
	return send(stream_fd(s), bytes, n, MSG_NOSIGNAL | flags);
}

ssize_t stream_read(struct stream *s, void *bytes, size_t n)
{
	ssize_t got;

	if (s->top == NULL)
		return socket_read(s, bytes, n);
	got = s->top->ops->read(s->top, bytes, n);
	rearm(s);
	return got;
}

static ssize_t write_to(struct stream *s, const void *bytes, size_t n, int flags)
{
	ssize_t put;

	if (s->top == NULL)
		return socket_write(s, bytes, n, flags);
	put = s->top->ops->write(s->top, bytes, n);
	rearm(s);
	return put;
}

ssize_t stream_write(struct stream *s, const void *bytes, size_t n)
{
	return write_to(s, bytes, n, 0);
}

ssize_t stream_write_last(struct stream *s, const void *bytes, size_t n)
{
	return write_to(s, bytes, n, MSG_MORE);
}

int stream_shutdown(struct stream *s)
{
	int result;

	if (s->top == NULL)
		return shutdown(stream_fd(s), SHUT_WR);
	result = s->top->ops->shutdown(s->top);
	rearm(s);
	return result;
}

int stream_queued(const struct stream *s)
{
	uint8_t state = 0; /* the first member of struct tcp_info */
	socklen_t size = sizeof state;
	int bytes = 0;

	getsockopt(stream_fd(s), IPPROTO_TCP, TCP_INFO, &state, &size);
	if (state == TCP_CLOSE || ioctl(stream_fd(s), SIOCOUTQ, &bytes) < 0)
		return 0;
	return bytes;
}

int64_t stream_silence(const struct stream *s)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof info;

	getsockopt(stream_fd(s), IPPROTO_TCP, TCP_INFO, &info, &size);
	/* One question about the window may just be under way: they come ever more rarely. */
	if ((info.tcpi_unacked == 0 || info.tcpi_retransmits == 0) && info.tcpi_probes < 2)
		return 0;
	return info.tcpi_last_ack_recv;
}

/* --- layers ---------------------------------------------------------------------------------- */

void stream_push(struct stream *s, struct stream_layer *layer)
{
	layer->stream = s;
	layer->below = s->top;
	s->top = layer;
	rearm(s);
}

int stream_handshake(struct stream *s)
{
	int result = s->top == NULL ? 0 : s->top->ops->handshake(s->top);

	rearm(s);
	return result;
}

ssize_t stream_lower_read(struct stream_layer *l, void *bytes, size_t n)
{
	if (l->below == NULL)
		return socket_read(l->stream, bytes, n);
	return l->below->ops->read(l->below, bytes, n);
}

ssize_t stream_lower_write(struct stream_layer *l, const void *bytes, size_t n)
{
	if (l->below == NULL)
		return socket_write(l->stream, bytes, n, 0);
	return l->below->ops->write(l->below, bytes, n);
}

int stream_lower_shutdown(struct stream_layer *l)
{
	if (l->below == NULL)
		return shutdown(stream_fd(l->stream), SHUT_WR);
	return l->below->ops->shutdown(l->below);
}

/*
 * Surplus: bytes that were given back are a layer of their own, so that whatever is pushed later
 * finds them below itself.  It removes itself when they are gone, and the stream is plain again.
 */
struct surplus {
	struct stream_layer layer;
	size_t start, end;
	uint8_t bytes[];
};

static void surplus_free(struct stream_layer *l)
{
	struct surplus *u = (struct surplus *)l;

	explicit_bzero(u->bytes, u->end);
	free(u);
}

static void surplus_unlink(struct stream_layer *l)
{
	struct stream_layer **link = &l->stream->top;

	while (*link != l)
		link = &(*link)->below;
	*link = l->below;
	surplus_free(l);
}

static ssize_t surplus_read(struct stream_layer *l, void *bytes, size_t n)
{
	struct surplus *u = (struct surplus *)l;

	if (n > u->end - u->start)
		n = u->end - u->start;
	memcpy(bytes, u->bytes + u->start, n);
	u->start += n;
	if (u->start == u->end)
		surplus_unlink(l);
	return (ssize_t)n;
}

static int surplus_handshake(struct stream_layer *l)
{
	return l->below == NULL ? 0 : l->below->ops->handshake(l->below);
}

static int surplus_needs(const struct stream_layer *l, int events)
{
	(void)l;
	return events;
}

static bool surplus_pending(const struct stream_layer *l)
{
	(void)l;
	return true;
}

static const struct stream_layer_ops surplus_ops = {
    .handshake = surplus_handshake,
    .read = surplus_read,
    .write = stream_lower_write,
    .shutdown = stream_lower_shutdown,
    .needs = surplus_needs,
    .pending = surplus_pending,
    .free = surplus_free,
};

int stream_unread(struct stream *s, const void *bytes, size_t n)
{
	struct surplus *u;

	if (n == 0)
		return 0;
	u = malloc(sizeof *u + n);
	if (u == NULL)
		return -1;
	u->layer.ops = &surplus_ops;
	u->start = 0;
	u->end = n;
	memcpy(u->bytes, bytes, n);
	stream_push(s, &u->layer);
	return 0;
}
