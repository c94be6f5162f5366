/* SPDX-License-Identifier: ISC */
/* A session's life: its steps and deadlines, what passes between it and the client, its one exit.
 */
#include "config.h"

#include "gateway/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gateway/log.h"
#include "gateway/record.h"
#include "gateway/setup.h"

#define ANSWER_MAX 4096          /* the longest refusal: an HTTP head and its short body */
#define LINGER_MS 2000           /* how long a refusal waits for the client to stop talking */
#define LINGER_BYTES (64 * 1024) /* and how much of what it still says is thrown away */
#define REFUSED_MS 2000          /* to say its protocol for one who is refused anyway */

#define NO_TIMEOUT SIZE_MAX /* a step whose child keeps the time */

/* Each step's deadline, and what has happened when it passes. */
static const struct {
	size_t timeout; /* offset in struct timeouts, or NO_TIMEOUT */
	enum reason late;
} steps[] = {
    [STEP_GREET] = {offsetof(struct timeouts, handshake), REASON_HANDSHAKE_TIMEOUT},
    [STEP_AUTH] = {NO_TIMEOUT, REASON_AUTH_UNAVAILABLE},
    [STEP_RESOLVE] = {offsetof(struct timeouts, dial), REASON_NAME_TIMEOUT},
    [STEP_DIAL] = {NO_TIMEOUT, REASON_TIMEOUT},
    [STEP_ANSWER] = {offsetof(struct timeouts, close), REASON_CLIENT_GONE},
    [STEP_FORWARD] = {NO_TIMEOUT, REASON_INTERNAL},
    [STEP_REFUSE] = {offsetof(struct timeouts, close), REASON_CLIENT_GONE},
};

static void arm(struct setup *u, int64_t ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	if (ms > 0)
		event_add(&u->timer, &tv);
	else
		event_del(&u->timer);
}

int64_t session_left(int64_t ms, int64_t from)
{
	int64_t left = ms == 0 ? 0 : ms - (loop_now() - from);

	return ms == 0 || left > 0 ? left : 1;
}

static void client_ready(void *arg, int events);

void session_enter(struct session *s, enum step step)
{
	const char *timeouts = (const char *)&s->client->listener->timeouts;
	size_t offset = steps[step].timeout;
	int64_t ms = offset == NO_TIMEOUT ? 0 : *(const int64_t *)(const void *)(timeouts + offset);

	s->setup->step = step;
	stream_handler(s->client->stream, client_ready, s);
	/* The handshake has one time from accept to request, however often it is interrupted. */
	if (step == STEP_GREET)
		ms = session_left(ms, s->started_ms);
	else if (step == STEP_RESOLVE)
		ms = session_left(ms, s->setup->asked_ms);
	/* Its place is counted nowhere: a limit that it could sit out would be none. */
	if (step == STEP_GREET && s->setup->reason != REASON_OK && (ms == 0 || ms > REFUSED_MS))
		ms = REFUSED_MS;
	arm(s->setup, ms);
}

void session_hurry(struct session *s, int64_t ms)
{
	arm(s->setup, ms);
}

/* --- the exit --- */

/* What is under way would tell its outcome to a session that has moved on. */
static void cancel(struct setup *u)
{
	auth_check_free(u->check);
	u->check = NULL;
	auth_ident_free(u->ident);
	u->ident = NULL;
	resolver_cancel(u->lookup);
	u->lookup = NULL;
	dial_free(u->dial);
	u->dial = NULL;
}

void setup_free(struct setup *u)
{
	if (u == NULL)
		return;
	event_del(&u->timer);
	cancel(u);
	stream_free(u->outcome.stream);
	handshake_clear(&u->handshake);
	buffer_clear(&u->in);
	buffer_clear(&u->out);
	free(u);
}

/* The head of its line in the log, as it is known now; returns its length. */
static size_t write_line_head(const struct session *s, char out[RECORD_HEAD_MAX])
{
	const struct client *c = s->client;
	const struct setup *u = s->setup;
	char peer[CLIENT_TEXT];
	const struct record record = {
	    .client_id = c->id,
	    .session_id = s->id,
	    .worker = c->worker->index,
	    .started_ms = u->wall_ms,
	    .listener = c->listener->name,
	    .client = client_format(c, peer),
	    .user = u->identified ? c->user : NULL,
	    .request = u->asked ? &u->handshake.request : NULL,
	    .rule = u->plan.rule,
	    .route = u->plan.route.place.line > 0 || u->dialled || s->forward != NULL
	        ? &u->plan.route
	        : NULL,
	    .unresolved = u->gave_up || (u->resolved && u->address_count == 0),
	    .dialled = u->dialled ? &u->outcome : NULL,
	    .resolve_ms = u->resolve_ms,
	};

	return record_head(out, &record, c->worker->gateway->conf->access_json);
}

char *session_head(const struct session *s)
{
	char head[RECORD_HEAD_MAX];

	return strndup(head, write_line_head(s, head));
}

static void log_failure(const struct session *s, enum reason reason)
{
	const struct setup *u = s->setup;
	char peer[CLIENT_TEXT], target[TARGET_TEXT], where[300] = "";

	if (u == NULL || reason == REASON_OK || reason == REASON_CLOSED || !log_wants(LEVEL_INFO))
		return;
	if (u->dialled && u->outcome.failed < u->plan.route.hop_count) {
		size_t n = (size_t)snprintf(where, sizeof where, " (hop %.200s",
		    u->plan.route.hops[u->outcome.failed]->name);

		if (u->outcome.detail != 0)
			n += (size_t)snprintf(
			    where + n, sizeof where - n, " said %d", u->outcome.detail);
		snprintf(where + n, sizeof where - n, ")");
	}
	log_info("client %s%s%s: %s%s", client_format(s->client, peer), u->asked ? " to " : "",
	    u->asked ? target_format(&u->handshake.request.target, target) : "",
	    reason_row(reason)->text, where);
}

static void write_line(struct session *s, enum reason reason)
{
	const bool json = s->client->worker->gateway->conf->access_json;
	int64_t first = 0, now = s->setup != NULL ? s->setup->over_ms : 0;
	struct record_end end = {.first_byte_ms = -1, .end = reason, .http = s->http};
	char line[RECORD_MAX];
	size_t head;

	if (s->head == NULL && s->setup == NULL)
		return;
	head = s->head != NULL ? strlen(s->head) : write_line_head(s, line);
	if (s->head != NULL)
		memcpy(line, s->head, head);
	if (s->relay != NULL) {
		end.up = relay_bytes(s->relay, RELAY_UP);
		end.down = relay_bytes(s->relay, RELAY_DOWN);
		first = relay_first_byte(s->relay);
	}
	if (s->forward != NULL)
		forward_count(s->forward, &end.up, &end.down, &first);
	if (first > 0)
		end.first_byte_ms = first - s->started_ms;
	end.duration_ms = (now > 0 ? now : loop_now()) - s->started_ms;
	log_access(line, record_line(line, head, &end, json));
}

/* Every session leaves here: one line, then everything it held. */
static void finish(struct session *s, enum reason reason)
{
	const struct conf *conf = s->client->worker->gateway->conf;
	/* One that made a request before is free to go. */
	if (s->id == 1 || s->setup == NULL || s->setup->heard) {
		log_failure(s, reason);
		if (conf->access_log)
			write_line(s, reason);
	}
	if (s->setup != NULL)
		session_abandon(s);
	relay_free(s->relay);
	forward_free(s->forward);
	pace_free(s->pace);
	setup_free(s->setup);
	free(s->http);
	free(s->head);
	free(s);
}

/* The client takes what it got for no whole answer. */
static void cut(struct client *c)
{
	stream_abort(c->stream);
	c->stream = NULL;
}

void session_end(struct session *s, enum reason reason)
{
	if (forward_stop(s))
		cut(s->client);
	finish(s, reason);
}

void session_leave(struct session *s, enum reason reason)
{
	struct client *c = s->client;

	finish(s, reason);
	client_free(c);
}

/* --- the client's bytes --- */

static enum moved gone(struct session *s)
{
	const struct setup *u = s->setup;
	bool decided = u->reason != REASON_OK || u->step == STEP_REFUSE;

	session_leave(s, decided ? u->reason : REASON_CLIENT_GONE);
	return GONE;
}

/* Send all that is to be sent. */
enum moved session_flush(struct session *s)
{
	struct buffer *out = &s->setup->out;

	while (buffer_length(out) > 0) {
		ssize_t n = stream_write(s->client->stream, buffer_bytes(out), buffer_length(out));

		if (n < 0)
			return errno == EAGAIN ? BLOCKED : gone(s);
		buffer_consume(out, (size_t)n);
	}
	return MOVED;
}

/* Read once into `in`. */
static enum moved fill(struct session *s)
{
	struct setup *u = s->setup;
	size_t room;
	uint8_t *to = buffer_room(&u->in, BUFFER_BLOCK, &room);
	ssize_t n;

	if (to == NULL)
		return BLOCKED;
	n = stream_read(s->client->stream, to, room);
	if (n > 0) {
		buffer_commit(&u->in, (size_t)n);
		u->heard = true;
		return MOVED;
	}
	if (n < 0 && errno == EAGAIN)
		return BLOCKED;
	/* An end is a half-close only if it comes after a whole request, or bytes that are still
	 * to be used. */
	if (n < 0 || u->step == STEP_GREET || (buffer_length(&u->in) == 0 && s->forward == NULL))
		return gone(s);
	u->ended = true;
	return BLOCKED;
}

/* Wait for what the present step can use. */
void session_wait(struct session *s)
{
	struct setup *u = s->setup;
	int events = 0;

	if (!u->ended && buffer_length(&u->in) < u->in.max)
		events |= STREAM_READ;
	if (buffer_length(&u->out) > 0)
		events |= STREAM_WRITE;
	stream_want(s->client->stream, events);
}

/* Send the refusal, then our FIN; what still comes is thrown away, else it would turn into a reset
 * that takes the refusal with it. */
static void push_refusal(struct session *s)
{
	switch (session_flush(s)) {
	case MOVED:
		if (s->setup->handshake.persists) {
			session_next(s);
			return;
		}
		if (stream_shutdown(s->client->stream) != 0 && errno != EAGAIN) {
			session_leave(s, s->setup->reason);
			return;
		}
		arm(s->setup, LINGER_MS);
		stream_want(s->client->stream, STREAM_READ);
		return;
	case BLOCKED:
		/* What it says before it listens may be its next request. */
		stream_want(s->client->stream,
		    s->setup->handshake.persists ? STREAM_WRITE : STREAM_READ | STREAM_WRITE);
		return;
	case GONE:
		return;
	}
}

static void discard(struct session *s)
{
	struct setup *u = s->setup;
	ssize_t n = stream_read(s->client->stream, s->client->worker->loop.scratch, LOOP_SCRATCH);

	if (n > 0)
		u->discarded += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN) || u->discarded > LINGER_BYTES)
		session_leave(s, u->reason);
}

static void client_ready(void *arg, int events)
{
	struct session *s = arg;
	struct setup *u = s->setup;

	if (u->step == STEP_REFUSE) {
		if (buffer_length(&u->out) > 0 && events & STREAM_WRITE)
			push_refusal(s);
		else
			discard(s);
		return;
	}
	if (events & STREAM_WRITE && buffer_length(&u->out) > 0) {
		enum moved moved = session_flush(s);

		if (moved == GONE)
			return;
		if (moved == MOVED && u->step == STEP_ANSWER) {
			session_relay(s);
			return;
		}
	}
	if (events & STREAM_READ) {
		enum moved moved = fill(s);

		if (moved == GONE)
			return;
		if (moved == MOVED && u->step == STEP_GREET) {
			session_greet(s);
			return;
		}
	}
	session_wait(s);
}

/* --- start and deadlines --- */

void session_note(struct session *s, const struct http_head *head)
{
	const struct client *c = s->client;

	if (s->http == NULL && c->worker->gateway->conf->access_log)
		s->http = record_http_new(head, c->listener->http.log_query);
}

/* What was refused before it was forwarded is logged as what it was. */
static void note_refused(struct session *s)
{
	const struct setup *u = s->setup;
	struct http_head head;

	if (u->handshake.head_length > 0 && s->http == NULL &&
	    http_head_request(&head, buffer_bytes(&u->in), buffer_length(&u->in), u->in.max) == 1)
		session_note(s, &head);
	if (s->http != NULL)
		s->http->status = reason_row(u->reason)->http;
}

void session_refuse(struct session *s, enum reason reason)
{
	struct setup *u = s->setup;

	cancel(u);
	session_abandon(s);
	u->handshake.persists &= u->reason == REASON_OK && session_may_go_on(s);
	if (u->reason == REASON_OK)
		u->reason = reason;
	note_refused(s);
	if (u->spoken)
		u->handshake.ops->answer(&u->handshake, u->reason, NULL, u->plan.text, &u->out);
	session_enter(s, STEP_REFUSE);
	push_refusal(s);
}

void session_conclude(struct session *s, enum reason reason, bool persists)
{
	s->setup->reason = reason;
	s->setup->over_ms = loop_now();
	s->setup->handshake.persists = persists;
	session_enter(s, STEP_REFUSE);
	push_refusal(s);
}

void session_cut(struct session *s, enum reason reason)
{
	cut(s->client);
	session_leave(s, reason);
}

/* --- the next request --- */

bool session_may_go_on(const struct session *s)
{
	return !atomic_load(&s->client->worker->gateway->draining);
}

void session_next(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;

	if (!session_may_go_on(s)) {
		session_conclude(s, u->reason, false);
		return;
	}
	buffer_consume(&u->in, u->handshake.head_length);
	if ((u->ended && buffer_length(&u->in) == 0) ||
	    stream_unread(c->stream, buffer_bytes(&u->in), buffer_length(&u->in)) != 0) {
		session_leave(s, u->reason);
		return;
	}
	finish(s, u->reason);
	client_rest(c);
}

static void timed_out(evutil_socket_t fd, short events, void *arg)
{
	struct session *s = arg;
	struct setup *u = s->setup;

	(void)fd;
	(void)events;
	if (u->step == STEP_REFUSE)
		session_leave(s, u->reason);
	else if (u->step == STEP_ANSWER)
		session_leave(s, steps[u->step].late);
	else if (u->step == STEP_RESOLVE && u->hurried)
		session_unresolved(s);
	else if (u->step == STEP_AUTH)
		session_login(s);
	else
		session_refuse(s, steps[u->step].late);
}

struct session *session_start(struct client *c, enum reason refused)
{
	struct session *s = calloc(1, sizeof *s);
	struct setup *u = calloc(1, sizeof *u);
	struct timespec wall;

	if (s == NULL || u == NULL) {
		free(s);
		free(u);
		return NULL;
	}
	s->client = c;
	s->setup = u;
	s->id = ++c->requests;
	s->started_ms = loop_now();
	clock_gettime(CLOCK_REALTIME, &wall);
	u->wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
	u->reason = refused;
	u->resolve_ms = -1;
	buffer_init(&u->in, &c->worker->loop.buffers, c->listener->http.max_head);
	buffer_init(&u->out, &c->worker->loop.buffers, HTTP_ECHO_MAX(ANSWER_MAX + u->in.max));
	evtimer_assign(&u->timer, c->worker->loop.base, timed_out, s);
	session_enter(s, STEP_GREET);
	stream_want(c->stream, STREAM_READ);
	return s;
}

void session_begin(struct session *s)
{
	client_ready(s, STREAM_READ);
}
