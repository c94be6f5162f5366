/* SPDX-License-Identifier: ISC */
/* One connection to the proxy, from connect() until the way is free, and its end. */
#include "config.h"

#include "tests/bench/load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

const char *const failure_names[FAIL_COUNT] = {
#define X(name) #name,
    FAILURES(X)
#undef X
};

void tunnel_close(struct load *l, struct tunnel *t, enum state state)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->udp >= 0)
		close(t->udp);
	t->fd = t->udp = -1;
	if (t->state != STATE_IDLE && t->state < STATE_READY)
		l->inflight--;
	t->state = state;
}

void tunnel_fail(struct load *l, struct tunnel *t, enum failure failure)
{
	bool opening = !running;

	l->failures[failure]++;
	if (opt.mode == MODE_RATE) { /* opened again at the next tick */
		tunnel_close(l, t, STATE_IDLE);
		return;
	}
	tunnel_close(l, t, STATE_FAILED);
	l->failed++;
	if (opening)
		l->settled++;
}

void tunnel_interest(struct load *l, struct tunnel *t, uint32_t events)
{
	epoll_ctl(l->epoll, EPOLL_CTL_MOD, t->fd, &(struct epoll_event){events, {.ptr = t}});
}

bool tunnel_send(
    struct load *l, struct tunnel *t, const void *bytes, size_t n, enum failure failure)
{
	if (send(t->fd, bytes, n, MSG_NOSIGNAL) == (ssize_t)n)
		return true;
	tunnel_fail(l, t, failure);
	return false;
}

void tunnel_ready(struct load *l, struct tunnel *t)
{
	t->state = STATE_READY;
	l->inflight--;
	t->moved = now_ns();
	switch (opt.mode) {
	case MODE_RATE:
	case MODE_HOLD:
		echo_start(l, t, opt.mode == MODE_RATE && opt.closer == CLOSER_SERVER ? 'O' : 'E');
		return;
	case MODE_LATENCY:
		if (!tunnel_send(l, t, "E", 1, FAIL_reset))
			return;
		break;
	case MODE_UDP:
		udp_ready(l, t);
		if (t->state != STATE_READY)
			return;
		break;
	default:
		break;
	}
	l->settled++;
}

static enum failure failure_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return FAIL_connect_refused;
	case ETIMEDOUT:
		return FAIL_connect_timeout;
	case EADDRNOTAVAIL:
		return FAIL_no_local_port;
	default:
		return FAIL_connect_other;
	}
}

/* A socket bound to this source; false: failed. */
static bool make_socket(struct load *l, struct tunnel *t, const struct sockaddr_in *source)
{
	int one = 1;

	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0) {
		tunnel_fail(l, t, FAIL_no_fd);
		return false;
	}
	setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (opt.sources <= 1)
		return true;
	setsockopt(t->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(t->fd, (const struct sockaddr *)source, sizeof(*source)) == 0)
		return true;
	tunnel_fail(l, t, FAIL_no_local_port);
	return false;
}

void tunnel_open(struct load *l, struct tunnel *t)
{
	unsigned k = (unsigned)t->id + t->turn++, others = (unsigned)opt.destinations;
	uint32_t source = (k / others) % (unsigned)opt.sources;
	struct sockaddr_in from = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + source)};
	bool socks5 =
	    opt.kind == KIND_SOCKS5 || opt.kind == KIND_SOCKS5H || opt.kind == KIND_SOCKS5_AUTH;

	t->destination = k % others;
	t->state = STATE_CONNECT;
	t->sent = t->received = 0;
	t->reply_length = 0;
	t->step = socks5 ? 0 : 2;
	l->inflight++;
	t->begun = t->moved = now_ns();
	if (opt.mode == MODE_UDP) {
		if (!udp_open(l, t))
			return;
		if (opt.kind == KIND_NONE) {
			tunnel_ready(l, t);
			return;
		}
	}
	if (!make_socket(l, t, &from))
		return;
	if (connect(t->fd, (struct sockaddr *)&opt.proxy, sizeof(opt.proxy)) &&
	    errno != EINPROGRESS) {
		tunnel_fail(l, t, failure_of(errno));
		return;
	}
	uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	epoll_ctl(l->epoll, EPOLL_CTL_ADD, t->fd, &(struct epoll_event){events, {.ptr = t}});
}

void tunnel_connected(struct load *l, struct tunnel *t)
{
	int error = 0;
	socklen_t length = sizeof(error);

	getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error) {
		tunnel_fail(l, t, failure_of(error));
	} else if (opt.kind == KIND_NONE) {
		tunnel_ready(l, t);
	} else if (fetches()) {
		fetch_open(l, t);
	} else {
		t->state = STATE_HANDSHAKE;
		greeting_next(l, t);
	}
}
