/* SPDX-License-Identifier: ISC */
/*
 * Lanes: password files cost CPU and share one, each other block has its own.  A lane holds a
 * queue and its running children, so a module that sleeps holds up nobody but its own block.
 */
#include "config.h"

#include "auth/jobs.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/child.h"
#include "auth/queue.h"

#define QUEUE_MAX 1024 /* of each lane */
#define DEAD_MAX 64    /* killed children of a lane that have not gone: a file server hangs */

struct lane {
	struct queue queue;
	unsigned busy, busy_max, dead;
};

struct child {
	LIST_ENTRY(child) entry;
	struct lane *lane;
	struct job *job; /* NULL: killed, to be waited for */
	pid_t pid;
	int fd;
	struct event *readable;
};

struct job {
	struct waiter waiter; /* first: a waiter is its job */
	LIST_ENTRY(job) entry;
	struct jobs *jobs;
	void *from;
	struct message question; /* wiped when the job goes */
	unsigned at;             /* which of its blocks */
	uint32_t keep_ms;        /* of the blocks so far the least */
	struct event *timer;     /* its deadline, in all queues and children */
	struct child *child;     /* NULL: in the queue */
};

static_assert(offsetof(struct job, waiter) == 0, "a waiter is cast to its job");

LIST_HEAD(child_list, child);
LIST_HEAD(job_list, job);

struct jobs {
	struct event_base *base;
	const struct auth_block *blocks;
	size_t block_count;
	void (*answered)(void *from, const struct message *answer);
	struct job_list open;
	struct child_list running, dead;
	struct event *child_ended;
	size_t lane_count;
	struct lane lanes[]; /* one a block, then the one for hashing */
};

static uint16_t block_of(const struct job *job)
{
	return job->question.blocks[job->at];
}

static struct lane *lane_of(struct job *job)
{
	struct jobs *jobs = job->jobs;

	if (jobs->blocks[block_of(job)].kind == AUTH_PASSWORD_FILE)
		return &jobs->lanes[jobs->block_count];
	return &jobs->lanes[block_of(job)];
}

/* --- children that are done ------------------------------------------------------------------ */

static void reap(struct jobs *jobs)
{
	struct child *child = LIST_FIRST(&jobs->dead), *next;

	for (; child != NULL; child = next) {
		next = LIST_NEXT(child, entry);
		if (waitpid(child->pid, NULL, WNOHANG) == 0)
			continue;
		child->lane->dead--;
		LIST_REMOVE(child, entry);
		free(child);
	}
}

/* Its slot is free, even if the process takes a while to go. */
static void let_go(struct job *job)
{
	struct child *child = job->child;

	job->child = NULL;
	child->job = NULL;
	child->lane->busy--;
	child->lane->dead++;
	if (child->readable != NULL)
		event_free(child->readable);
	close(child->fd);
	child_kill(child->pid);
	LIST_REMOVE(child, entry);
	LIST_INSERT_HEAD(&job->jobs->dead, child, entry);
	reap(job->jobs);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void end_job(struct job *job)
{
	if (job->child != NULL)
		let_go(job);
	else if (job->waiter.asker != NULL)
		queue_remove(&lane_of(job)->queue, &job->waiter);
	LIST_REMOVE(job, entry);
	if (job->timer != NULL)
		event_free(job->timer);
	OPENSSL_cleanse(job, sizeof(*job));
	free(job);
}

static void conclude(struct job *job, const struct message *answer)
{
	struct jobs *jobs = job->jobs;
	void *from = job->from;

	end_job(job);
	jobs->answered(from, answer);
}

static void refuse(struct job *job)
{
	const struct message answer = {
	    .kind = MESSAGE_ANSWER, .id = job->question.id, .result = AUTH_UNAVAILABLE};

	conclude(job, &answer);
}

/* In the queue of its block; -1: there is no place for it. */
static int line_up(struct job *job)
{
	struct waiter *displaced;

	if (!queue_add(&lane_of(job)->queue, &job->waiter, job->question.rhost, &displaced))
		return -1;
	if (displaced != NULL)
		refuse((struct job *)displaced);
	return 0;
}

static void accept_job(struct job *job, const char *user)
{
	struct message answer = {.kind = MESSAGE_ANSWER,
	    .id = job->question.id,
	    .result = AUTH_ACCEPTED,
	    .keep_ms = job->keep_ms,
	    .block = block_of(job),
	    .user_length = (uint16_t)strlen(user)};

	memcpy(answer.user, user, answer.user_length);
	conclude(job, &answer);
}

static void deny(struct job *job)
{
	const struct message answer = {
	    .kind = MESSAGE_ANSWER, .id = job->question.id, .result = AUTH_WRONG};

	conclude(job, &answer);
}

/* What one block says; the next is asked only if this one does not know the user. */
static void settle(struct job *job, struct child_verdict *verdict)
{
	const int64_t cache_ms = job->jobs->blocks[block_of(job)].cache_ms;

	let_go(job);
	if (cache_ms < job->keep_ms)
		job->keep_ms = (uint32_t)cache_ms;
	verdict->user[MESSAGE_TEXT_MAX] = '\0';
	switch (verdict->verify) {
	case AUTH_VERIFY_RIGHT:
		accept_job(job, verdict->user);
		return;
	case AUTH_VERIFY_UNKNOWN:
		if (++job->at == job->question.block_count)
			deny(job);
		else if (line_up(job) != 0)
			refuse(job);
		return;
	case AUTH_VERIFY_WRONG:
		deny(job);
		return;
	default:
		refuse(job);
	}
}

static void start_jobs(struct jobs *jobs);

static void time_up(evutil_socket_t fd, short events, void *arg)
{
	struct job *job = arg;
	struct jobs *jobs = job->jobs;

	(void)fd;
	(void)events;
	refuse(job);
	start_jobs(jobs);
}

/* --- children at work ------------------------------------------------------------------------ */

static void child_spoke(evutil_socket_t fd, short events, void *arg)
{
	struct child *child = arg;
	struct job *job = child->job;
	struct jobs *jobs = job->jobs;
	struct child_verdict verdict;
	ssize_t n = read(fd, &verdict, sizeof(verdict));

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(verdict)) /* it died */
		verdict = (struct child_verdict){.verify = AUTH_VERIFY_FAILED};
	settle(job, &verdict);
	start_jobs(jobs);
}

/* Who has died without a word may have left somebody behind that holds the pipe open. */
static void look_after(struct child *child)
{
	struct child_verdict verdict;
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == 0)
		return;
	if (read(child->fd, &verdict, sizeof(verdict)) != sizeof(verdict))
		verdict = (struct child_verdict){.verify = AUTH_VERIFY_FAILED};
	settle(child->job, &verdict);
}

static void child_ended(evutil_socket_t signal, short events, void *arg)
{
	struct jobs *jobs = arg;
	struct child *child = LIST_FIRST(&jobs->running), *next;

	(void)signal;
	(void)events;
	for (; child != NULL; child = next) {
		next = LIST_NEXT(child, entry);
		look_after(child);
	}
	reap(jobs);
	start_jobs(jobs);
}

/* 0, or -1 if the system has no room for it. */
static int start_job(struct job *job)
{
	struct jobs *jobs = job->jobs;
	struct child *child = calloc(1, sizeof(*child));

	if (child == NULL)
		return -1;
	child->pid = child_start(&jobs->blocks[block_of(job)], &job->question,
	    job->at + 1u == job->question.block_count, &child->fd);
	if (child->pid < 0) {
		free(child);
		return -1;
	}
	child->lane = lane_of(job);
	child->lane->busy++;
	child->job = job;
	job->child = child;
	LIST_INSERT_HEAD(&jobs->running, child, entry);
	child->readable =
	    event_new(jobs->base, child->fd, EV_READ | EV_PERSIST, child_spoke, child);
	return child->readable != NULL ? event_add(child->readable, NULL) : -1;
}

static void start_jobs(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->lane_count; i++) {
		struct lane *lane = &jobs->lanes[i];

		while (
		    lane->queue.count > 0 && lane->busy < lane->busy_max && lane->dead < DEAD_MAX) {
			struct job *job = (struct job *)queue_take(&lane->queue);

			if (start_job(job) != 0)
				refuse(job);
		}
	}
}

/* --- questions ------------------------------------------------------------------------------- */

static bool blocks_exist(const struct jobs *jobs, const struct message *question)
{
	for (size_t i = 0; i < question->block_count; i++)
		if (question->blocks[i] >= jobs->block_count)
			return false;
	return question->block_count > 0;
}

int jobs_add(struct jobs *jobs, void *from, const struct message *question)
{
	const struct timeval tv = {
	    .tv_sec = question->deadline_ms / 1000, .tv_usec = question->deadline_ms % 1000 * 1000};
	struct job *job;

	if (!blocks_exist(jobs, question))
		return -1;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return -1;
	job->jobs = jobs;
	job->from = from;
	job->question = *question;
	job->keep_ms = UINT32_MAX;
	LIST_INSERT_HEAD(&jobs->open, job, entry);
	job->timer = evtimer_new(jobs->base, time_up, job);
	if (job->timer == NULL || line_up(job) != 0) {
		end_job(job);
		return -1;
	}
	evtimer_add(job->timer, &tv);
	start_jobs(jobs);
	return 0;
}

static struct job *find(const struct jobs *jobs, const void *from, uint32_t id)
{
	struct job *job;

	LIST_FOREACH(job, &jobs->open, entry)
	if (job->from == from && job->question.id == id)
		return job;
	return NULL;
}

void jobs_cancel(struct jobs *jobs, const void *from, uint32_t id)
{
	struct job *job = find(jobs, from, id);

	if (job == NULL)
		return;
	end_job(job);
	start_jobs(jobs);
}

void jobs_cancel_all(struct jobs *jobs, const void *from)
{
	struct job *job = LIST_FIRST(&jobs->open), *next;

	for (; job != NULL; job = next) {
		next = LIST_NEXT(job, entry);
		if (job->from == from)
			end_job(job);
	}
}

void jobs_outdate(struct jobs *jobs, uint16_t block)
{
	struct job *job;

	LIST_FOREACH(job, &jobs->open, entry)
	for (unsigned i = 0; i <= job->at; i++)
		if (job->question.blocks[i] == block)
			job->keep_ms = 0;
}

/* --- its life -------------------------------------------------------------------------------- */

/* One CPU is left to those who carry traffic. */
static unsigned hashing_max(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 3)
		return 1;
	return (unsigned)CPU_COUNT(&set) - 1;
}

struct jobs *jobs_new(struct event_base *base, const struct auth_block *blocks, size_t count,
    void (*answered)(void *from, const struct message *answer))
{
	struct jobs *jobs = calloc(1, sizeof(*jobs) + (count + 1) * sizeof(jobs->lanes[0]));

	if (jobs == NULL)
		return NULL;
	jobs->base = base;
	jobs->blocks = blocks;
	jobs->block_count = count;
	jobs->answered = answered;
	jobs->lane_count = count + 1;
	for (size_t i = 0; i < count; i++) {
		queue_init(&jobs->lanes[i].queue, QUEUE_MAX);
		jobs->lanes[i].busy_max = blocks[i].checks > 0 ? blocks[i].checks : AUTH_CHECKS;
	}
	queue_init(&jobs->lanes[count].queue, QUEUE_MAX);
	jobs->lanes[count].busy_max = hashing_max();
	jobs->child_ended = evsignal_new(base, SIGCHLD, child_ended, jobs);
	if (jobs->child_ended == NULL || event_add(jobs->child_ended, NULL) != 0) {
		jobs_free(jobs);
		return NULL;
	}
	return jobs;
}

void jobs_free(struct jobs *jobs)
{
	struct job *job;
	struct child *child;

	if (jobs == NULL)
		return;
	while ((job = LIST_FIRST(&jobs->open)) != NULL)
		end_job(job);
	reap(jobs);
	while ((child = LIST_FIRST(&jobs->dead)) != NULL) { /* whoever is left is init's */
		LIST_REMOVE(child, entry);
		free(child);
	}
	if (jobs->child_ended != NULL)
		event_free(jobs->child_ended);
	free(jobs);
}
