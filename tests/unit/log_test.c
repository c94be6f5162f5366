/* SPDX-License-Identifier: ISC */
/* Messages and access lines: their form, their whole lines under load, and who is never held up. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gateway/log.h"

#define OUTPUT_MAX (4 * 1024 * 1024)

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int memory_file(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	return fd;
}

/* What a file holds, as a string to be freed. */
static char *text_of(int fd)
{
	char *text = malloc(OUTPUT_MAX);
	ssize_t n = pread(fd, text, OUTPUT_MAX - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

/* Wait until a file holds `wanted`, at most 5 s. */
static void wait_for_text(int fd, const char *wanted)
{
	int64_t end = now_ms() + 5000;

	for (;;) {
		char *text = text_of(fd);
		bool found = strstr(text, wanted) != NULL;

		free(text);
		if (found)
			return;
		assert_true(now_ms() < end);
		poll(NULL, 0, 5);
	}
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* The writer reports what was dropped at most once a second, and again when it stops. */
static size_t count_reports(const char *text)
{
	size_t n = 0;

	while ((text = strstr(text, " lines were dropped\n")) != NULL) {
		text++;
		n++;
	}
	return n;
}

/* Run with fd as standard error. */
static int stderr_to(int fd)
{
	int before = dup(STDERR_FILENO);

	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	return before;
}

static void stderr_back(int before)
{
	dup2(before, STDERR_FILENO);
	close(before);
}

static const struct log_target to_stderr[] = {{.kind = SINK_STDERR, .level = LEVEL_NOTICE}};
static const struct log_target to_file[] = {
    {.kind = SINK_FILE, .level = LEVEL_DEBUG, .path = (char *)"/nowhere/log"}};

static void test_form_of_a_line(void **unused)
{
	int fd = memory_file(), before = stderr_to(fd), y, mo, d, h, mi, s, ms, n = 0;
	char *text;

	(void)unused;
	log_to(to_stderr, 1);
	log_notice("listening on %s", "127.0.0.1:1080");
	log_info("not wanted");
	log_error("one\nline\tonly");
	stderr_back(before);
	text = text_of(fd);
	assert_int_equal(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ notice %n", &y, &mo, &d, &h,
	                     &mi, &s, &ms, &n),
	    7);
	assert_int_equal(n, strlen("2026-01-02T03:04:05.678Z notice "));
	assert_ptr_equal(strstr(text, "listening on 127.0.0.1:1080\n"), text + n);
	assert_null(strstr(text, "not wanted"));
	assert_non_null(strstr(text, " error one?line?only\n"));
	assert_int_equal(count_lines(text), 2);
	free(text);
	close(fd);
}

static void test_levels(void **unused)
{
	static const struct log_target both[] = {
	    {.kind = SINK_STDERR, .level = LEVEL_ERROR}, {.kind = SINK_FILE, .level = LEVEL_INFO}};
	int fd = memory_file(), file = memory_file(), before = stderr_to(fd);
	char *text;

	(void)unused;
	log_to(both, 2);
	assert_int_equal(log_file(1, file), 0);
	assert_int_equal(log_file(0, file), -1);
	assert_true(log_wants(LEVEL_INFO));
	assert_false(log_wants(LEVEL_DEBUG));
	log_warning("a warning");
	log_error("an error");
	stderr_back(before);
	text = text_of(fd);
	assert_null(strstr(text, "a warning"));
	assert_non_null(strstr(text, "an error"));
	free(text);
	text = text_of(file);
	assert_non_null(strstr(text, " warning a warning\n"));
	assert_non_null(strstr(text, " error an error\n"));
	free(text);
	log_to(NULL, 0);
	close(fd);
	close(file);
}

static void test_journal_gets_priorities(void **unused)
{
	int fd = memory_file(), before = stderr_to(fd);
	char stream[64];
	struct stat st;
	char *text;

	(void)unused;
	fstat(fd, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_to(to_stderr, 1);
	log_warning("first");
	setenv("JOURNAL_STREAM", "1:1", 1); /* somebody else's stream */
	log_to(to_stderr, 1);
	log_warning("second");
	unsetenv("JOURNAL_STREAM");
	stderr_back(before);
	log_to(NULL, 0);
	text = text_of(fd);
	assert_int_equal(strncmp(text, "<4>first\n20", 11), 0);
	free(text);
	close(fd);
}

static void test_echo_while_somebody_watches(void **unused)
{
	int fd = memory_file(), file = memory_file(), before = stderr_to(fd);
	char *text;

	(void)unused;
	log_to(to_file, 1);
	log_file(0, file);
	log_echo(true);
	log_notice("seen twice");
	log_info("in the file only");
	log_echo(false);
	log_notice("in the file only");
	log_to(to_stderr, 1);
	log_echo(true);
	log_notice("seen once");
	log_echo(false);
	log_to(NULL, 0);
	stderr_back(before);
	text = text_of(fd);
	assert_int_equal(count_lines(text), 2);
	assert_non_null(strstr(text, "seen twice"));
	assert_non_null(strstr(text, "seen once"));
	free(text);
	close(fd);
	close(file);
}

static void test_file_is_opened_by_path(void **unused)
{
	char directory[] = "log_test.XXXXXX", path[64];
	struct log_target target = {.kind = SINK_FILE, .level = LEVEL_INFO, .path = path};
	struct stat st;
	int fd;
	char *text;

	(void)unused;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/log", directory);
	log_to(&target, 1);
	umask(022);
	assert_int_equal(log_file(0, -1), 0);
	log_info("hello");
	log_to(NULL, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	fd = open(path, O_RDONLY);
	text = text_of(fd);
	assert_non_null(strstr(text, " info hello\n"));
	free(text);
	close(fd);
	unlink(path);
	log_to(&target, 1);
	rmdir(directory);
	assert_int_equal(log_file(0, -1), -1);
	assert_int_equal(errno, ENOENT);
	log_to(NULL, 0);
}

/* --- with the thread ------------------------------------------------------------------------- */

#define WRITERS 3
#define LINES 4000

static void *write_many(void *arg)
{
	unsigned index = (unsigned)(uintptr_t)arg, i;
	char line[128];
	int n;

	log_thread(index);
	for (i = 0; i < LINES; i++) {
		n = snprintf(line, sizeof(line), "begin %u %u %.*s end", index, i, (int)(i % 60),
		    "------------------------------------------------------------");
		log_access(line, (size_t)n);
		if (i % 16 == 0)
			log_debug("begin message %u %u end", index, i);
	}
	return NULL;
}

static void run_writers(void)
{
	pthread_t threads[WRITERS];
	uintptr_t i;

	for (i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, (void *)i), 0);
	for (i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

/* Every line whole, and those of one writer in order. */
static void check_lines(char *text, const char *head)
{
	long last[WRITERS] = {-1, -1, -1};
	char *line, *save = NULL;

	for (line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		const char *begin = strstr(line, head);
		unsigned writer;
		long number;

		if (strstr(line, "lines were dropped") != NULL)
			continue;
		assert_non_null(begin);
		assert_int_equal(sscanf(begin + strlen(head), "%u %ld", &writer, &number), 2);
		assert_true(writer < WRITERS);
		assert_true(number > last[writer]);
		last[writer] = number;
		assert_string_equal(line + strlen(line) - 4, " end");
	}
}

static void test_threads_write_whole_lines(void **unused)
{
	int access = memory_file(), file = memory_file();
	unsigned long before = log_dropped();
	char *text;
	size_t lines;

	(void)unused;
	log_to(to_file, 1);
	log_file(0, file);
	log_access_file(access);
	assert_int_equal(log_start(WRITERS), 0);
	run_writers();
	log_stop();
	log_access_file(-1);
	log_to(NULL, 0);
	text = text_of(access);
	lines = count_lines(text);
	check_lines(text, "begin ");
	free(text);
	text = text_of(file);
	lines += count_lines(text) - count_reports(text);
	check_lines(text, "begin message ");
	free(text);
	assert_int_equal(lines + (log_dropped() - before), WRITERS * (LINES + LINES / 16));
	close(access);
	close(file);
}

static void test_lines_come_without_a_stop(void **unused)
{
	int access = memory_file(), file = memory_file();
	int64_t start;

	(void)unused;
	log_to(to_file, 1);
	log_file(0, file);
	log_access_file(access);
	assert_int_equal(log_start(1), 0);
	log_thread(0);
	log_access("one", 3);
	wait_for_text(access, "one\n");
	log_access("two", 3); /* while it naps */
	wait_for_text(access, "one\ntwo\n");
	start = now_ms();
	log_error("urgent");
	wait_for_text(file, " error urgent\n");
	assert_true(now_ms() - start < 2000);
	log_stop();
	log_access_file(-1);
	log_to(NULL, 0);
	close(access);
	close(file);
}

/* Nobody reads the pipe: who logs is not held up, log_stop() is bounded, the loss is counted. */
static void test_blocked_reader(void **unused)
{
	unsigned long dropped = log_dropped();
	int ends[2], before, i;
	int64_t start = now_ms();

	(void)unused;
	assert_int_equal(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	before = stderr_to(ends[1]);
	log_to(to_stderr, 1);
	assert_int_equal(log_start(1), 0);
	log_thread(0);
	for (i = 0; i < 20000; i++)
		log_notice("nobody reads this line %d", i);
	assert_true(now_ms() - start < 3000);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	start = now_ms();
	log_stop();
	assert_true(now_ms() - start < 2000);
	stderr_back(before);
	log_to(NULL, 0);
	assert_true(log_dropped() - dropped > 10000);
	close(ends[0]);
	close(ends[1]);
}

/* The reader wakes up: it gets whole lines, and is told how many it missed. */
static void test_reader_comes_back(void **unused)
{
	char *text = malloc(OUTPUT_MAX);
	size_t length = 0;
	int ends[2], before, i;
	int64_t end = now_ms() + 5000;

	(void)unused;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fcntl(ends[1], F_SETPIPE_SZ, 4096);
	before = stderr_to(ends[1]);
	log_to(to_stderr, 1);
	assert_int_equal(log_start(1), 0);
	log_thread(0);
	for (i = 0; i < 20000; i++)
		log_notice("begin 0 %d end", i);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	text[0] = '\0';
	while (strstr(text, "log lines were dropped\n") == NULL) {
		ssize_t n = read(ends[0], text + length, OUTPUT_MAX - 1 - length);

		if (n > 0)
			length += (size_t)n;
		else
			poll(NULL, 0, 5);
		text[length] = '\0';
		assert_true(now_ms() < end);
	}
	log_stop();
	stderr_back(before);
	log_to(NULL, 0);
	*(strstr(text, "log lines were dropped\n") + strlen("log lines were dropped\n")) = '\0';
	check_lines(text, "begin ");
	free(text);
	close(ends[0]);
	close(ends[1]);
}

static void test_disk_full(void **unused)
{
	unsigned long dropped = log_dropped();
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), file = memory_file();
	char line[32];
	int i;

	(void)unused;
	if (full < 0)
		skip();
	log_to(to_file, 1);
	log_file(0, file);
	log_access_file(full);
	assert_int_equal(log_start(1), 0);
	log_thread(0);
	for (i = 0; i < 100; i++)
		log_access(line, (size_t)snprintf(line, sizeof(line), "line %d", i));
	wait_for_text(file, " log lines were dropped\n");
	log_stop();
	log_access_file(-1);
	log_to(NULL, 0);
	assert_int_equal(log_dropped() - dropped, 100);
	close(full);
	close(file);
}

static void test_escape(void **unused)
{
	static const struct {
		const char *text;
		size_t length;
		const char *escaped;
	} rows[] = {
	    {"plain text", 10, "plain text"},
	    {"a\r\nb", 4, "a\\x0d\\x0ab"},
	    {"\x1b[31m", 5, "\\x1b[31m"},
	    {"quote \" and \\", 13, "quote \\x22 and \\x5c"},
	    {"nul\0in", 6, "nul\\x00in"},
	    {"\xc3\xa4\x7f", 3, "\\xc3\\xa4\\x7f"},
	    {"%n%s", 4, "%n%s"},
	    {"", 0, ""},
	};
	char out[64];
	size_t i;

	(void)unused;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
		    log_escape(out, sizeof(out), rows[i].text, rows[i].length), rows[i].escaped);
	assert_string_equal(log_escape(out, 4, "abcdef", 6), "abc");
	assert_string_equal(log_escape(out, 6, "ab\n\n", 4), "ab");
	assert_string_equal(log_escape(out, 7, "ab\n\n", 4), "ab\\x0a");
	assert_string_equal(log_escape(out, 1, "abc", 3), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_form_of_a_line),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_journal_gets_priorities),
	    cmocka_unit_test(test_echo_while_somebody_watches),
	    cmocka_unit_test(test_file_is_opened_by_path),
	    cmocka_unit_test(test_threads_write_whole_lines),
	    cmocka_unit_test(test_lines_come_without_a_stop),
	    cmocka_unit_test(test_blocked_reader),
	    cmocka_unit_test(test_reader_comes_back),
	    cmocka_unit_test(test_disk_full),
	    cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
