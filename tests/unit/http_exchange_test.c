/* SPDX-License-Identifier: ISC */
/* One request and its response between two peers that say what they are told, cut anywhere. */
#include "config.h"

#include "gateway/http_exchange.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/http_body.h"
#include "tests/unit/hoard.h"
#include "tests/unit/rig.h"

#define HEARD_MAX (1 << 20)

/* The other end of a connection: says a text, a piece at a time, and keeps what it hears. */
struct speaker {
	struct stream *stream;
	const char *text;
	size_t length, said, piece;
	bool ends; /* after the last byte */
	char heard[HEARD_MAX];
	size_t got;
	bool ended, reset;
};

enum { PLAIN, CLIENT = 1, ORIGIN = 2, BOTH = 3 }; /* sides with a layer */
static const int sides[] = {PLAIN, CLIENT, ORIGIN, BOTH};

struct scene {
	struct rig rig;
	int layers;
	struct speaker client, origin;
	struct stream *ours[2];
	struct buffer in, out;
	struct http_request request;
	enum http_framing framing; /* of the request's content */
	uint64_t length;
	struct http_coder asked;
	struct http_exchange_plan plan;
	struct http_exchange *exchange;
	struct http_outcome outcome;
	int calls;
};

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

static void say(struct speaker *p, const char *text, size_t length)
{
	p->text = text;
	p->length = length;
	p->said = 0;
	stream_want(p->stream, STREAM_READ | STREAM_WRITE);
}

static void seat(struct scene *s, struct speaker *p, int side)
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

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof *s);

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

static int teardown(void **state)
{
	struct scene *s = *state;

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

static void done(void *arg, const struct http_outcome *outcome)
{
	struct scene *s = arg;

	s->outcome = *outcome;
	s->calls++;
}

static bool is_done(void *arg)
{
	return ((struct scene *)arg)->calls > 0;
}

#define HEAD "GET / HTTP/1.1\r\nHost: o\r\n\r\n"

static void begin(struct scene *s)
{
	buffer_add(&s->out, HEAD, strlen(HEAD));
	http_coder_init(&s->asked, s->framing, s->length, s->framing);
	assert_int_equal(http_exchange_start(&s->exchange, &s->plan, done, s), REASON_OK);
	assert_int_equal(s->calls, 0);
}

/* All that was said has arrived. */
static bool is_heard(void *arg)
{
	struct scene *s = arg;

	return s->client.got >= s->outcome.down || s->client.reset;
}

static void end(struct scene *s)
{
	rig_run(&s->rig, is_done, s);
	rig_run(&s->rig, is_heard, s);
	s->client.heard[s->client.got] = '\0';
	s->origin.heard[s->origin.got] = '\0';
	assert_int_equal(s->calls, 1);
}

static void answer(struct scene *s, const char *text)
{
	say(&s->origin, text, strlen(text));
}

static void assert_content(const struct scene *s, const char *content)
{
	const char *empty = strstr(s->client.heard, "\r\n\r\n");

	assert_non_null(empty);
	assert_string_equal(empty + 4, content);
}

/* The content of the last message, all of it and nothing behind it. */
static void assert_chunks(struct scene *s, const char *content)
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

/* --- responses ------------------------------------------------------------------------------- */

static void test_a_small_answer(void **state)
{
	struct scene *s = *state;

	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_int_equal(s->outcome.status, 200);
	assert_true(s->outcome.client_persists && s->outcome.origin_persists);
	assert_string_equal(s->origin.heard, HEAD);
	assert_content(s, "hello");
}

/* The answer comes in pieces of every size. */
static void test_pieces(void **state)
{
	static const char text[] = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	                           "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nA: b\r\n\r\n";
	struct scene *s = *state;

	for (size_t piece = 1; piece < sizeof text; piece += piece < 8 ? 1 : 13) {
		s->calls = 0;
		s->client.got = s->origin.got = 0;
		buffer_clear(&s->out);
		s->origin.piece = piece;
		begin(s);
		answer(s, text);
		end(s);
		assert_int_equal(s->outcome.reason, REASON_OK);
		assert_non_null(strstr(s->client.heard, "103 Early Hints"));
		assert_null(strstr(s->client.heard, "A: b"));
		assert_chunks(s, "hello world");
		assert_true(s->outcome.origin_persists && s->outcome.client_persists);
		http_exchange_free(s->exchange);
		s->exchange = NULL;
	}
}

static void test_no_content_for_head(void **state)
{
	struct scene *s = *state;

	s->request.head = true;
	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.origin_persists);
	assert_non_null(strstr(s->client.heard, "Content-Length: 5000\r\n"));
	assert_content(s, "");
}

/* Conformance 183: what nobody asked for makes the connection useless. */
static void test_183_surplus(void **state)
{
	struct scene *s = *state;

	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_false(s->outcome.origin_persists);
	assert_true(s->outcome.client_persists);
	assert_content(s, "ok");
}

/* Its end is that of the connection: the client gets it in chunks. */
static void test_until_the_end(void **state)
{
	struct scene *s = *state;

	s->origin.ends = true;
	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\n\r\nall there is");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.client_persists);
	assert_false(s->outcome.origin_persists);
	assert_non_null(strstr(s->client.heard, "all there is"));
	assert_string_equal(s->client.heard + s->client.got - 5, "0\r\n\r\n");
}

/* Conformance 190: an old client gets no chunks. */
static void test_190_chunks_for_http_1_0(void **state)
{
	struct scene *s = *state;

	s->request.old = true;
	s->request.persists = false;
	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.unframed);
	assert_false(s->outcome.client_persists);
	assert_true(s->outcome.origin_persists);
	assert_content(s, "abc");
}

/* Conformance 192: what is not whole does not look whole. */
static void test_192_truncated(void **state)
{
	struct scene *s = *state;

	s->origin.ends = true;
	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_RESPONSE_INCOMPLETE);
	assert_true(s->outcome.said);
	assert_false(s->outcome.client_persists || s->outcome.origin_persists);
	assert_null(strstr(s->client.heard, "0\r\n\r\n"));
}

static void test_no_answer(void **state)
{
	struct scene *s = *state;

	s->origin.ends = true;
	begin(s);
	answer(s, "");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_ORIGIN_CLOSED);
	assert_true(s->outcome.unheard);
	assert_false(s->outcome.said);
}

static void test_half_a_head(void **state)
{
	struct scene *s = *state;

	s->origin.ends = true;
	begin(s);
	answer(s, "HTTP/1.1 200 OK\r\nConte");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_RESPONSE_INCOMPLETE);
	assert_false(s->outcome.said || s->outcome.unheard);
}

static void test_bad_heads(void **state)
{
	static const char *const heads[] = {
	    "ICY 200 OK\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
	    "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
	    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		s->calls = 0;
		buffer_clear(&s->out);
		begin(s);
		answer(s, heads[i]);
		end(s);
		assert_int_equal(s->outcome.reason, REASON_BAD_RESPONSE);
		assert_false(s->outcome.said);
		http_exchange_free(s->exchange);
		s->exchange = NULL;
	}
}

/* Conformance 206. */
static void test_206_a_flood_of_interim_answers(void **state)
{
	char text[17 * 32] = "";
	struct scene *s = *state;

	for (int i = 0; i < 17; i++)
		strcat(text, "HTTP/1.1 102 Processing\r\n\r\n");
	begin(s);
	answer(s, text);
	end(s);
	assert_int_equal(s->outcome.reason, REASON_BAD_RESPONSE);
}

/* --- requests -------------------------------------------------------------------------------- */

static void test_content_is_passed_on(void **state)
{
	struct scene *s = *state;

	s->framing = HTTP_BODY_CHUNKED;
	buffer_add(&s->in, "3\r\nabc\r\n", 8);
	begin(s);
	say(&s->client, "2;e\r\nde\r\n0\r\nT: x\r\n\r\nGET ", 25);
	answer(s, "HTTP/1.1 204 No Content\r\n\r\n");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
}

/* The answer comes when the content is there; what follows it stays for the next request. */
static bool origin_has_it_all(void *arg)
{
	struct scene *s = arg;

	s->origin.heard[s->origin.got] = '\0';
	return strstr(s->origin.heard, "0\r\n\r\n") != NULL ||
	    strstr(s->origin.heard, "0123456789") != NULL;
}

static bool next_is_there(void *arg)
{
	struct scene *s = arg;
	char rest[64] = "";

	if (buffer_length(&s->in) < 5)
		stream_read(s->ours[0], rest, sizeof rest - 1);
	return buffer_length(&s->in) >= 5 || strcmp(rest, "GET /") == 0;
}

static void test_the_next_request_stays(void **state)
{
	struct scene *s = *state;

	s->framing = HTTP_BODY_LENGTH;
	s->length = 10;
	buffer_add(&s->in, "01", 2);
	begin(s);
	say(&s->client, "23456789GET /", 13);
	rig_run(&s->rig, origin_has_it_all, s);
	answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.client_persists && s->outcome.origin_persists);
	assert_string_equal(s->origin.heard, HEAD "0123456789");
	rig_run(&s->rig, next_is_there, s);
}

/* Conformance 209: an answer before the content is there ends the client's connection. */
static void test_209_an_early_answer(void **state)
{
	struct scene *s = *state;

	s->framing = HTTP_BODY_LENGTH;
	s->length = 1000;
	begin(s);
	answer(s, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_int_equal(s->outcome.status, 413);
	assert_true(s->outcome.unfinished);
	assert_false(s->outcome.client_persists || s->outcome.origin_persists);
	assert_non_null(strstr(s->client.heard, "Connection: close\r\n"));
}

/* Conformance 179: a request that stops in the middle. */
static void test_179_a_short_request(void **state)
{
	struct scene *s = *state;

	s->framing = HTTP_BODY_LENGTH;
	s->length = 10;
	s->client.ends = true;
	begin(s);
	say(&s->client, "0123", 4);
	end(s);
	assert_int_equal(s->outcome.reason, REASON_CLIENT_GONE);
	assert_false(s->outcome.said);
}

static void test_a_bad_chunk(void **state)
{
	struct scene *s = *state;

	s->framing = HTTP_BODY_CHUNKED;
	begin(s);
	say(&s->client, "5\r\nhelloXX", 10);
	end(s);
	assert_int_equal(s->outcome.reason, REASON_MALFORMED);
}

static void test_a_bad_chunk_with_the_head(void **state)
{
	struct scene *s = *state;

	s->framing = HTTP_BODY_CHUNKED;
	buffer_add(&s->in, "0x5\r\n", 5);
	buffer_add(&s->out, HEAD, strlen(HEAD));
	http_coder_init(&s->asked, s->framing, s->length, s->framing);
	assert_int_equal(http_exchange_start(&s->exchange, &s->plan, done, s), REASON_MALFORMED);
	rig_pass(&s->rig, 20);
	assert_int_equal(s->origin.got, 0);
}

/* Conformance 218. */
static void test_218_a_half_closed_client(void **state)
{
	struct scene *s = *state;

	s->client.ends = true;
	begin(s);
	say(&s->client, "", 0);
	rig_pass(&s->rig, 30);
	assert_int_equal(s->calls, 0);
	answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_content(s, "ok");
}

/* --- both ------------------------------------------------------------------------------------ */

static void test_much_both_ways(void **state)
{
	const size_t size = HEARD_MAX - 4096;
	char *much = malloc(size + 100);
	struct scene *s = *state;
	int n;

	s->framing = HTTP_BODY_LENGTH;
	s->length = size;
	begin(s);
	n = sprintf(much, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
	for (size_t i = 0; i < size; i++)
		much[(size_t)n + i] = (char)('a' + i % 23);
	say(&s->client, much + n, size);
	say(&s->origin, much, size + (size_t)n);
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_memory_equal(strstr(s->client.heard, "\r\n\r\n") + 4, much + n, size);
	assert_memory_equal(s->origin.heard, HEAD, strlen(HEAD));
	assert_memory_equal(s->origin.heard + strlen(HEAD), much + n, s->origin.got - strlen(HEAD));
	free(much);
}

static void test_upgrade(void **state)
{
	char rest[8] = "";
	struct scene *s = *state;

	s->request.upgrade = true;
	begin(s);
	answer(s,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhi");
	end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.upgraded);
	assert_non_null(strstr(s->client.heard, "Upgrade: echo\r\n"));
	assert_content(s, "");
	if (s->layers == PLAIN) {
		assert_int_equal(stream_read(s->ours[1], rest, sizeof rest), 2);
		assert_string_equal(rest, "hi");
	}
}

static void test_silence(void **state)
{
	struct scene *s = *state;

	s->plan.idle_ms = 50;
	begin(s);
	end(s);
	assert_int_equal(s->outcome.reason, REASON_RESPONSE_TIMEOUT);
	assert_false(s->outcome.said);
}

static void test_cancelled(void **state)
{
	struct scene *s = *state;

	begin(s);
	http_exchange_free(s->exchange);
	s->exchange = NULL;
	stream_handler(s->ours[0], NULL, NULL);
	stream_handler(s->ours[1], NULL, NULL);
	rig_pass(&s->rig, 20);
	assert_int_equal(s->calls, 0);
}

#define TEST_AT(name, i, how) \
	{ \
#name ", " how, test_##name, setup, teardown, (void *)(uintptr_t)&sides[i] \
	}
#define TEST(name) \
	TEST_AT(name, 0, "plain"), TEST_AT(name, 1, "layer on the client"), \
	    TEST_AT(name, 2, "layer on the origin"), TEST_AT(name, 3, "layers on both")

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_small_answer),
	    TEST(pieces),
	    TEST(no_content_for_head),
	    TEST(183_surplus),
	    TEST(until_the_end),
	    TEST(190_chunks_for_http_1_0),
	    TEST(192_truncated),
	    TEST(no_answer),
	    TEST(half_a_head),
	    TEST(bad_heads),
	    TEST(206_a_flood_of_interim_answers),
	    TEST(content_is_passed_on),
	    TEST(the_next_request_stays),
	    TEST(209_an_early_answer),
	    TEST(179_a_short_request),
	    TEST(a_bad_chunk),
	    TEST(a_bad_chunk_with_the_head),
	    TEST(218_a_half_closed_client),
	    TEST(much_both_ways),
	    TEST(upgrade),
	    TEST(silence),
	    TEST(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
