/* SPDX-License-Identifier: ISC */
/* Programs that say who is who: what they are told, what they may say, and how they misbehave. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/asking.h"

static char directory[PATH_MAX], program[PATH_MAX + 16], saw[PATH_MAX + 16];
static const char *command[4];
static const struct auth_block block = {.name = "corp", .kind = AUTH_EXEC, .command = command};

static int setup(void **unused)
{
	char template[] = "program_test.XXXXXX";

	(void)unused;
	if (mkdtemp(template) == NULL || realpath(template, directory) == NULL)
		return -1;
	snprintf(program, sizeof(program), "%s/program", directory);
	snprintf(saw, sizeof(saw), "%s/saw", directory);
	command[0] = program;
	command[1] = saw;
	command[2] = "two words";
	open_desk(&block, 1);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	wait_for_at_most(0);
	close_desk();
	return remove_directory(directory);
}

/* One that has read the two lines. */
static void write_program(const char *lines)
{
	FILE *file = fopen(program, "we");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\nIFS= read -r user; IFS= read -r password\n%s\n", lines);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	fclose(file);
}

static enum auth_result ask(const char *user, const char *password)
{
	static struct outcome *o;

	o = &outcomes[0];
	*o = (struct outcome){0};
	ask_one(o, 0, 5000, user, password);
	run_until(o, 1);
	assert_string_equal(o->user, o->result == AUTH_ACCEPTED ? user : "");
	return o->result;
}

static void test_answers(void **unused)
{
	static const struct {
		const char *user, *password;
		enum auth_result result;
	} rows[] = {
	    {"alice", "secret", AUTH_ACCEPTED},
	    {"alice", "wrong", AUTH_WRONG},
	    {"bob", "secret", AUTH_WRONG}, /* unknown */
	    {" a b\\", "  p \\n w  ", AUTH_ACCEPTED},
	    {"alice\n", "secret", AUTH_WRONG},
	    {"alice", "secret\njunk", AUTH_WRONG},
	    {"alice", "", AUTH_WRONG},
	    {"", "secret", AUTH_WRONG},
	};

	(void)unused;
	write_program("case $user:$password in alice:secret|' a b\\:  p \\n w  ') exit 0;;\n"
	              "alice:|:*) exit 0;; alice:*) exit 1;; esac; exit 2");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ask(rows[i].user, rows[i].password) != rows[i].result)
			fail_msg("%s %s", rows[i].user, rows[i].password);
}

static void test_longest_texts(void **unused)
{
	char user[256], password[256];

	(void)unused;
	memset(user, 'u', 255);
	memset(password, 'p', 255);
	user[255] = password[255] = '\0';
	write_program("test ${#user}:${#password}:${#PROXY_USER} = 255:255:255");
	assert_int_equal(ask(user, password), AUTH_ACCEPTED);
}

/* Only 0 lets anybody in. */
static void test_every_status(void **unused)
{
	char lines[32];

	(void)unused;
	for (int status = 1; status < 256; status += status < 4 ? 1 : 63) {
		snprintf(lines, sizeof(lines), "exit %d", status);
		write_program(lines);
		assert_int_equal(
		    ask("alice", "secret"), status <= 2 ? AUTH_WRONG : AUTH_UNAVAILABLE);
	}
	write_program("kill -9 $$");
	assert_int_equal(ask("alice", "secret"), AUTH_UNAVAILABLE);
	assert_int_equal(chmod(program, 0600), 0);
	assert_int_equal(ask("alice", "secret"), AUTH_UNAVAILABLE);
	unlink(program);
	assert_int_equal(ask("alice", "secret"), AUTH_UNAVAILABLE);
}

/* Its words, its variables and its descriptors; the password is only where it is read. */
static void test_what_it_sees(void **unused)
{
	char text[8192];

	(void)unused;
	setenv("SECRET_OF_THE_KEEPER", "canary", 1);
	write_program("{ echo \"$#:$2\"; tr '\\0' '\\n' </proc/$$/environ; ls /proc/$$/fd; "
	              "tr '\\0' ' ' </proc/$$/cmdline; } >$1; echo noise; echo noise >&2");
	assert_int_equal(ask("alice", "hidden-word"), AUTH_ACCEPTED);
	read_text(saw, text, sizeof(text));
	assert_non_null(strstr(text, "2:two words\nPATH="));
	assert_non_null(
	    strstr(text, "\nPROXY_USER=alice\nPROXY_CLIENT=192.0.2.7\nPROXY_AUTH=corp\n0\n1\n"));
	assert_null(strstr(text, "canary"));
	assert_null(strstr(text, "hidden-word"));
	unsetenv("SECRET_OF_THE_KEEPER");
}

static void test_one_that_does_not_read(void **unused)
{
	FILE *file = fopen(program, "we");

	(void)unused;
	fputs("#!/bin/sh\nexec <&-; exit 0\n", file);
	fchmod(fileno(file), 0700);
	fclose(file);
	assert_int_equal(ask("alice", "secret"), AUTH_ACCEPTED);
}

/* In time, with all that they have started. */
static void test_ones_that_do_not_end(void **unused)
{
	int64_t start = now_ms();

	(void)unused;
	write_program("trap '' TERM HUP INT; sleep 60 & sleep 60");
	ask_one(&outcomes[1], 0, 300, "alice", "secret");
	wait_for_children(1);
	run_until(outcomes + 1, 1);
	assert_int_equal(outcomes[1].result, AUTH_UNAVAILABLE);
	assert_true(now_ms() - start < 10000);
	wait_for_at_most(0);
	write_program("sleep 60 &\nexit 0"); /* the answer counts, the sleeper goes */
	assert_int_equal(ask("alice", "secret"), AUTH_ACCEPTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_longest_texts),
	    TEST(test_every_status),
	    TEST(test_what_it_sees),
	    TEST(test_one_that_does_not_read),
	    TEST(test_ones_that_do_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
