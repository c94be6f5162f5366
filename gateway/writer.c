/* SPDX-License-Identifier: ISC */
/*
 * One thread that reads many rings.  It has to be woken only when it sleeps, and under load it
 * naps between two batches instead: a wake-up costs more than a line.
 */
#include "config.h"

#include "gateway/writer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NAP_MS 50
#define REPORT_EVERY_MS 1000 /* about lines that were dropped */
#define STOP_MS 800          /* for the last lines; writer_stop() waits a little longer */
#define STOP_WAIT_S 1

enum { AWAKE, NAPPING, ASLEEP };

struct writer {
	struct writer_plan plan;
	struct ring **rings;
	struct pollfd *polled; /* the eventfd and every outlet */
	int wake;              /* eventfd */
	atomic_int rest;
	atomic_bool stop;
	atomic_ulong dropped;
	pthread_t thread;
	/* The thread's own. */
	unsigned long lost;     /* by the outlets, counted in `dropped` */
	unsigned long reported; /* of `dropped` */
	int64_t report_ms;      /* not before */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool drain(struct writer *w)
{
	struct ring_record record;
	const char *bytes;
	bool any = false;
	unsigned i;

	for (i = 0; i < w->plan.threads; i++) {
		while (ring_peek(w->rings[i], &record, &bytes)) {
			w->plan.take(&record, bytes);
			ring_pop(w->rings[i]);
			any = true;
		}
	}
	return any;
}

static bool empty(struct writer *w)
{
	struct ring_record record;
	const char *bytes;
	unsigned i;

	for (i = 0; i < w->plan.threads; i++)
		if (ring_peek(w->rings[i], &record, &bytes))
			return false;
	return true;
}

/* Returns how many lines the outlets have lost since it was last called. */
static unsigned long flush(struct writer *w)
{
	unsigned long lost = 0, fresh;
	size_t i;

	for (i = 0; i < w->plan.outlet_count; i++) {
		outlet_flush(w->plan.outlets[i]);
		lost += w->plan.outlets[i]->lost;
	}
	fresh = lost - w->lost;
	w->lost = lost;
	return fresh;
}

/* Say how many lines were dropped.  If that line is lost too it counts for nothing, and is tried
 * again later. */
static void report(struct writer *w)
{
	unsigned long dropped = atomic_load(&w->dropped);

	if (dropped == w->reported || now_ms() < w->report_ms)
		return;
	w->report_ms = now_ms() + REPORT_EVERY_MS;
	w->plan.tell_dropped(dropped - w->reported);
	if (flush(w) == 0)
		w->reported = dropped;
}

static size_t outlets_with_lines(struct writer *w, struct pollfd *polled)
{
	size_t i, n = 0;

	for (i = 0; i < w->plan.outlet_count; i++)
		if (w->plan.outlets[i]->length > 0)
			polled[n++] =
			    (struct pollfd){.fd = w->plan.outlets[i]->fd, .events = POLLOUT};
	return n;
}

/* Until there is something to do: a ring was filled, an outlet drains, a report is due. */
static void rest(struct writer *w, bool busy)
{
	size_t count = 1 + outlets_with_lines(w, w->polled + 1);
	int timeout_ms = -1;
	uint64_t ticks;

	w->polled[0] = (struct pollfd){.fd = w->wake, .events = POLLIN};
	if (busy)
		timeout_ms = NAP_MS;
	else if (atomic_load(&w->dropped) != w->reported)
		timeout_ms = REPORT_EVERY_MS;
	atomic_store(&w->rest, busy ? NAPPING : ASLEEP);
	/* See ring_put(): who filled a ring before it could read ASLEEP is seen here. */
	if ((busy || empty(w)) && !atomic_load(&w->stop) &&
	    poll(w->polled, count, timeout_ms) > 0 && w->polled[0].revents != 0 &&
	    read(w->wake, &ticks, sizeof(ticks)) < 0)
		ticks = 0; /* somebody was seen awake in between: nothing is lost */
	atomic_store(&w->rest, AWAKE);
}

/* The last lines, for readers that are still there. */
static void finish(struct writer *w)
{
	int64_t end = now_ms() + STOP_MS, left;
	size_t count;

	drain(w);
	for (;;) {
		atomic_fetch_add(&w->dropped, flush(w));
		count = outlets_with_lines(w, w->polled);
		left = end - now_ms();
		if (count == 0 || left <= 0)
			break;
		poll(w->polled, count, (int)left);
	}
	w->report_ms = 0;
	report(w);
}

static void *run(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load(&w->stop)) {
		bool busy = drain(w);

		atomic_fetch_add(&w->dropped, flush(w));
		report(w);
		rest(w, busy);
	}
	finish(w);
	return NULL;
}

static void wake(struct writer *w)
{
	const uint64_t one = 1;

	if (atomic_exchange(&w->rest, AWAKE) != AWAKE)
		while (write(w->wake, &one, sizeof(one)) < 0 && errno == EINTR)
			continue;
}

void writer_put(struct writer *w, struct ring *ring, const struct ring_record *record,
    const char *bytes, bool urgent)
{
	int resting;

	if (!ring_put(ring, record, bytes)) {
		atomic_fetch_add(&w->dropped, 1);
		urgent = true;
	}
	resting = atomic_load(&w->rest);
	if (resting == ASLEEP ||
	    (resting == NAPPING && (urgent || ring_used(ring) > w->plan.ring_size / 2)))
		wake(w);
}

struct ring *writer_ring(struct writer *w, unsigned index)
{
	return index < w->plan.threads ? w->rings[index] : NULL;
}

unsigned long writer_dropped(const struct writer *w)
{
	return atomic_load(&w->dropped);
}

/* --- its life -------------------------------------------------------------------------------- */

static void writer_free(struct writer *w)
{
	unsigned i;

	for (i = 0; w->rings != NULL && i < w->plan.threads; i++)
		ring_free(w->rings[i]);
	if (w->wake >= 0)
		close(w->wake);
	free(w->rings);
	free(w->polled);
	free(w);
}

static int start_thread(struct writer *w)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		pthread_setname_np(w->thread, "log");
	errno = error;
	return error == 0 ? 0 : -1;
}

struct writer *writer_start(const struct writer_plan *plan)
{
	struct writer *w = calloc(1, sizeof(*w));
	unsigned i;

	if (w == NULL)
		return NULL;
	w->plan = *plan;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->rings = calloc(plan->threads, sizeof(struct ring *));
	w->polled = calloc(plan->outlet_count + 1, sizeof(*w->polled));
	if (w->wake < 0 || w->rings == NULL || w->polled == NULL)
		goto fail;
	for (i = 0; i < plan->threads; i++) {
		w->rings[i] = ring_new(plan->ring_size);
		if (w->rings[i] == NULL)
			goto fail;
	}
	if (start_thread(w) != 0)
		goto fail;
	return w;
fail:
	writer_free(w);
	return NULL;
}

unsigned long writer_stop(struct writer *w)
{
	struct timespec until;
	unsigned long dropped;

	atomic_store(&w->stop, true);
	wake(w);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_WAIT_S;
	/* A thread that is stuck in a write keeps what it uses until the process ends. */
	if (pthread_timedjoin_np(w->thread, NULL, &until) != 0)
		return atomic_load(&w->dropped);
	dropped = atomic_load(&w->dropped);
	writer_free(w);
	return dropped;
}
