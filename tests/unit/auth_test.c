/* SPDX-License-Identifier: ISC */
/* Questions and answers between a worker and a keeper, both on one loop here, with real children.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/message.h"
#include "tests/unit/asking.h"

/* Of `secret`, as cheap as can be. */
#define HASH "$5$rounds=1000$neNwULCVv0FQGPsA$ueaJbupLY5fP9jZCoGRRciCT0LqaQ4WvHJfvniJTk4D"

enum { FIRST, SECOND, MISSING, HANGING, BLOCKS };

static char directory[32], paths[BLOCKS][64];
static struct auth_block blocks[BLOCKS];

static void write_users(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **unused)
{
	static const char *const names[] = {"first", "second", "missing", "hanging"};

	(void)unused;
	strcpy(directory, "auth_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	for (int i = 0; i < BLOCKS; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s/%s", directory, names[i]);
		blocks[i] = (struct auth_block){
		    .name = names[i], .kind = AUTH_PASSWORD_FILE, .path = paths[i]};
	}
	write_users(paths[FIRST], "alice:" HASH "\nboth:!\n");
	write_users(paths[SECOND], "bob:" HASH "\nboth:" HASH "\n");
	if (mkfifo(paths[HANGING], 0600) != 0) /* nobody writes: opening it never ends */
		return -1;
	open_desk(blocks, BLOCKS);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	close_desk();
	return remove_directory(directory);
}

/* Of that block, then of the second. */
static struct auth_check *ask(
    struct outcome *o, uint16_t first, int64_t deadline_ms, const char *user, const char *password)
{
	return ask_two(o, first, SECOND, deadline_ms, user, password);
}

static pid_t wait_for_child(void)
{
	pid_t pid = 0;

	wait_for_children(1);
	children(&pid);
	return pid;
}

/* --- answers --------------------------------------------------------------------------------- */

static void test_answers(void **unused)
{
	static const struct {
		const char *user, *password;
		uint16_t first;
		enum auth_result result;
		uint16_t block;
	} rows[] = {
	    {"alice", "secret", FIRST, AUTH_ACCEPTED, FIRST},
	    {"alice", "wrong", FIRST, AUTH_WRONG, FIRST}, {"alice", "", FIRST, AUTH_WRONG, FIRST},
	    {"bob", "secret", FIRST, AUTH_ACCEPTED, SECOND},
	    {"bob", "wrong", FIRST, AUTH_WRONG, SECOND},
	    {"both", "secret", FIRST, AUTH_WRONG, FIRST}, /* the first that knows the user */
	    {"both", "secret", SECOND, AUTH_ACCEPTED, SECOND},
	    {"nobody", "secret", FIRST, AUTH_WRONG, SECOND}, {"", "", FIRST, AUTH_WRONG, SECOND},
	    {"bob", "secret", MISSING, AUTH_UNAVAILABLE, MISSING}, /* not the next one */
	};
	size_t count = sizeof(rows) / sizeof(rows[0]);

	(void)unused;
	for (size_t i = 0; i < count; i++)
		assert_non_null(
		    ask(&outcomes[i], rows[i].first, FOREVER_MS, rows[i].user, rows[i].password));
	run_until(outcomes, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(outcomes[i].result, rows[i].result);
		if (rows[i].result == AUTH_ACCEPTED)
			assert_int_equal(outcomes[i].block, rows[i].block);
		assert_string_equal(
		    outcomes[i].user, rows[i].result == AUTH_ACCEPTED ? rows[i].user : "");
	}
	wait_for_at_most(0);
}

static void test_what_is_never_asked(void **unused)
{
	static uint16_t many[AUTH_BLOCKS_MAX + 1];
	static const uint16_t first[] = {FIRST}, none[] = {BLOCKS};
	char text[MESSAGE_TEXT_MAX + 1];
	struct auth_question q = {.blocks = first,
	    .block_count = 1,
	    .user = "alice",
	    .user_length = 5,
	    .password = "secret\0x",
	    .password_length = 8,
	    .deadline_ms = FOREVER_MS};

	(void)unused;
	memset(text, 'a', sizeof(text));
	ask_bytes(&outcomes[0], &q); /* NUL in the password: conformance 98 */
	q.password_length = 6;
	q.user = "alice\0";
	q.user_length = 6;
	ask_bytes(&outcomes[1], &q);
	q.user = text;
	q.user_length = sizeof(text);
	ask_bytes(&outcomes[2], &q);
	q.user = "alice";
	q.user_length = 5;
	q.blocks = many;
	q.block_count = AUTH_BLOCKS_MAX + 1;
	ask_bytes(&outcomes[3], &q);
	q.blocks = none;
	q.block_count = 1;
	ask_bytes(&outcomes[4], &q);
	q.block_count = 0;
	ask_bytes(&outcomes[5], &q);
	q.blocks = first;
	q.block_count = 1;
	q.password = text;
	q.password_length = MESSAGE_TEXT_MAX;
	ask_bytes(&outcomes[6], &q);
	run_until(outcomes, 7);
	assert_int_equal(outcomes[0].result, AUTH_WRONG);
	assert_int_equal(outcomes[1].result, AUTH_WRONG);
	assert_int_equal(outcomes[2].result, AUTH_WRONG);
	assert_int_equal(outcomes[3].result, AUTH_UNAVAILABLE);
	assert_int_equal(outcomes[4].result, AUTH_UNAVAILABLE);
	assert_int_equal(outcomes[5].result, AUTH_UNAVAILABLE);
	assert_int_equal(outcomes[6].result, AUTH_WRONG);
}

/* --- children that misbehave ----------------------------------------------------------------- */

static void test_deadline(void **unused)
{
	int64_t start = now_ms(), took;

	(void)unused;
	ask(&outcomes[0], HANGING, 200, "alice", "secret");
	run_until(outcomes, 1);
	took = now_ms() - start;
	assert_int_equal(outcomes[0].result, AUTH_UNAVAILABLE);
	assert_true(took >= 190 && took < 2000);
	ask(&outcomes[1], FIRST, FOREVER_MS, "alice", "secret"); /* its slot is free again */
	run_until(outcomes + 1, 1);
	assert_int_equal(outcomes[1].result, AUTH_ACCEPTED);
	wait_for_at_most(0);
}

/* The keeper's own deadline, when the worker does not cancel. */
static void test_deadline_in_the_keeper(void **unused)
{
	struct message message = {.kind = MESSAGE_ASK,
	    .id = 7,
	    .block_count = 1,
	    .deadline_ms = 150,
	    .blocks = {HANGING}};
	uint8_t bytes[MESSAGE_MAX];
	int ends[2], i;
	ssize_t n = -1;

	(void)unused;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(auth_checks_serve(checks, ends[0]), 0);
	assert_true(send(ends[1], bytes, message_write(bytes, &message), 0) > 0);
	for (i = 0; i < 500 && n < 0; i++) {
		turn_for(10);
		n = recv(ends[1], bytes, sizeof(bytes), 0);
	}
	assert_true(n > 0 && message_read(&message, bytes, (size_t)n));
	assert_int_equal(message.kind, MESSAGE_ANSWER);
	assert_int_equal(message.id, 7);
	assert_int_equal(message.result, AUTH_UNAVAILABLE);
	wait_for_at_most(0);
	assert_true(send(ends[1], "nonsense", 8, 0) == 8);
	close(ends[1]);
}

static void test_lost_child(void **unused)
{
	(void)unused;
	ask(&outcomes[0], HANGING, FOREVER_MS, "alice", "secret");
	kill(wait_for_child(), SIGSEGV);
	run_until(outcomes, 1);
	assert_int_equal(outcomes[0].result, AUTH_UNAVAILABLE);
}

/* --- many ------------------------------------------------------------------------------------ */

static void test_many_at_once(void **unused)
{
	size_t count = 60;

	(void)unused;
	for (size_t i = 0; i < count; i++)
		ask(&outcomes[i], FIRST, FOREVER_MS, "alice", i % 2 ? "secret" : "wrong");
	run_until(outcomes, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(outcomes[i].result, i % 2 ? AUTH_ACCEPTED : AUTH_WRONG);
	wait_for_at_most(0);
}

static struct outcome outcome_of_another;

static void ask_from(struct outcome *o, const char *rhost)
{
	static const uint16_t list[] = {HANGING};

	*o = (struct outcome){0};
	ask_bytes(o,
	    &(struct auth_question){.blocks = list,
	        .block_count = 1,
	        .user = "alice",
	        .user_length = 5,
	        .password = "secret",
	        .password_length = 6,
	        .rhost = rhost,
	        .deadline_ms = 2000});
}

/* The queue is bounded, its deadlines count, and what waits can be cancelled. */
static void test_full_queue(void **unused)
{
	size_t waiting = 0;

	(void)unused;
	for (size_t i = 0; i < CHECKS_MAX; i++)
		assert_non_null(ask(&outcomes[i], HANGING, 2000, "alice", "secret"));
	turn_for(500);
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		if (outcomes[i].calls > 0)
			assert_int_equal(outcomes[i].result, AUTH_UNAVAILABLE);
		else
			waiting++;
	}
	assert_true(waiting > 1000 && waiting < 1100);
	ask_from(&outcome_of_another, "192.0.2.8"); /* finds a place all the same */
	turn_for(50);
	assert_int_equal(outcome_of_another.calls, 0);
	assert_true(children(NULL) >= 1 && children(NULL) <= (size_t)sysconf(_SC_NPROCESSORS_ONLN));
	for (size_t i = 0; i < CHECKS_MAX; i += 2) {
		auth_check_free(outcomes[i].check);
		if (outcomes[i].check != NULL)
			outcomes[i].calls = 1;
	}
	run_until(outcomes, CHECKS_MAX);
	run_until(&outcome_of_another, 1);
	wait_for_at_most(0);
}

/* --- answers that are kept ------------------------------------------------------------------- */

static void replace_users(uint16_t block, const char *text)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/new", directory);
	write_users(path, text);
	assert_int_equal(rename(path, paths[block]), 0);
}

static enum auth_result ask_again(uint16_t block, const char *user, const char *password)
{
	struct outcome *o = &outcomes[CHECKS_MAX - 1];

	*o = (struct outcome){0};
	ask(o, block, FOREVER_MS, user, password);
	run_until(o, 1);
	return o->result;
}

static void wait_until_denied(uint16_t block, const char *user, const char *password)
{
	int64_t end = now_ms() + 5000;

	while (ask_again(block, user, password) == AUTH_ACCEPTED) {
		assert_true(now_ms() < end);
		turn_for(10);
	}
}

/* Also when it is the first file that changes and the second that let the user in. */
static void test_file_that_changes(void **unused)
{
	(void)unused;
	blocks[FIRST].cache_ms = blocks[SECOND].cache_ms = FOREVER_MS;
	assert_int_equal(ask_again(FIRST, "alice", "secret"), AUTH_ACCEPTED);
	assert_int_equal(ask_again(FIRST, "bob", "secret"), AUTH_ACCEPTED);
	replace_users(FIRST, "alice:!\nbob:!\n");
	wait_until_denied(FIRST, "alice", "secret");
	assert_int_equal(ask_again(FIRST, "bob", "secret"), AUTH_WRONG);
	assert_int_equal(ask_again(SECOND, "bob", "secret"), AUTH_ACCEPTED);
	unlink(paths[SECOND]);
	wait_until_denied(SECOND, "bob", "secret");
	replace_users(SECOND, "bob:" HASH "\n");
	assert_int_equal(ask_again(SECOND, "bob", "secret"), AUTH_ACCEPTED);
}

/* Not even by looking: another question shows the change at once. */
static void test_file_that_changes_and_a_question(void **unused)
{
	(void)unused;
	blocks[FIRST].cache_ms = FOREVER_MS;
	blocks[SECOND].cache_ms = FOREVER_MS;
	assert_int_equal(ask_again(FIRST, "alice", "secret"), AUTH_ACCEPTED);
	replace_users(FIRST, "alice:!\n");
	assert_int_equal(ask_again(FIRST, "alice", "other"), AUTH_WRONG);
	assert_int_equal(ask_again(FIRST, "alice", "secret"), AUTH_WRONG);
}

/* An answer from the old file may come after the change: it counts once. */
static void test_file_that_changes_meanwhile(void **unused)
{
	static const char line[] = "alice:" HASH "\n";
	int fd = -1;

	(void)unused;
	blocks[HANGING].cache_ms = FOREVER_MS;
	ask(&outcomes[0], HANGING, FOREVER_MS, "alice", "secret");
	/* A FIFO has a writer once it has a reader: the child is at the old file. */
	for (int tries = 0; tries < 6000 && fd < 0; tries++) {
		turn_for(5);
		fd = open(paths[HANGING], O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	}
	assert_true(fd >= 0);
	replace_users(HANGING, "alice:!\n");
	ask(&outcomes[1], HANGING, FOREVER_MS, "alice", "other");
	turn_for(50);
	assert_int_equal(write(fd, line, strlen(line)), strlen(line));
	close(fd);
	run_until(outcomes, 2);
	assert_int_equal(outcomes[0].result, AUTH_ACCEPTED);
	assert_int_equal(outcomes[1].result, AUTH_WRONG);
	assert_int_equal(ask_again(HANGING, "alice", "secret"), AUTH_WRONG);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void test_keeper_gone(void **unused)
{
	(void)unused;
	ask(&outcomes[0], HANGING, FOREVER_MS, "alice", "secret");
	ask(&outcomes[1], HANGING, FOREVER_MS, "alice", "secret");
	wait_for_child();
	auth_checks_free(checks);
	checks = NULL;
	run_until(outcomes, 2);
	assert_int_equal(outcomes[0].result, AUTH_UNAVAILABLE);
	assert_int_equal(outcomes[1].result, AUTH_UNAVAILABLE);
	assert_int_equal(lost, 1);
	assert_null(ask(&outcomes[2], FIRST, FOREVER_MS, "alice", "secret"));
	wait_for_at_most(0);
}

static void test_worker_gone(void **unused)
{
	(void)unused;
	ask(&outcomes[0], HANGING, FOREVER_MS, "alice", "secret");
	ask(&outcomes[1], HANGING, FOREVER_MS, "alice", "secret");
	wait_for_child();
	auth_link_free(link_);
	wait_for_at_most(0);
	assert_int_equal(outcomes[0].calls + outcomes[1].calls, 0);
	add_link();
	ask(&outcomes[2], FIRST, FOREVER_MS, "alice", "secret");
	run_until(outcomes + 2, 1);
	assert_int_equal(outcomes[2].result, AUTH_ACCEPTED);
}

static void free_link(void *arg, const struct auth_answer *answer)
{
	done(arg, answer);
	auth_link_free(link_);
	link_ = NULL;
}

static void test_link_freed_inside_done(void **unused)
{
	static const uint16_t first[] = {FIRST};
	const struct auth_question q = {.blocks = first,
	    .block_count = 1,
	    .user = "alice",
	    .user_length = 5,
	    .password = "secret",
	    .password_length = 6,
	    .deadline_ms = FOREVER_MS};

	(void)unused;
	assert_non_null(auth_link_ask(link_, &q, free_link, &outcomes[0]));
	ask(&outcomes[1], HANGING, FOREVER_MS, "alice", "secret");
	run_until(outcomes, 1);
	turn_for(50);
	assert_int_equal(outcomes[0].result, AUTH_ACCEPTED);
	assert_int_equal(outcomes[1].calls, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_what_is_never_asked),
	    TEST(test_deadline),
	    TEST(test_deadline_in_the_keeper),
	    TEST(test_lost_child),
	    TEST(test_many_at_once),
	    TEST(test_full_queue),
	    TEST(test_file_that_changes),
	    TEST(test_file_that_changes_and_a_question),
	    TEST(test_file_that_changes_meanwhile),
	    TEST(test_keeper_gone),
	    TEST(test_worker_gone),
	    TEST(test_link_freed_inside_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
