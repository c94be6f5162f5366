/* SPDX-License-Identifier: ISC */
/* What is done on an open tunnel: bulk (throughput), one byte (rate, hold), messages (latency). */
#include "config.h"

#include "tests/bench/load.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool in_window(uint64_t now)
{
	return now >= window_begin && now < window_end;
}

/* --- bulk ----------------------------------------------------------------------------------- */

void bulk_start(struct load *l, struct tunnel *t)
{
	uint8_t head[9];

	put64(head + 1, opt.bytes);
	head[0] = opt.direction == DOWN ? 'G' : opt.direction == UP ? 'S' : 'D';
	head[1] = (uint8_t)((opt.sendfile ? FLAG_SENDFILE : 0) | (opt.verify ? FLAG_CHECK : 0));
	t->state = STATE_RUN;
	t->moved = now_ns();
	if (tunnel_send(l, t, head, sizeof(head), FAIL_reset))
		tunnel_interest(l, t, EPOLLIN | (opt.direction & UP ? EPOLLOUT : 0));
}

static void bulk_done(struct load *l, struct tunnel *t)
{
	l->bytes += t->sent + MIN(t->received, opt.direction & DOWN ? opt.bytes : 0);
	if (!l->first_done)
		l->first_done = t->moved;
	l->last_done = t->moved;
	t->state = STATE_EOF;
}

/* Everything has come: is the origin's count of what we sent right? */
static bool count_is_right(const struct tunnel *t)
{
	return !(opt.direction & UP) ||
	    (get64(t->reply) == opt.bytes && get64(t->reply + 8) == 0 && t->sent == opt.bytes);
}

/* The byte after the last: there must be none. */
static void bulk_end(struct load *l, struct tunnel *t, ssize_t n)
{
	if (n) {
		tunnel_fail(l, t, FAIL_excess_bytes);
		return;
	}
	l->settled++;
	tunnel_close(l, t, STATE_DONE);
}

/* One read; false: there is no more to do. */
static bool bulk_read(struct load *l, struct tunnel *t)
{
	const uint64_t data = opt.direction & DOWN ? opt.bytes : 0;
	const uint64_t all = data + (opt.direction & UP ? 16 : 0);
	bool bulk = t->received < data;
	size_t want = t->received < all ? all - t->received : 1;

	if (bulk)
		want = MIN(data - t->received, opt.verify ? 262144u : PATTERN_SIZE);
	bool answer = !bulk && t->received < all;
	uint8_t *to = answer ? t->reply + (t->received - data) : l->scratch;
	ssize_t n = recv(t->fd, to, want, bulk && !opt.verify ? MSG_TRUNC : 0);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0) {
		tunnel_fail(l, t, FAIL_reset);
		return false;
	}
	if (t->state == STATE_EOF) {
		bulk_end(l, t, n);
		return false;
	}
	if (n == 0 || (bulk && opt.verify && pattern_diff(l->scratch, (size_t)n, t->received))) {
		tunnel_fail(l, t, n ? FAIL_mismatch : FAIL_early_eof);
		return false;
	}
	t->received += (uint64_t)n;
	t->moved = now_ns();
	if (t->received < all)
		return true;
	if (!count_is_right(t)) {
		tunnel_fail(l, t, FAIL_mismatch);
		return false;
	}
	bulk_done(l, t);
	return true;
}

/* One write; false: there is no more to do. */
static bool bulk_write(struct load *l, struct tunnel *t)
{
	ssize_t n = pattern_send(t->fd, t->sent, opt.bytes, opt.sendfile);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		tunnel_fail(l, t, FAIL_reset);
		return false;
	}
	t->sent += (uint64_t)n;
	t->moved = now_ns();
	if (t->sent == opt.bytes)
		tunnel_interest(l, t, EPOLLIN);
	return true;
}

void bulk_event(struct load *l, struct tunnel *t, uint32_t events)
{
	bool more = true;

	for (int i = 0; i < 4 && events & EPOLLIN && more; i++)
		more = bulk_read(l, t);
	if (t->fd < 0)
		return;
	more = true;
	for (int i = 0; i < 4 && events & EPOLLOUT && more; i++)
		more = opt.direction & UP && t->state == STATE_RUN && t->sent < opt.bytes &&
		    bulk_write(l, t);
	if (!(events & (EPOLLIN | EPOLLOUT)) && events & (EPOLLERR | EPOLLHUP))
		tunnel_fail(l, t, FAIL_reset);
}

/* --- one echoed byte, then close (rate) or keep (hold) ---------------------------------------- */

uint8_t echo_byte(struct tunnel *t)
{
	t->number++;
	return (uint8_t)(t->number * 37 + (unsigned)t->id);
}

void echo_start(struct load *l, struct tunnel *t, uint8_t first)
{
	uint8_t hello[2] = {first, echo_byte(t)};

	if (tunnel_send(l, t, hello, sizeof(hello), FAIL_reset))
		t->state = STATE_RUN;
}

static void echoed(struct load *l, struct tunnel *t)
{
	uint64_t now = now_ns();

	if (opt.mode == MODE_HOLD) {
		histogram_add(&l->times, now - t->begun);
		t->state = STATE_READY;
		l->settled++;
		return;
	}
	if (in_window(now)) {
		histogram_add(&l->times, now - t->begun);
		l->operations++;
	}
	if (opt.closer == CLOSER_SERVER) {
		t->state = STATE_EOF;
		t->moved = now;
		echo_event(l, t); /* edge triggered: the FIN may be there already */
		return;
	}
	struct linger hard = {1, 0};
	if (opt.closer == CLOSER_RST)
		setsockopt(t->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	tunnel_close(l, t, STATE_DONE);
	if (now < window_end)
		tunnel_open(l, t);
}

void echo_event(struct load *l, struct tunnel *t)
{
	uint8_t b[4];
	ssize_t n = recv(t->fd, b, sizeof(b), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		tunnel_fail(l, t, FAIL_reset);
	} else if (t->state == STATE_EOF && n == 0) { /* the origin's FIN came through */
		tunnel_close(l, t, STATE_DONE);
		tunnel_open(l, t);
	} else if (n == 0) {
		tunnel_fail(l, t, FAIL_early_eof);
	} else if (t->state != STATE_RUN || n > 1) {
		tunnel_fail(l, t, FAIL_excess_bytes);
	} else if (b[0] != (uint8_t)(t->number * 37 + (unsigned)t->id)) {
		tunnel_fail(l, t, FAIL_mismatch);
	} else {
		echoed(l, t);
	}
}

/* --- messages there and back --------------------------------------------------------------------
 */

const uint8_t *message(const struct tunnel *t)
{
	return pattern + (t->number * 8191 + (uint64_t)t->id * 127) % PATTERN_SIZE;
}

void ping(struct load *l, struct tunnel *t)
{
	t->number++;
	t->received = 0;
	t->state = STATE_RUN;
	t->begun = t->moved = now_ns();
	tunnel_send(l, t, message(t), (size_t)opt.size, FAIL_reset);
}

void ping_event(struct load *l, struct tunnel *t)
{
	uint64_t size = (uint64_t)opt.size;
	ssize_t n = recv(t->fd, l->scratch, size - t->received + 1, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		tunnel_fail(l, t, n ? FAIL_reset : FAIL_early_eof);
		return;
	}
	if (t->received + (uint64_t)n > size) {
		tunnel_fail(l, t, FAIL_excess_bytes);
		return;
	}
	if (memcmp(l->scratch, message(t) + t->received, (size_t)n) != 0) {
		tunnel_fail(l, t, FAIL_mismatch);
		return;
	}
	t->received += (uint64_t)n;
	if (t->received < size)
		return;
	uint64_t now = now_ns();
	if (in_window(now)) {
		histogram_add(&l->times, now - t->begun);
		l->operations++;
	}
	if (now < window_end)
		ping(l, t);
	else
		t->state = STATE_READY;
}
