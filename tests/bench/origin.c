/* SPDX-License-Identifier: ISC */
/*
 * The server behind the proxy.  The first byte of a connection says what it does: E echo, O echo
 * once and close, S sink, G generate, D both; the last three are followed by a length of 8 bytes,
 * its top byte holds FLAG_…; what sinks ends with 16 bytes (count, wrong bytes) and FIN.
 * Datagrams to the same port are echoed.
 */
#include "config.h"

#include "tests/bench/pxbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum type { TYPE_LISTENER, TYPE_UDP, TYPE_CONNECTION };
enum phase { PHASE_NEW, PHASE_ECHO, PHASE_BULK, PHASE_EOF };

struct peer {
	enum type type;
	enum phase phase;
	int fd;
	uint32_t events;
	uint8_t command, flags, head_length, head[9];
	uint64_t length, got, sent, bad;
	uint8_t *pending;
	size_t pending_start, pending_end;
};

struct server {
	pthread_t thread;
	int epoll;
};

static struct server *servers;
static int server_count;
static atomic_uint next_server;

static void forget(struct peer *p)
{
	close(p->fd);
	free(p->pending);
	free(p);
}

/* Send or keep; reading stops while something is kept. */
static bool reply(struct peer *p, const uint8_t *b, size_t n)
{
	ssize_t sent = p->pending_end ? 0 : send(p->fd, b, n, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		return false;
	if (sent < 0)
		sent = 0;
	size_t rest = n - (size_t)sent;
	if (rest == 0)
		return true;
	uint8_t *grown = realloc(p->pending, p->pending_end + rest);
	if (!grown)
		return false;
	p->pending = grown;
	memcpy(p->pending + p->pending_end, b + sent, rest);
	p->pending_end += rest;
	return true;
}

static bool flush_pending(struct peer *p)
{
	ssize_t n = send(
	    p->fd, p->pending + p->pending_start, p->pending_end - p->pending_start, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	p->pending_start += (size_t)n;
	if (p->pending_start == p->pending_end)
		p->pending_start = p->pending_end = 0;
	return true;
}

/* The command byte and what follows it; false: not a command. */
static bool read_command(struct peer *p, uint8_t byte)
{
	p->head[p->head_length++] = byte;
	p->command = p->head[0];
	if (p->command == 'E' || p->command == 'O') {
		p->phase = PHASE_ECHO;
	} else if (!strchr("SGD", p->command) || !p->command) {
		return false;
	} else if (p->head_length == sizeof(p->head)) {
		p->flags = p->head[1];
		p->head[1] = 0;
		p->length = get64(p->head + 1);
		p->phase = PHASE_BULK;
	}
	return true;
}

static bool take(struct peer *p, const uint8_t *b, size_t n)
{
	for (; p->phase == PHASE_NEW && n; b++, n--)
		if (!read_command(p, *b))
			return false;
	if (!n)
		return true;
	if (p->phase == PHASE_ECHO) {
		if (p->command == 'O')
			p->phase = PHASE_EOF;
		return reply(p, b, n);
	}
	if (p->phase != PHASE_BULK || p->command == 'G' || p->got + n > p->length)
		return false; /* more than the protocol allows */
	if (p->flags & FLAG_CHECK)
		p->bad += pattern_diff(b, n, p->got);
	p->got += n;
	return true;
}

static bool sinking(const struct peer *p)
{
	return p->phase == PHASE_BULK && p->command != 'G';
}

static bool read_some(struct peer *p, uint8_t *scratch)
{
	for (int i = 0; i < 4; i++) {
		size_t want = 65536;
		int flags = 0;

		if (sinking(p)) {
			if (p->got == p->length)
				break;
			want = MIN(p->length - p->got, PATTERN_SIZE);
			if (!(p->flags & FLAG_CHECK))
				flags = MSG_TRUNC; /* TCP: thrown away without a copy */
		}
		ssize_t n = recv(p->fd, scratch, want, flags);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		if (flags)
			p->got += (uint64_t)n;
		else if (!take(p, scratch, (size_t)n))
			return false;
		if ((size_t)n < want || p->pending_end)
			break;
	}
	return true;
}

/* Generate, and answer when all has been sent and sunk. */
static bool go_on(struct peer *p)
{
	bool sends = p->command != 'S', sinks = p->command != 'G';

	for (int i = 0; sends && i < 4 && p->sent < p->length; i++) {
		ssize_t n = pattern_send(p->fd, p->sent, p->length, p->flags & FLAG_SENDFILE);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0)
			return false;
		p->sent += (uint64_t)n;
	}
	if ((sends && p->sent < p->length) || (sinks && p->got < p->length))
		return true;
	uint8_t answer[16];
	put64(answer, p->got);
	put64(answer + 8, p->bad);
	p->phase = PHASE_EOF;
	return !sinks || reply(p, answer, sizeof(answer));
}

/* False: the connection has ended. */
static bool step(struct peer *p, uint32_t events, uint8_t *scratch)
{
	if (events & EPOLLIN && !p->pending_end) {
		if (!read_some(p, scratch))
			return false;
	} else if (events & (EPOLLERR | EPOLLHUP)) {
		return false;
	}
	if (p->pending_end && events & EPOLLOUT && !flush_pending(p))
		return false;
	if (p->phase == PHASE_BULK && !go_on(p))
		return false;
	if (p->phase == PHASE_EOF && !p->pending_end) {
		if (p->command == 'O')
			return false;
		shutdown(p->fd, SHUT_WR);
	}
	return true;
}

static void interest(int epoll, struct peer *p)
{
	bool bulk = p->phase == PHASE_BULK;
	uint32_t events = 0;

	if (!p->pending_end && !(bulk && (p->command == 'G' || p->got == p->length)))
		events |= EPOLLIN;
	if (p->pending_end || (bulk && p->command != 'S' && p->sent < p->length))
		events |= EPOLLOUT;
	if (events == p->events)
		return;
	p->events = events;
	epoll_ctl(epoll, EPOLL_CTL_MOD, p->fd, &(struct epoll_event){events, {.ptr = p}});
}

static void admit(const struct peer *listener)
{
	int one = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	struct peer *p = calloc(1, sizeof(*p));
	if (!p) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	p->type = TYPE_CONNECTION;
	p->fd = fd;
	p->events = EPOLLIN;
	struct server *s = &servers[atomic_fetch_add(&next_server, 1) % (unsigned)server_count];
	epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN, {.ptr = p}});
}

#define BATCH 32

static void echo_datagrams(int fd)
{
	static _Thread_local uint8_t bytes[BATCH][2048];
	static _Thread_local struct sockaddr_in from[BATCH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){bytes[i], sizeof(bytes[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
		    .msg_namelen = sizeof(from[i]),
		    .msg_iov = &parts[i],
		    .msg_iovlen = 1};
	}
	int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		parts[i].iov_len = messages[i].msg_len;
	if (n > 0)
		sendmmsg(fd, messages, (unsigned)n, 0);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	uint8_t *scratch = malloc(PATTERN_SIZE);
	struct epoll_event events[128];

	for (;;) {
		int n = epoll_wait(s->epoll, events, 128, -1);
		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			if (p->type == TYPE_LISTENER)
				admit(p);
			else if (p->type == TYPE_UDP)
				echo_datagrams(p->fd);
			else if (!step(p, events[i].events, scratch))
				forget(p);
			else
				interest(s->epoll, p);
		}
	}
	return NULL;
}

/* A TCP listener that all servers share, or (index >= 0) the UDP socket of one of them. */
static void listen_on(int port, int address, int index)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)address)};
	bool udp = index >= 0;
	int one = 1, big = 8 << 20;
	int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(AF_INET, type, 0);

	setsockopt(fd, SOL_SOCKET, udp ? SO_REUSEPORT : SO_REUSEADDR, &one, sizeof(one));
	if (udp && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || (!udp && listen(fd, 65535)))
		die("port %d: %s", port, strerror(errno));
	struct peer *p = calloc(1, sizeof(*p));
	if (!p)
		die("out of memory");
	p->fd = fd;
	p->type = udp ? TYPE_UDP : TYPE_LISTENER;
	uint32_t events = EPOLLIN | (udp ? 0 : EPOLLEXCLUSIVE);
	for (int i = 0; i < server_count; i++)
		if (!udp || i == index)
			epoll_ctl(servers[i].epoll, EPOLL_CTL_ADD, fd,
			    &(struct epoll_event){events, {.ptr = p}});
}

void origin_serve(int port, int addresses)
{
	server_count = opt.threads;
	servers = calloc((size_t)server_count, sizeof(*servers));
	if (!servers)
		die("out of memory");
	for (int i = 0; i < server_count; i++)
		servers[i].epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int a = 0; a < addresses; a++)
		for (int i = -1; i < server_count; i++)
			listen_on(port, a, i);
	for (int i = 1; i < server_count; i++)
		pthread_create(&servers[i].thread, NULL, serve, &servers[i]);
	printf(
	    "origin on 127.0.0.1-127.0.0.%d port %d, %d threads\n", addresses, port, server_count);
	fflush(stdout);
	serve(&servers[0]);
	abort(); /* serve() does not return */
}
