/* SPDX-License-Identifier: ISC */
/* A thread that drives its share of the tunnels: opens all, waits for the word, works. */
#include "config.h"

#include "tests/bench/load.h"

#define EVENTS 256
#define SLOW_TICK 200000000u /* ns between looks at what stalls */
#define FAST_TICK 20000000u
#define STRAGGLERS 600000000u

pthread_barrier_t barrier;
uint64_t window_begin, window_end;
atomic_bool running;

static void on_event(struct load *l, uint64_t tag, uint32_t events)
{
	struct tunnel *t = (struct tunnel *)(uintptr_t)(tag & ~(uint64_t)1);
	const uint32_t ends = EPOLLERR | EPOLLHUP | EPOLLRDHUP;

	if (tag & 1) {
		if (t->udp >= 0)
			udp_event(l, t);
		return;
	}
	if (t->fd < 0)
		return;
	if (t->state == STATE_CONNECT) {
		if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			tunnel_connected(l, t);
	} else if (fetches()) {
		if (events & (EPOLLIN | ends))
			fetch_event(l, t);
	} else if (t->state == STATE_HANDSHAKE) {
		if (events & (EPOLLIN | ends))
			greeting_read(l, t);
	} else if (opt.mode == MODE_THROUGHPUT && t->state != STATE_READY) {
		bulk_event(l, t, events);
	} else if (!(events & (EPOLLIN | ends))) {
		return;
	} else if (opt.mode == MODE_LATENCY && t->state == STATE_RUN) {
		ping_event(l, t);
	} else if (opt.mode == MODE_RATE || opt.mode == MODE_HOLD) {
		echo_event(l, t);
	} else { /* something where nothing may come */
		tunnel_fail(l, t, FAIL_early_eof);
	}
}

static enum failure stalled_in(enum state state)
{
	switch (state) {
	case STATE_CONNECT:
		return FAIL_connect_timeout;
	case STATE_HANDSHAKE:
		return FAIL_handshake_timeout;
	case STATE_EOF:
		return FAIL_no_eof;
	default:
		return FAIL_stall;
	}
}

static bool waits_for_nothing(enum state state)
{
	return state == STATE_IDLE || state == STATE_READY || state >= STATE_DONE;
}

static void tick(struct load *l, uint64_t now)
{
	uint64_t limit = (uint64_t)(opt.timeout * 1e9);

	l->ticked = now;
	for (int i = 0; i < l->opened; i++) {
		struct tunnel *t = &l->tunnels[i];

		if (opt.mode == MODE_UDP && t->state == STATE_RUN) {
			udp_expire(l, t, now);
			udp_pump(l, t, now);
		} else if (t->state == STATE_IDLE && opt.mode == MODE_RATE && now < window_end) {
			tunnel_open(l, t);
		} else if (!waits_for_nothing(t->state) && now - t->moved >= limit) {
			tunnel_fail(l, t, stalled_in(t->state));
		}
	}
}

static void handle(struct load *l, const struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++)
		on_event(l, events[i].data.u64, events[i].events);
}

/* Until enough tunnels have settled (until == 0), or until that time. */
static void run_until(struct load *l, uint64_t until)
{
	struct epoll_event events[EVENTS];
	uint64_t step = opt.mode == MODE_UDP || opt.mode == MODE_RATE ? FAST_TICK : SLOW_TICK;
	bool paced = opt.mode == MODE_UDP && opt.pps > 0 && until;

	l->ticked = now_ns();
	for (;;) {
		while (!running && l->opened < l->count && l->inflight < opt.ramp)
			tunnel_open(l, &l->tunnels[l->opened++]);
		if (until ? now_ns() >= until : l->settled >= l->count)
			return;
		handle(l, events,
		    paced ? epoll_pwait2(
		                l->epoll, events, EVENTS, &(struct timespec){0, 100000}, NULL)
		          : epoll_wait(l->epoll, events, EVENTS, 10));
		uint64_t now = now_ns();
		for (int i = 0; paced && i < l->count; i++)
			udp_pump(l, &l->tunnels[i], now);
		if (now - l->ticked >= step)
			tick(l, now);
	}
}

static void start_work(struct load *l)
{
	uint8_t byte;

	l->settled = 0;
	for (int i = 0; i < l->count; i++) {
		struct tunnel *t = &l->tunnels[i];

		if (opt.mode == MODE_RATE) {
			l->opened = i + 1;
			tunnel_open(l, t);
		} else if (t->state == STATE_FAILED) {
			l->settled++;
		} else if (fetches()) {
			if (opt.mode != MODE_HOLD) /* those that are held: fetch_again */
				fetch_start(l, t);
		} else if (opt.mode == MODE_THROUGHPUT) {
			bulk_start(l, t);
		} else if (opt.mode == MODE_LATENCY) {
			ping(l, t);
		} else if (opt.mode == MODE_HOLD) { /* still alive? */
			byte = echo_byte(t);
			t->state = STATE_RUN;
			t->begun = t->moved = now_ns();
			tunnel_send(l, t, &byte, 1, FAIL_reset);
		} else {
			t->state = STATE_RUN;
			udp_pump(l, t, now_ns());
		}
	}
}

/* Until each tunnel has settled or failed; a failure of this phase counts in failed only. */
static void run_to_the_end(struct load *l, int failed_before)
{
	struct epoll_event events[EVENTS];

	while (l->settled + (l->failed - failed_before) < l->count) {
		if (fetches() && opt.mode == MODE_HOLD)
			fetch_again(l, l->settled + (l->failed - failed_before));
		handle(l, events, epoll_wait(l->epoll, events, EVENTS, 100));
		uint64_t now = now_ns();
		if (now - l->ticked > SLOW_TICK)
			tick(l, now);
	}
}

void *load_run(void *arg)
{
	struct load *l = arg;

	if (opt.mode != MODE_RATE)
		run_until(l, 0);        /* open everything */
	pthread_barrier_wait(&barrier); /* the main thread measures here */
	pthread_barrier_wait(&barrier);
	int failed = l->failed;
	start_work(l);
	if (opt.mode == MODE_HOLD || opt.mode == MODE_THROUGHPUT) {
		struct histogram opening = l->times;
		run_to_the_end(l, failed);
		if (opt.mode == MODE_HOLD) /* the times of opening are the result */
			l->times = opening;
	} else {
		run_until(l, window_end);
	}
	pthread_barrier_wait(&barrier);
	if (opt.mode == MODE_UDP)
		run_until(l, window_end + STRAGGLERS);
	for (int i = 0; i < l->opened; i++)
		tunnel_close(l, &l->tunnels[i], STATE_DONE);
	return NULL;
}
