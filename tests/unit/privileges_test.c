/* SPDX-License-Identifier: ISC */
/* Each case in a child that gives its rights up and looks whether they are gone. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/log.h"
#include "gateway/orphan.h"
#include "gateway/privileges.h"

static const struct log_target to_file = {.kind = SINK_FILE, .level = LEVEL_DEBUG};
static int log_fd;

static int setup(void **unused)
{
	(void)unused;
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_to(&to_file, 1);
	return log_file(0, log_fd);
}

static int teardown(void **unused)
{
	(void)unused;
	log_to(NULL, 0);
	close(log_fd);
	return 0;
}

/* Drops in a child and returns what `look` says there; 100: privileges_drop() failed. */
static int drop_and(int (*look)(void), const struct conf *conf)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(privileges_drop(conf) == 0 ? look() : 100);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void logged(const char *wanted)
{
	char text[4096];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	assert_non_null(strstr(text, wanted));
}

static int is_confined(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 && prctl(PR_GET_DUMPABLE) == 0;
}

/* 0: all is gone.  Otherwise the number of the check that failed. */
static int nothing_left(void)
{
	uid_t r, e, s;
	gid_t groups[8];

	if (getresuid(&r, &e, &s) != 0 || r == 0 || e != r || s != r)
		return 1;
	if (getresgid(&r, &e, &s) != 0 || r == 0 || e != r || s != r)
		return 2;
	if (getgroups(8, groups) != 1 || groups[0] != r)
		return 3;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
		return 4;
	return is_confined() ? 0 : 5;
}

static int still_root(void)
{
	return geteuid() == 0 && getuid() == 0 && is_confined() ? 0 : 1;
}

static int is_nobody_in_group_one(void)
{
	return geteuid() == getpwnam("nobody")->pw_uid && getegid() == 1 ? 0 : 1;
}

static int sees_the_marker(void)
{
	return nothing_left() == 0 && access("/marker", F_OK) == 0 && access("/etc", F_OK) != 0 ? 0
	                                                                                        : 1;
}

static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void test_default_user(void **unused)
{
	(void)unused;
	need_root();
	assert_int_equal(drop_and(nothing_left, &(struct conf){0}), 0);
	logged(" info the gateway process runs as ");
}

static void test_user_and_group(void **unused)
{
	const struct group *group = getgrgid(1);
	struct conf conf = {.run_as_user = "nobody"};

	(void)unused;
	need_root();
	if (getpwnam("nobody") == NULL || group == NULL)
		skip();
	assert_int_equal(drop_and(nothing_left, &conf), 0);
	conf.run_as_group = group->gr_name;
	assert_int_equal(drop_and(is_nobody_in_group_one, &conf), 0);
}

static void test_root_on_demand(void **unused)
{
	(void)unused;
	need_root();
	assert_int_equal(drop_and(still_root, &(struct conf){.run_as_user = "root"}), 0);
}

static void test_unknown_names(void **unused)
{
	(void)unused;
	need_root();
	assert_int_equal(
	    drop_and(nothing_left, &(struct conf){.run_as_user = "no-such-user"}), 100);
	logged(" error run-as: there is no user 'no-such-user'\n");
	assert_int_equal(
	    drop_and(nothing_left,
	        &(struct conf){.run_as_user = "root", .run_as_group = "no-such-group"}),
	    100);
	logged(" error run-as: there is no group 'no-such-group'\n");
}

static void test_chroot(void **unused)
{
	char directory[] = "privileges_test.XXXXXX", marker[64];
	FILE *file;

	(void)unused;
	need_root();
	assert_non_null(mkdtemp(directory));
	chmod(directory, 0755);
	snprintf(marker, sizeof(marker), "%s/marker", directory);
	file = fopen(marker, "we");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(drop_and(sees_the_marker, &(struct conf){.chroot = directory}), 0);
	unlink(marker);
	rmdir(directory);
	assert_int_equal(drop_and(sees_the_marker, &(struct conf){.chroot = directory}), 100);
	logged(" error cannot change the root directory to privileges_test.");
}

static int confined(void)
{
	return is_confined() ? 0 : 1;
}

static void test_without_root(void **unused)
{
	pid_t pid = fork();
	int status;

	(void)unused;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(50);
		_exit(privileges_drop(&(struct conf){.chroot = "/"}) == 0 ? confined() : 100);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	logged(" warning not started as root: run-as and chroot have no effect\n");
}

/* The parent dies; the orphan has its grace, and then it ends though it does nothing about it. */
static void test_orphan_ends(void **unused)
{
	struct pollfd pfd = {.events = POLLIN};
	int ends[2];
	pid_t pid;
	char byte;

	(void)unused;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pid = fork();
		if (pid == 0) {
			if (orphan_watch() != 0 || write(ends[1], "x", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	pfd.fd = ends[0];
	assert_int_equal(poll(&pfd, 1, 2000), 0);
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_default_user),
	    TEST(test_user_and_group),
	    TEST(test_root_on_demand),
	    TEST(test_unknown_names),
	    TEST(test_chroot),
	    TEST(test_without_root),
	    TEST(test_orphan_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
