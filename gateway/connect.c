/* SPDX-License-Identifier: ISC */
/* Connecting: one address after the other, from the address and interface that the hop wants. */
#include "config.h"

#include "gateway/connect.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "gateway/keepalive.h"
#include "gateway/source.h"

#define SOURCES_TRIED 4 /* addresses of our own that turn out not to be there */

struct connect {
	struct loop *loop;
	void (*done)(void *arg, const struct connect_outcome *outcome);
	void *arg;
	const struct hop *hop;
	const char *unix_path;
	struct endpoint arrived; /* port 0: none */
	struct endpoint peer;    /* of the attempt */
	struct stream *stream; /* the attempt under way; NULL: none, the timer tells the outcome */
	int64_t deadline;      /* 0: none */
	int keepalive;
	enum reason reason; /* the most telling failure so far */
	struct event timer;
	size_t next, count; /* attempts */
	struct in6_addr addresses[];
};

/* How much a failure tells the client: of several the most telling one is reported. */
static int telling(enum reason reason)
{
	static const unsigned char order[REASON_COUNT] = {
	    [REASON_NO_FAMILY] = 1,
	    [REASON_INTERNAL] = 2,
	    [REASON_RESOURCES] = 3, /* says nothing about the target */
	    [REASON_TIMEOUT] = 4,
	    [REASON_NET_UNREACHABLE] = 5,
	    [REASON_HOST_UNREACHABLE] = 6,
	    [REASON_FORBIDDEN] = 7,
	    [REASON_LOOP] = 8,
	    [REASON_REFUSED] = 9,
	};

	return order[reason];
}

static void note(struct connect *c, enum reason reason)
{
	if (telling(reason) > telling(c->reason))
		c->reason = reason;
}

static enum reason reason_of(int error)
{
	if (error == ENODEV) /* the interface of the hop has gone */
		return REASON_NET_UNREACHABLE;
	if (error == ENOENT) /* nobody has made that unix socket yet */
		return REASON_REFUSED;
	return reason_from_errno(error);
}

/* --- one attempt ----------------------------------------------------------------------------- */

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value);
}

/* 0, or -1 with errno; EAFNOSUPPORT: the hop has no source address of that family. */
static int bind_source(struct connect *c, int fd, bool ipv4)
{
	const struct endpoint *arrived = c->arrived.port != 0 ? &c->arrived : NULL;
	struct sockaddr_storage sa;
	struct endpoint from;

	for (int i = 0; i < SOURCES_TRIED; i++) {
		switch (source_choose(c->hop, arrived, ipv4, c->loop->sources++, &from)) {
		case 0:
			return 0;
		case -1:
			errno = EAFNOSUPPORT;
			return -1;
		}
		/* The port is chosen by connect(), which may share it among destinations. */
		set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		if (bind(fd, (struct sockaddr *)&sa, endpoint_to_sockaddr(&from, &sa)) == 0)
			return 0;
		if (errno != EADDRNOTAVAIL)
			return -1;
	}
	return -1;
}

static int apply_hop(struct connect *c, int fd, bool ipv4)
{
	const struct hop *hop = c->hop;

	if (hop == NULL)
		return 0;
	if (hop->mark != 0 && set(fd, SOL_SOCKET, SO_MARK, (int)hop->mark) < 0)
		return -1;
	if (hop->interface != NULL &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, hop->interface,
	        (socklen_t)strlen(hop->interface)) < 0)
		return -1;
	return bind_source(c, fd, ipv4);
}

static int open_socket(struct connect *c, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0 || family == AF_UNIX)
		return fd;
	if (apply_hop(c, fd, family == AF_INET) < 0) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	keepalive_set(fd, c->keepalive);
	set(fd, SOL_SOCKET, SO_OOBINLINE, 1); /* urgent bytes stay in their order */
	return fd;
}

/* The address of attempt `i`; 0 if it cannot be expressed. */
static socklen_t address_of(struct connect *c, size_t i, struct sockaddr_storage *sa)
{
	struct sockaddr_un *un = (struct sockaddr_un *)sa;

	if (c->unix_path != NULL) {
		if (strlen(c->unix_path) >= sizeof un->sun_path)
			return 0;
		memset(un, 0, sizeof *un);
		un->sun_family = AF_UNIX;
		strcpy(un->sun_path, c->unix_path);
		return sizeof *un;
	}
	c->peer.address = c->addresses[i];
	c->peer.scope = 0;
	if (IN6_IS_ADDR_LINKLOCAL(&c->peer.address) && c->hop != NULL && c->hop->interface != NULL)
		c->peer.scope = if_nametoindex(c->hop->interface);
	return endpoint_to_sockaddr(&c->peer, sa);
}

/* REASON_OK: it is under way. */
static enum reason attempt(struct connect *c, size_t i)
{
	struct sockaddr_storage sa;
	socklen_t length = address_of(c, i, &sa);
	enum reason reason;
	int fd;

	if (length == 0)
		return REASON_INTERNAL;
	fd = open_socket(c, sa.ss_family);
	if (fd < 0)
		return reason_of(errno);
	if (connect(fd, (struct sockaddr *)&sa, length) < 0 && errno != EINPROGRESS) {
		reason = reason_of(errno);
		close(fd);
		return reason;
	}
	c->stream = stream_new(c->loop, fd);
	if (c->stream != NULL)
		return REASON_OK;
	close(fd);
	return REASON_RESOURCES;
}

/* --- one after the other --------------------------------------------------------------------- */

static void finish(struct connect *c, const struct connect_outcome *outcome)
{
	event_del(&c->timer);
	c->stream = NULL;
	c->done(c->arg, outcome);
}

static void set_timer(struct connect *c, int64_t ms)
{
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	event_add(&c->timer, &tv);
}

static void writable(void *arg, int events);

/* Already, without a word on the way: loopback and unix sockets are that near. */
static bool is_connected(const struct stream *s)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;

	return getpeername(stream_fd(s), (struct sockaddr *)&sa, &length) == 0;
}

/* Start the next attempt that can be started; if none can, or it has succeeded already, the timer
 * tells so from the loop. */
static void try_next(struct connect *c)
{
	int64_t left;

	while (c->stream == NULL && c->next < c->count)
		note(c, attempt(c, c->next++));
	if (c->stream == NULL) {
		set_timer(c, 0);
		return;
	}
	if (is_connected(c->stream)) {
		event_active(&c->timer, EV_WRITE, 0);
		return;
	}
	stream_handler(c->stream, writable, c);
	stream_want(c->stream, STREAM_WRITE);
	if (c->deadline != 0) {
		left = c->deadline - loop_now();
		set_timer(c, left > 0 ? left / (int64_t)(c->count - c->next + 1) : 0);
	}
}

static void give_up(struct connect *c, enum reason reason)
{
	event_del(&c->timer);
	stream_free(c->stream);
	c->stream = NULL;
	note(c, reason);
	try_next(c);
}

/* Our end.  False: TCP connected the socket to itself, from the very port it wanted to reach. */
static bool learn_bound(struct connect *c, struct endpoint *bound)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;

	*bound = (struct endpoint){.port = 0};
	if (c->unix_path != NULL ||
	    getsockname(stream_fd(c->stream), (struct sockaddr *)&sa, &length) < 0 ||
	    !endpoint_from_sockaddr(bound, (struct sockaddr *)&sa))
		return true;
	return bound->port != c->peer.port ||
	    memcmp(&bound->address, &c->peer.address, sizeof bound->address) != 0;
}

static void connected(struct connect *c)
{
	struct connect_outcome outcome = {.reason = REASON_OK, .stream = c->stream};

	if (!learn_bound(c, &outcome.bound)) {
		give_up(c, REASON_LOOP);
		return;
	}
	outcome.peer = c->peer;
	stream_handler(c->stream, NULL, NULL);
	stream_want(c->stream, 0);
	finish(c, &outcome);
}

static void writable(void *arg, int events)
{
	struct connect *c = arg;
	uint8_t first;

	(void)events;
	/* Not SO_ERROR, which would take a reset from a target that has spoken: what it said, and
	 * the reset after it, are for the relay to find. */
	if (recv(stream_fd(c->stream), &first, sizeof first, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    errno != EAGAIN)
		give_up(c, reason_of(errno));
	else
		connected(c);
}

static void timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct connect *c = arg;

	(void)fd;
	if (what & EV_WRITE)
		connected(c);
	else if (c->stream != NULL)
		give_up(c, REASON_TIMEOUT);
	else
		finish(c, &(struct connect_outcome){.reason = c->reason});
}

/* --- life ------------------------------------------------------------------------------------ */

static void copy_family(struct connect *c, const struct connect_plan *plan, bool ipv4)
{
	for (size_t i = 0; i < plan->address_count; i++)
		if (address_is_ipv4(&plan->addresses[i]) == ipv4)
			c->addresses[c->count++] = plan->addresses[i];
}

static void copy_addresses(struct connect *c, const struct connect_plan *plan)
{
	enum family family = plan->hop == NULL ? FAMILY_ANY : plan->hop->family;

	switch (family) {
	case FAMILY_ANY:
		memcpy(c->addresses, plan->addresses, plan->address_count * sizeof *c->addresses);
		c->count = plan->address_count;
		return;
	case FAMILY_IPV4:
	case FAMILY_PREFER_IPV4:
		copy_family(c, plan, true);
		break;
	case FAMILY_IPV6:
	case FAMILY_PREFER_IPV6:
		copy_family(c, plan, false);
		break;
	}
	if (family == FAMILY_PREFER_IPV4 || family == FAMILY_PREFER_IPV6)
		copy_family(c, plan, family == FAMILY_PREFER_IPV6);
}

struct connect *connect_start(const struct connect_plan *plan,
    void (*done)(void *arg, const struct connect_outcome *outcome), void *arg)
{
	struct connect *c = calloc(1, sizeof *c + plan->address_count * sizeof *c->addresses);

	if (c == NULL)
		return NULL;
	c->loop = plan->loop;
	c->done = done;
	c->arg = arg;
	c->hop = plan->hop;
	c->unix_path = plan->unix_path;
	c->keepalive = plan->keepalive;
	if (plan->arrived != NULL)
		c->arrived = *plan->arrived;
	c->peer.port = plan->port;
	c->reason = REASON_NO_FAMILY; /* if no address is left to be tried */
	c->deadline = plan->timeout_ms == 0 ? 0 : loop_now() + plan->timeout_ms;
	if (plan->unix_path != NULL)
		c->count = 1;
	else if (plan->address_count > 0)
		copy_addresses(c, plan);
	event_assign(&c->timer, c->loop->base, -1, 0, timer_fired, c);
	try_next(c);
	return c;
}

void connect_free(struct connect *c)
{
	if (c == NULL)
		return;
	event_del(&c->timer);
	stream_free(c->stream);
	free(c);
}
