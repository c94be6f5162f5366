/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/dialogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http_body.h"
#include "tests/unit/hoard.h"

const int dialogue_sides[4] = {PLAIN, CLIENT, ORIGIN, BOTH};

/* --- peers ----------------------------------------------------------------------------------- */

static void speaker_ready(void *arg, int events)
{
	struct speaker *p = arg;
	ssize_t n;

	if (events & STREAM_READ) {
		n = stream_read(p->stream, p->heard + p->got, HEARD_MAX - p->got - 1);
		if (n > 0)
			p->got += (size_t)n;
		p->ended |= n == 0;
		p->reset |= n < 0 && errno != EAGAIN;
	}
	if (events & STREAM_WRITE && p->said < p->length) {
		size_t left = p->length - p->said;

		n = stream_write(p->stream, p->text + p->said, left < p->piece ? left : p->piece);
		if (n > 0)
			p->said += (size_t)n;
	}
	if (p->said == p->length && p->ends && stream_shutdown(p->stream) == 0)
		p->ends = false;
	stream_want(p->stream,
	    (p->ended || p->reset ? 0 : STREAM_READ) |
	        (p->said < p->length || p->ends ? STREAM_WRITE : 0));
}

void dialogue_say(struct speaker *p, const char *text, size_t length)
{
	p->text = text;
	p->length = length;
	p->said = 0;
	stream_want(p->stream, STREAM_READ | STREAM_WRITE);
}

static void seat(struct dialogue *s, struct speaker *p, int side)
{
	int fds[2];

	rig_pair(fds);
	p->stream = stream_new(&s->rig.loop, fds[0]);
	s->ours[side == ORIGIN] = stream_new(&s->rig.loop, fds[1]);
	if (s->layers & side) {
		stream_push(p->stream, hoard_new_far());
		stream_push(s->ours[side == ORIGIN], hoard_new());
	}
	p->piece = SIZE_MAX;
	stream_handler(p->stream, speaker_ready, p);
	stream_want(p->stream, STREAM_READ);
}

int dialogue_setup(void **state)
{
	struct dialogue *s = calloc(1, sizeof *s);

	s->layers = *(const int *)*state;
	rig_setup(&s->rig);
	seat(s, &s->client, CLIENT);
	seat(s, &s->origin, ORIGIN);
	buffer_init(&s->in, &s->rig.loop.buffers, 16384);
	buffer_init(&s->out, &s->rig.loop.buffers, 1 << 20);
	s->request = (struct http_request){.persists = true, .max_forwards = -1};
	s->plan = (struct http_exchange_plan){.loop = &s->rig.loop,
	    .client = s->ours[0],
	    .origin = s->ours[1],
	    .request = &s->request,
	    .asked = &s->asked,
	    .in = &s->in,
	    .out = &s->out,
	    .goes_on = true,
	    .max_head = 65536,
	    .idle_ms = 20000};
	*state = s;
	return 0;
}

int dialogue_teardown(void **state)
{
	struct dialogue *s = *state;

	http_exchange_free(s->exchange);
	stream_free(s->ours[0]);
	stream_free(s->ours[1]);
	stream_free(s->client.stream);
	stream_free(s->origin.stream);
	buffer_clear(&s->in);
	buffer_clear(&s->out);
	rig_teardown(&s->rig);
	free(s);
	return 0;
}

void dialogue_done(void *arg, const struct http_outcome *outcome)
{
	struct dialogue *s = arg;

	s->outcome = *outcome;
	s->calls++;
}

static bool is_done(void *arg)
{
	return ((struct dialogue *)arg)->calls > 0;
}

void dialogue_begin(struct dialogue *s)
{
	buffer_add(&s->out, HEAD, strlen(HEAD));
	http_coder_init(&s->asked, s->framing, s->length, s->framing);
	assert_int_equal(http_exchange_start(&s->exchange, &s->plan, dialogue_done, s), REASON_OK);
	assert_int_equal(s->calls, 0);
}

/* All that was said has arrived. */
static bool is_heard(void *arg)
{
	struct dialogue *s = arg;

	return s->client.got >= s->outcome.down || s->client.reset;
}

void dialogue_end(struct dialogue *s)
{
	rig_run(&s->rig, is_done, s);
	rig_run(&s->rig, is_heard, s);
	s->client.heard[s->client.got] = '\0';
	s->origin.heard[s->origin.got] = '\0';
	assert_int_equal(s->calls, 1);
}

void dialogue_answer(struct dialogue *s, const char *text)
{
	dialogue_say(&s->origin, text, strlen(text));
}

void dialogue_assert_content(const struct dialogue *s, const char *content)
{
	const char *empty = strstr(s->client.heard, "\r\n\r\n");

	assert_non_null(empty);
	assert_string_equal(empty + 4, content);
}

/* The content of the last message, all of it and nothing behind it. */
void dialogue_assert_chunks(struct dialogue *s, const char *content)
{
	char *head = strstr(s->client.heard, "HTTP/1.1 200");
	struct http_body body;
	uint8_t *bytes;
	size_t n, got;

	assert_non_null(head);
	bytes = (uint8_t *)strstr(head, "\r\n\r\n") + 4;
	n = s->client.got - (size_t)(bytes - (uint8_t *)s->client.heard);
	http_body_begin(&body, HTTP_BODY_CHUNKED, 0);
	assert_int_equal(http_body_decode(&body, bytes, n, &got), n);
	assert_true(body.ended);
	assert_int_equal(got, strlen(content));
	assert_memory_equal(bytes, content, got);
}
