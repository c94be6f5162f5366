/* SPDX-License-Identifier: ISC */
/* Datagrams through an association: the number of the tunnel, of the packet, then the pattern. */
#include "config.h"

#include "tests/bench/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LOST_AFTER 500000000u /* ns */
#define HEADER 10             /* RFC 1928, 7 with an IPv4 address */

bool udp_open(struct load *l, struct tunnel *t)
{
	int big = 8 << 20;
	struct sockaddr_in loopback = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	t->udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->udp < 0 || bind(t->udp, (struct sockaddr *)&loopback, sizeof(loopback))) {
		tunnel_fail(l, t, FAIL_no_fd);
		return false;
	}
	if (setsockopt(t->udp, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)))
		setsockopt(t->udp, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	return true;
}

/* Where the proxy's reply says that datagrams go; false: not an IPv4 address. */
static bool relay_address(const struct tunnel *t, struct sockaddr_in *to)
{
	const uint8_t *r = t->reply, *address = r[3] == 4 ? r + 16 : r + 4;
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (r[3] != 1 && (r[3] != 4 || memcmp(r + 4, mapped, 10) != 0))
		return false;
	if (r[3] == 1 || memcmp(r + 4, mapped, sizeof(mapped)) == 0)
		memcpy(&to->sin_addr, address, 4);
	memcpy(&to->sin_port, address + 4, 2);
	if (!to->sin_addr.s_addr) /* 0.0.0.0: the address of the control connection */
		to->sin_addr = opt.proxy.sin_addr;
	return true;
}

void udp_ready(struct load *l, struct tunnel *t)
{
	struct sockaddr_in to = opt.kind == KIND_NONE ? opt.target : opt.proxy;

	if (opt.kind != KIND_NONE && !relay_address(t, &to)) {
		tunnel_fail(l, t, FAIL_bad_reply);
		return;
	}
	if (connect(t->udp, (struct sockaddr *)&to, sizeof(to))) {
		tunnel_fail(l, t, FAIL_connect_other);
		return;
	}
	epoll_ctl(l->epoll, EPOLL_CTL_ADD, t->udp,
	    &(struct epoll_event){EPOLLIN, {.u64 = (uintptr_t)t | 1}});
	t->ring = calloc(RING, sizeof(*t->ring));
	if (!t->ring)
		die("out of memory");
}

void udp_expire(struct load *l, struct tunnel *t, uint64_t now)
{
	for (; t->tail < t->head; t->tail++) {
		struct packet *p = &t->ring[t->tail % RING];

		if (p->answered)
			continue;
		if (p->t + LOST_AFTER > now && t->head - t->tail < RING - 1)
			return; /* a full ring gives up its oldest */
		p->lost = true;
		t->outstanding--;
		l->failures[FAIL_udp_lost]++;
	}
}

/* May one more be sent now? */
static bool may_send(const struct tunnel *t, uint64_t due, int burst)
{
	if (opt.pps > 0)
		return t->head < due && burst < 64;
	return t->outstanding < opt.window;
}

/* One packet; false: the socket takes no more, or the tunnel has failed. */
static bool send_one(struct load *l, struct tunnel *t)
{
	uint8_t b[2048] = {0, 0, 0, 1};
	int h = opt.kind == KIND_NONE ? 0 : HEADER;

	memcpy(b + 4, &opt.target.sin_addr, 4);
	memcpy(b + 8, &opt.target.sin_port, 2);
	t->number = t->head;
	memcpy(b + h, message(t), (size_t)opt.size);
	memcpy(b + h, &t->id, 4);
	memcpy(b + h + 4, &t->head, 8);
	if (send(t->udp, b, (size_t)(opt.size + h), 0) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			tunnel_fail(
			    l, t, errno == ECONNREFUSED ? FAIL_connect_refused : FAIL_other);
		return false;
	}
	t->ring[t->head % RING] = (struct packet){t->head, now_ns(), false, false};
	t->head++;
	t->outstanding++;
	l->udp_sent++;
	return true;
}

void udp_pump(struct load *l, struct tunnel *t, uint64_t now)
{
	uint64_t due = 0;

	if (opt.pps > 0 && now > window_begin)
		due = (uint64_t)((double)(now - window_begin) / 1e9 * opt.pps / opt.conns);
	for (int burst = 0; t->state == STATE_RUN && now < window_end; burst++) {
		if (!may_send(t, due, burst))
			return;
		if (t->head - t->tail >= RING - 1)
			udp_expire(l, t, now);
		if (!send_one(l, t))
			return;
	}
}

/* Length of the header before the payload, -1 if it is none. */
static int header_length(const uint8_t *b, ssize_t n)
{
	if (opt.kind == KIND_NONE)
		return 0;
	if (n < HEADER || b[0] || b[1] || b[2])
		return -1;
	return b[3] == 1 ? HEADER : b[3] == 4 ? 22 : b[3] == 3 ? 7 + b[4] : -1;
}

static void answered(struct load *l, struct tunnel *t, uint64_t number)
{
	struct packet *p = &t->ring[number % RING];
	uint64_t now = now_ns();

	if (p->number != number || p->lost) {
		l->udp_late++;
		return;
	}
	if (p->answered) {
		l->udp_twice++;
		return;
	}
	p->answered = true;
	t->outstanding--;
	l->udp_received++;
	if (now < window_end && p->t >= window_begin) {
		histogram_add(&l->times, now - p->t);
		l->operations++;
	}
}

static void receive(struct load *l, struct tunnel *t, const uint8_t *b, ssize_t n)
{
	int h = header_length(b, n), id;
	uint64_t number;

	if (h < 0 || n - h < 12) {
		l->failures[FAIL_udp_bad_header]++;
		return;
	}
	memcpy(&id, b + h, 4);
	memcpy(&number, b + h + 4, 8);
	t->number = number;
	if (n - h != opt.size || id != t->id || number >= t->head ||
	    memcmp(b + h + 12, message(t) + 12, (size_t)opt.size - 12) != 0) {
		l->failures[FAIL_mismatch]++;
		return;
	}
	answered(l, t, number);
}

void udp_event(struct load *l, struct tunnel *t)
{
	uint8_t b[2048];

	for (int i = 0; i < 64; i++) {
		ssize_t n = recv(t->udp, b, sizeof(b), 0);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			tunnel_fail(
			    l, t, errno == ECONNREFUSED ? FAIL_connect_refused : FAIL_other);
			return;
		}
		receive(l, t, b, n);
	}
	while (t->tail < t->head && t->ring[t->tail % RING].answered)
		t->tail++;
	udp_pump(l, t, now_ns());
}
