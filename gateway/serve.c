/* SPDX-License-Identifier: ISC */
/* The gateway process: takes what the keeper hands over, drops its rights, runs the workers. */
#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/keeper.h"
#include "gateway/privileges.h"
#include "gateway/process.h"
#include "gateway/shape.h"
#include "gateway/worker.h"

#define EXIT_FAILED 3 /* failure at run time */
#define PIPES_MAX 32  /* for splicing, in the process */
#define WORKER_DESCRIPTORS \
	8 /* of a worker that carries nothing: its loop, mailbox, link, names \
	   */
#define SPARE_DESCRIPTORS 8
#define QUOTA_EVERY_S 5 /* what a crash may lose of quotas */
#define ORIGINS_MAX 256 /* idle connections to HTTP origins, of one worker */

struct handover {
	struct channel_message message;
	int fd;
};

struct serve {
	struct gateway gateway;
	int channel;
	struct event_base *base;
	struct event *channel_event, *drain_event, *drain_timer, *quota_timer;
	int drained_fd;
	bool unwritten; /* the quota file, as was told */
	struct handover *handovers;
	size_t handover_count;
	int status;
};

/* --- what the keeper hands over --- */

static int receive_all(struct serve *s)
{
	for (;;) {
		struct handover *grown =
		    reallocarray(s->handovers, s->handover_count + 1, sizeof *grown);
		struct handover *h;
		int got;

		if (grown == NULL)
			return -1;
		s->handovers = grown;
		h = &grown[s->handover_count];
		got = channel_receive(s->channel, &h->message, &h->fd);
		if (got <= 0)
			return -1;
		if (h->message.kind == CHANNEL_GO)
			break;
		s->handover_count++;
	}
	/* Sockets with the rules of another listener would be worse than none. */
	if ((uint64_t)s->handovers[s->handover_count].message.value == shape_of(s->gateway.conf))
		return 0;
	s->status = PROCESS_OUTDATED;
	return -1;
}

static void take_logs(struct serve *s)
{
	log_to(s->gateway.conf->logs, s->gateway.conf->log_count);
	for (size_t i = 0; i < s->handover_count; i++) {
		const struct handover *h = &s->handovers[i];

		if (h->message.kind != CHANNEL_LOG)
			continue;
		if (h->message.listener < 0)
			log_access_file(h->fd);
		else
			log_file((size_t)h->message.listener, h->fd);
	}
}

/* Ours never is; an inherited socket may be. */
static bool takes_both_families(int fd, const struct endpoint *endpoint)
{
	int only6 = 1;
	socklen_t length = sizeof only6;

	return IN6_IS_ADDR_UNSPECIFIED(&endpoint->address) &&
	    getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, &length) == 0 && !only6;
}

/* The address of a listening socket, to be known as our own door. */
static int add_door(struct serve *s, int fd)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;
	struct endpoint endpoint, ipv4;

	if (getsockname(fd, (struct sockaddr *)&sa, &length) != 0)
		return -1;
	if (!endpoint_from_sockaddr(&endpoint, (struct sockaddr *)&sa))
		return 0;
	ipv4 = endpoint;
	ipv4.address = address_from_ipv4(INADDR_ANY);
	if (takes_both_families(fd, &endpoint) && doors_add(s->gateway.doors, &ipv4) != 0)
		return -1;
	return doors_add(s->gateway.doors, &endpoint);
}

static int hand_sockets(struct serve *s)
{
	const struct conf *conf = s->gateway.conf;

	for (size_t i = 0; i < s->handover_count; i++) {
		const struct handover *h = &s->handovers[i];
		const struct channel_message *m = &h->message;

		if (m->kind != CHANNEL_SOCKET)
			continue;
		assert(m->listener >= 0 && (size_t)m->listener < conf->listener_count);
		assert(m->worker >= 0 && (unsigned)m->worker < s->gateway.worker_count);
		if (add_door(s, h->fd) != 0 ||
		    worker_listen(s->gateway.workers[m->worker], &conf->listeners[m->listener],
		        h->fd, m->value != 0) != 0)
			return -1;
	}
	return 0;
}

static int auth_descriptor(const struct serve *s, unsigned worker)
{
	for (size_t i = 0; i < s->handover_count; i++)
		if (s->handovers[i].message.kind == CHANNEL_AUTH &&
		    s->handovers[i].message.worker == (int32_t)worker)
			return s->handovers[i].fd;
	return -1;
}

static int quota_descriptor(const struct serve *s)
{
	for (size_t i = 0; i < s->handover_count; i++)
		if (s->handovers[i].message.kind == CHANNEL_QUOTA)
			return s->handovers[i].fd;
	return -1;
}

/* --- how much can be carried --- */

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (dir == NULL)
		return 64;
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 3; /* . and .. and the directory itself */
}

/* Each session has two descriptors; all else is counted first. */
static int compute_budget(struct gateway *g)
{
	struct rlimit limit;
	long total, own, pipes, origins, sessions;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return -1;
	total = limit.rlim_cur > 1 << 30 ? 1 << 30 : (long)limit.rlim_cur;
	pipes = total / 64 < PIPES_MAX ? total / 64 : PIPES_MAX;
	origins = total / 16 / g->worker_count;
	if (origins > ORIGINS_MAX)
		origins = ORIGINS_MAX;
	own = open_descriptors() + (long)g->worker_count * (WORKER_DESCRIPTORS + origins) +
	    2 * pipes + SPARE_DESCRIPTORS;
	sessions = (total - own) / 2;
	if (sessions < 1) {
		log_error("%ld descriptors are too few: %ld are needed before the first session; "
		          "raise the limit (ulimit -n) or lower `workers`",
		    total, own);
		return -1;
	}
	g->descriptors_max = (int)total;
	g->pipes_left = (int)pipes;
	g->origins_max = (unsigned)origins;
	g->sessions_max = (unsigned)sessions;
	if (g->conf->limits.sessions > g->sessions_max)
		log_warning("sessions limited to %u instead of %u: only %ld descriptors",
		    g->sessions_max, g->conf->limits.sessions, total);
	else if (g->conf->limits.sessions > 0)
		g->sessions_max = g->conf->limits.sessions;
	log_notice("up to %u sessions at once: %ld descriptors, %ld of them for the gateway itself",
	    g->sessions_max, total, own);
	return 0;
}

/* --- workers --- */

static void drained(void *arg)
{
	struct serve *s = arg;
	const uint64_t one = 1;

	if (write(s->drained_fd, &one, sizeof one) < 0)
		return;
}

/* In Via it says who we are to ourselves only (RFC 9110, 7.6.3): two gateways in a row are no loop,
 * and no name or address is told. */
static int make_pseudonym(struct gateway *g)
{
	uint32_t number;

	if (getrandom(&number, sizeof number, 0) != sizeof number)
		return -1;
	snprintf(g->pseudonym, sizeof g->pseudonym, "hopgate-%08" PRIx32, number);
	return 0;
}

static int prepare(struct serve *s)
{
	struct gateway *g = &s->gateway;
	const char *error = NULL;

	if (g->conf->resolver_hosts_path != NULL) {
		g->hosts = resolver_hosts_load(g->conf->resolver_hosts_path, &error);
		if (g->hosts == NULL)
			log_warning("%s: %s", g->conf->resolver_hosts_path, error);
	}
	g->account = account_new();
	g->quota = quota_new(quota_descriptor(s));
	g->doors = doors_new();
	g->workers = calloc(g->worker_count, sizeof(struct worker *));
	if (g->account == NULL || g->quota == NULL || g->doors == NULL || g->workers == NULL ||
	    make_pseudonym(g) != 0)
		return -1;
	return resolver_library_init();
}

static int make_workers(struct serve *s)
{
	struct gateway *g = &s->gateway;

	for (unsigned i = 0; i < g->worker_count; i++) {
		g->workers[i] = worker_new(g, i, auth_descriptor(s, i));
		if (g->workers[i] == NULL)
			return -1;
	}
	return hand_sockets(s);
}

static int start_workers(struct serve *s)
{
	const struct channel_message ready = {.kind = CHANNEL_READY};

	for (unsigned i = 0; i < s->gateway.worker_count; i++)
		if (worker_start(s->gateway.workers[i]) != 0)
			return -1;
	return channel_send(s->channel, &ready, -1);
}

static void drain(struct serve *s, int64_t ms)
{
	struct gateway *g = &s->gateway;
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	log_notice("no new clients; %u sessions go on", atomic_load(&g->clients));
	atomic_store(&g->draining, true);
	for (unsigned i = 0; i < g->worker_count; i++)
		worker_post(g->workers[i], worker_drain, NULL);
	if (ms > 0)
		evtimer_add(s->drain_timer, &tv);
	if (atomic_load(&g->clients) == 0)
		drained(s);
}

static void finished(evutil_socket_t fd, short events, void *arg)
{
	struct serve *s = arg;

	(void)fd;
	(void)events;
	event_base_loopbreak(s->base);
}

static void keeper_spoke(evutil_socket_t fd, short events, void *arg)
{
	struct serve *s = arg;
	struct channel_message message;
	int with = -1;

	(void)events;
	switch (channel_receive(fd, &message, &with)) {
	case 1:
		if (with >= 0)
			close(with);
		if (message.kind == CHANNEL_DRAIN)
			drain(s, message.value);
		else if (message.kind == CHANNEL_STOP)
			event_base_loopbreak(s->base);
		return;
	case 0:
		log_error("the keeper has gone: stopping");
		break;
	default:
		if (errno == EAGAIN || errno == EINTR)
			return;
		log_error("the keeper cannot be heard: %s", strerror(errno));
	}
	s->status = EXIT_FAILED;
	event_base_loopbreak(s->base);
}

static void write_quotas(evutil_socket_t fd, short events, void *arg)
{
	struct serve *s = arg;
	bool failed = quota_write(s->gateway.quota) != 0;

	(void)fd;
	(void)events;

	if (failed && !s->unwritten)
		log_error("cannot write the quota file: %s", strerror(errno));
	s->unwritten = failed;
}

static int make_loop(struct serve *s)
{
	const struct timeval often = {.tv_sec = QUOTA_EVERY_S};

	s->base = event_base_new();
	s->drained_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->base == NULL || s->drained_fd < 0)
		return -1;
	s->channel_event = event_new(s->base, s->channel, EV_READ | EV_PERSIST, keeper_spoke, s);
	s->drain_event = event_new(s->base, s->drained_fd, EV_READ, finished, s);
	s->drain_timer = evtimer_new(s->base, finished, s);
	s->quota_timer = event_new(s->base, -1, EV_PERSIST, write_quotas, s);
	if (s->channel_event == NULL || s->drain_event == NULL || s->drain_timer == NULL ||
	    s->quota_timer == NULL)
		return -1;
	return event_add(s->channel_event, NULL) | event_add(s->drain_event, NULL) |
	    event_add(s->quota_timer, &often);
}

/* The keeper gets the signals and says what they mean. */
static void ignore_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_IGN);
}

static void release(struct serve *s)
{
	struct gateway *g = &s->gateway;

	for (unsigned i = 0; g->workers != NULL && i < g->worker_count; i++)
		worker_stop(g->workers[i]);
	free(g->workers);
	log_stop();
	account_free(g->account);
	quota_free(g->quota);
	doors_free(g->doors);
	resolver_hosts_free(g->hosts);
	resolver_library_cleanup();
	if (s->channel_event != NULL)
		event_free(s->channel_event);
	if (s->drain_event != NULL)
		event_free(s->drain_event);
	if (s->drain_timer != NULL)
		event_free(s->drain_timer);
	if (s->quota_timer != NULL)
		event_free(s->quota_timer);
	if (s->base != NULL)
		event_base_free(s->base);
	free(s->handovers);
}

int gateway_run(const struct conf *conf, int channel)
{
	struct serve s = {
	    .gateway = {.conf = conf, .worker_count = conf->workers, .drained = drained},
	    .channel = channel,
	    .drained_fd = -1,
	    .status = EXIT_FAILED,
	};

	prctl(PR_SET_NAME, "hopgate"); /* it was started by way of /proc/self/exe */
	ignore_signals();
	s.gateway.drained_arg = &s;
	if (receive_all(&s) != 0)
		goto end;
	take_logs(&s);
	if (compute_budget(&s.gateway) != 0)
		goto end;
	/* What needs files is opened while they can still be reached. */
	if (prepare(&s) != 0 || make_loop(&s) != 0 || make_workers(&s) != 0) {
		log_error("cannot start: %s", strerror(errno));
		goto end;
	}
	if (privileges_drop(conf) != 0)
		goto end;
	if (log_start(conf->workers + 1) != 0)
		goto end;
	log_thread(conf->workers);
	if (start_workers(&s) != 0) {
		log_error("cannot start: %s", strerror(errno));
		goto end;
	}
	s.status = 0;
	event_base_loop(s.base, EVLOOP_NO_EXIT_ON_EMPTY);
end:
	release(&s);
	return s.status;
}
