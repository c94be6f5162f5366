/* SPDX-License-Identifier: ISC */
/*
 * The keeper's side of the workers' links: questions come in, answers go out.  Answers that workers
 * may repeat are taken back when a password file changes.
 */
#include "config.h"

#include "auth/auth.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth/jobs.h"
#include "auth/stamp.h"

#define READ_BATCH 16
#define LOOK_MS 250 /* between two looks at the files, as long as answers are kept */

struct served { /* a link */
	LIST_ENTRY(served) entry;
	struct auth_checks *checks;
	int fd;
	struct event *readable;
	bool owed; /* to be told to forget, there was no room */
};

LIST_HEAD(served_list, served);

struct auth_checks {
	struct event_base *base;
	const struct auth_block *blocks;
	size_t block_count;
	struct served_list links;
	struct jobs *jobs;
	struct stamp *stamps; /* one a block */
	struct event *look;   /* pending as long as answers are kept */
	int64_t kept_until_ms;
};

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool tell(struct served *link, const struct message *message)
{
	uint8_t bytes[MESSAGE_MAX];

	return send(link->fd, bytes, message_write(bytes, message), MSG_DONTWAIT | MSG_NOSIGNAL) >=
	    0;
}

/* --- answers that are kept ------------------------------------------------------------------- */

static void forget(struct served *link, uint16_t block)
{
	const struct message message = {.kind = MESSAGE_FORGET, .block = block};

	link->owed = !tell(link, &message);
}

static void look_at(struct auth_checks *checks, uint16_t block)
{
	struct served *link;

	if (checks->blocks[block].kind != AUTH_PASSWORD_FILE ||
	    !stamp_renew(&checks->stamps[block], checks->blocks[block].path))
		return;
	jobs_outdate(checks->jobs, block);
	LIST_FOREACH(link, &checks->links, entry)
	forget(link, link->owed ? MESSAGE_ALL_BLOCKS : block);
}

static void look_soon(struct auth_checks *checks)
{
	const struct timeval tv = {.tv_usec = LOOK_MS * 1000};

	if (!evtimer_pending(checks->look, NULL))
		evtimer_add(checks->look, &tv);
}

static void look(evutil_socket_t fd, short events, void *arg)
{
	struct auth_checks *checks = arg;
	bool owed = false;
	struct served *link;

	(void)fd;
	(void)events;
	for (size_t i = 0; i < checks->block_count; i++)
		look_at(checks, (uint16_t)i);
	LIST_FOREACH(link, &checks->links, entry)
	{
		if (link->owed)
			forget(link, MESSAGE_ALL_BLOCKS);
		owed |= link->owed;
	}
	if (owed || now() < checks->kept_until_ms)
		look_soon(checks);
}

static void keep(struct auth_checks *checks, int64_t ms)
{
	if (now() + ms > checks->kept_until_ms)
		checks->kept_until_ms = now() + ms;
	look_soon(checks);
}

/* --- questions ------------------------------------------------------------------------------- */

/* One that does not fit into the socket is lost: the worker's own deadline denies then. */
static void answer(void *arg, const struct message *message)
{
	struct served *link = arg;

	if (tell(link, message) && message->keep_ms > 0)
		keep(link->checks, message->keep_ms);
}

static void refuse(struct served *link, uint32_t id)
{
	const struct message message = {
	    .kind = MESSAGE_ANSWER, .id = id, .result = AUTH_UNAVAILABLE};

	answer(link, &message);
}

static void drop_link(struct served *link)
{
	jobs_cancel_all(link->checks->jobs, link);
	LIST_REMOVE(link, entry);
	event_free(link->readable);
	close(link->fd);
	free(link);
}

static void take_question(struct served *link, const struct message *question)
{
	struct auth_checks *checks = link->checks;

	/* Before anybody reads them: what an answer rests on is never newer than what was seen. */
	for (size_t i = 0; i < question->block_count; i++)
		if (question->blocks[i] < checks->block_count)
			look_at(checks, question->blocks[i]);
	if (jobs_add(checks->jobs, link, question) != 0)
		refuse(link, question->id);
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
			jobs_cancel(link->checks->jobs, link, message.id);
		else if (message.kind == MESSAGE_ASK)
			take_question(link, &message);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(&message, sizeof(message));
	return 1;
}

static void read_questions(evutil_socket_t fd, short events, void *arg)
{
	struct served *link = arg;
	int got = 1;

	(void)fd;
	(void)events;
	for (int i = 0; i < READ_BATCH && got > 0; i++)
		got = take_message(link);
	if (got < 0)
		drop_link(link);
}

/* --- its life -------------------------------------------------------------------------------- */

struct auth_checks *auth_checks_new(
    struct event_base *base, const struct auth_block *blocks, size_t count)
{
	struct auth_checks *checks = calloc(1, sizeof(*checks));

	if (checks == NULL)
		return NULL;
	checks->base = base;
	checks->blocks = blocks;
	checks->block_count = count;
	LIST_INIT(&checks->links);
	checks->jobs = jobs_new(base, blocks, count, answer);
	checks->stamps = calloc(count + 1, sizeof(checks->stamps[0]));
	checks->look = evtimer_new(base, look, checks);
	if (checks->jobs == NULL || checks->stamps == NULL || checks->look == NULL) {
		auth_checks_free(checks);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		look_at(checks, (uint16_t)i);
	return checks;
}

void auth_checks_free(struct auth_checks *checks)
{
	struct served *link;

	if (checks == NULL)
		return;
	while ((link = LIST_FIRST(&checks->links)) != NULL)
		drop_link(link);
	jobs_free(checks->jobs);
	if (checks->look != NULL)
		event_free(checks->look);
	free(checks->stamps);
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
