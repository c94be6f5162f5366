/* SPDX-License-Identifier: ISC */
/* Whose pid file it is: locked, stale, replaced, linked. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/log.h"
#include "gateway/pid_file.h"

static const struct log_target to_file = {.kind = SINK_FILE, .level = LEVEL_DEBUG};
static char directory[32], path[64], other[64], text[4096];
static int log_fd;

static int setup(void **unused)
{
	(void)unused;
	log_fd = memfd_create("log", MFD_CLOEXEC);
	log_to(&to_file, 1);
	log_file(0, log_fd);
	strcpy(directory, "pid_file_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/pid", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	log_to(NULL, 0);
	close(log_fd);
	unlink(path);
	unlink(other);
	return rmdir(directory);
}

static const char *text_of(int fd)
{
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void write_file(const char *name, const char *content)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void test_made_written_removed(void **unused)
{
	struct pid_file file;
	struct stat st;

	(void)unused;
	umask(022);
	assert_int_equal(pid_file_open(&file, path), 0);
	assert_int_equal(pid_file_write(&file), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(atoi(text_of(file.fd)), getpid());
	pid_file_remove(&file);
	assert_int_equal(access(path, F_OK), -1);
	pid_file_remove(&file); /* nothing more */
}

static void test_none(void **unused)
{
	struct pid_file file;

	(void)unused;
	assert_int_equal(pid_file_open(&file, NULL), 0);
	assert_int_equal(pid_file_write(&file), 0);
	pid_file_remove(&file);
}

static void test_left_behind(void **unused)
{
	struct pid_file file;

	(void)unused;
	write_file(path, "12345678901234567890 and more\n");
	assert_int_equal(pid_file_open(&file, path), 0);
	assert_int_equal(pid_file_write(&file), 0);
	assert_int_equal(atoi(text_of(file.fd)), getpid());
	assert_null(strstr(text, "more"));
	pid_file_remove(&file);
}

static void test_locked(void **unused)
{
	struct pid_file first, second;
	char wanted[64];

	(void)unused;
	assert_int_equal(pid_file_open(&first, path), 0);
	assert_int_equal(pid_file_write(&first), 0);
	assert_int_equal(pid_file_open(&second, path), -1);
	snprintf(wanted, sizeof(wanted), "hopgate runs already, with pid %ld: ", (long)getpid());
	assert_non_null(strstr(text_of(log_fd), wanted));
	pid_file_remove(&second);
	assert_int_equal(access(path, F_OK), 0);
	pid_file_remove(&first);
}

static void test_never_through_a_link(void **unused)
{
	struct pid_file file;

	(void)unused;
	write_file(other, "precious");
	assert_int_equal(symlink("other", path), 0);
	assert_int_equal(pid_file_open(&file, path), -1);
	assert_non_null(strstr(text_of(log_fd), ": Too many levels of symbolic links\n"));
	unlink(path);
	assert_int_equal(link(other, path), 0);
	assert_int_equal(pid_file_open(&file, path), -1);
	assert_non_null(strstr(text_of(log_fd), ": it is not a plain file of one name\n"));
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pid_file_open(&file, path), -1);
	assert_int_equal(pid_file_open(&file, directory), -1);
}

static void test_of_another_by_now(void **unused)
{
	struct pid_file file;

	(void)unused;
	assert_int_equal(pid_file_open(&file, path), 0);
	unlink(path);
	write_file(path, "1\n");
	pid_file_remove(&file);
	assert_int_equal(access(path, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_made_written_removed),
	    TEST(test_none),
	    TEST(test_left_behind),
	    TEST(test_locked),
	    TEST(test_never_through_a_link),
	    TEST(test_of_another_by_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
