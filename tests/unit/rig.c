/* SPDX-License-Identifier: ISC */
/* A loop, loopback sockets and peers for the tests of the carriers. */
#include "config.h"

#include "tests/unit/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/splice.h"

#define PATIENCE_MS 30000

static void ticked(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

void rig_setup(struct rig *rig)
{
	static const struct timeval often = {.tv_usec = 5000};
	struct event_config *config = event_config_new();

	signal(SIGPIPE, SIG_IGN);
	memset(rig, 0, sizeof *rig);
	event_config_set_flag(
	    config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	rig->loop.base = event_base_new_with_config(config);
	event_config_free(config);
	rig->loop.scratch = malloc(LOOP_SCRATCH);
	rig->pipes = malloc(sizeof *rig->pipes);
	assert_non_null(rig->pipes);
	atomic_init(rig->pipes, PIPE_MAX);
	rig->loop.pipes = pipe_pool_new(rig->pipes);
	rig->tick = event_new(rig->loop.base, -1, EV_PERSIST, ticked, NULL);
	event_add(rig->tick, &often);
}

void rig_teardown(struct rig *rig)
{
	event_free(rig->tick);
	pipe_pool_free(rig->loop.pipes);
	assert_int_equal(atomic_load(rig->pipes), PIPE_MAX); /* none is lost */
	buffer_pool_clear(&rig->loop.buffers);
	free(rig->pipes);
	free(rig->loop.scratch);
	event_base_free(rig->loop.base);
}

void rig_run(struct rig *rig, bool (*done)(void *arg), void *arg)
{
	int64_t deadline = loop_now() + PATIENCE_MS;

	while (!done(arg)) {
		if (loop_now() > deadline)
			fail_msg("nothing more happens");
		event_base_loop(rig->loop.base, EVLOOP_ONCE);
	}
}

void rig_pass(struct rig *rig, int ms)
{
	int64_t until = loop_now() + ms;

	while (loop_now() < until)
		event_base_loop(rig->loop.base, EVLOOP_ONCE);
}

int rig_listen(int family, struct sockaddr_storage *sa)
{
	struct sockaddr_in *in = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)sa;
	socklen_t length = family == AF_INET ? sizeof *in : sizeof *in6;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memset(sa, 0, sizeof *sa);
	sa->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	assert_int_equal(bind(fd, (struct sockaddr *)sa, length), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sa, &length), 0);
	return fd;
}

static void options(int fd)
{
	static const int on = 1;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

void rig_pair(int fds[2])
{
	static const int segment = 1448; /* with loopback's 64 KiB a small window stalls */
	struct sockaddr_storage sa;
	int listener = rig_listen(AF_INET, &sa);

	setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&sa, sizeof(struct sockaddr_in)), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fds[1] >= 0);
	options(fds[0]);
	options(fds[1]);
	close(listener);
}

void rig_narrow(int fd)
{
	static const int bytes = 16384;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* --- peers ----------------------------------------------------------------------------------- */

uint8_t peer_byte(uint8_t salt, uint64_t i)
{
	return (uint8_t)((i * 2654435761U >> 13) + i + salt);
}

static void wants(struct peer *p)
{
	int events = 0;

	if (p->stream == NULL)
		return;
	if (!p->deaf && !p->ended)
		events |= STREAM_READ;
	if (p->sent < p->to_send || (p->fin && !p->fin_sent))
		events |= STREAM_WRITE;
	stream_want(p->stream, events);
}

static void lost(struct peer *p)
{
	if (errno == EAGAIN)
		return;
	p->reset = true;
	stream_free(p->stream);
	p->stream = NULL;
}

/* Much at a time, so that there is bulk. */
static void send_some(struct peer *p)
{
	static uint8_t bytes[256 * 1024];
	size_t size = sizeof bytes;
	ssize_t n = 0;

	if (p->sent < p->to_send) {
		if (size > p->to_send - p->sent)
			size = (size_t)(p->to_send - p->sent);
		for (size_t i = 0; i < size; i++)
			bytes[i] = peer_byte(p->salt, p->sent + i);
		n = stream_write(p->stream, bytes, size);
	}
	if (n > 0)
		p->sent += (uint64_t)n;
	if (n >= 0 && p->sent == p->to_send && p->fin && !p->fin_sent) {
		n = stream_shutdown(p->stream);
		p->fin_sent = n == 0;
	}
	if (n < 0)
		lost(p);
}

static void read_some(struct peer *p)
{
	uint8_t bytes[32768];
	ssize_t n = stream_read(p->stream, bytes, sizeof bytes);

	if (n < 0)
		lost(p);
	if (n == 0)
		p->ended = true;
	for (ssize_t i = 0; i < n; i++)
		p->wrong += bytes[i] != peer_byte(p->expect, p->received + (uint64_t)i);
	if (n > 0)
		p->received += (uint64_t)n;
}

static void ready(void *arg, int events)
{
	struct peer *p = arg;

	if ((events & STREAM_READ) && !p->deaf)
		read_some(p);
	if ((events & STREAM_WRITE) && p->stream != NULL)
		send_some(p);
	wants(p);
}

void peer_start(struct peer *p, struct rig *rig, int fd, struct stream_layer *layer)
{
	memset(p, 0, sizeof *p);
	p->stream = stream_new(&rig->loop, fd);
	assert_non_null(p->stream);
	if (layer != NULL)
		stream_push(p->stream, layer);
	stream_handler(p->stream, ready, p);
	wants(p);
}

void peer_send(struct peer *p, uint64_t bytes, bool fin)
{
	p->to_send += bytes;
	p->fin = fin;
	wants(p);
}

void peer_listen(struct peer *p, bool listening)
{
	p->deaf = !listening;
	wants(p);
}

void peer_close(struct peer *p)
{
	stream_free(p->stream);
	p->stream = NULL;
}

void peer_abort(struct peer *p)
{
	stream_abort(p->stream);
	p->stream = NULL;
}
