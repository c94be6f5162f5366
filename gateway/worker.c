/* SPDX-License-Identifier: ISC */
/* A worker thread: its event loop, the sockets it accepts from, its mailbox. */
#include "config.h"

#include "gateway/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth/auth.h"
#include "gateway/client.h"
#include "gateway/http_pool.h"
#include "gateway/log.h"
#include "gateway/splice.h"
#include "resolver/resolver.h"

#define BURST_MAX 64        /* connections accepted in one turn */
#define PAUSE_MS 100        /* how long accepting rests when there is no room */
#define ORIGINS_EACH_MAX 32 /* idle connections to the same origin */
#define DESCRIPTORS_SPARE 8 /* kept free: dialling, names and logs need some too */

struct acceptor {
	struct acceptor *next;
	struct worker *worker;
	const struct listener *listener;
	struct event *event;
	int fd;
	bool shared;
	unsigned burst; /* how many are likely to wait */
};

struct letter {
	struct letter *next;
	void (*run)(struct worker *w, void *arg);
	void *arg;
};

struct mailbox {
	pthread_mutex_t mutex;
	struct letter *first, **last;
	struct event *event;
	int fd;
};

/* --- mailbox --- */

int worker_post(struct worker *w, void (*run)(struct worker *w, void *arg), void *arg)
{
	struct mailbox *m = w->mailbox;
	struct letter *letter = malloc(sizeof *letter);
	const uint64_t one = 1;

	if (letter == NULL)
		return -1;
	*letter = (struct letter){.run = run, .arg = arg};
	pthread_mutex_lock(&m->mutex);
	*m->last = letter;
	m->last = &letter->next;
	pthread_mutex_unlock(&m->mutex);
	if (write(m->fd, &one, sizeof one) < 0)
		assert(errno == EAGAIN); /* a full counter wakes just as well */
	return 0;
}

static void read_letters(evutil_socket_t fd, short events, void *arg)
{
	struct worker *w = arg;
	struct mailbox *m = w->mailbox;
	struct letter *letter, *next;
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof count) < 0)
		return;
	pthread_mutex_lock(&m->mutex);
	letter = m->first;
	m->first = NULL;
	m->last = &m->first;
	pthread_mutex_unlock(&m->mutex);
	for (; letter != NULL; letter = next) {
		next = letter->next;
		letter->run(w, letter->arg);
		free(letter);
	}
}

static struct mailbox *mailbox_new(struct worker *w)
{
	struct mailbox *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->last = &m->first;
	m->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->fd < 0)
		goto fail;
	m->event = event_new(w->loop.base, m->fd, EV_READ | EV_PERSIST, read_letters, w);
	if (m->event == NULL || event_add(m->event, NULL) != 0)
		goto fail_fd;
	pthread_mutex_init(&m->mutex, NULL);
	return m;
fail_fd:
	if (m->event != NULL)
		event_free(m->event);
	close(m->fd);
fail:
	free(m);
	return NULL;
}

static void mailbox_free(struct mailbox *m)
{
	struct letter *next;

	if (m == NULL)
		return;
	for (struct letter *l = m->first; l != NULL; l = next) {
		next = l->next;
		free(l);
	}
	event_free(m->event);
	close(m->fd);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}

/* --- accepting --- */

static void pause_accepting(struct worker *w)
{
	const struct timeval tv = {.tv_usec = PAUSE_MS * 1000};

	for (struct acceptor *a = w->acceptors; a != NULL; a = a->next)
		event_del(a->event);
	event_add(w->resume, &tv);
}

static bool is_full(struct gateway *g)
{
	return atomic_load(&g->clients) >= g->sessions_max;
}

static void resume_accepting(evutil_socket_t fd, short events, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)events;
	if (atomic_load(&w->gateway->draining))
		return;
	if (is_full(w->gateway)) {
		pause_accepting(w);
		return;
	}
	for (struct acceptor *a = w->acceptors; a != NULL; a = a->next)
		event_add(a->event, NULL);
}

void worker_left(struct worker *w)
{
	struct gateway *g = w->gateway;

	if (atomic_fetch_sub(&g->clients, 1) == 1 && atomic_load(&g->draining))
		g->drained(g->drained_arg);
	if (evtimer_pending(w->resume, NULL))
		event_active(w->resume, EV_TIMEOUT, 0);
}

/* A connection on its way from the worker that accepted it to the one that will serve it. */
struct handed {
	const struct listener *listener;
	int fd;
	struct sockaddr_storage peer;
};

static void serve_handed(struct worker *w, void *arg)
{
	struct handed *h = arg;

	client_start(w, h->listener, h->fd, (struct sockaddr *)&h->peer);
	free(h);
}

static void hand_round(struct acceptor *a, int fd, const struct sockaddr_storage *peer)
{
	struct worker *w = a->worker;
	struct worker *next = w->gateway->workers[w->handed++ % w->gateway->worker_count];
	struct handed *h = next == w ? NULL : malloc(sizeof *h);

	if (h != NULL) {
		*h = (struct handed){.listener = a->listener, .fd = fd, .peer = *peer};
		if (worker_post(next, serve_handed, h) == 0)
			return;
		free(h);
	}
	client_start(w, a->listener, fd, (const struct sockaddr *)peer);
}

/* One connection.  False: nothing more to be had now. */
static bool accept_one(struct acceptor *a)
{
	struct gateway *g = a->worker->gateway;
	struct sockaddr_storage peer = {0};
	socklen_t length = sizeof peer;
	int fd;

	if (is_full(g)) {
		pause_accepting(a->worker);
		return false;
	}
	fd = accept4(a->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warning(
			    "accepting on %s pauses: %s", a->listener->name, strerror(errno));
			pause_accepting(a->worker);
			return false;
		}
		return errno !=
		    EAGAIN; /* a connection that died in the queue is no reason to stop */
	}
	atomic_fetch_add(&g->clients, 1);
	/* Descriptors are numbered from below: a high one means that few are left. */
	if (fd + DESCRIPTORS_SPARE >= g->descriptors_max)
		pause_accepting(a->worker);
	if (a->shared)
		hand_round(a, fd, &peer);
	else
		client_start(a->worker, a->listener, fd, (struct sockaddr *)&peer);
	return !evtimer_pending(a->worker->resume, NULL);
}

/* A lone connection costs one accept(); a queue is emptied in growing bursts. */
static void accept_ready(evutil_socket_t fd, short events, void *arg)
{
	struct acceptor *a = arg;
	unsigned taken = 0;

	(void)fd;
	(void)events;
	while (taken < a->burst && accept_one(a))
		taken++;
	if (taken == a->burst && a->burst < BURST_MAX)
		a->burst *= 2;
	else if (taken < a->burst)
		a->burst = taken > 1 ? taken : 1;
}

int worker_listen(struct worker *w, const struct listener *listener, int fd, bool shared)
{
	struct acceptor *a = malloc(sizeof *a);

	if (a == NULL)
		return -1;
	*a = (struct acceptor){
	    .next = w->acceptors,
	    .worker = w,
	    .listener = listener,
	    .fd = fd,
	    .shared = shared,
	    .burst = 1,
	};
	a->event = event_new(w->loop.base, fd, EV_READ | EV_PERSIST, accept_ready, a);
	if (a->event == NULL || event_add(a->event, NULL) != 0) {
		if (a->event != NULL)
			event_free(a->event);
		free(a);
		return -1;
	}
	w->acceptors = a;
	return 0;
}

void worker_drain(struct worker *w, void *unused)
{
	struct acceptor *next;
	struct client *c, *later;

	(void)unused;
	event_del(w->resume);
	for (struct acceptor *a = w->acceptors; a != NULL; a = next) {
		next = a->next;
		event_free(a->event);
		close(a->fd);
		free(a);
	}
	w->acceptors = NULL;
	for (c = TAILQ_FIRST(&w->clients); c != NULL; c = later) {
		later = TAILQ_NEXT(c, entry);
		client_dismiss(c);
	}
}

/* --- life --- */

static void link_lost(void *arg)
{
	struct worker *w = arg;

	/* The keeper has gone, and the gateway goes with it: logins fail until then. */
	log_debug("worker %u: no more password checks", w->index);
}

/*
 * No changelist: it would remove a descriptor from epoll after it was closed, when another worker
 * may have it already, and streams change what they wait for only once in a turn anyway.
 */
static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config == NULL)
		return NULL;
	if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	if (w->resume != NULL) {
		worker_drain(w, NULL);
		event_free(w->resume);
	}
	auth_link_free(w->auth);
	http_pool_free(w->origins);
	resolver_free(w->loop.resolver);
	mailbox_free(w->mailbox);
	pipe_pool_free(w->loop.pipes);
	buffer_pool_clear(&w->loop.buffers);
	free(w->loop.scratch);
	if (w->loop.base != NULL)
		event_base_free(w->loop.base);
	free(w);
}

struct worker *worker_new(struct gateway *gateway, unsigned index, int auth_fd)
{
	struct worker *w = calloc(1, sizeof *w);
	struct resolver_config names = gateway->conf->resolver;

	if (w == NULL)
		return NULL;
	w->gateway = gateway;
	w->index = index;
	TAILQ_INIT(&w->clients);
	names.hosts = gateway->hosts;
	w->loop.base = new_base();
	if (w->loop.base == NULL)
		goto fail;
	w->loop.scratch = malloc(LOOP_SCRATCH);
	w->loop.pipes = pipe_pool_new(&gateway->pipes_left);
	w->loop.resolver = resolver_new(w->loop.base, &names);
	w->origins = http_pool_new(&(struct http_pool_plan){
	    .loop = &w->loop, .max = gateway->origins_max, .max_each = ORIGINS_EACH_MAX});
	w->resume = evtimer_new(w->loop.base, resume_accepting, w);
	w->mailbox = mailbox_new(w);
	if (w->loop.scratch == NULL || w->loop.pipes == NULL || w->loop.resolver == NULL ||
	    w->origins == NULL || w->resume == NULL || w->mailbox == NULL)
		goto fail;
	if (auth_fd >= 0) {
		w->auth = auth_link_new(w->loop.base, auth_fd, link_lost, w);
		if (w->auth == NULL)
			goto fail;
	}
	return w;
fail:
	worker_free(w);
	return NULL;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	log_thread(w->index);
	event_base_loop(w->loop.base, EVLOOP_NO_EXIT_ON_EMPTY);
	return NULL;
}

int worker_start(struct worker *w)
{
	errno = pthread_create(&w->thread, NULL, work, w);
	w->started = errno == 0;
	return w->started ? 0 : -1;
}

static void end_all(struct worker *w, void *unused)
{
	(void)unused;
	worker_drain(w, NULL);
	while (!TAILQ_EMPTY(&w->clients))
		client_end(TAILQ_FIRST(&w->clients), REASON_STOPPED);
	event_base_loopbreak(w->loop.base);
}

void worker_stop(struct worker *w)
{
	if (w == NULL)
		return;
	if (w->started && worker_post(w, end_all, NULL) == 0)
		pthread_join(w->thread, NULL);
	worker_free(w);
}
