/* SPDX-License-Identifier: ISC */
/* Unix sockets: rights before the first client, and whose path may be taken over. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/listen_unix.h"

static char directory[32], path[64], wrong[LISTEN_UNIX_WRONG];
static struct listen_address address;

static int setup(void **unused)
{
	(void)unused;
	strcpy(directory, "listen_unix_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	address = (struct listen_address){.kind = ADDRESS_UNIX, .path = path};
	wrong[0] = '\0';
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	unlink(path);
	return rmdir(directory);
}

static void connects(int listening)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof(sa);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getsockname(listening, (struct sockaddr *)&sa, &length), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, length), 0);
	close(fd);
}

static void serves_itself(void)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "(pid %ld) serves it", (long)getpid());
	assert_int_equal(listen_unix_open(&address, wrong), -1);
	assert_non_null(strstr(wrong, wanted));
}

static void test_mode_and_group(void **unused)
{
	const struct group *group = getgrgid(getegid());
	struct stat st;
	int fd;

	(void)unused;
	address.mode = 0620;
	address.group = group != NULL ? group->gr_name : NULL;
	umask(027);
	fd = listen_unix_open(&address, wrong);
	assert_true(fd >= 0);
	assert_int_equal(umask(022), 027);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0620);
	assert_int_equal(st.st_gid, getegid());
	connects(fd);
	close(fd);
}

static void test_mode_as_the_umask_says(void **unused)
{
	struct stat st;
	int fd;

	(void)unused;
	umask(077);
	fd = listen_unix_open(&address, wrong);
	umask(022);
	assert_true(fd >= 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	close(fd);
}

static void test_stale_is_replaced(void **unused)
{
	int fd = listen_unix_open(&address, wrong);

	(void)unused;
	assert_true(fd >= 0);
	close(fd); /* as if it had died: the path stays */
	assert_int_equal(access(path, F_OK), 0);
	fd = listen_unix_open(&address, wrong);
	assert_true(fd >= 0);
	connects(fd);
	close(fd);
}

static void test_live_is_left_alone(void **unused)
{
	int fd = listen_unix_open(&address, wrong);

	(void)unused;
	assert_true(fd >= 0);
	serves_itself();
	connects(fd);
	close(fd);
}

static void test_other_files_are_left_alone(void **unused)
{
	(void)unused;
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(listen_unix_open(&address, wrong), -1);
	assert_string_equal(wrong, "it exists and is not a socket");
	assert_int_equal(access(path, F_OK), 0);
}

static void test_what_cannot_be(void **unused)
{
	(void)unused;
	address.group = "no-such-group";
	assert_int_equal(listen_unix_open(&address, wrong), -1);
	assert_string_equal(wrong, "there is no group 'no-such-group'");
	address.group = NULL;
	address.path = "no/such/directory/socket";
	assert_int_equal(listen_unix_open(&address, wrong), -1);
	assert_string_equal(wrong, "No such file or directory");
	address.path =
	    "a/path/that/is/much/too/long/for/the/hundred/and/eight/bytes/of/a/socket/address/"
	    "in/the/unix/family/of/sockets";
	assert_int_equal(listen_unix_open(&address, wrong), -1);
	assert_string_equal(wrong, "the name is longer than 107 bytes");
}

static void test_abstract(void **unused)
{
	int fd;

	(void)unused;
	address.kind = ADDRESS_ABSTRACT;
	address.path = directory; /* a name that nobody else has */
	fd = listen_unix_open(&address, wrong);
	assert_true(fd >= 0);
	connects(fd);
	serves_itself();
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_mode_and_group),
	    TEST(test_mode_as_the_umask_says),
	    TEST(test_stale_is_replaced),
	    TEST(test_live_is_left_alone),
	    TEST(test_other_files_are_left_alone),
	    TEST(test_what_cannot_be),
	    TEST(test_abstract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
