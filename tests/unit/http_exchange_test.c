/* SPDX-License-Identifier: ISC */
/* Responses on their way to the client, and what becomes of both connections. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dialogue.h"

static void test_a_small_answer(void **state)
{
	struct dialogue *s = *state;

	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_int_equal(s->outcome.status, 200);
	assert_true(s->outcome.client_persists && s->outcome.origin_persists);
	assert_string_equal(s->origin.heard, HEAD);
	dialogue_assert_content(s, "hello");
}

/* The answer comes in pieces of every size. */
static void test_pieces(void **state)
{
	static const char text[] = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	                           "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nA: b\r\n\r\n";
	struct dialogue *s = *state;

	for (size_t piece = 1; piece < sizeof text; piece += piece < 8 ? 1 : 13) {
		s->calls = 0;
		s->client.got = s->origin.got = 0;
		buffer_clear(&s->out);
		s->origin.piece = piece;
		dialogue_begin(s);
		dialogue_answer(s, text);
		dialogue_end(s);
		assert_int_equal(s->outcome.reason, REASON_OK);
		assert_non_null(strstr(s->client.heard, "103 Early Hints"));
		assert_null(strstr(s->client.heard, "A: b"));
		dialogue_assert_chunks(s, "hello world");
		assert_true(s->outcome.origin_persists && s->outcome.client_persists);
		http_exchange_free(s->exchange);
		s->exchange = NULL;
	}
}

static void test_no_content_for_head(void **state)
{
	struct dialogue *s = *state;

	s->request.head = true;
	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.origin_persists);
	assert_non_null(strstr(s->client.heard, "Content-Length: 5000\r\n"));
	dialogue_assert_content(s, "");
}

/* Conformance 183: what nobody asked for makes the connection useless. */
static void test_183_surplus(void **state)
{
	struct dialogue *s = *state;

	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_false(s->outcome.origin_persists);
	assert_true(s->outcome.client_persists);
	dialogue_assert_content(s, "ok");
}

/* Its end is that of the connection: the client gets it in chunks. */
static void test_until_the_end(void **state)
{
	struct dialogue *s = *state;

	s->origin.ends = true;
	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\n\r\nall there is");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.client_persists);
	assert_false(s->outcome.origin_persists);
	assert_non_null(strstr(s->client.heard, "all there is"));
	assert_string_equal(s->client.heard + s->client.got - 5, "0\r\n\r\n");
}

/* Conformance 190: an old client gets no chunks. */
static void test_190_chunks_for_http_1_0(void **state)
{
	struct dialogue *s = *state;

	s->request.old = true;
	s->request.persists = false;
	dialogue_begin(s);
	dialogue_answer(
	    s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.unframed);
	assert_false(s->outcome.client_persists);
	assert_true(s->outcome.origin_persists);
	dialogue_assert_content(s, "abc");
}

/* Conformance 192: what is not whole does not look whole. */
static void test_192_truncated(void **state)
{
	struct dialogue *s = *state;

	s->origin.ends = true;
	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_RESPONSE_INCOMPLETE);
	assert_true(s->outcome.said);
	assert_false(s->outcome.client_persists || s->outcome.origin_persists);
	assert_null(strstr(s->client.heard, "0\r\n\r\n"));
}

static void test_no_answer(void **state)
{
	struct dialogue *s = *state;

	s->origin.ends = true;
	dialogue_begin(s);
	dialogue_answer(s, "");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_ORIGIN_CLOSED);
	assert_true(s->outcome.unheard);
	assert_false(s->outcome.said);
}

static void test_half_a_head(void **state)
{
	struct dialogue *s = *state;

	s->origin.ends = true;
	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nConte");
	dialogue_end(s);
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
	struct dialogue *s = *state;

	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		s->calls = 0;
		buffer_clear(&s->out);
		dialogue_begin(s);
		dialogue_answer(s, heads[i]);
		dialogue_end(s);
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
	struct dialogue *s = *state;

	for (int i = 0; i < 17; i++)
		strcat(text, "HTTP/1.1 102 Processing\r\n\r\n");
	dialogue_begin(s);
	dialogue_answer(s, text);
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_BAD_RESPONSE);
}

/* --- both ------------------------------------------------------------------------------------ */

static void test_much_both_ways(void **state)
{
	const size_t size = HEARD_MAX - 4096;
	char *much = malloc(size + 100);
	struct dialogue *s = *state;
	int n;

	s->framing = HTTP_BODY_LENGTH;
	s->length = size;
	dialogue_begin(s);
	n = sprintf(much, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
	for (size_t i = 0; i < size; i++)
		much[(size_t)n + i] = (char)('a' + i % 23);
	dialogue_say(&s->client, much + n, size);
	dialogue_say(&s->origin, much, size + (size_t)n);
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_memory_equal(strstr(s->client.heard, "\r\n\r\n") + 4, much + n, size);
	assert_memory_equal(s->origin.heard, HEAD, strlen(HEAD));
	assert_memory_equal(s->origin.heard + strlen(HEAD), much + n, s->origin.got - strlen(HEAD));
	free(much);
}

static void test_upgrade(void **state)
{
	char rest[8] = "";
	struct dialogue *s = *state;

	s->request.upgrade = true;
	dialogue_begin(s);
	dialogue_answer(s,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhi");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.upgraded);
	assert_non_null(strstr(s->client.heard, "Upgrade: echo\r\n"));
	dialogue_assert_content(s, "");
	if (s->layers == PLAIN) {
		assert_int_equal(stream_read(s->ours[1], rest, sizeof rest), 2);
		assert_string_equal(rest, "hi");
	}
}

static void test_silence(void **state)
{
	struct dialogue *s = *state;

	s->plan.idle_ms = 50;
	dialogue_begin(s);
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_RESPONSE_TIMEOUT);
	assert_false(s->outcome.said);
}

static void test_cancelled(void **state)
{
	struct dialogue *s = *state;

	dialogue_begin(s);
	http_exchange_free(s->exchange);
	s->exchange = NULL;
	stream_handler(s->ours[0], NULL, NULL);
	stream_handler(s->ours[1], NULL, NULL);
	rig_pass(&s->rig, 20);
	assert_int_equal(s->calls, 0);
}

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
	    TEST(much_both_ways),
	    TEST(upgrade),
	    TEST(silence),
	    TEST(cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
