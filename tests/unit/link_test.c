/* SPDX-License-Identifier: ISC */
/* A worker's link, with a keeper that says what the test wants it to say. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/message.h"
#include "tests/unit/asking.h"

static int keeper; /* its end */

static void lost_link(void *arg)
{
	(void)arg;
	lost++;
}

static int setup(void **unused)
{
	int ends[2];

	(void)unused;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	memset(outcomes, 0, sizeof(outcomes));
	lost = 0;
	base = event_base_new();
	link_ = auth_link_new(base, ends[0], lost_link, NULL);
	keeper = ends[1];
	return link_ != NULL ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	auth_link_free(link_);
	event_base_free(base);
	close(keeper);
	return 0;
}

/* The next message of the worker; kind 0: there is none. */
static struct message heard(void)
{
	uint8_t bytes[MESSAGE_MAX];
	struct message message = {0};
	ssize_t n = recv(keeper, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		assert_true(message_read(&message, bytes, (size_t)n));
	return message;
}

static void say(const struct message *message)
{
	uint8_t bytes[MESSAGE_MAX];

	assert_true(send(keeper, bytes, message_write(bytes, message), 0) > 0);
}

static void say_yes(uint32_t id, const char *user, uint32_t keep_ms)
{
	struct message answer = {.kind = MESSAGE_ANSWER,
	    .id = id,
	    .result = AUTH_ACCEPTED,
	    .block = 3,
	    .keep_ms = keep_ms,
	    .user_length = (uint16_t)strlen(user)};

	strcpy(answer.user, user);
	say(&answer);
}

static void assert_accepted(const struct outcome *o, const char *user)
{
	assert_int_equal(o->result, AUTH_ACCEPTED);
	assert_int_equal(o->block, 3);
	assert_string_equal(o->user, user);
}

static void test_question(void **unused)
{
	struct message question;

	(void)unused;
	ask_two(&outcomes[0], 3, 5, 1500, "alice", "secret");
	question = heard();
	assert_int_equal(question.kind, MESSAGE_ASK);
	assert_int_equal(question.block_count, 2);
	assert_int_equal(question.blocks[1], 5);
	assert_int_equal(question.deadline_ms, 1500);
	assert_string_equal(question.user, "alice");
	assert_string_equal(question.password, "secret");
	assert_string_equal(question.rhost, "192.0.2.7");
	say_yes(question.id, "Alice", 0);
	run_until(outcomes, 1);
	assert_accepted(&outcomes[0], "Alice");
	ask_two(&outcomes[1], 3, 5, 1500, "alice", "secret"); /* was for once */
	assert_int_equal(heard().kind, MESSAGE_ASK);
}

/* Whatever a keeper may say, nobody comes in by mistake. */
static void test_odd_answers(void **unused)
{
	struct message answer = {.kind = MESSAGE_ANSWER};

	(void)unused;
	for (int i = 0; i < 3; i++)
		ask_one(&outcomes[i], 0, FOREVER_MS, "alice", "secret");
	say_yes(heard().id, "", FOREVER_MS); /* nobody */
	answer.id = heard().id;
	answer.result = 77;
	say(&answer);
	answer.id = heard().id;
	answer.result = AUTH_WRONG;
	say(&answer);
	say_yes(4711, "mallory", FOREVER_MS);
	run_until(outcomes, 3);
	assert_int_equal(outcomes[0].result, AUTH_UNAVAILABLE);
	assert_int_equal(outcomes[1].result, AUTH_UNAVAILABLE);
	assert_int_equal(outcomes[2].result, AUTH_WRONG);
	ask_one(&outcomes[3], 0, FOREVER_MS, "alice", "secret"); /* none of it is kept */
	assert_int_equal(heard().kind, MESSAGE_ASK);
}

static void test_kept_answer(void **unused)
{
	(void)unused;
	ask_one(&outcomes[0], 3, FOREVER_MS, "alice", "secret");
	say_yes(heard().id, "Alice", 100);
	run_until(outcomes, 1);
	ask_one(&outcomes[1], 3, FOREVER_MS, "alice", "secret");
	run_until(outcomes + 1, 1);
	assert_accepted(&outcomes[1], "Alice");
	assert_int_equal(heard().kind, 0);
	ask_one(&outcomes[2], 3, FOREVER_MS, "alice", "Secret");
	ask_one(&outcomes[3], 4, FOREVER_MS, "alice", "secret");
	assert_int_equal(heard().kind, MESSAGE_ASK);
	assert_int_equal(heard().kind, MESSAGE_ASK);
	turn_for(120);
	ask_one(&outcomes[4], 3, FOREVER_MS, "alice", "secret"); /* its time is over */
	assert_int_equal(heard().kind, MESSAGE_ASK);
}

static void test_forget(void **unused)
{
	struct message forget = {.kind = MESSAGE_FORGET, .block = 7};

	(void)unused;
	ask_two(&outcomes[0], 7, 3, FOREVER_MS, "alice", "secret");
	say_yes(heard().id, "alice", FOREVER_MS);
	run_until(outcomes, 1);
	say(&forget);
	turn_for(10);
	ask_two(&outcomes[1], 7, 3, FOREVER_MS, "alice", "secret");
	assert_int_equal(heard().kind, MESSAGE_ASK);
}

/* One answer for all that ask the same at the same time; the others are taken back. */
static void test_same_questions(void **unused)
{
	uint32_t first;

	(void)unused;
	for (int i = 0; i < 3; i++)
		ask_one(&outcomes[i], 3, FOREVER_MS, "alice", "secret");
	ask_one(&outcomes[3], 3, FOREVER_MS, "bob", "secret");
	first = heard().id;
	for (int i = 0; i < 3; i++)
		assert_int_equal(heard().kind, MESSAGE_ASK);
	say_yes(first, "alice", FOREVER_MS);
	run_until(outcomes, 3);
	for (int i = 0; i < 3; i++)
		assert_accepted(&outcomes[i], "alice");
	assert_int_equal(heard().kind, MESSAGE_CANCEL);
	assert_int_equal(heard().kind, MESSAGE_CANCEL);
	assert_int_equal(heard().kind, 0);
	assert_int_equal(outcomes[3].calls, 0);
}

/* A check that is freed after its answer is known, and before it was told. */
static void test_freed_in_time(void **unused)
{
	(void)unused;
	ask_one(&outcomes[0], 3, FOREVER_MS, "alice", "secret");
	say_yes(heard().id, "alice", FOREVER_MS);
	run_until(outcomes, 1);
	auth_check_free(ask_one(&outcomes[1], 3, FOREVER_MS, "alice", "secret"));
	turn_for(10);
	assert_int_equal(outcomes[1].calls, 0);
	assert_int_equal(heard().kind, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_question),
	    TEST(test_odd_answers),
	    TEST(test_kept_answer),
	    TEST(test_forget),
	    TEST(test_same_questions),
	    TEST(test_freed_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
