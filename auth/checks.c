/* SPDX-License-Identifier: ISC */
/*
 * The keeper's side: takes questions from the workers' links, queues them, and lets children
 * answer, few at a time because hashing costs a whole CPU.
 */
#include "config.h"

#include "auth/auth.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/child.h"

#define QUEUE_MAX 1024
#define DEAD_MAX 64 /* killed children that have not gone: a file server hangs */
#define READ_BATCH 16

struct served { /* a link */
	LIST_ENTRY(served) entry;
	struct auth_checks *checks;
	int fd;
	struct event *readable;
};

struct job {
	TAILQ_ENTRY(job) entry;
	struct served *from;
	struct message question; /* wiped when the job goes */
	struct event *timer;     /* its deadline, in the queue and after */
	pid_t pid;               /* 0: still in the queue */
	int fd;
	struct event *readable;
};

LIST_HEAD(served_list, served);
TAILQ_HEAD(jobs, job);

struct auth_checks {
	struct event_base *base;
	const struct auth_block *blocks;
	size_t block_count;
	struct served_list links;
	struct jobs queue, running;
	unsigned queued, busy, busy_max;
	pid_t dead[DEAD_MAX]; /* to be waited for */
	unsigned dead_count;
	struct event *child_ended;
};

static void start_jobs(struct auth_checks *checks);

/* --- children that are done ------------------------------------------------------------------ */

static void reap(struct auth_checks *checks)
{
	unsigned left = 0;

	for (unsigned i = 0; i < checks->dead_count; i++)
		if (waitpid(checks->dead[i], NULL, WNOHANG) == 0)
			checks->dead[left++] = checks->dead[i];
	checks->dead_count = left;
}

static void child_ended(evutil_socket_t signal, short events, void *arg)
{
	struct auth_checks *checks = arg;

	(void)signal;
	(void)events;
	reap(checks);
	start_jobs(checks);
}

/* Its slot is free, even if the process takes a while to go. */
static void let_go(struct auth_checks *checks, struct job *job)
{
	kill(job->pid, SIGKILL);
	checks->dead[checks->dead_count++] = job->pid;
	checks->busy--;
	event_free(job->readable);
	close(job->fd);
	reap(checks);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void end_job(struct auth_checks *checks, struct job *job)
{
	if (job->pid != 0) {
		TAILQ_REMOVE(&checks->running, job, entry);
		let_go(checks, job);
	} else {
		TAILQ_REMOVE(&checks->queue, job, entry);
		checks->queued--;
	}
	event_free(job->timer);
	OPENSSL_cleanse(job, sizeof(*job));
	free(job);
}

/* An answer that does not fit into the socket is lost: the worker's own deadline denies then. */
static void answer(struct served *link, uint32_t id, struct child_verdict verdict)
{
	const struct message message = {
	    .kind = MESSAGE_ANSWER, .id = id, .result = verdict.result, .block = verdict.block};
	uint8_t bytes[MESSAGE_MAX];

	send(link->fd, bytes, message_write(bytes, &message), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void refuse(struct served *link, uint32_t id)
{
	answer(link, id, (struct child_verdict){.result = AUTH_UNAVAILABLE});
}

static void time_up(evutil_socket_t fd, short events, void *arg)
{
	struct job *job = arg;
	struct auth_checks *checks = job->from->checks;

	(void)fd;
	(void)events;
	refuse(job->from, job->question.id);
	end_job(checks, job);
	start_jobs(checks);
}

static void child_spoke(evutil_socket_t fd, short events, void *arg)
{
	struct job *job = arg;
	struct auth_checks *checks = job->from->checks;
	struct child_verdict verdict;
	ssize_t n = read(fd, &verdict, sizeof(verdict));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(verdict) || verdict.result > AUTH_ACCEPTED) /* it died */
		verdict = (struct child_verdict){.result = AUTH_UNAVAILABLE};
	answer(job->from, job->question.id, verdict);
	end_job(checks, job);
	start_jobs(checks);
}

/* 0, or -1 if the system has no room for it. */
static int start_job(struct auth_checks *checks, struct job *job)
{
	job->pid = child_start(checks->blocks, &job->question, &job->fd);
	if (job->pid < 0) {
		job->pid = 0;
		return -1;
	}
	job->readable = event_new(checks->base, job->fd, EV_READ | EV_PERSIST, child_spoke, job);
	if (job->readable == NULL) {
		kill(job->pid, SIGKILL);
		checks->dead[checks->dead_count++] = job->pid;
		close(job->fd);
		job->pid = 0;
		return -1;
	}
	event_add(job->readable, NULL);
	TAILQ_REMOVE(&checks->queue, job, entry);
	checks->queued--;
	TAILQ_INSERT_TAIL(&checks->running, job, entry);
	checks->busy++;
	return 0;
}

static void start_jobs(struct auth_checks *checks)
{
	struct job *job;

	/* Every running child can become one more dead one. */
	while ((job = TAILQ_FIRST(&checks->queue)) != NULL && checks->busy < checks->busy_max &&
	    checks->dead_count + checks->busy < DEAD_MAX) {
		if (start_job(checks, job) == 0)
			continue;
		refuse(job->from, job->question.id);
		end_job(checks, job);
	}
}

/* --- questions ------------------------------------------------------------------------------- */

static bool blocks_exist(const struct auth_checks *checks, const struct message *question)
{
	for (size_t i = 0; i < question->block_count; i++)
		if (question->blocks[i] >= checks->block_count)
			return false;
	return question->block_count > 0;
}

static int enqueue(struct served *link, const struct message *question)
{
	struct auth_checks *checks = link->checks;
	const struct timeval tv = {
	    .tv_sec = question->deadline_ms / 1000, .tv_usec = question->deadline_ms % 1000 * 1000};
	struct job *job;

	if (checks->queued >= QUEUE_MAX || !blocks_exist(checks, question))
		return -1;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -1;
	job->timer = evtimer_new(checks->base, time_up, job);
	if (job->timer == NULL) {
		free(job);
		return -1;
	}
	job->from = link;
	job->question = *question;
	evtimer_add(job->timer, &tv);
	TAILQ_INSERT_TAIL(&checks->queue, job, entry);
	checks->queued++;
	return 0;
}

static struct job *find(struct jobs *jobs, const struct served *link, uint32_t id)
{
	struct job *job;

	TAILQ_FOREACH(job, jobs, entry)
	if (job->from == link && job->question.id == id)
		return job;
	return NULL;
}

static void cancel(struct served *link, uint32_t id)
{
	struct auth_checks *checks = link->checks;
	struct job *job = find(&checks->running, link, id);

	if (job == NULL)
		job = find(&checks->queue, link, id);
	if (job != NULL)
		end_job(checks, job);
}

static void end_jobs_of(struct jobs *jobs, const struct served *link)
{
	struct job *job = TAILQ_FIRST(jobs), *next;

	for (; job != NULL; job = next) {
		next = TAILQ_NEXT(job, entry);
		if (job->from == link)
			end_job(link->checks, job);
	}
}

static void drop_link(struct served *link)
{
	end_jobs_of(&link->checks->queue, link);
	end_jobs_of(&link->checks->running, link);
	LIST_REMOVE(link, entry);
	event_free(link->readable);
	close(link->fd);
	free(link);
}

/* 1 a message was taken, 0 there is none now, -1 the worker has gone. */
static int take_message(struct served *link)
{
	uint8_t bytes[MESSAGE_MAX];
	struct message message;
	ssize_t n = recv(link->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
	if (message_read(&message, bytes, (size_t)n)) {
		if (message.kind == MESSAGE_CANCEL)
			cancel(link, message.id);
		else if (message.kind == MESSAGE_ASK && enqueue(link, &message) != 0)
			refuse(link, message.id);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(&message, sizeof(message));
	return 1;
}

static void read_questions(evutil_socket_t fd, short events, void *arg)
{
	struct served *link = arg;
	struct auth_checks *checks = link->checks;
	int got = 1;

	(void)fd;
	(void)events;
	for (int i = 0; i < READ_BATCH && got > 0; i++)
		got = take_message(link);
	if (got < 0)
		drop_link(link);
	start_jobs(checks);
}

/* --- its life -------------------------------------------------------------------------------- */

/* One CPU is left to those who carry traffic. */
static unsigned hashing_max(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 3)
		return 1;
	return (unsigned)CPU_COUNT(&set) - 1 < DEAD_MAX / 2 ? (unsigned)CPU_COUNT(&set) - 1
	                                                    : DEAD_MAX / 2;
}

struct auth_checks *auth_checks_new(
    struct event_base *base, const struct auth_block *blocks, size_t count)
{
	struct auth_checks *checks = calloc(1, sizeof(*checks));

	if (checks == NULL)
		return NULL;
	checks->base = base;
	checks->blocks = blocks;
	checks->block_count = count;
	checks->busy_max = hashing_max();
	LIST_INIT(&checks->links);
	TAILQ_INIT(&checks->queue);
	TAILQ_INIT(&checks->running);
	checks->child_ended = evsignal_new(base, SIGCHLD, child_ended, checks);
	if (checks->child_ended == NULL || event_add(checks->child_ended, NULL) != 0) {
		auth_checks_free(checks);
		return NULL;
	}
	return checks;
}

void auth_checks_free(struct auth_checks *checks)
{
	struct served *link;

	if (checks == NULL)
		return;
	while ((link = LIST_FIRST(&checks->links)) != NULL)
		drop_link(link);
	reap(checks);
	if (checks->child_ended != NULL)
		event_free(checks->child_ended);
	free(checks);
}

int auth_checks_serve(struct auth_checks *checks, int fd)
{
	struct served *link = calloc(1, sizeof(*link));

	if (link != NULL) {
		*link = (struct served){.checks = checks, .fd = fd};
		link->readable =
		    event_new(checks->base, fd, EV_READ | EV_PERSIST, read_questions, link);
	}
	if (link == NULL || link->readable == NULL || event_add(link->readable, NULL) != 0) {
		if (link != NULL && link->readable != NULL)
			event_free(link->readable);
		free(link);
		close(fd);
		return -1;
	}
	LIST_INSERT_HEAD(&checks->links, link, entry);
	return 0;
}
