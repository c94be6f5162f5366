/* SPDX-License-Identifier: ISC */
/* What users have had, and the file that survives a cut anywhere. */
#include "config.h"

#include "gateway/quota.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY 86400
#define NOW (INT64_C(20000) * DAY + DAY / 2) /* 2024-10-04 12:00 UTC */

static uint8_t alice[QUOTA_USER], bob[QUOTA_USER];

static int setup(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	quota_user(alice, "alice");
	quota_user(bob, "bob");
	return 0;
}

static int make_file(const void *bytes, size_t length)
{
	int fd = memfd_create("quota", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	return fd;
}

/* What a file of these bytes says that a user has had today. */
static uint64_t had(const void *bytes, size_t length, const uint8_t user[QUOTA_USER])
{
	struct quota *q = quota_new(make_file(bytes, length));
	uint64_t spent;

	assert_non_null(q);
	spent = quota_spend(q, user, false, 0, NOW);
	quota_free(q);
	return spent;
}

static void bytes_add_up_until_the_day_ends(void **state)
{
	struct quota *q = quota_new(-1);

	(void)state;
	assert_int_equal(quota_spend(q, alice, false, 0, NOW), 0);
	assert_int_equal(quota_spend(q, alice, false, 100, NOW), 100);
	assert_int_equal(quota_spend(q, alice, false, 50, NOW + DAY / 2 - 1), 150);
	assert_int_equal(quota_spend(q, bob, false, 1, NOW), 1);
	assert_int_equal(quota_spend(q, alice, false, 0, NOW + DAY / 2), 0);
	/* The month is counted by itself. */
	assert_int_equal(quota_spend(q, alice, true, 7, NOW), 7);
	assert_int_equal(quota_spend(q, alice, true, 7, NOW + 20 * DAY), 14);
	assert_int_equal(quota_spend(q, alice, true, 7, NOW + 30 * DAY), 7);
	assert_int_equal(quota_write(q), 0);
	quota_free(q);
}

static void periods_are_of_local_time(void **state)
{
	(void)state;
	setenv("TZ", "XXX-5", 1);
	tzset();
	assert_int_equal(quota_period(false, NOW), 20000);
	assert_int_equal(quota_period(false, NOW + 7 * 3600), 20001);
	assert_int_equal(quota_period(true, NOW), 2024 * 12 + 9);
	setup(NULL);
	assert_int_equal(quota_period(false, NOW + 7 * 3600), 20000);
}

static void records(void **state)
{
	struct quota_record in = {.monthly = true, .period = 24297, .bytes = UINT64_MAX - 1}, out;
	uint8_t bytes[QUOTA_RECORD];

	(void)state;
	memcpy(in.user, alice, QUOTA_USER);
	quota_record_write(bytes, &in);
	assert_true(quota_record_read(&out, bytes));
	assert_memory_equal(out.user, alice, QUOTA_USER);
	assert_true(out.monthly && out.period == in.period && out.bytes == in.bytes);
	for (size_t i = 0; i < 8 * sizeof bytes; i++) {
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(quota_record_read(&out, bytes));
		bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* Records of two users by turns, cut at every byte: the last whole one of each counts. */
static void cut_anywhere(void **state)
{
	enum { RECORDS = 40 };
	uint8_t file[RECORDS * QUOTA_RECORD];

	(void)state;
	for (size_t i = 0; i < RECORDS; i++) {
		struct quota_record r = {.period = quota_period(false, NOW), .bytes = i + 1};

		memcpy(r.user, i % 2 ? bob : alice, QUOTA_USER);
		quota_record_write(file + i * QUOTA_RECORD, &r);
	}
	for (size_t length = 0; length <= sizeof file; length++) {
		size_t whole = length / QUOTA_RECORD;

		assert_int_equal(
		    had(file, length, alice), whole == 0 ? 0 : (whole - 1) / 2 * 2 + 1);
		assert_int_equal(had(file, length, bob), whole / 2 * 2);
	}
	/* One that is broken hides none of the others. */
	file[5 * QUOTA_RECORD + 30] ^= 1;
	assert_int_equal(had(file, 6 * QUOTA_RECORD, bob), 4);
	assert_int_equal(had(file, 7 * QUOTA_RECORD + 3, alice), 7);
}

/* After a cut the file goes on with whole records. */
static void appended_after_a_cut(void **state)
{
	uint8_t file[3 * QUOTA_RECORD];
	struct quota_record r = {.period = quota_period(false, NOW), .bytes = 5};
	struct quota *q;
	int fd, copy;

	(void)state;
	memcpy(r.user, alice, QUOTA_USER);
	quota_record_write(file, &r);
	fd = make_file(file, QUOTA_RECORD + 17);
	copy = dup(fd);
	q = quota_new(fd);
	assert_int_equal(quota_spend(q, alice, false, 10, NOW), 15);
	assert_int_equal(quota_write(q), 0);
	assert_int_equal(quota_write(q), 0); /* nothing has changed */
	quota_spend(q, bob, false, 3, NOW);
	quota_free(q);
	assert_int_equal(pread(copy, file, sizeof file, 0), sizeof file);
	assert_int_equal(lseek(copy, 0, SEEK_END), sizeof file);
	close(copy);
	assert_int_equal(had(file, sizeof file, alice), 15);
	assert_int_equal(had(file, sizeof file, bob), 3);
}

static void rewritten_at_the_start(void **state)
{
	char directory[] = "/tmp/hopgate-quota-XXXXXX", path[64], beside[80];
	struct stat status;
	struct quota *q;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/quota", directory);
	snprintf(beside, sizeof beside, "%s.new", path);
	fd = quota_open(path, NOW);
	assert_true(fd >= 0);
	assert_int_equal(quota_open(path, NOW), -1); /* somebody has it */
	q = quota_new(fd);
	for (int i = 0; i < 100; i++) {
		quota_spend(q, alice, false, 1, NOW);
		quota_spend(q, bob, true, 1, NOW);
		quota_write(q);
	}
	quota_spend(q, bob, false, 9, NOW - DAY);
	quota_free(q);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 201 * QUOTA_RECORD);
	/* What is left of a start that was cut short is in nobody's way. */
	close(open(beside, O_WRONLY | O_CREAT, 0600));
	fd = quota_open(path, NOW);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 2 * QUOTA_RECORD);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(access(beside, F_OK), -1);
	q = quota_new(fd);
	assert_int_equal(quota_spend(q, alice, false, 0, NOW), 100);
	assert_int_equal(quota_spend(q, bob, true, 0, NOW), 100);
	quota_free(q);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(quota_open(path, NOW), -1);
	rmdir(path);
	assert_int_equal(quota_open("/nonexistent/quota", NOW), -1);
	rmdir(directory);
}

/* Whatever is spent and written, and wherever the file is cut: what it says was true once, and
 * nothing that was whole is missing. */
static void at_random(void **state)
{
	(void)state;
	srand(3);
	for (int round = 0; round < 50; round++) {
		int fd = make_file("", 0), copy = dup(fd);
		struct quota *q = quota_new(fd);
		uint64_t said[201] = {0}, spent = 0;
		uint8_t file[200 * QUOTA_RECORD];
		size_t records_count = 0, cut;

		for (int i = 0; i < 200; i++) {
			uint64_t n = (uint64_t)rand() % 1000 + 1;

			spent = quota_spend(q, alice, false, n, NOW);
			if (rand() % 3 == 0) {
				quota_write(q);
				said[++records_count] = spent;
			}
		}
		cut = (size_t)rand() % (records_count * QUOTA_RECORD + 1);
		assert_int_equal(pread(copy, file, sizeof file, 0), records_count * QUOTA_RECORD);
		assert_int_equal(had(file, cut, alice), said[cut / QUOTA_RECORD]);
		quota_free(q);
		close(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes_add_up_until_the_day_ends),
	    cmocka_unit_test(periods_are_of_local_time),
	    cmocka_unit_test(records),
	    cmocka_unit_test(cut_anywhere),
	    cmocka_unit_test(appended_after_a_cut),
	    cmocka_unit_test(rewritten_at_the_start),
	    cmocka_unit_test(at_random),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
