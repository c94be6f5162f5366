/* SPDX-License-Identifier: ISC */
/* Whole lines into files and pipes that are full, get room again, or break. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/outlet.h"

static char text[512 * 1024];

static const char *text_of(int fd)
{
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void add(struct outlet *outlet, const char *line)
{
	outlet_add(outlet, line, strlen(line));
}

static void test_batch(void **unused)
{
	struct outlet outlet;
	int fd = memfd_create("lines", MFD_CLOEXEC);

	(void)unused;
	outlet_init(&outlet, fd);
	add(&outlet, "one");
	add(&outlet, "");
	add(&outlet, "three");
	assert_string_equal(text_of(fd), ""); /* not before it is told to */
	outlet_flush(&outlet);
	assert_string_equal(text_of(fd), "one\n\nthree\n");
	assert_int_equal(outlet.lost, 0);
	outlet_clear(&outlet);
	close(fd);
}

static void test_nowhere(void **unused)
{
	struct outlet outlet;

	(void)unused;
	outlet_init(&outlet, -1);
	assert_true(outlet_add(&outlet, "gone", 4));
	outlet_flush(&outlet);
	assert_int_equal(outlet.lost, 0);
	outlet_clear(&outlet);
}

static void test_longer_than_it_holds(void **unused)
{
	struct outlet outlet;
	int fd = memfd_create("lines", MFD_CLOEXEC);

	(void)unused;
	outlet_init(&outlet, fd);
	add(&outlet, "before");
	assert_false(outlet_add(&outlet, text, OUTLET_SIZE));
	assert_int_equal(outlet.lost, 1);
	add(&outlet, "after");
	outlet_flush(&outlet);
	assert_string_equal(text_of(fd), "before\nafter\n");
	outlet_clear(&outlet);
	close(fd);
}

/* A pipe that nobody reads: what does not fit is dropped by whole lines, and nothing blocks. */
static void test_full_pipe(void **unused)
{
	struct outlet outlet;
	unsigned long added = 0, got = 0;
	char line[64];
	size_t length = 0;
	ssize_t n;
	int ends[2];

	(void)unused;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	outlet_init(&outlet, ends[1]);
	while (outlet.lost < 100) {
		snprintf(line, sizeof(line), "begin %lu end", added++);
		add(&outlet, line);
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while (outlet.length > 0 || got == 0) {
		got = 1;
		while ((n = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
			length += (size_t)n;
		outlet_flush(&outlet);
	}
	while ((n = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	text[length] = '\0';
	got = 0;
	for (char *at = text; *at != '\0'; at = strchr(at, '\n') + 1, got++)
		assert_int_equal(strncmp(at, "begin ", 6), 0);
	assert_int_equal(got + outlet.lost, added);
	outlet_clear(&outlet);
	close(ends[0]);
	close(ends[1]);
}

/* The disk is full in the middle of a line: the next one begins on a line of its own. */
static void test_torn_line_is_mended(void **unused)
{
	const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
	struct rlimit before, limit;
	struct outlet outlet;
	FILE *file = tmpfile();

	(void)unused;
	assert_non_null(file);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 10;
	outlet_init(&outlet, fileno(file));
	assert_true(outlet.regular);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	add(&outlet, "first");
	add(&outlet, "second");
	add(&outlet, "third");
	outlet_flush(&outlet);
	assert_int_equal(outlet.lost, 2);
	add(&outlet, "fourth");
	outlet_flush(&outlet);
	assert_int_equal(outlet.lost, 3);
	setrlimit(RLIMIT_FSIZE, before.rlim_max == RLIM_INFINITY ? &none : &before);
	add(&outlet, "fifth");
	add(&outlet, "sixth");
	outlet_flush(&outlet);
	assert_string_equal(text_of(fileno(file)), "first\nseco\nfifth\nsixth\n");
	assert_int_equal(outlet.lost, 3);
	outlet_clear(&outlet);
	fclose(file);
}

static void test_reader_gone(void **unused)
{
	struct outlet outlet;
	int ends[2];

	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	close(ends[0]);
	outlet_init(&outlet, ends[1]);
	add(&outlet, "one");
	add(&outlet, "two");
	outlet_flush(&outlet);
	assert_int_equal(outlet.lost, 2);
	assert_int_equal(outlet.length, 0);
	assert_false(outlet_write_line(ends[1], "three", 5, 0));
	outlet_clear(&outlet);
	close(ends[1]);
}

/* What goes into a pipe at once is not mixed with the lines of other processes. */
static void test_portions_of_a_pipe(void **unused)
{
	struct outlet outlet;
	char line[100];
	int ends[2];
	ssize_t n;

	(void)unused;
	/* Packets keep the borders of what was written. */
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
	outlet_init(&outlet, ends[1]);
	memset(line, 'a', sizeof(line));
	for (int i = 0; i < 100; i++)
		outlet_add(&outlet, line, sizeof(line));
	outlet_flush(&outlet);
	for (size_t left = 100 * (sizeof(line) + 1); left > 0; left -= (size_t)n) {
		n = read(ends[0], text, sizeof(text));
		assert_true(n > 0 && n <= PIPE_BUF);
		assert_int_equal(text[n - 1], '\n');
	}
	outlet_clear(&outlet);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_batch),
	    cmocka_unit_test(test_nowhere),
	    cmocka_unit_test(test_longer_than_it_holds),
	    cmocka_unit_test(test_full_pipe),
	    cmocka_unit_test(test_torn_line_is_mended),
	    cmocka_unit_test(test_reader_gone),
	    cmocka_unit_test(test_portions_of_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
