/* SPDX-License-Identifier: ISC */
/* What a client's octets let origins see, and what it may hear: no more, in this order. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/reason.h"
#include "tests/fuzz/forward.h"
#include "tests/fuzz/other_reader.h"

/* --- the client's octets ---------------------------------------------------------------------- */

/* RFC 9110, 4.2.1: "http://" authority path */
static bool read_uri(struct wish *w)
{
	struct span uri = w->message.target;
	size_t n = 0;

	if (uri.length < 7 || strncasecmp(uri.text, "http://", 7) != 0)
		return false;
	uri = (struct span){uri.text + 7, uri.length - 7};
	while (n < uri.length && uri.text[n] != '/' && uri.text[n] != '?')
		n++;
	w->authority = (struct span){uri.text, n};
	w->path = (struct span){uri.text + n, uri.length - n};
	return target_parse_authority(&w->target, uri.text, n, 80) == REASON_OK;
}

/* After that request the client may not be heard any more. */
static bool is_last(const struct message *m)
{
	return m->reading != READING_WHOLE || m->minor == 0 ||
	    message_lists(m, "Connection", "close") ||
	    message_lists(m, "Proxy-Connection", "close");
}

void model_read(struct model *model, const uint8_t *bytes, size_t n)
{
	bool last = false;

	model->bytes = bytes;
	model->n = n;
	model->count = 0;
	model->refused = false;
	for (size_t at = 0; at < n && !last;) {
		struct wish *w = &model->wishes[model->count];

		w->from = at;
		read_request(&w->message, bytes + at, n - at);
		if (!w->message.head || !read_uri(w)) {
			message_clear(&w->message);
			model->refused = true;
			return;
		}
		at += w->message.length;
		last = is_last(&w->message);
		PROMISE(++model->count < WISHES_MAX);
	}
}

void model_clear(struct model *model)
{
	for (size_t i = 0; i < model->count; i++)
		message_clear(&model->wishes[i].message);
}

/* --- what origins were asked ------------------------------------------------------------------ */

static bool same(struct span one, struct span other)
{
	return one.length == other.length &&
	    (one.length == 0 || memcmp(one.text, other.text, one.length) == 0);
}

/* RFC 9112, 3.2.1, 3.2.4: what is empty becomes "/", or "*" where the server itself is meant; a
 * proxy may be told what was written. */
static void check_path(const struct wish *w, struct span path, bool absolute)
{
	if (absolute && same(path, w->path))
		return;
	if (w->path.length == 0 && span_equal(w->message.method, "OPTIONS")) {
		PROMISE(span_equal(path, "*"));
		return;
	}
	if (w->path.length == 0 || w->path.text[0] == '?') {
		PROMISE(path.length == 1 + w->path.length && path.text[0] == '/');
		path.text++;
		path.length--;
	}
	PROMISE(same(path, w->path));
}

static void check_target(const struct wish *w, const struct exchange *e, const struct message *m)
{
	const struct server *o = e->origin;
	struct span path = m->target, host;

	PROMISE(message_field(m, "Host", &host) == 1 && same(host, w->authority));
	if (o->to_hop) {
		PROMISE(
		    path.length >= 7 + host.length && strncasecmp(path.text, "http://", 7) == 0);
		PROMISE(memcmp(path.text + 7, host.text, host.length) == 0);
		path.text += 7 + host.length;
		path.length -= 7 + host.length;
	} else {
		PROMISE(host_equal(&o->target.host, &w->target.host));
		PROMISE(o->target.port == w->target.port);
	}
	check_path(w, path, o->to_hop);
}

/* http-parser has a list of methods. */
static size_t read_other(
    struct other_reader *o, const struct message *m, const uint8_t *bytes, size_t n)
{
	const uint8_t *at = bytes;
	size_t used = other_read(o, bytes, n);

	if (other_error(o) != HPE_INVALID_METHOD)
		return used;
	at = (const uint8_t *)m->method.text + m->method.length;
	other_begin(o, HTTP_REQUEST, o->content);
	other_read(o, "GET", 3);
	return (size_t)(at - bytes) + other_read(o, at, n - (size_t)(at - bytes));
}

/* What it does not refuse it must take for the same. */
static void check_other_request(const struct message *m, const uint8_t *bytes, size_t n)
{
	struct other_reader other;
	uint8_t *content = malloc(n + 1);
	size_t used;

	PROMISE(content);
	other_begin(&other, HTTP_REQUEST, content);
	used = read_other(&other, m, bytes, n);
	if (other_error(&other) == HPE_OK || other_error(&other) == HPE_PAUSED) {
		PROMISE(other.head && other.whole == (m->reading == READING_WHOLE));
		PROMISE(used == (other.whole ? m->length : n));
		PROMISE(other.length == m->content_length);
		PROMISE(memcmp(content, m->content, other.length) == 0);
		PROMISE(other.chunked == (m->framing == HTTP_BODY_CHUNKED));
	}
	free(content);
}

static void check_request(const struct run *run, const struct exchange *e, const struct message *m)
{
	const struct wish *w = &run->model.wishes[e->wish];
	const uint8_t *bytes = e->origin->ear.bytes + e->from;
	size_t n = (e->to == SIZE_MAX ? e->origin->ear.n : e->to) - e->from;

	PROMISE(same(m->method, w->message.method) && m->minor == 1);
	check_target(w, e, m);
	PROMISE(m->framing == w->message.framing && m->told == w->message.told);
	PROMISE(m->content_length <= w->message.content_length);
	PROMISE(memcmp(m->content, w->message.content, m->content_length) == 0);
	if (m->reading == READING_WHOLE) {
		PROMISE(w->message.reading == READING_WHOLE);
		PROMISE(m->content_length == w->message.content_length);
		check_other_request(
		    &w->message, run->model.bytes + w->from, run->model.n - w->from);
	}
	if (e->tunnel)
		n = m->length;
	check_other_request(m, bytes, n);
}

/* Only what does no harm when it is done twice, and only if a kept connection was just closed. */
static void check_repeated(const struct run *run, const struct exchange *e)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
	const struct message *m = &run->model.wishes[e->wish].message;
	bool idempotent = false;

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		idempotent |= span_equal(m->method, methods[i]);
	PROMISE(idempotent && m->content_length == 0 && m->framing != HTTP_BODY_CHUNKED);
	PROMISE(!e->first && (e->sent == 0 || e->lost));
}

/* After the switch all is passed on as it is. */
static void check_tunnel(const struct run *run, const struct exchange *e, const struct message *m)
{
	const struct wish *w = &run->model.wishes[e->wish];
	size_t from = e->from + m->length, begins = w->from + w->message.length;
	size_t n = e->origin->ear.n - from;

	PROMISE(n <= run->model.n - begins);
	PROMISE(memcmp(e->origin->ear.bytes + from, run->model.bytes + begins, n) == 0);
}

void check_asked(const struct run *run)
{
	bool at_once = run->pieces == 0 && run->model.n <= SMALL_MAX;

	for (size_t i = 0; i < run->exchange_count; i++) {
		const struct exchange *e = &run->exchanges[i];
		const struct ear *ear = &e->origin->ear;
		struct message m;

		PROMISE(e->wish < run->model.count);
		read_request(&m, ear->bytes + e->from, ear->n - e->from);
		if (m.head)
			check_request(run, e, &m);
		if (m.head && at_once)
			PROMISE(run->model.wishes[e->wish].message.reading != READING_WRONG);
		if (e->tunnel)
			check_tunnel(run, e, &m);
		message_clear(&m);
		if (i + 1 < run->exchange_count && run->exchanges[i + 1].wish == e->wish)
			check_repeated(run, e);
	}
}

/* --- what the client heard -------------------------------------------------------------------- */

/* The last exchange for it; NULL: no origin was asked. */
static const struct exchange *exchange_of(const struct run *run, size_t wish)
{
	for (size_t i = run->exchange_count; i > 0; i--)
		if (run->exchanges[i - 1].wish == wish)
			return &run->exchanges[i - 1];
	return NULL;
}

/* One of the short texts that refuse. */
static bool is_ours(const struct message *m)
{
	if (m->content_length == 0)
		return m->status >= 400;
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const struct reason_row *row = reason_row((enum reason)i);
		size_t n = m->content_length;

		if (row->http == m->status && n <= strlen(row->text) + 1 &&
		    memcmp(m->content, row->text, n == strlen(row->text) + 1 ? n - 1 : n) == 0)
			return true;
	}
	return false;
}

/* TRACE and OPTIONS may end here (RFC 9110, 7.6.2). */
static bool is_echo(const struct message *m, const struct wish *w)
{
	return m->status == 200 &&
	    (span_equal(w->message.method, "TRACE") || span_equal(w->message.method, "OPTIONS"));
}

/* The final response that was given; where it ends. */
static size_t read_given(struct message *m, const struct exchange *e, bool bodiless)
{
	size_t at = 0;
	bool more;

	do {
		read_response(m, e->answer->bytes + at, e->sent - at, bodiless, e->fin);
		more = m->reading == READING_WHOLE && m->status / 100 == 1 && m->status != 101;
		if (more) {
			at += m->length;
			message_clear(m);
		}
	} while (more);
	return at + m->length;
}

/* Whole only if it was given whole. */
static bool is_given(const struct message *m, const struct exchange *e, bool bodiless)
{
	struct message given;
	bool is;

	read_given(&given, e, bodiless);
	is = given.head && given.status == m->status && m->content_length <= given.content_length &&
	    memcmp(m->content, given.content, m->content_length) == 0;
	if (is && m->reading == READING_WHOLE)
		is = given.reading == READING_WHOLE && given.content_length == m->content_length;
	message_clear(&given);
	return is;
}

/* It reads content behind 304 unless it is told not to. */
static void check_other_response(const struct message *m, const uint8_t *bytes, size_t n)
{
	struct other_reader other;
	uint8_t *content = malloc(n + 1);
	size_t used;

	PROMISE(content);
	other_begin(&other, HTTP_RESPONSE, content);
	other.bodiless = m->framing == HTTP_BODY_NONE;
	used = other_read(&other, bytes, n);
	if (other_error(&other) == HPE_OK || other_error(&other) == HPE_PAUSED) {
		PROMISE(other.head == m->head && other.length == m->content_length);
		PROMISE(memcmp(content, m->content, other.length) == 0);
		if (m->framing != HTTP_BODY_CLOSE)
			PROMISE(other.whole == (m->reading == READING_WHOLE));
		PROMISE(!other.whole || used == m->length);
	}
	free(content);
}

/* Where the i-th final response may come from. */
static void check_origin_of(const struct run *run, const struct message *m, size_t i)
{
	const struct wish *w = &run->model.wishes[i];
	const struct exchange *e = i < run->model.count ? exchange_of(run, i) : NULL;

	if (i >= run->model.count) {
		PROMISE(run->model.refused && i == run->model.count && is_ours(m));
		return;
	}
	if (e && is_given(m, e, span_equal(w->message.method, "HEAD"))) {
		PROMISE(m->status != 101 || w->message.reading == READING_WHOLE);
		return;
	}
	PROMISE(is_ours(m) || (!e && is_echo(m, w)));
}

/* Behind 101: what the origin said behind its own. */
static void check_back(const struct exchange *e, const uint8_t *bytes, size_t n)
{
	struct message given;
	size_t end = read_given(&given, e, false);

	PROMISE(n <= e->sent - end && memcmp(bytes, e->answer->bytes + end, n) == 0);
	message_clear(&given);
}

static bool is_head(const struct run *run, size_t i)
{
	return i < run->model.count && span_equal(run->model.wishes[i].message.method, "HEAD");
}

void check_answered(const struct run *run)
{
	const struct ear *client = &run->client;
	size_t at = 0, i = 0;
	bool on = true;

	while (on && at < client->n) {
		const bool ended = client->ended && !client->reset;
		struct message m;

		read_response(&m, client->bytes + at, client->n - at, is_head(run, i), ended);
		PROMISE(m.reading != READING_WRONG);
		check_other_response(&m, client->bytes + at, client->n - at);
		at += m.length;
		on = m.reading == READING_WHOLE && m.status != 101;
		if (m.head && m.status / 100 == 1 && m.status != 101) {
			PROMISE(i < run->model.count && exchange_of(run, i));
			PROMISE(run->model.wishes[i].message.minor > 0);
		} else if (m.head) {
			check_origin_of(run, &m, i++);
		}
		if (m.head && m.status == 101)
			check_back(exchange_of(run, i - 1), client->bytes + at, client->n - at);
		message_clear(&m);
	}
	PROMISE(!on || at == client->n);
}
