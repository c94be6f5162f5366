/* SPDX-License-Identifier: ISC */
/* Plays transcripts, cut in all ways. */
#include "config.h"

#include "tests/unit/transcript.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TWO_CUTS_MAX 72 /* bytes: some 2500 runs */

struct run {
	const struct transcript *t;
	const char *input; /* all that the peer says */
	size_t length, fed;
	size_t cuts[2]; /* for messages */
	struct handshake h;
	struct buffer in, out;
	enum hs hs;
};

static void expect(const struct run *run, bool good, const char *what)
{
	if (!good)
		fail_msg("%s; cut at %zu and %zu, after %zu bytes: hs %d, reason %s, %zu bytes out",
		    what, run->cuts[0], run->cuts[1], run->fed, run->hs,
		    reason_row(run->h.reason)->log_name, buffer_length(&run->out));
}

static bool equal(const void *bytes, size_t length, struct bytes expected)
{
	return length == expected.length &&
	    (length == 0 || memcmp(bytes, expected.text, length) == 0);
}

static struct endpoint endpoint(const char *text)
{
	struct endpoint endpoint = {0};
	struct target target;

	if (text) {
		assert_null(target_parse(&target, text, strlen(text)));
		endpoint.address = target.host.address;
		endpoint.port = target.port;
	}
	return endpoint;
}

static void start_client(struct run *run)
{
	const struct transcript *t = run->t;
	struct request request = {.command = t->command};
	struct credentials credentials = {0};

	assert_null(target_parse(&request.target, t->target, strlen(t->target)));
	credentials.user_length = t->user.length;
	credentials.password_length = t->password.length;
	if (t->user.text)
		memcpy(credentials.user, t->user.text, t->user.length);
	if (t->password.text)
		memcpy(credentials.password, t->password.text, t->password.length);
	t->client(&run->h, &request, t->user.text ? &credentials : NULL);
}

static void start(struct run *run)
{
	const struct transcript *t = run->t;
	size_t max = t->server ? SERVER_HANDSHAKE_MAX : CLIENT_HANDSHAKE_MAX;

	buffer_init(&run->in, NULL, t->max ? t->max : max);
	buffer_init(&run->out, NULL, TRANSCRIPT_MAX);
	run->fed = 0;
	if (t->server) {
		t->server(&run->h, (const uint8_t *)t->methods.text, t->methods.length);
		run->h.refusal = t->refusal;
	} else {
		start_client(run);
	}
	run->hs = HS_MORE;
}

static void stop(struct run *run)
{
	buffer_clear(&run->in);
	buffer_clear(&run->out);
	handshake_clear(&run->h);
}

/* An allocation of exactly what is held, so that the sanitizer sees a byte read too many. */
static void fill(struct buffer *in, const char *bytes, size_t n)
{
	size_t held = buffer_length(in);
	uint8_t *exact = malloc(held + n);

	assert_non_null(exact);
	if (held > 0)
		memcpy(exact, buffer_bytes(in), held);
	memcpy(exact + held, bytes, n);
	free(in->data);
	in->data = exact;
	in->start = 0;
	in->end = in->size = held + n;
}

static void call(struct run *run)
{
	const struct transcript *t = run->t;
	const struct credentials *credentials = &run->h.credentials;
	size_t before = buffer_length(&run->out);

	run->hs = run->h.ops->feed(&run->h, &run->in, &run->out);
	if (run->hs == HS_ASK) {
		expect(run, t->user.text, "it asks");
		expect(run, equal(credentials->user, credentials->user_length, t->user), "user");
		expect(run, equal(credentials->password, credentials->password_length, t->password),
		    "password");
		expect(run, run->h.ops->feed(&run->h, &run->in, &run->out) == HS_ASK,
		    "it does not wait for the verdict");
		run->h.ops->verdict(&run->h, t->verdict == REASON_OK, t->verdict, &run->out);
		run->hs = run->h.ops->feed(&run->h, &run->in, &run->out);
		expect(run, run->hs != HS_ASK, "it asks twice");
	}
	expect(run, buffer_length(&run->out) - before <= HANDSHAKE_SAYS_MAX, "it says too much");
}

/* Hand over what the peer says up to a place, as fast as the ceiling lets it in. */
static void feed(struct run *run, size_t place)
{
	do {
		size_t room = run->in.max - buffer_length(&run->in), n = place - run->fed;

		if (n > room)
			n = room;
		expect(run, n > 0 || place == run->fed, "it waits though nothing fits in");
		if (n > 0)
			fill(&run->in, run->input + run->fed, n);
		run->fed += n;
		call(run);
	} while (run->hs == HS_MORE && run->fed < place);
}

static struct bytes said_by(const struct transcript *t, size_t turns, char *text, bool ours)
{
	size_t n = 0;

	for (size_t i = 0; i < turns; i++) {
		const struct bytes *part = ours ? &t->turns[i].ours : &t->turns[i].peer;

		assert_true(n + part->length <= TRANSCRIPT_MAX);
		if (part->length > 0)
			memcpy(text + n, part->text, part->length);
		n += part->length;
	}
	return (struct bytes){text, n};
}

static void check_left(const struct run *run)
{
	const struct bytes *left = &run->t->left;
	size_t held = buffer_length(&run->in), rest = run->length - run->fed;

	expect(run,
	    held + rest == left->length &&
	        equal(buffer_bytes(&run->in), held, (struct bytes){left->text, held}) &&
	        (rest == 0 || memcmp(run->input + run->fed, left->text + held, rest) == 0),
	    "what is left over differs");
}

static void check_server(struct run *run)
{
	const struct transcript *t = run->t;
	struct endpoint bound = endpoint(t->answer_bound);
	char text[TARGET_TEXT];
	size_t before = buffer_length(&run->out);

	if (t->target && run->hs == HS_DONE)
		assert_string_equal(target_format(&run->h.request.target, text), t->target);
	if (run->hs == HS_DONE) {
		assert_int_equal(run->h.request.command, t->command);
		assert_int_equal(run->h.authenticated, t->user.text != NULL);
		if (t->claim.text)
			assert_string_equal(run->h.credentials.user, t->claim.text);
	}
	if (!t->answered.text)
		return;
	run->h.ops->answer(
	    &run->h, t->answer, t->answer_bound ? &bound : NULL, t->answer_text, &run->out);
	expect(run,
	    equal(buffer_bytes(&run->out) + before, buffer_length(&run->out) - before, t->answered),
	    "the answer differs");
}

static void check_client(const struct run *run)
{
	struct endpoint bound = endpoint(run->t->bound);
	char text[TARGET_TEXT], expected[TARGET_TEXT];

	assert_int_equal(run->h.detail, run->t->detail);
	if (!run->t->bound)
		assert_int_equal(run->h.bound.port, 0);
	else
		assert_string_equal(
		    endpoint_format(&run->h.bound, text), endpoint_format(&bound, expected));
}

static void check_end(struct run *run, struct bytes ours)
{
	const struct transcript *t = run->t;
	size_t held;

	if (t->ended) {
		handshake_end(&run->h, &run->in);
		run->hs = run->h.ops->feed(&run->h, &run->in, &run->out);
	}
	expect(run, run->hs == t->end, "another end");
	expect(run, run->hs != HS_FAIL || run->h.reason == t->reason, "another reason");
	expect(run, equal(buffer_bytes(&run->out), buffer_length(&run->out), ours),
	    "it says something else");
	if (run->hs == HS_DONE)
		check_left(run);
	if (run->hs == HS_DONE || run->hs == HS_FAIL) {
		if (buffer_length(&run->in) < run->in.max)
			fill(&run->in, "\5", 1);
		held = buffer_length(&run->in);
		expect(run,
		    run->h.ops->feed(&run->h, &run->in, &run->out) == t->end &&
		        buffer_length(&run->in) == held && buffer_length(&run->out) == ours.length,
		    "the end is not final");
	}
	if (t->server)
		check_server(run);
	else
		check_client(run);
}

static void play_cut(struct run *run, struct bytes ours, size_t first, size_t second)
{
	run->cuts[0] = first;
	run->cuts[1] = second;
	start(run);
	feed(run, first);
	if (run->hs == HS_MORE)
		feed(run, second);
	if (run->hs == HS_MORE)
		feed(run, run->length);
	check_end(run, ours);
	stop(run);
}

static void play_bytes(struct run *run, struct bytes ours)
{
	start(run);
	for (size_t i = 0; i <= run->length && run->hs == HS_MORE; i++)
		feed(run, i);
	check_end(run, ours);
	stop(run);
}

/* Here it also shows whether we wait for the peer before we say the next thing. */
static void play_turns(struct run *run, struct bytes ours)
{
	size_t said = 0, place = 0;

	start(run);
	for (size_t i = 0; i < TRANSCRIPT_TURNS && run->hs == HS_MORE; i++) {
		place += run->t->turns[i].peer.length;
		said += run->t->turns[i].ours.length;
		feed(run, place);
		expect(run, buffer_length(&run->out) == said, "it does not keep to its turn");
	}
	check_end(run, ours);
	stop(run);
}

void transcript_run(const struct transcript *t)
{
	static char peer[TRANSCRIPT_MAX], us[TRANSCRIPT_MAX];
	struct bytes input = said_by(t, TRANSCRIPT_TURNS, peer, false);
	struct bytes ours = said_by(t, TRANSCRIPT_TURNS, us, true);
	struct run run = {.t = t, .input = input.text, .length = input.length};
	size_t step = input.length > 4096 ? input.length / 512 : 1;

	play_turns(&run, ours);
	play_bytes(&run, ours);
	for (size_t first = 0; first <= input.length; first += step) {
		play_cut(&run, ours, first, first);
		if (input.length > TWO_CUTS_MAX)
			continue;
		for (size_t second = first + 1; second < input.length; second++)
			play_cut(&run, ours, first, second);
	}
}
