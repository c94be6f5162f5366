/* SPDX-License-Identifier: ISC */
/* What is a change, and what is none. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/stamp.h"

static char directory[32], paths[4][64];

static int setup(void **unused)
{
	(void)unused;
	strcpy(directory, "stamp_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	for (int i = 0; i < 4; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/%d", directory, i);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	for (int i = 0; i < 4; i++)
		unlink(paths[i]);
	return rmdir(directory);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_stamp(void **unused)
{
	struct stamp stamp = {0};

	(void)unused;
	assert_false(stamp_renew(&stamp, paths[0])); /* nothing is there, as before */
	write_file(paths[0], "one");
	assert_true(stamp_renew(&stamp, paths[0]));
	assert_false(stamp_renew(&stamp, paths[0]));
	write_file(paths[1], "one");
	assert_int_equal(rename(paths[1], paths[0]), 0);
	assert_true(stamp_renew(&stamp, paths[0]));
	write_file(paths[0], "other");
	assert_true(stamp_renew(&stamp, paths[0]));
	assert_int_equal(unlink(paths[0]), 0);
	assert_true(stamp_renew(&stamp, paths[0]));
	assert_false(stamp_renew(&stamp, paths[0]));
}

/* 0 -> 1 -> 2, then 1 -> 3. */
static void test_links(void **unused)
{
	struct stamp stamp = {0};

	(void)unused;
	write_file(paths[2], "two");
	write_file(paths[3], "two");
	assert_int_equal(symlink("1", paths[0]), 0);
	assert_int_equal(symlink("2", paths[1]), 0);
	assert_true(stamp_renew(&stamp, paths[0]));
	unlink(paths[1]);
	assert_int_equal(symlink("3", paths[1]), 0);
	assert_true(stamp_renew(&stamp, paths[0]));
	assert_false(stamp_renew(&stamp, paths[0]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_stamp),
	    TEST(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
