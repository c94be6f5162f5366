/* SPDX-License-Identifier: ISC */
/*
 * Two streams, two ways.  A way reads only while it holds nothing: what its receiver did not take
 * is all that it ever keeps, and a way that keeps nothing owns nothing.
 */
#include "config.h"

#include "gateway/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include <event2/event_struct.h>

#include "gateway/splice.h"

#define TURN (256 * 1024)     /* bytes of one way before others have their turn */
#define BULK 2                /* so many full reads in a row are worth a pipe … */
#define BULK_MIN 4096         /* … and a splice of less is not */
#define PIPE_PATIENCE_MS 1000 /* a blocked way keeps its pipe so long */
#define FLUSH_FIRST_MS 10 /* looks at the send queue before a reset: first pause, doubling … */
#define FLUSH_MAX_MS 2000 /* … until so much time has passed */

struct held {
	size_t start, end;
	uint8_t bytes[];
};

/* From r->side[w] to r->side[!w], w being RELAY_UP or RELAY_DOWN. */
struct way {
	uint64_t bytes; /* delivered */
	struct held *held;
	struct pipe *pipe; /* between two turns only while there are bytes inside */
	uint8_t full;      /* reads in a row that filled the scratch buffer, up to BULK */
	bool fin;          /* known to lie behind what can be read */
	bool ended;        /* nothing more is read */
	bool passed;       /* and the receiver was told so */
};

struct relay {
	struct loop *loop;
	struct stream *side[2]; /* the one that RELAY_UP reads, the one that RELAY_DOWN reads */
	struct way way[2];
	void (*done)(void *arg, enum reason reason);
	void *arg;
	int64_t idle_ms, half_close_ms;
	int64_t last;  /* when a byte moved, loop_lately() */
	int64_t first; /* when the target's first byte came */
	int64_t due;   /* when the timer fires */
	int flushing;  /* the latest pause, ms; 0: no reset is waiting */
	int flushed;   /* sum of these pauses */
	uint8_t lost;  /* bits 1 << side: it was reset */
	bool client_ended;
	enum reason reason; /* REASON_OK while all is well */
	struct event timer;
};

static bool holds(const struct way *way)
{
	return way->held != NULL || way->pipe != NULL;
}

static void drop(struct relay *r, struct way *way)
{
	free(way->held);
	way->held = NULL;
	if (way->pipe != NULL)
		pipe_give(r->loop->pipes, way->pipe);
	way->pipe = NULL;
}

/* --- the end --------------------------------------------------------------------------------- */

static void close_both(struct relay *r, void (*how)(struct stream *s))
{
	event_del(&r->timer);
	for (int w = 0; w < 2; w++) {
		drop(r, &r->way[w]);
		how(r->side[w]);
		r->side[w] = NULL;
	}
}

/* r may be gone when this returns. */
static void finish(struct relay *r, void (*how)(struct stream *s))
{
	close_both(r, how);
	r->done(r->arg, r->reason);
}

/* Nothing can be sent to this side any more; what it sent before still counts. */
static void lose(struct relay *r, int side)
{
	struct way *to = &r->way[!side];

	r->lost |= (uint8_t)(1 << side);
	if (r->reason == REASON_OK)
		r->reason = side == RELAY_UP ? REASON_CLIENT_RESET : REASON_TARGET_RESET;
	drop(r, to);
	to->ended = to->passed = true;
}

static void fail(struct relay *r, enum reason reason)
{
	lose(r, RELAY_UP);
	lose(r, RELAY_DOWN);
	r->reason = reason;
}

/* Wake up at `when`, unless it is earlier anyway; the timer is never put off, only set again. */
static void remind(struct relay *r, int64_t when)
{
	struct timeval tv;
	int64_t pause;

	if (when >= r->due)
		return;
	pause = when - loop_lately();
	if (pause < 1)
		pause = 1;
	tv.tv_sec = (time_t)(pause / 1000);
	tv.tv_usec = (suseconds_t)(pause % 1000 * 1000);
	event_add(&r->timer, &tv);
	r->due = when;
}

/*
 * A reset overtakes what our kernel has not sent yet, so it waits until the survivor's queue is
 * empty; the survivor then reads all that was delivered, and the reset after it.
 */
static void flush(struct relay *r)
{
	int survivor = r->lost == 1 << RELAY_UP ? RELAY_DOWN : RELAY_UP;

	if (r->lost == 3 || r->flushed == FLUSH_MAX_MS || stream_queued(r->side[survivor]) == 0) {
		finish(r, stream_abort);
		return;
	}
	r->flushing = r->flushing == 0 ? FLUSH_FIRST_MS : 2 * r->flushing;
	if (r->flushing > FLUSH_MAX_MS - r->flushed)
		r->flushing = FLUSH_MAX_MS - r->flushed;
	r->flushed += r->flushing;
	stream_want(r->side[RELAY_UP], 0);
	stream_want(r->side[RELAY_DOWN], 0);
	r->due = INT64_MAX;
	remind(r, loop_lately() + r->flushing);
}

/* How long the relay may be silent in its present state; 0 = for ever. */
static int64_t patience(const struct relay *r)
{
	bool half = r->way[RELAY_UP].ended || r->way[RELAY_DOWN].ended;

	if (half && r->half_close_ms > 0 && (r->idle_ms == 0 || r->half_close_ms < r->idle_ms))
		return r->half_close_ms;
	return r->idle_ms;
}

/* --- one way --------------------------------------------------------------------------------- */

/* A read gave nothing: the end, a reset, or just nothing now. */
static void pause_or_end(struct relay *r, int w, ssize_t result)
{
	struct way *way = &r->way[w];
	bool again = result < 0 && (errno == EAGAIN || errno == EINTR);

	if (again && w == RELAY_UP && r->client_ended) {
		again = false;
		result = 0;
	}
	/* After a reset the socket has no more than what it had received before. */
	if (again && (r->lost & 1 << w) == 0)
		return;
	if (result < 0 && !again)
		lose(r, w);
	way->ended = true;
	if (r->half_close_ms > 0)
		remind(r, loop_lately() + r->half_close_ms);
}

/* As much as the receiver takes. */
static size_t put(struct relay *r, int w, const uint8_t *bytes, size_t n)
{
	struct stream *to = r->side[!w];
	bool last = r->way[w].ended && (r->lost & 1 << w) == 0;
	size_t done = 0;

	while (done < n) {
		ssize_t written = last ? stream_write_last(to, bytes + done, n - done)
		                       : stream_write(to, bytes + done, n - done);

		if (written < 0 && errno != EAGAIN && errno != EINTR)
			lose(r, !w);
		if (written < 0)
			break;
		done += (size_t)written;
		/* A socket that took a part is full; a layer may just have finished a record. */
		if (stream_plain_fd(to) >= 0)
			break;
	}
	r->way[w].bytes += done;
	return done;
}

static void hold(struct relay *r, int w, const uint8_t *bytes, size_t n)
{
	struct held *held = malloc(sizeof *held + n);

	if (held == NULL) {
		fail(r, REASON_RESOURCES);
		return;
	}
	held->start = 0;
	held->end = n;
	memcpy(held->bytes, bytes, n);
	r->way[w].held = held;
}

/* What lies before the FIN, and the FIN itself, so that it can leave with the last bytes. */
static size_t read_on(struct relay *r, int w, uint8_t *bytes, size_t room)
{
	ssize_t n = stream_read(r->side[w], bytes, room);

	if (n > 0)
		return (size_t)n;
	pause_or_end(r, w, n);
	return 0;
}

/* Read once and pass it on.  How much was read; *more: it is worth reading again. */
static size_t copy(struct relay *r, int w, bool *more)
{
	struct way *way = &r->way[w];
	uint8_t *bytes = r->loop->scratch;
	ssize_t n = stream_read(r->side[w], bytes, LOOP_SCRATCH);
	size_t done;

	*more = false;
	if (n <= 0) {
		pause_or_end(r, w, n);
		return 0;
	}
	if (n < LOOP_SCRATCH && way->fin)
		n += (ssize_t)read_on(r, w, bytes + n, LOOP_SCRATCH - (size_t)n);
	if (n < LOOP_SCRATCH)
		way->full = 0;
	else if (way->full < BULK)
		way->full++;
	/* A layer gives one record at a time; a socket that gave less than asked for is empty. */
	*more = n == LOOP_SCRATCH || way->fin || stream_plain_fd(r->side[w]) < 0;
	done = put(r, w, bytes, (size_t)n);
	if (done < (size_t)n && (r->lost & 1 << !w) == 0)
		hold(r, w, bytes + done, (size_t)n - done);
	return (size_t)n;
}

static void drain_pipe(struct relay *r, int w)
{
	struct way *way = &r->way[w];
	ssize_t n = pipe_drain(way->pipe, stream_plain_fd(r->side[!w]));

	if (n > 0)
		way->bytes += (size_t)n;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		lose(r, !w);
	else if (way->pipe->held == 0)
		drop(r, way);
}

/* As copy(), through a pipe if there is one and both sides are plain sockets. */
static size_t move(struct relay *r, int w, bool *more)
{
	struct way *way = &r->way[w];
	int from = stream_plain_fd(r->side[w]), to = stream_plain_fd(r->side[!w]);
	int waiting = 0, error;
	struct pipe *pipe = NULL;
	ssize_t n;

	if (from >= 0 && to >= 0)
		pipe = pipe_take(r->loop->pipes);
	if (pipe == NULL)
		return copy(r, w, more);
	n = pipe_fill(pipe, from, to);
	if (n < BULK_MIN)
		way->full = 0;
	if (n > 0) {
		*more = n >= LOOP_SCRATCH;
		way->pipe = pipe;
		drain_pipe(r, w);
		return (size_t)n;
	}
	error = errno;
	pipe_give(r->loop->pipes, pipe);
	/*
	 * splice() never crosses the mark of urgent data: it says EAGAIN before it, or, if the FIN
	 * is here already, 0 although bytes are left.  EINVAL: a socket that cannot splice.
	 */
	if (n < 0 && error == EAGAIN)
		ioctl(from, FIONREAD, &waiting);
	if (waiting > 0 || n == 0 || error == EINVAL)
		return copy(r, w, more);
	*more = false;
	errno = error;
	pause_or_end(r, w, n);
	return 0;
}

/* Write what the way holds. */
static void deliver(struct relay *r, int w)
{
	struct way *way = &r->way[w];
	struct held *held = way->held;

	if (way->pipe != NULL) {
		drain_pipe(r, w);
	} else if (held != NULL) {
		size_t n = put(r, w, held->bytes + held->start, held->end - held->start);

		if (way->held == NULL) /* the receiver was lost */
			return;
		held->start += n;
		if (held->start == held->end)
			drop(r, way);
	}
}

/* The second end of two plain sockets is told by closing them. */
static void pass_end(struct relay *r, int w)
{
	bool last = r->way[!w].passed && stream_plain_fd(r->side[!w]) >= 0;

	if (last || stream_shutdown(r->side[!w]) == 0)
		r->way[w].passed = true;
	else if (errno != EAGAIN)
		lose(r, !w);
}

/* A turn: deliver what is held, then read and write; pass on the end when it comes. */
static void pump(struct relay *r, int w)
{
	struct way *way = &r->way[w];
	uint64_t delivered = way->bytes;
	size_t moved = 0;
	bool more = true;

	deliver(r, w);
	while (!holds(way) && !way->ended && more && moved < TURN) {
		size_t n = way->full == BULK ? move(r, w, &more) : copy(r, w, &more);

		if (w == RELAY_DOWN && n > 0 && r->first == 0)
			r->first = loop_now();
		moved += n;
	}
	if (moved > 0 || way->bytes != delivered) {
		r->last = loop_lately();
		if (way->pipe != NULL) {
			way->pipe->since = r->last;
			remind(r, r->last + PIPE_PATIENCE_MS);
		}
	}
	if (way->ended && !way->passed && !holds(way) && (r->lost & 1 << w) == 0)
		pass_end(r, w);
}

/* A pipe is too dear for a receiver that takes its time. */
static void give_back_pipe(struct relay *r, int w)
{
	struct way *way = &r->way[w];
	size_t n = way->pipe->held;
	struct held *held = malloc(sizeof *held + n);

	if (held == NULL || !pipe_empty(way->pipe, held->bytes)) {
		free(held);
		fail(r, REASON_RESOURCES);
		return;
	}
	held->start = 0;
	held->end = n;
	drop(r, way);
	way->held = held;
	way->full = 0;
}

/* --- both ways ------------------------------------------------------------------------------- */

static int wants(const struct relay *r, int side)
{
	const struct way *from = &r->way[side], *to = &r->way[!side];
	int events = 0;

	if (!from->ended && !holds(from))
		events |= STREAM_READ;
	if (holds(to) || (to->ended && !to->passed))
		events |= STREAM_WRITE;
	return events;
}

/* After every turn.  r may be gone when this returns. */
static void settle(struct relay *r)
{
	const struct way *up = &r->way[RELAY_UP], *down = &r->way[RELAY_DOWN];
	const struct way *last = r->lost == 1 << RELAY_UP ? up : down;

	if (r->lost == 3 || (r->lost != 0 && last->ended && !holds(last))) {
		flush(r);
		return;
	}
	if (r->lost == 0 && up->passed && down->passed) {
		r->reason = REASON_CLOSED;
		finish(r, stream_free);
		return;
	}
	stream_want(r->side[RELAY_UP], wants(r, RELAY_UP));
	stream_want(r->side[RELAY_DOWN], wants(r, RELAY_DOWN));
}

static void ready(struct relay *r, int side, int events)
{
	if (events & STREAM_END)
		r->way[side].fin = true;
	if (events & STREAM_WRITE)
		pump(r, !side);
	if ((events & STREAM_READ) && !r->way[side].ended && !holds(&r->way[side]))
		pump(r, side);
	settle(r);
}

static void client_ready(void *arg, int events)
{
	ready(arg, RELAY_UP, events);
}

static void target_ready(void *arg, int events)
{
	ready(arg, RELAY_DOWN, events);
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;
	int64_t now = loop_lately(), limit = patience(r);

	(void)fd;
	(void)what;
	r->due = INT64_MAX;
	if (r->flushing > 0) {
		flush(r);
		return;
	}
	if (limit > 0 && now - r->last >= limit) {
		if (r->reason == REASON_OK)
			r->reason =
			    limit == r->idle_ms ? REASON_IDLE_TIMEOUT : REASON_HALF_CLOSE_TIMEOUT;
		finish(r, stream_abort);
		return;
	}
	for (int w = 0; w < 2; w++) {
		struct pipe *pipe = r->way[w].pipe;

		if (pipe != NULL && now - pipe->since >= PIPE_PATIENCE_MS)
			give_back_pipe(r, w);
		else if (pipe != NULL)
			remind(r, pipe->since + PIPE_PATIENCE_MS);
	}
	if (limit > 0)
		remind(r, r->last + limit);
	settle(r);
}

/* --- life ------------------------------------------------------------------------------------ */

struct relay *relay_start(
    const struct relay_plan *plan, void (*done)(void *arg, enum reason reason), void *arg)
{
	struct relay *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->loop = plan->loop;
	r->side[RELAY_UP] = plan->client;
	r->side[RELAY_DOWN] = plan->target;
	r->done = done;
	r->arg = arg;
	r->idle_ms = plan->idle_ms;
	r->half_close_ms = plan->half_close_ms;
	r->client_ended = plan->client_ended;
	r->last = loop_lately();
	r->due = INT64_MAX;
	event_assign(&r->timer, r->loop->base, -1, 0, timer_fired, r);
	if (r->idle_ms > 0)
		remind(r, r->last + r->idle_ms);
	stream_handler(plan->client, client_ready, r);
	stream_handler(plan->target, target_ready, r);
	stream_want(plan->client, STREAM_READ);
	stream_want(plan->target, STREAM_READ);
	return r;
}

void relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	if (r->side[RELAY_UP] != NULL)
		close_both(r, stream_abort);
	free(r);
}

uint64_t relay_bytes(const struct relay *r, int direction)
{
	return r->way[direction].bytes;
}

int64_t relay_first_byte(const struct relay *r)
{
	return r->first;
}
