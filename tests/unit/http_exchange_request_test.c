/* SPDX-License-Identifier: ISC */
/* Requests on their way to the origin: their content, and what follows it. */
#include "config.h"

#include <string.h>

#include "tests/unit/dialogue.h"

static void test_content_is_passed_on(void **state)
{
	struct dialogue *s = *state;

	s->framing = HTTP_BODY_CHUNKED;
	buffer_add(&s->in, "3\r\nabc\r\n", 8);
	dialogue_begin(s);
	dialogue_say(&s->client, "2;e\r\nde\r\n0\r\nT: x\r\n\r\nGET ", 25);
	dialogue_answer(s, "HTTP/1.1 204 No Content\r\n\r\n");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
}

/* The answer comes when the content is there; what follows it stays for the next request. */
static bool origin_has_it_all(void *arg)
{
	struct dialogue *s = arg;

	s->origin.heard[s->origin.got] = '\0';
	return strstr(s->origin.heard, "0\r\n\r\n") != NULL ||
	    strstr(s->origin.heard, "0123456789") != NULL;
}

static bool next_is_there(void *arg)
{
	struct dialogue *s = arg;
	char rest[64] = "";

	if (buffer_length(&s->in) < 5)
		stream_read(s->ours[0], rest, sizeof rest - 1);
	return buffer_length(&s->in) >= 5 || strcmp(rest, "GET /") == 0;
}

static void test_the_next_request_stays(void **state)
{
	struct dialogue *s = *state;

	s->framing = HTTP_BODY_LENGTH;
	s->length = 10;
	buffer_add(&s->in, "01", 2);
	dialogue_begin(s);
	dialogue_say(&s->client, "23456789GET /", 13);
	rig_run(&s->rig, origin_has_it_all, s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_true(s->outcome.client_persists && s->outcome.origin_persists);
	assert_string_equal(s->origin.heard, HEAD "0123456789");
	rig_run(&s->rig, next_is_there, s);
}

/* Conformance 209: an answer before the content is there ends the client's connection. */
static void test_209_an_early_answer(void **state)
{
	struct dialogue *s = *state;

	s->framing = HTTP_BODY_LENGTH;
	s->length = 1000;
	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	assert_int_equal(s->outcome.status, 413);
	assert_true(s->outcome.unfinished);
	assert_false(s->outcome.client_persists || s->outcome.origin_persists);
	assert_non_null(strstr(s->client.heard, "Connection: close\r\n"));
}

/* Conformance 179: a request that stops in the middle. */
static void test_179_a_short_request(void **state)
{
	struct dialogue *s = *state;

	s->framing = HTTP_BODY_LENGTH;
	s->length = 10;
	s->client.ends = true;
	dialogue_begin(s);
	dialogue_say(&s->client, "0123", 4);
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_CLIENT_GONE);
	assert_false(s->outcome.said);
}

static void test_a_bad_chunk(void **state)
{
	struct dialogue *s = *state;

	s->framing = HTTP_BODY_CHUNKED;
	dialogue_begin(s);
	dialogue_say(&s->client, "5\r\nhelloXX", 10);
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_MALFORMED);
}

static void test_a_bad_chunk_with_the_head(void **state)
{
	struct dialogue *s = *state;

	s->framing = HTTP_BODY_CHUNKED;
	buffer_add(&s->in, "0x5\r\n", 5);
	buffer_add(&s->out, HEAD, strlen(HEAD));
	http_coder_init(&s->asked, s->framing, s->length, s->framing);
	assert_int_equal(
	    http_exchange_start(&s->exchange, &s->plan, dialogue_done, s), REASON_MALFORMED);
	rig_pass(&s->rig, 20);
	assert_int_equal(s->origin.got, 0);
}

/* Conformance 210: another protocol would begin in the middle of the content. */
static void test_210_an_early_upgrade(void **state)
{
	struct dialogue *s = *state;

	s->request.upgrade = true;
	s->framing = HTTP_BODY_LENGTH;
	s->length = 10;
	dialogue_begin(s);
	dialogue_say(&s->client, "01234", 5);
	dialogue_answer(
	    s, "HTTP/1.1 101 Switching\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_BAD_RESPONSE);
	assert_false(s->outcome.said || s->outcome.client_persists || s->outcome.origin_persists);
}

static bool is_begun(void *arg)
{
	struct dialogue *s = arg;

	return http_exchange_outcome(s->exchange).down > 0;
}

/* Who ends it from outside can tell what became of it. */
static void test_what_is_under_way(void **state)
{
	struct dialogue *s = *state;
	struct http_outcome outcome;

	dialogue_begin(s);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
	rig_run(&s->rig, is_begun, s);
	outcome = http_exchange_outcome(s->exchange);
	assert_int_equal(outcome.status, 200);
	assert_int_equal(outcome.up, strlen(HEAD));
	assert_true(outcome.said && outcome.first_byte > 0);
	assert_int_equal(s->calls, 0);
}

/* Conformance 218. */
static void test_218_a_half_closed_client(void **state)
{
	struct dialogue *s = *state;

	s->client.ends = true;
	dialogue_begin(s);
	dialogue_say(&s->client, "", 0);
	rig_pass(&s->rig, 30);
	assert_int_equal(s->calls, 0);
	dialogue_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	dialogue_end(s);
	assert_int_equal(s->outcome.reason, REASON_OK);
	dialogue_assert_content(s, "ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(content_is_passed_on),
	    TEST(the_next_request_stays),
	    TEST(209_an_early_answer),
	    TEST(179_a_short_request),
	    TEST(a_bad_chunk),
	    TEST(a_bad_chunk_with_the_head),
	    TEST(210_an_early_upgrade),
	    TEST(what_is_under_way),
	    TEST(218_a_half_closed_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
