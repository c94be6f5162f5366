/* SPDX-License-Identifier: ISC */
/* Starting the gateway process, hearing from it, and noticing its end. */
#include "config.h"

#include "gateway/process.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/log.h"

#define START_MS 60000 /* from its start until it serves */
#define END_MS 5000    /* from the end of its channel to its own */

struct process {
	struct process_plan plan;
	pid_t pid;
	bool running; /* not waited for yet */
	int channel;
	struct delivery *delivery;
	struct event *readable, *child_ended, *kill_timer;
	bool ready;
};

/* --- in the new process ---------------------------------------------------------------------- */

static void silence(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
}

static void become(const struct process_plan *plan, int channel)
{
	char number[16];

	if (plan->silent)
		silence();
	snprintf(number, sizeof(number), "%d", channel);
	signal(SIGPIPE, SIG_DFL);
	if (fcntl(channel, F_SETFD, 0) == 0 && setenv(PROCESS_CHANNEL, number, 1) == 0)
		execv("/proc/self/exe", plan->argv);
	log_error("cannot start the gateway process: %s", strerror(errno));
	_exit(3);
}

/* --- in the keeper --------------------------------------------------------------------------- */

static void heard(evutil_socket_t fd, short events, void *arg)
{
	struct process *p = arg;
	struct channel_message message;
	int with = -1, got = channel_receive(fd, &message, &with);

	(void)events;
	if (with >= 0) /* none is expected */
		close(with);
	if (got == 1 && message.kind == CHANNEL_READY && !p->ready) {
		p->ready = true;
		event_del(p->kill_timer);
		p->plan.ready(p->plan.arg);
	} else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EBADMSG)) {
		event_del(p->readable);
		process_kill_after(p, END_MS);
	}
}

static void child_ended(evutil_socket_t signal, short events, void *arg)
{
	struct process *p = arg;
	int status;

	(void)signal;
	(void)events;
	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return;
	p->running = false;
	event_del(p->child_ended);
	p->plan.ended(p->plan.arg, status);
}

static void time_up(evutil_socket_t fd, short events, void *arg)
{
	struct process *p = arg;

	(void)fd;
	(void)events;
	log_error("the gateway process (pid %ld) hangs: killing it", (long)p->pid);
	kill(p->pid, SIGKILL);
}

void process_kill_after(struct process *p, int64_t ms)
{
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (p->running && ms > 0)
		evtimer_add(p->kill_timer, &tv);
	else if (p->running)
		kill(p->pid, SIGKILL);
}

pid_t process_pid(const struct process *p)
{
	return p->pid;
}

bool process_is_ready(const struct process *p)
{
	return p->ready;
}

int process_give(struct process *p, const struct channel_message *message, int fd, bool ours)
{
	return delivery_add(p->delivery, message, fd, ours);
}

/* --- its life -------------------------------------------------------------------------------- */

static int make_events(struct process *p)
{
	p->delivery = delivery_new(p->plan.base, p->channel);
	p->readable = event_new(p->plan.base, p->channel, EV_READ | EV_PERSIST, heard, p);
	p->child_ended = evsignal_new(p->plan.base, SIGCHLD, child_ended, p);
	p->kill_timer = evtimer_new(p->plan.base, time_up, p);
	if (p->delivery == NULL || p->readable == NULL || p->child_ended == NULL ||
	    p->kill_timer == NULL)
		return -1;
	return event_add(p->readable, NULL) | event_add(p->child_ended, NULL);
}

struct process *process_start(const struct process_plan *plan)
{
	struct process *p = calloc(1, sizeof(*p));
	int ends[2], error;

	if (p == NULL)
		return NULL;
	p->plan = *plan;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
		free(p);
		return NULL;
	}
	p->channel = ends[0];
	fcntl(ends[0], F_SETFL, O_NONBLOCK); /* ours: the other side reads at its leisure */
	if (make_events(p) == 0) {
		p->pid = fork();
		if (p->pid == 0)
			become(plan, ends[1]);
	}
	error = errno;
	close(ends[1]);
	p->running = p->pid > 0;
	if (p->running) {
		process_kill_after(p, START_MS);
		return p;
	}
	process_free(p);
	errno = error;
	return NULL;
}

void process_free(struct process *p)
{
	if (p == NULL)
		return;
	if (p->running) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	delivery_free(p->delivery);
	if (p->readable != NULL)
		event_free(p->readable);
	if (p->child_ended != NULL)
		event_free(p->child_ended);
	if (p->kill_timer != NULL)
		event_free(p->kill_timer);
	close(p->channel);
	free(p);
}
