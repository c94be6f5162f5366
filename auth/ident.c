/* SPDX-License-Identifier: ISC */
/* Asks the machine of a client whose connection that is (RFC 1413), without waiting for it. */
#include "config.h"

#include "auth/ident.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union end {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct auth_ident {
	struct event timer; /* the deadline; at once if it could not even be begun */
	struct event connected, readable;
	int fd; /* -1: none */
	uint16_t theirs, ours;
	char said[IDENT_LINE_MAX];
	size_t length;
	void (*done)(void *arg, const char *user);
	void *arg;
};

static void finish(struct auth_ident *ident, const char *user)
{
	void (*done)(void *arg, const char *user) = ident->done;
	void *arg = ident->arg;

	auth_ident_free(ident);
	done(arg, user);
}

static void time_up(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	finish(arg, NULL);
}

static void ask(evutil_socket_t fd, short events, void *arg)
{
	struct auth_ident *ident = arg;
	char question[IDENT_QUESTION_MAX];
	size_t n = ident_question(question, ident->theirs, ident->ours);

	(void)events;
	/* The first bytes of a connection fit into any buffer.  One that failed says so here. */
	if (send(fd, question, n, MSG_NOSIGNAL) != (ssize_t)n)
		finish(ident, NULL);
	else
		event_add(&ident->readable, NULL);
}

static void hear(evutil_socket_t fd, short events, void *arg)
{
	struct auth_ident *ident = arg;
	char user[AUTH_IDENT_USER_MAX + 1];
	ssize_t n = recv(fd, ident->said + ident->length, sizeof(ident->said) - ident->length, 0);
	enum ident_said said;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		ident->length += (size_t)n;
	said = ident_read(user, ident->said, ident->length, ident->theirs, ident->ours);
	if (said == IDENT_USER)
		finish(ident, user);
	else if (n <= 0 || said == IDENT_NOBODY)
		finish(ident, NULL);
}

/* From the address that the client came to (RFC 1413, 3).  False: it cannot be asked. */
static bool begin(struct auth_ident *ident, const struct auth_ident_plan *plan)
{
	union end from = {.sa.sa_family = plan->ours->sa_family}, to = from;
	const bool v6 = plan->ours->sa_family == AF_INET6;
	const socklen_t length = v6 ? sizeof(from.in6) : sizeof(from.in);
	int fd;

	if ((!v6 && plan->ours->sa_family != AF_INET) ||
	    plan->theirs->sa_family != plan->ours->sa_family)
		return false;
	memcpy(&from, plan->ours, length);
	memcpy(&to, plan->theirs, length);
	ident->ours = ntohs(v6 ? from.in6.sin6_port : from.in.sin_port);
	ident->theirs = ntohs(v6 ? to.in6.sin6_port : to.in.sin_port);
	*(v6 ? &from.in6.sin6_port : &from.in.sin_port) = 0;
	*(v6 ? &to.in6.sin6_port : &to.in.sin_port) = htons(plan->port);
	fd = socket(from.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	ident->fd = fd;
	event_assign(&ident->connected, plan->base, fd, EV_WRITE, ask, ident);
	event_assign(&ident->readable, plan->base, fd, EV_READ | EV_PERSIST, hear, ident);
	return bind(fd, &from.sa, length) == 0 &&
	    (connect(fd, &to.sa, length) == 0 || errno == EINPROGRESS) &&
	    event_add(&ident->connected, NULL) == 0;
}

struct auth_ident *auth_ident_start(
    const struct auth_ident_plan *plan, void (*done)(void *arg, const char *user), void *arg)
{
	struct auth_ident *ident = calloc(1, sizeof(*ident));
	struct timeval tv = {.tv_sec = (time_t)(plan->deadline_ms / 1000),
	    .tv_usec = (suseconds_t)(plan->deadline_ms % 1000 * 1000)};

	if (ident == NULL)
		return NULL;
	ident->fd = -1;
	ident->done = done;
	ident->arg = arg;
	event_assign(&ident->timer, plan->base, -1, 0, time_up, ident);
	if (!begin(ident, plan))
		tv = (struct timeval){0};
	event_add(&ident->timer, &tv);
	return ident;
}

void auth_ident_free(struct auth_ident *ident)
{
	if (ident == NULL)
		return;
	event_del(&ident->timer);
	if (ident->fd >= 0) {
		event_del(&ident->connected);
		event_del(&ident->readable);
		close(ident->fd);
	}
	free(ident);
}
