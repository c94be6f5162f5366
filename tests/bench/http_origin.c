/* SPDX-License-Identifier: ISC */
/*
 * The web server behind the proxy, over kept connections: GET /LENGTH/OFFSET is answered with that
 * many bytes of the pattern from that offset on, so that no two answers are alike.
 */
#include "config.h"

#include "tests/bench/pxbench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define ANSWER_MAX 256
#define FIRST_PIECE 65536 /* of the body, in one go with the head */

struct visitor {
	int fd;
	bool listens, answering, last; /* last: the connection ends after this answer */
	uint32_t events;
	size_t have, head_length;
	char request[REQUEST_MAX + 1], head[ANSWER_MAX];
	uint64_t sent, length, offset; /* sent: of head and body together */
};

/* The number at *at, which ends with this character; false: it is none. */
static bool number(const char **at, char end, uint64_t *value)
{
	char *rest;

	errno = 0;
	*value = strtoull(*at, &rest, 10);
	if (rest == *at || *rest != end || errno)
		return false;
	*at = rest + 1;
	return true;
}

/* What a request wants, in origin form or absolute form; false: not one of ours. */
static bool read_request(struct visitor *v)
{
	const char *at = v->request + 4;

	if (strncmp(v->request, "GET ", 4) != 0)
		return false;
	if (strncmp(at, "http://", 7) == 0)
		at = strchr(at + 7, '/');
	if (!at || *at++ != '/' || !number(&at, '/', &v->length) || !number(&at, ' ', &v->offset))
		return false;
	v->last =
	    strncmp(at, "HTTP/1.1\r\n", 10) != 0 || head_has(v->request, "Connection", "close");
	return !head_field(v->request, "Content-Length") &&
	    !head_field(v->request, "Transfer-Encoding");
}

static void write_head(struct visitor *v)
{
	char date[40];
	time_t now = time(NULL);
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
	v->head_length = (size_t)snprintf(v->head, sizeof(v->head),
	    "HTTP/1.1 200 OK\r\nServer: pxbench\r\nDate: %s\r\n"
	    "Content-Type: application/octet-stream\r\nContent-Length: %llu\r\n%s\r\n",
	    date, (unsigned long long)v->length, v->last ? "Connection: close\r\n" : "");
	v->sent = 0;
	v->answering = true;
}

/* The next request in what has come, if it is whole; false: the connection has ended. */
static bool next_request(struct visitor *v)
{
	v->request[v->have] = 0;
	char *end = strstr(v->request, "\r\n\r\n");
	if (!end)
		return v->have < REQUEST_MAX;
	end += 4;
	char kept = *end;
	*end = 0;
	if (!read_request(v))
		return false;
	*end = kept;
	v->have -= (size_t)(end - v->request);
	memmove(v->request, end, v->have);
	write_head(v);
	return true;
}

/* One piece of the answer; what send() returns. */
static ssize_t send_piece(const struct visitor *v)
{
	uint64_t at = v->offset + (v->sent - v->head_length);

	if (v->sent >= v->head_length)
		return pattern_send(v->fd, at, v->offset + v->length, false);
	struct iovec parts[2] = {{(char *)v->head + v->sent, v->head_length - v->sent},
	    {pattern + v->offset % PATTERN_SIZE, MIN(v->length, FIRST_PIECE)}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	return sendmsg(v->fd, &message, MSG_NOSIGNAL);
}

/* Send what the socket takes; false: the connection has ended. */
static bool answer(struct visitor *v)
{
	for (int i = 0; i < 4 && v->sent < v->head_length + v->length; i++) {
		ssize_t n = send_piece(v);
		if (n < 0)
			return errno == EAGAIN;
		v->sent += (uint64_t)n;
	}
	if (v->sent < v->head_length + v->length)
		return true;
	v->answering = false;
	return !v->last;
}

/* False: the connection has ended. */
static bool step(struct visitor *v, uint32_t events)
{
	if (events & EPOLLIN && !v->answering) {
		ssize_t n = recv(v->fd, v->request + v->have, REQUEST_MAX - v->have, 0);
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		v->have += (size_t)n;
	} else if (events & (EPOLLERR | EPOLLHUP)) {
		return false;
	}
	if (v->answering && !answer(v))
		return false;
	while (!v->answering && v->have) {
		if (!next_request(v))
			return false;
		if (!v->answering)
			break;
		if (!answer(v))
			return false;
	}
	return true;
}

static void interest(int epoll, struct visitor *v)
{
	uint32_t events = v->answering ? EPOLLOUT : EPOLLIN;

	if (events == v->events)
		return;
	v->events = events;
	epoll_ctl(epoll, EPOLL_CTL_MOD, v->fd, &(struct epoll_event){events, {.ptr = v}});
}

static void watch(int epoll, int fd, bool listens)
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (!v)
		die("out of memory");
	v->fd = fd;
	v->listens = listens;
	v->events = EPOLLIN;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){EPOLLIN, {.ptr = v}});
}

static void admit(int epoll, int listener)
{
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	watch(epoll, fd, false);
}

static int listen_on(int port, int address)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)address)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 65535))
		die("port %d: %s", port, strerror(errno));
	return fd;
}

static void *serve(void *arg)
{
	const int epoll = *(int *)arg;
	struct epoll_event events[128];

	for (;;) {
		int n = epoll_wait(epoll, events, 128, -1);
		for (int i = 0; i < n; i++) {
			struct visitor *v = events[i].data.ptr;
			if (v->listens) {
				admit(epoll, v->fd);
			} else if (step(v, events[i].events)) {
				interest(epoll, v);
			} else {
				close(v->fd);
				free(v);
			}
		}
	}
	return NULL;
}

void http_origin_serve(int port, int addresses)
{
	int *epolls = calloc((size_t)opt.threads, sizeof(*epolls));

	if (!epolls)
		die("out of memory");
	for (int i = 0; i < opt.threads; i++) { /* each with sockets of its own */
		pthread_t thread;
		epolls[i] = epoll_create1(EPOLL_CLOEXEC);
		for (int a = 0; a < addresses; a++)
			watch(epolls[i], listen_on(port, a), true);
		if (i > 0)
			pthread_create(&thread, NULL, serve, &epolls[i]);
	}
	printf("web on 127.0.0.1-127.0.0.%d port %d, %d threads\n", addresses, port, opt.threads);
	fflush(stdout);
	serve(&epolls[0]);
	abort(); /* serve() does not return */
}
