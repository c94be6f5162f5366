/* SPDX-License-Identifier: ISC */
/* GETs over kept connections, one after the other on each, and the check of every answer. */
#include "config.h"

#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PIECE 65536

bool fetches(void)
{
	return opt.kind == KIND_HTTP_FORWARD || opt.kind == KIND_HTTP_REVERSE;
}

static uint64_t body_length(void)
{
	return opt.mode == MODE_THROUGHPUT ? opt.bytes : (uint64_t)opt.size;
}

/* Where in the pattern the answer begins: another place for each request. */
static uint64_t body_offset(const struct tunnel *t)
{
	return (t->number * 8191 + (uint64_t)t->id * 127) % PATTERN_SIZE;
}

static void reopen(struct load *l, struct tunnel *t)
{
	l->reopened++;
	tunnel_close(l, t, STATE_DONE);
	tunnel_open(l, t);
}

/* May the proxy close here, after an answer and before the next? */
static bool may_close(const struct tunnel *t)
{
	return opt.reopen && t->answered && !t->reply_length;
}

/* The bytes of a GET: in absolute form to a proxy, else in origin form. */
static size_t request(const struct tunnel *t, char *b, size_t size)
{
	char host[INET_ADDRSTRLEN];
	struct in_addr address = {htonl(ntohl(opt.target.sin_addr.s_addr) + t->destination)};
	int port = ntohs(opt.target.sin_port), n = snprintf(b, size, "GET ");

	inet_ntop(AF_INET, &address, host, sizeof(host));
	if (opt.kind == KIND_HTTP_FORWARD)
		n += snprintf(b + n, size - (size_t)n, "http://%s:%d", host, port);
	n += snprintf(b + n, size - (size_t)n,
	    "/%llu/%llu HTTP/1.1\r\nHost: %s:%d\r\nUser-Agent: pxbench/1 (load generator)\r\n"
	    "Accept: */*\r\nAccept-Encoding: identity\r\n\r\n",
	    (unsigned long long)body_length(), (unsigned long long)body_offset(t), host, port);
	return (size_t)n;
}

void fetch_start(struct load *l, struct tunnel *t)
{
	char b[512];

	if (t->state != STATE_HANDSHAKE)
		t->state = STATE_RUN;
	t->number++;
	t->received = 0;
	t->reply_length = t->head_length = 0;
	t->begun = t->moved = now_ns();
	size_t n = request(t, b, sizeof(b));
	if (send(t->fd, b, n, MSG_NOSIGNAL) == (ssize_t)n)
		return;
	if (may_close(t))
		reopen(l, t);
	else
		tunnel_fail(l, t, FAIL_reset);
}

void fetch_open(struct load *l, struct tunnel *t)
{
	t->answered = 0;
	/* Level triggered: an end that came with the last bytes is told once more. */
	tunnel_interest(l, t, EPOLLIN);
	if (opt.mode == MODE_HOLD) { /* the first answer belongs to the opening */
		t->state = STATE_HANDSHAKE;
		fetch_start(l, t);
		return;
	}
	t->state = STATE_READY;
	l->inflight--;
	if (running)
		fetch_start(l, t);
	else
		l->settled++;
}

static void downloaded(struct load *l, struct tunnel *t)
{
	l->bytes += opt.bytes;
	if (!l->first_done)
		l->first_done = t->moved;
	l->last_done = t->moved;
	l->settled++;
	tunnel_close(l, t, STATE_DONE);
}

static void held(struct load *l, struct tunnel *t)
{
	if (t->state == STATE_HANDSHAKE) {
		l->inflight--;
		histogram_add(&l->times, t->moved - t->begun);
	}
	t->state = STATE_READY;
	l->settled++;
}

/* The whole answer has come. */
static void fetched(struct load *l, struct tunnel *t)
{
	t->answered++;
	t->reply_length = t->head_length = 0;
	if (opt.mode == MODE_THROUGHPUT) {
		downloaded(l, t);
		return;
	}
	if (t->last && !opt.reopen) {
		tunnel_fail(l, t, FAIL_not_kept);
		return;
	}
	if (opt.mode == MODE_HOLD) {
		held(l, t);
		return;
	}
	if (in_window(t->moved)) {
		histogram_add(&l->times, t->moved - t->begun);
		l->operations++;
	}
	if (t->moved >= window_end)
		t->state = STATE_READY;
	else if (t->last)
		reopen(l, t);
	else
		fetch_start(l, t);
}

/* A whole head: does it promise what was asked for? */
static bool head_is_right(struct load *l, struct tunnel *t)
{
	const char *head = (const char *)t->reply, *length;

	if (memcmp(head, "HTTP/1.", 7) != 0 || memcmp(head + 8, " 200", 4) != 0) {
		keep_refusal(l, t);
		tunnel_fail(l, t, FAIL_proxy_refused);
		return false;
	}
	length = head_field(head, "Content-Length");
	if (!length || strtoull(length, NULL, 10) != body_length() ||
	    head_field(head, "Transfer-Encoding")) {
		tunnel_fail(l, t, FAIL_bad_reply);
		return false;
	}
	t->last = head[7] == '0' || head_has(head, "Connection", "close");
	return true;
}

/* How many of these bytes belong to the head; false: the tunnel has failed. */
static bool take_head(struct load *l, struct tunnel *t, size_t *n)
{
	size_t before = (size_t)t->reply_length, taken = MIN(*n, REPLY_MAX - before);

	memcpy(t->reply + before, l->scratch, taken);
	t->reply_length += (int)taken;
	t->reply[t->reply_length] = 0;
	const char *end = strstr((const char *)t->reply, "\r\n\r\n");
	if (!end) {
		if (taken == *n)
			return true;
		tunnel_fail(l, t, FAIL_bad_reply);
		return false;
	}
	t->reply_length = t->head_length = (int)(end + 4 - (const char *)t->reply);
	t->reply[t->reply_length] = 0;
	*n = (size_t)t->head_length - before;
	return head_is_right(l, t);
}

/* n bytes have come, in l->scratch unless they were only counted. */
static void take(struct load *l, struct tunnel *t, size_t n, bool counted)
{
	const uint8_t *b = l->scratch;

	if (!t->head_length) {
		size_t head = n;
		if (!take_head(l, t, &head))
			return;
		b += head;
		n -= head;
	}
	if (!t->head_length)
		return;
	if (n > body_length() - t->received) {
		tunnel_fail(l, t, FAIL_excess_bytes);
	} else if (!counted && pattern_diff(b, n, body_offset(t) + t->received)) {
		tunnel_fail(l, t, FAIL_mismatch);
	} else {
		t->received += n;
		if (t->received == body_length())
			fetched(l, t);
	}
}

static void ended(struct load *l, struct tunnel *t, bool reset)
{
	bool opening = t->state == STATE_HANDSHAKE;

	if (may_close(t) && t->state == STATE_READY)
		tunnel_close(l, t, STATE_DONE);
	else if (may_close(t))
		reopen(l, t);
	else if (reset)
		tunnel_fail(l, t, opening ? FAIL_handshake_reset : FAIL_reset);
	else
		tunnel_fail(l, t, opening ? FAIL_handshake_eof : FAIL_early_eof);
}

/* One read; false: there is no more to do now. */
static bool read_some(struct load *l, struct tunnel *t)
{
	const bool counted = t->head_length && opt.mode == MODE_THROUGHPUT && !opt.verify;
	size_t want = PIECE;

	if (counted)
		want = MIN(body_length() - t->received, PATTERN_SIZE);
	ssize_t n = recv(t->fd, l->scratch, want, counted ? MSG_TRUNC : 0);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		ended(l, t, n < 0);
		return false;
	}
	if (t->state == STATE_READY) { /* nothing was asked */
		tunnel_fail(l, t, FAIL_excess_bytes);
		return false;
	}
	t->moved = now_ns();
	take(l, t, (size_t)n, counted);
	return (size_t)n == want;
}

void fetch_event(struct load *l, struct tunnel *t)
{
	for (int i = 0; i < 4 && t->fd >= 0; i++)
		if (!read_some(l, t))
			return;
}

void fetch_again(struct load *l, int settled)
{
	while (l->checked < l->count && l->checked - settled < opt.ramp) {
		struct tunnel *t = &l->tunnels[l->checked++];
		if (t->state == STATE_READY)
			fetch_start(l, t);
	}
}
