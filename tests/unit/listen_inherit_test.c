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

#include <linux/vm_sockets.h>

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

/* What is neither TCP nor unix would pass for a client on this machine. */
static void test_must_be_of_a_family_that_is_known(void **unused)
{
	struct sockaddr_vm any = {
	    .svm_family = AF_VSOCK, .svm_port = VMADDR_PORT_ANY, .svm_cid = VMADDR_CID_ANY};
	struct listen_address a = {.kind = ADDRESS_FD, .fd = socket(AF_VSOCK, SOCK_STREAM, 0)};
	const char *wrong;

	(void)unused;
	if (a.fd < 0) /* not on this machine */
		return;
	assert_int_equal(bind(a.fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(a.fd, 5), 0);
	assert_int_equal(listen_inherit(&a, &wrong), -1);
	assert_string_equal(wrong, "it is neither a TCP nor a unix socket");
	close(a.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_listening_socket),
	    cmocka_unit_test(test_must_be_a_listening_socket),
	    cmocka_unit_test(test_must_be_of_a_family_that_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
