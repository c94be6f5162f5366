/* SPDX-License-Identifier: ISC */
/* Inherited sockets, and what is not one. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/listen_inherit.h"

static int listening_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void test_listening_socket(void **unused)
{
	struct listen_address a = {.kind = ADDRESS_FD, .fd = listening_socket()};
	const char *wrong;

	(void)unused;
	assert_int_equal(listen_inherit(&a, &wrong), a.fd);
	assert_null(wrong);
	assert_true(fcntl(a.fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(a.fd, F_GETFL) & O_NONBLOCK);
	close(a.fd);
}

static void test_must_be_a_listening_socket(void **unused)
{
	struct listen_address a = {.kind = ADDRESS_FD};
	const char *wrong;

	(void)unused;
	a.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen_inherit(&a, &wrong), -1);
	assert_string_equal(wrong, "it is not a listening stream socket");
	close(a.fd);
	assert_int_equal(listen_inherit(&a, &wrong), -1);
	assert_string_equal(wrong, "no such descriptor was passed on");
	a.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen_inherit(&a, &wrong), -1);
	assert_string_equal(wrong, "it is not a listening stream socket");
	close(a.fd);
	a.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(listen_inherit(&a, &wrong), -1);
	assert_string_equal(wrong, "it is not a socket");
	close(a.fd);
	a.fd = -1;
	assert_int_equal(listen_inherit(&a, &wrong), -1);
	assert_string_equal(wrong, "no descriptor of that name or number was passed on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listening_socket),
	    cmocka_unit_test(test_must_be_a_listening_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
