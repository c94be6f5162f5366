/* SPDX-License-Identifier: ISC */
/* A child answers, and has let go of all that was open in its parent. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/child.h"

#define WAIT_MS 10000

static char directory[32], path[64];
static struct auth_block block = {.name = "block", .kind = AUTH_PASSWORD_FILE, .path = path};
static const struct message question = {.kind = MESSAGE_ASK,
    .block_count = 1,
    .deadline_ms = 1000,
    .user = "alice",
    .password = "secret"};

static int setup(void **unused)
{
	(void)unused;
	strcpy(directory, "child_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/users", directory);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	unlink(path);
	return rmdir(directory);
}

static int wait_readable(int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	return poll(&pfd, 1, WAIT_MS);
}

static void test_verdict(void **unused)
{
	struct child_verdict verdict;
	FILE *file = fopen(path, "we");
	pid_t pid;
	int fd, status;

	(void)unused;
	fputs("alice:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n", file);
	fclose(file);
	pid = child_start(&block, &question, true, &fd);
	assert_true(pid > 0);
	assert_int_equal(wait_readable(fd), 1);
	assert_int_equal(read(fd, &verdict, sizeof(verdict)), sizeof(verdict));
	assert_int_equal(verdict.verify, AUTH_VERIFY_RIGHT);
	assert_string_equal(verdict.user, "alice");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
}

/* The open descriptors of a process, -1: not ours to see. */
static int count_descriptors(pid_t pid)
{
	struct dirent *entry;
	char text[64];
	int count = 0;
	DIR *dir;

	snprintf(text, sizeof(text), "/proc/%ld/fd", (long)pid);
	dir = opendir(text);
	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void test_lets_go_of_everything(void **unused)
{
	int fd, extra = dup(0), tries = 0, count;
	pid_t pid;

	(void)unused;
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: it hangs in there */
	signal(SIGTERM, SIG_IGN);
	pid = child_start(&block, &question, true, &fd);
	assert_true(pid > 0);
	while (getpriority(PRIO_PROCESS, (id_t)pid) != 10 && tries++ < WAIT_MS / 5)
		poll(NULL, 0, 5);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), 10);
	count = count_descriptors(pid);
	assert_true(count == -1 || count == 4); /* the standard ones and its pipe */
	kill(pid, SIGTERM);
	assert_int_equal(wait_readable(fd), 1); /* it died of it: no verdict */
	assert_int_equal(read(fd, &tries, sizeof(tries)), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	signal(SIGTERM, SIG_DFL);
	close(fd);
	close(extra);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_verdict),
	    TEST(test_lets_go_of_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
