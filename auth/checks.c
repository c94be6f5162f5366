/* SPDX-License-Identifier: ISC */
/* The keeper's side of the workers' links: questions come in, answers go out. */
#include "config.h"

#include "auth/auth.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/jobs.h"

#define READ_BATCH 16

struct served { /* a link */
	LIST_ENTRY(served) entry;
	struct auth_checks *checks;
	int fd;
	struct event *readable;
};

LIST_HEAD(served_list, served);

struct auth_checks {
	struct event_base *base;
	struct served_list links;
	struct jobs *jobs;
};

/* One that does not fit into the socket is lost: the worker's own deadline denies then. */
static void answer(void *arg, const struct message *message)
{
	struct served *link = arg;
	uint8_t bytes[MESSAGE_MAX];

	send(link->fd, bytes, message_write(bytes, message), MSG_DONTWAIT | MSG_NOSIGNAL);
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
		else if (message.kind == MESSAGE_ASK &&
		    jobs_add(link->checks->jobs, link, &message) != 0)
			refuse(link, message.id);
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
	LIST_INIT(&checks->links);
	checks->jobs = jobs_new(base, blocks, count, answer);
	if (checks->jobs == NULL) {
		free(checks);
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
	jobs_free(checks->jobs);
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
