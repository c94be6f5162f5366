/* SPDX-License-Identifier: ISC */
/* PAM, with a module that plays what modules do: in this process, and as children of a keeper. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <limits.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/pam.h"
#include "tests/unit/asking.h"

#define ACTOR "tests/unit/pam_actor.so" /* beside this program */
#define MATRIX "/pam_wrapper/pam_matrix.so"

static char directory[PATH_MAX], actor[PATH_MAX];
static struct auth_block block = {
    .name = "corp", .kind = AUTH_PAM, .service = "service", .confdir = directory};

/* The lines of a service, with ACTOR for the module's path. */
static void write_service(const char *name, const char *lines)
{
	char path[PATH_MAX + 32];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	for (const char *at = lines; *at != '\0'; at++) {
		if (strncmp(at, "ACTOR", 5) != 0) {
			putc(*at, file);
			continue;
		}
		fputs(actor, file);
		at += 4;
	}
	fclose(file);
}

static int setup(void **unused)
{
	char template[] = "pam_test.XXXXXX";

	(void)unused;
	if (mkdtemp(template) == NULL || realpath(template, directory) == NULL ||
	    realpath(ACTOR, actor) == NULL)
		return -1;
	block.checks = 0;
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	return remove_directory(directory);
}

/* --- one transaction ------------------------------------------------------------------------- */

static struct inquiry inquiry;
static struct message question;

static enum auth_verify verify_by(const char *service, const char *user, const char *password)
{
	block.service = service;
	question = (struct message){.user_length = (uint16_t)strlen(user),
	    .password_length = (uint16_t)strlen(password),
	    .rhost_length = 9,
	    .rhost = "192.0.2.7"};
	strcpy(question.user, user);
	strcpy(question.password, password);
	inquiry = (struct inquiry){.block = &block, .question = &question, .last = true};
	strcpy(inquiry.user, user);
	return pam_verify(&inquiry);
}

static enum auth_verify verify(const char *lines)
{
	write_service("service", lines);
	return verify_by("service", "alice", "secret");
}

#define AUTH "auth required ACTOR "
#define ACCOUNT "account required ACTOR "
#define GOOD AUTH "ask text=secret\n" ACCOUNT "\n"

static void test_conversation(void **unused)
{
	static const struct {
		const char *lines;
		enum auth_verify verify;
	} rows[] = {
	    {GOOD, AUTH_VERIFY_RIGHT}, {AUTH "ask text=other\n" ACCOUNT, AUTH_VERIFY_WRONG},
	    {AUTH "info echo-on text=alice info ask text=secret\n" ACCOUNT, AUTH_VERIFY_RIGHT},
	    {AUTH "ask ask text=secret\n" ACCOUNT, AUTH_VERIFY_FAILED}, /* a second secret */
	    {AUTH "ask text=secret\n" ACCOUNT "ask", AUTH_VERIFY_FAILED},
	    {AUTH "delay return=7\n" ACCOUNT, AUTH_VERIFY_WRONG}, /* at once */
	};
	const time_t start = time(NULL);

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (verify(rows[i].lines) != rows[i].verify)
			fail_msg("%s", rows[i].lines);
	assert_true(time(NULL) - start < 20);
}

/* Only PAM_SUCCESS, twice, lets anybody in. */
static void test_every_result(void **unused)
{
	char lines[256];
	enum auth_verify by_auth, by_account;

	(void)unused;
	for (int result = 1; result < 32; result++) {
		snprintf(lines, sizeof(lines), AUTH "return=%d\n" ACCOUNT, result);
		by_auth = verify(lines);
		snprintf(lines, sizeof(lines), AUTH "\n" ACCOUNT "return=%d", result);
		by_account = verify(lines);
		assert_int_not_equal(by_auth, AUTH_VERIFY_RIGHT);
		assert_int_not_equal(by_account, AUTH_VERIFY_RIGHT);
		assert_int_equal(by_auth == AUTH_VERIFY_UNKNOWN, result == PAM_USER_UNKNOWN);
		assert_int_not_equal(by_account, AUTH_VERIFY_UNKNOWN);
	}
	assert_int_equal(verify(AUTH "return=9\n" ACCOUNT), AUTH_VERIFY_FAILED); /* unavailable */
	assert_int_equal(verify(AUTH "\n" ACCOUNT "return=13"), AUTH_VERIFY_WRONG); /* expired */
	assert_int_equal(verify(AUTH "\n"), AUTH_VERIFY_WRONG); /* nothing about accounts */
}

static void test_what_is_never_asked(void **unused)
{
	(void)unused;
	write_service("service", AUTH "\n" ACCOUNT); /* would let anybody in */
	assert_int_equal(verify_by("service", "", "secret"), AUTH_VERIFY_UNKNOWN);
	assert_int_equal(verify_by("service", "alice", ""), AUTH_VERIFY_WRONG);
	write_service("other", AUTH "\n" ACCOUNT); /* would, too */
	assert_int_equal(verify_by("missing", "alice", "secret"), AUTH_VERIFY_FAILED);
	assert_int_equal(verify_by("Service", "alice", "secret"), AUTH_VERIFY_RIGHT);
	assert_int_not_equal(verify("nonsense\n"), AUTH_VERIFY_RIGHT);
	assert_int_not_equal(verify("auth required /no/such.so\n" ACCOUNT), AUTH_VERIFY_RIGHT);
}

static void test_items_and_identity(void **unused)
{
	char lines[2 * PATH_MAX], text[128];

	(void)unused;
	snprintf(
	    lines, sizeof(lines), AUTH "ask items=%s/items\n" ACCOUNT "user=Alice.B", directory);
	assert_int_equal(verify(lines), AUTH_VERIFY_RIGHT);
	assert_string_equal(inquiry.user, "Alice.B");
	snprintf(lines, sizeof(lines), "%s/items", directory);
	read_text(lines, text, sizeof(text));
	assert_string_equal(text, "service alice 192.0.2.7 hopgate\n");
	memset(lines, 'a', 300);
	memcpy(lines, AUTH "user=", sizeof(AUTH "user=") - 1);
	strcpy(lines + 300, "\n" ACCOUNT);
	assert_int_equal(verify(lines), AUTH_VERIFY_FAILED); /* no name for a log line */
}

/* A module of libpam-wrapper: users and passwords in a file. */
static void test_matrix(void **unused)
{
	char lines[5 * PATH_MAX], users[PATH_MAX + 8];
	const char *module;
	glob_t found;
	FILE *file;

	(void)unused;
	if (glob("/usr/lib*" MATRIX, 0, NULL, &found) != 0 &&
	    glob("/usr/lib*/*" MATRIX, 0, NULL, &found) != 0)
		skip();
	module = found.gl_pathv[0];
	snprintf(users, sizeof(users), "%s/users", directory);
	file = fopen(users, "we");
	assert_non_null(file);
	fputs("alice:secret:matrix\nbob:other:elsewhere\n", file);
	fclose(file);
	snprintf(lines, sizeof(lines),
	    "auth required %s passdb=%s\naccount required %s passdb=%s\n", module, users, module,
	    users);
	globfree(&found);
	write_service("matrix", lines);
	assert_int_equal(verify_by("matrix", "alice", "secret"), AUTH_VERIFY_RIGHT);
	assert_int_equal(verify_by("matrix", "alice", "secrets"), AUTH_VERIFY_WRONG);
	assert_int_not_equal(verify_by("matrix", "bob", "other"), AUTH_VERIFY_RIGHT);
	assert_int_not_equal(verify_by("matrix", "carol", "secret"), AUTH_VERIFY_RIGHT);
}

/* A module of Linux-PAM itself; its "no" is not that PAM were out of order. */
static void test_exec(void **unused)
{
	char lines[3 * PATH_MAX], script[PATH_MAX + 16];
	FILE *file;

	(void)unused;
	snprintf(script, sizeof(script), "%s/script", directory);
	file = fopen(script, "we");
	assert_non_null(file);
	fputs("#!/bin/sh\ntest \"$PAM_USER:$PAM_RHOST:$(tr -d '\\0')\" = "
	      "alice:192.0.2.7:secret\n",
	    file);
	fchmod(fileno(file), 0700);
	fclose(file);
	snprintf(lines, sizeof(lines),
	    "auth required pam_exec.so quiet expose_authtok %s\n" ACCOUNT, script);
	write_service("exec", lines);
	assert_int_equal(verify_by("exec", "alice", "secret"), AUTH_VERIFY_RIGHT);
	assert_int_equal(verify_by("exec", "alice", "wrong"), AUTH_VERIFY_WRONG);
}

/* --- as children of a keeper ----------------------------------------------------------------- */

static void test_modules_that_misbehave(void **unused)
{
	static const struct {
		const char *words;
		enum auth_result result;
	} rows[] = {
	    {"crash", AUTH_UNAVAILABLE},
	    {"mask crash", AUTH_UNAVAILABLE},
	    {"fork crash", AUTH_UNAVAILABLE}, /* what it leaves holds our pipe open */
	    {"fork ask text=secret", AUTH_ACCEPTED},
	    {"mask print ask text=secret", AUTH_ACCEPTED},
	};
	char lines[256];

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(lines, sizeof(lines), AUTH "%s\n" ACCOUNT, rows[i].words);
		write_service("service", lines);
		block.service = "service";
		open_desk(&block, 1);
		ask_one(&outcomes[0], 0, FOREVER_MS, "alice", "secret");
		run_until(outcomes, 1);
		assert_int_equal(outcomes[0].result, rows[i].result);
		wait_for_at_most(0);
		close_desk();
	}
}

/* It is over in time, and others do not wait for it: not for PAM, and not for a password file. */
static void test_sleeping_modules(void **unused)
{
	struct auth_block blocks[3] = {block, block, {.name = "staff"}};
	char path[PATH_MAX + 8];
	FILE *file;
	int64_t start;

	(void)unused;
	write_service("sleepy", AUTH "mask sleep\n" ACCOUNT);
	write_service("awake", GOOD);
	snprintf(path, sizeof(path), "%s/users", directory);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("alice:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n", file);
	fclose(file);
	blocks[0].service = "sleepy";
	blocks[0].checks = 3;
	blocks[1].service = "awake";
	blocks[2].path = path;
	open_desk(blocks, 3);
	start = now_ms();
	for (int i = 0; i < 10; i++)
		ask_one(&outcomes[i], 0, 1500, "alice", "secret");
	wait_for_children(3);
	ask_one(&outcomes[10], 1, FOREVER_MS, "alice", "secret");
	ask_one(&outcomes[11], 2, FOREVER_MS, "alice", "secret");
	run_until(outcomes + 10, 2);
	assert_int_equal(outcomes[10].result, AUTH_ACCEPTED);
	assert_int_equal(outcomes[11].result, AUTH_ACCEPTED);
	wait_for_at_most(3); /* more wait */
	assert_int_equal(children(NULL), 3);
	run_until(outcomes, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(outcomes[i].result, AUTH_UNAVAILABLE);
	assert_true(now_ms() - start >= 1400 && now_ms() - start < 10000);
	wait_for_at_most(0);
	close_desk();
}

/* A user whom PAM does not know is asked of the next block, and the identity is the block's own. */
static void test_next_block(void **unused)
{
	struct auth_block blocks[3] = {block, block, block};

	(void)unused;
	write_service("first", AUTH "return=10\n" ACCOUNT);
	write_service("second", AUTH "ask text=secret user=ALICE\n" ACCOUNT);
	blocks[0].service = "first";
	blocks[1].service = "second";
	blocks[2].service = "missing";
	open_desk(blocks, 3);
	ask_two(&outcomes[0], 0, 1, FOREVER_MS, "alice", "secret");
	ask_two(&outcomes[1], 0, 1, FOREVER_MS, "alice", "wrong");
	ask_one(&outcomes[2], 0, FOREVER_MS, "alice", "secret");
	ask_two(&outcomes[3], 2, 1, FOREVER_MS, "alice", "secret");
	run_until(outcomes, 4);
	assert_int_equal(outcomes[0].result, AUTH_ACCEPTED);
	assert_int_equal(outcomes[0].block, 1);
	assert_string_equal(outcomes[0].user, "ALICE");
	assert_int_equal(outcomes[1].result, AUTH_WRONG);
	assert_int_equal(outcomes[2].result, AUTH_WRONG);
	assert_int_equal(outcomes[3].result, AUTH_UNAVAILABLE);
	close_desk();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_conversation),
	    TEST(test_every_result),
	    TEST(test_what_is_never_asked),
	    TEST(test_items_and_identity),
	    TEST(test_matrix),
	    TEST(test_exec),
	    TEST(test_modules_that_misbehave),
	    TEST(test_sleeping_modules),
	    TEST(test_next_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
