/* SPDX-License-Identifier: ISC */
/* Origins of a script, and in place of gateway/dial.c the only way to them. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/dial.h"
#include "tests/fuzz/forward.h"
#include "tests/fuzz/promise.h"

#define LITTLE_ROOM 1 /* octets; the kernel makes that its least */
#define PIECE 4096    /* read at once */

/* --- connections ------------------------------------------------------------------------------ */

static int listening(void)
{
	static int fd = -1;
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	if (fd >= 0)
		return fd;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	PROMISE(fd >= 0 && bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	PROMISE(listen(fd, 16) == 0);
	return fd;
}

/* Each from another address: a port that has just been used rests for a minute. */
static void connect_pair(int fds[2])
{
	static uint32_t last;
	struct sockaddr_in to,
	    from = {
	        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + ++last % 0xffff)};
	socklen_t length = sizeof(to);

	PROMISE(getsockname(listening(), (struct sockaddr *)&to, &length) == 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	PROMISE(fds[0] >= 0 && bind(fds[0], (struct sockaddr *)&from, sizeof(from)) == 0);
	PROMISE(connect(fds[0], (struct sockaddr *)&to, length) == 0);
	fds[1] = accept4(listening(), NULL, NULL, SOCK_CLOEXEC);
}

void ears_pair(bool tcp, int fds[2])
{
	const int room = LITTLE_ROOM, now = 1;

	if (tcp)
		connect_pair(fds);
	else
		PROMISE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	for (size_t i = 0; i < 2; i++) {
		PROMISE(evutil_make_socket_nonblocking(fds[i]) == 0);
		if (tcp)
			setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
		else
			setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	}
}

void ear_open(struct ear *ear, int fd, bool tcp)
{
	*ear = (struct ear){.fd = fd, .tcp = tcp, .bytes = malloc(PIECE), .size = PIECE};
	PROMISE(ear->bytes);
}

void ear_hear(struct ear *ear, bool *progress)
{
	ssize_t n;

	while (ear->fd >= 0 && !ear->ended) {
		if (ear->size - ear->n < PIECE) {
			ear->size += ear->size + PIECE;
			ear->bytes = realloc(ear->bytes, ear->size);
			PROMISE(ear->bytes);
		}
		n = recv(ear->fd, ear->bytes + ear->n, ear->size - ear->n, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		*progress = true;
		ear->ended = n <= 0;
		ear->reset = n < 0;
		if (n > 0)
			ear->n += (size_t)n;
	}
}

size_t ear_say(struct ear *ear, const uint8_t *bytes, size_t n, bool *progress)
{
	ssize_t sent = ear->fd < 0 ? -1 : send(ear->fd, bytes, n, MSG_NOSIGNAL);

	if (sent <= 0)
		return 0;
	*progress = true;
	return (size_t)sent;
}

void ear_close(struct ear *ear, bool reset)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	if (ear->fd < 0)
		return;
	if (reset)
		setsockopt(ear->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(ear->fd);
	ear->fd = -1;
}

/* --- the script ------------------------------------------------------------------------------- */

static const struct answer *next_answer(struct run *run)
{
	static const struct answer usual = {
	    .bytes = (const uint8_t *)"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .n = 40};

	if (run->next_answer == run->answer_count)
		return &usual;
	return &run->answers[run->next_answer++];
}

static void begin_exchange(struct run *run, struct server *o, size_t from)
{
	struct exchange *e = &run->exchanges[run->exchange_count++];

	PROMISE(run->exchange_count < EXCHANGES_MAX);
	client_hear(run);
	*e = (struct exchange){.origin = o,
	    .wish = run->finals,
	    .from = from,
	    .to = SIZE_MAX,
	    .answer = next_answer(run),
	    .first = !o->exchange};
	o->exchange = e;
}

/* What an answer comes to if all of it is sent. */
struct ending {
	size_t at;  /* what is behind that belongs to nobody */
	int status; /* of the final response; 0: it is not whole */
	bool closes;
};

static struct ending end_of_answer(const struct answer *answer, bool bodiless)
{
	struct ending ending = {.at = 0};
	struct message m;
	bool interim;

	do {
		size_t n = answer->n - ending.at;

		read_response(&m, answer->bytes + ending.at, n, bodiless, false);
		ending.status = m.reading == READING_WHOLE ? m.status : 0;
		ending.at += m.reading == READING_WHOLE ? m.length : n;
		ending.closes = message_lists(&m, "Connection", "close");
		interim = ending.status / 100 == 1 && ending.status != 101;
		message_clear(&m);
	} while (interim && ending.at < answer->n);
	return ending;
}

static void part(struct exchange *e)
{
	struct ear *ear = &e->origin->ear;
	unsigned then = e->answer->how & ANSWER_THEN;

	e->over = true;
	e->fin = then == THEN_FIN || then == THEN_LEAVE || (then == THEN_RESET && !ear->tcp);
	e->lost = then == THEN_LEAVE || then == THEN_RESET;
	if (e->lost)
		ear_close(ear, then == THEN_RESET);
	else if (e->fin)
		shutdown(ear->fd, SHUT_WR);
}

/* What is behind the end goes in one piece with it, else nobody could tell it from the answer to
 * the next request. */
static void answer(struct run *run, struct exchange *e, const struct message *asked)
{
	const struct answer *a = e->answer;
	size_t n = a->n - e->sent;

	if (e->over)
		return;
	if (asked && a->how & ANSWER_CUT &&
	    e->sent + 1 < end_of_answer(a, span_equal(asked->method, "HEAD")).at)
		n = 1;
	e->sent += ear_say(&e->origin->ear, a->bytes + e->sent, n, &run->progress);
	if (e->sent == a->n)
		part(e);
}

/* Nobody asks again before all was said, or after the last was said. */
static void check_kept(const struct exchange *e, const struct ending *ending)
{
	PROMISE(e->over && !e->fin);
	PROMISE(ending->at == e->answer->n && ending->status >= 200 && !ending->closes);
}

static bool is_due(const struct exchange *e, const struct message *asked)
{
	switch (e->answer->how & ANSWER_WHEN) {
	case WHEN_ASKED:
		return asked->reading == READING_WHOLE;
	case WHEN_HEAD:
		return asked->head;
	default:
		return true;
	}
}

/* True: another request follows. */
static bool listen_to(struct run *run, struct server *o)
{
	struct exchange *e = o->exchange;
	struct message m;
	struct ending ending;
	bool whole;

	read_request(&m, o->ear.bytes + e->from, o->ear.n - e->from);
	PROMISE(m.reading != READING_WRONG);
	if (is_due(e, &m))
		answer(run, e, &m);
	ending = end_of_answer(e->answer, m.head && span_equal(m.method, "HEAD"));
	whole = m.reading == READING_WHOLE;
	e->tunnel |= whole && ending.status == 101 && e->sent >= ending.at;
	message_clear(&m);
	if (e->tunnel || !whole || e->from + m.length == o->ear.n)
		return false;
	check_kept(e, &ending);
	e->to = e->from + m.length;
	begin_exchange(run, o, e->to);
	return true;
}

void origins_turn(struct run *run)
{
	for (size_t i = 0; i < run->origin_count; i++) {
		struct server *o = run->origins[i];

		ear_hear(&o->ear, &run->progress);
		while (listen_to(run, o))
			;
	}
}

bool origin_was_asked(struct run *run, size_t wish)
{
	bool whole = false;

	for (size_t i = 0; i < run->exchange_count && !whole; i++) {
		struct exchange *e = &run->exchanges[i];
		struct ear *ear = &e->origin->ear;
		struct message m;

		if (e->wish != wish)
			continue;
		ear_hear(ear, &run->progress);
		read_request(&m, ear->bytes + e->from, ear->n - e->from);
		whole = m.reading == READING_WHOLE;
		message_clear(&m);
	}
	return whole;
}

void origins_end(struct run *run)
{
	for (size_t i = 0; i < run->origin_count; i++)
		ear_close(&run->origins[i]->ear, true);
}

void origins_clear(struct run *run)
{
	for (size_t i = 0; i < run->origin_count; i++) {
		free(run->origins[i]->ear.bytes);
		free(run->origins[i]);
	}
}

/* --- dialling --------------------------------------------------------------------------------- */

struct dial {
	struct loop *loop;
	struct target target;
	bool to_hop;
	size_t hop_count;
	struct event *event;
	void (*done)(void *arg, const struct dial_outcome *outcome);
	void *arg;
};

static struct run *dialling;

void origins_begin(struct run *run)
{
	dialling = run;
	listening(); /* from the first run on */
}

static struct stream *connect_to(const struct dial *d)
{
	struct run *run = dialling;
	struct server *o = calloc(1, sizeof(*o));
	struct stream *stream;
	int fds[2];

	PROMISE(o && run->origin_count < EXCHANGES_MAX);
	o->target = d->target;
	o->to_hop = d->to_hop;
	ears_pair(run->options & OPTION_ORIGIN_TCP, fds);
	ear_open(&o->ear, fds[0], run->options & OPTION_ORIGIN_TCP);
	run->origins[run->origin_count++] = o;
	begin_exchange(run, o, 0);
	if ((o->exchange->answer->how & ANSWER_WHEN) == WHEN_CONNECTED)
		answer(run, o->exchange, NULL);
	stream = stream_new(d->loop, fds[1]);
	PROMISE(stream);
	return stream;
}

static bool is_refused(struct run *run)
{
	if (run->next_answer == run->answer_count ||
	    !(run->answers[run->next_answer].how & ANSWER_REFUSED))
		return false;
	run->next_answer++;
	return true;
}

static void dialled(evutil_socket_t fd, short events, void *arg)
{
	struct dial *d = arg;
	struct dial_outcome outcome = {
	    .reason = REASON_REFUSED, .failed = d->hop_count, .resolve_ms = -1, .connect_ms = -1};

	(void)fd;
	(void)events;
	for (size_t i = 0; i < HOPS_MAX; i++)
		outcome.hops_ms[i] = -1;
	dialling->progress = true;
	if (!is_refused(dialling)) {
		outcome.reason = REASON_OK;
		outcome.stream = connect_to(d);
		outcome.peer = (struct endpoint){d->target.host.address, d->target.port, 0};
	}
	d->done(d->arg, &outcome);
}

struct dial *dial_start(const struct dial_plan *plan,
    void (*done)(void *arg, const struct dial_outcome *outcome), void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));

	PROMISE(d);
	*d = (struct dial){.loop = plan->loop,
	    .target = plan->request->target,
	    .to_hop = plan->to_hop,
	    .hop_count = plan->hop_count,
	    .done = done,
	    .arg = arg};
	d->event = evtimer_new(plan->loop->base, dialled, d);
	PROMISE(d->event);
	event_active(d->event, EV_TIMEOUT, 0);
	return d;
}

void dial_free(struct dial *d)
{
	if (!d)
		return;
	event_free(d->event);
	free(d);
}
