/* SPDX-License-Identifier: ISC */
/* Bytes are read and written, in between perhaps changed, or moved through a pipe. */
#include "config.h"

#include "gateway/flow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "gateway/splice.h"

#define TURN (256 * 1024)     /* bytes before others have their turn */
#define BULK 2                /* so many full reads in a row are worth a pipe … */
#define BULK_MIN 4096         /* … and a splice of less is not */
#define PIPE_PATIENCE_MS 1000 /* a blocked flow keeps its pipe so long */

struct held {
	size_t start, end;
	uint8_t bytes[];
};

enum { NOTHING, HELD, PIPED };

bool flow_holds(const struct flow *f)
{
	return f->holds != NOTHING;
}

void flow_drop(struct flow *f)
{
	if (f->holds == HELD)
		free(f->rest.held);
	else if (f->holds == PIPED)
		pipe_give(stream_loop(f->from)->pipes, f->rest.pipe);
	f->holds = NOTHING;
}

static enum flow_state lost(struct flow *f, enum flow_state state)
{
	f->error = (uint8_t)errno;
	return state;
}

/* --- the receiver ---------------------------------------------------------------------------- */

/* As much as it takes: FLOW_MORE or FLOW_TO_LOST. */
static enum flow_state put(struct flow *f, const uint8_t *bytes, size_t n, size_t *done)
{
	enum flow_state state = FLOW_MORE;
	bool last = f->ended && f->shuts;

	*done = 0;
	while (*done < n) {
		ssize_t written = last ? stream_write_last(f->to, bytes + *done, n - *done)
		                       : stream_write(f->to, bytes + *done, n - *done);

		if (written < 0 && errno != EAGAIN && errno != EINTR)
			state = lost(f, FLOW_TO_LOST);
		if (written < 0)
			break;
		*done += (size_t)written;
		/* A socket that took a part is full; a layer may just have finished a record. */
		if (stream_plain_fd(f->to) >= 0)
			break;
	}
	f->bytes += *done;
	return state;
}

static struct held *new_held(size_t n)
{
	struct held *held = malloc(sizeof *held + n);

	if (held != NULL) {
		held->start = 0;
		held->end = n;
	}
	return held;
}

/* What it takes now is sent, the rest is held. */
static enum flow_state send_or_hold(struct flow *f, const uint8_t *bytes, size_t n)
{
	size_t done;
	enum flow_state state = put(f, bytes, n, &done);

	if (state != FLOW_MORE || done == n)
		return state;
	f->rest.held = new_held(n - done);
	if (f->rest.held == NULL)
		return FLOW_OUT_OF_MEMORY;
	memcpy(f->rest.held->bytes, bytes + done, n - done);
	f->holds = HELD;
	return FLOW_MORE;
}

static enum flow_state drain(struct flow *f)
{
	ssize_t n = pipe_drain(f->rest.pipe, stream_plain_fd(f->to));

	if (n > 0)
		f->bytes += (size_t)n;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return lost(f, FLOW_TO_LOST);
	if (f->rest.pipe->held == 0)
		flow_drop(f);
	return FLOW_MORE;
}

static enum flow_state give_back_pipe(struct flow *f)
{
	size_t n = f->rest.pipe->held;
	struct held *held = new_held(n);

	if (held == NULL || !pipe_empty(f->rest.pipe, held->bytes)) {
		free(held);
		return FLOW_OUT_OF_MEMORY;
	}
	flow_drop(f);
	f->rest.held = held;
	f->holds = HELD;
	f->full = 0;
	return FLOW_MORE;
}

static enum flow_state deliver(struct flow *f)
{
	enum flow_state state = FLOW_MORE;
	struct held *held;
	size_t done;

	/* The other way may have given back surplus meanwhile, which makes it a layer. */
	if (f->holds == PIPED && stream_plain_fd(f->to) < 0)
		state = give_back_pipe(f);
	if (f->holds == NOTHING || state != FLOW_MORE)
		return state;
	if (f->holds == PIPED)
		return drain(f);
	held = f->rest.held;
	state = put(f, held->bytes + held->start, held->end - held->start, &done);
	held->start += done;
	if (held->start == held->end)
		flow_drop(f);
	return state;
}

/* --- the sender ------------------------------------------------------------------------------ */

/* A read gave nothing: the end, a loss, or just nothing now. */
static enum flow_state pause_or_end(struct flow *f, ssize_t result)
{
	bool again = result < 0 && (errno == EAGAIN || errno == EINTR);

	if (again && !f->fin)
		return FLOW_MORE;
	f->ended = true;
	if (result == 0 || again)
		return FLOW_ENDED;
	f->shuts = false; /* that is no end to be passed on */
	return lost(f, FLOW_FROM_LOST);
}

/* What can be read, and an end that is known to follow, so that it can leave with the last bytes.
 */
static enum flow_state fill(struct flow *f, uint8_t *bytes, size_t room, size_t *n)
{
	bool on = f->fin && f->codec == NULL;
	ssize_t got;

	*n = 0;
	do {
		got = stream_read(f->from, bytes + *n, room - *n);
		if (got > 0)
			*n += (size_t)got;
	} while (got > 0 && on && *n < room);
	return got > 0 ? FLOW_MORE : pause_or_end(f, got);
}

/* *read bytes at *bytes, 0 at the sender's end, become the *n to be sent. */
static enum flow_state recode(struct flow *f, uint8_t **bytes, size_t *n, size_t *read)
{
	struct flow_codec *codec = f->codec;
	size_t surplus = 0;
	enum flow_state state;

	*n = *read;
	state = codec->ops->decode(codec, *bytes, n, &surplus);
	f->ended |= state != FLOW_MORE;
	if (state == FLOW_REFUSED)
		return state;
	assert(surplus <= *read && (surplus == 0 || state == FLOW_ENDED));
	*read -= surplus;
	/* First of all: a frame may be laid over it. */
	if (stream_unread(f->from, *bytes + *read, surplus) < 0)
		return FLOW_OUT_OF_MEMORY;
	codec->ops->frame(codec, bytes, n, f->ended);
	return state;
}

/* Read once, at most so much, and pass it on.  How much was read; *more: it is worth reading again.
 */
static enum flow_state copy(struct flow *f, size_t most, size_t *read, bool *more)
{
	size_t margin = f->codec == NULL ? 0 : FLOW_MARGIN, all = LOOP_SCRATCH - 2 * margin;
	size_t room = all < most ? all : most;
	uint8_t *bytes = stream_loop(f->from)->scratch + margin;
	enum flow_state state = fill(f, bytes, room, read), sent;
	size_t n = *read;

	if (n == all && f->full < BULK)
		f->full++;
	else if (n > 0 && n < room)
		f->full = 0;
	/* A layer gives one record at a time; a socket that gave less than asked for is empty. */
	*more = n == room || (n > 0 && (f->fin || stream_plain_fd(f->from) < 0));
	if (f->codec != NULL && (n > 0 || state == FLOW_ENDED))
		state = recode(f, &bytes, &n, read);
	if (n == 0 || state == FLOW_REFUSED || state == FLOW_OUT_OF_MEMORY)
		return state;
	sent = send_or_hold(f, bytes, n);
	return state == FLOW_FROM_LOST ? state : sent;
}

/* As copy(), through a pipe if there is one and both ends are plain sockets. */
static enum flow_state move(struct flow *f, size_t most, size_t *read, bool *more)
{
	uint64_t plain = f->codec == NULL ? most : f->codec->ops->plain(f->codec);
	int from = stream_plain_fd(f->from), to = stream_plain_fd(f->to);
	struct pipe_pool *pool = stream_loop(f->from)->pipes;
	struct pipe *pipe = NULL;
	int waiting = 0, error;
	ssize_t n;

	if (plain > most)
		plain = most;
	if (from >= 0 && to >= 0 && plain >= BULK_MIN)
		pipe = pipe_take(pool);
	if (pipe == NULL)
		return copy(f, most, read, more);
	n = pipe_fill(pipe, from, to, plain);
	if (n < BULK_MIN)
		f->full = 0;
	if (n > 0) {
		*read = (size_t)n;
		*more = n >= LOOP_SCRATCH || *read == plain;
		if (f->codec != NULL)
			f->ended = f->codec->ops->moved(f->codec, *read) == FLOW_ENDED;
		f->rest.pipe = pipe;
		f->holds = PIPED;
		return drain(f);
	}
	error = errno;
	pipe_give(pool, pipe);
	/*
	 * splice() never crosses the mark of urgent data: it says EAGAIN before it, or, if the FIN
	 * is here already, 0 although bytes are left.  EINVAL: a socket that cannot splice.
	 */
	if (n < 0 && error == EAGAIN)
		ioctl(from, FIONREAD, &waiting);
	if (waiting > 0 || n == 0 || error == EINVAL)
		return copy(f, most, read, more);
	*read = 0;
	*more = false;
	errno = error;
	return pause_or_end(f, n);
}

/* --- turns ----------------------------------------------------------------------------------- */

enum flow_state flow_pump(struct flow *f, size_t most, size_t *moved)
{
	uint64_t delivered = f->bytes;
	enum flow_state state = deliver(f);
	bool more = true;
	size_t read;

	*moved = 0;
	while (state == FLOW_MORE && !flow_holds(f) && !f->ended && more && *moved < TURN &&
	    *moved < most) {
		state = f->full == BULK ? move(f, most - *moved, &read, &more)
		                        : copy(f, most - *moved, &read, &more);
		*moved += read;
	}
	if (f->holds == PIPED && (*moved > 0 || f->bytes != delivered))
		f->rest.pipe->since = loop_lately();
	if (state == FLOW_TO_LOST)
		flow_drop(f);
	return state == FLOW_MORE && f->ended ? FLOW_ENDED : state;
}

int64_t flow_due(const struct flow *f)
{
	return f->holds == PIPED ? f->rest.pipe->since + PIPE_PATIENCE_MS : INT64_MAX;
}

enum flow_state flow_tidy(struct flow *f, int64_t now)
{
	return now < flow_due(f) ? FLOW_MORE : give_back_pipe(f);
}
