/* SPDX-License-Identifier: ISC */
/* Messages with and without a descriptor, ends, and what is not a message. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/channel.h"

static int ends[2];

static int setup(void **unused)
{
	(void)unused;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int teardown(void **unused)
{
	(void)unused;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static void test_message_without_descriptor(void **unused)
{
	const struct channel_message sent = {.kind = CHANNEL_DRAIN, .listener = -1, .value = 30000};
	struct channel_message got;
	int fd = 0;

	(void)unused;
	assert_int_equal(channel_send(ends[0], &sent, -1), 0);
	assert_int_equal(channel_receive(ends[1], &got, &fd), 1);
	assert_memory_equal(&sent, &got, sizeof(got));
	assert_int_equal(fd, -1);
}

static void test_descriptor_travels(void **unused)
{
	const struct channel_message sent = {
	    .kind = CHANNEL_SOCKET, .listener = 2, .worker = 3, .value = 1};
	struct channel_message got;
	int pipe_ends[2], fd;
	char byte = 'x';

	(void)unused;
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	assert_int_equal(channel_send(ends[0], &sent, pipe_ends[1]), 0);
	close(pipe_ends[1]);
	assert_int_equal(channel_receive(ends[1], &got, &fd), 1);
	assert_memory_equal(&sent, &got, sizeof(got));
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, &byte, 1), 1);
	byte = 0;
	assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fd);
	close(pipe_ends[0]);
}

static void test_other_side_gone(void **unused)
{
	const struct channel_message message = {.kind = CHANNEL_GO};
	struct channel_message got;
	int fd;

	(void)unused;
	assert_int_equal(channel_send(ends[0], &message, -1), 0);
	shutdown(ends[0], SHUT_RDWR);
	assert_int_equal(channel_receive(ends[1], &got, &fd), 1);
	assert_int_equal(channel_receive(ends[1], &got, &fd), 0);
	assert_int_equal(channel_send(ends[1], &message, -1), -1);
	assert_int_equal(errno, EPIPE);
}

/* It died without reading what was sent: an end, not an error. */
static void test_gone_with_unread_messages(void **unused)
{
	const struct channel_message message = {.kind = CHANNEL_GO};
	struct channel_message got;
	int fd;

	(void)unused;
	assert_int_equal(channel_send(ends[1], &message, -1), 0);
	close(ends[0]);
	assert_int_equal(channel_receive(ends[1], &got, &fd), 0);
	ends[0] = -1;
}

static void test_nothing_there(void **unused)
{
	struct channel_message got;
	int fd;

	(void)unused;
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(channel_receive(ends[1], &got, &fd), -1);
	assert_int_equal(errno, EAGAIN);
}

static void test_wrong_size_is_refused(void **unused)
{
	static const char bytes[sizeof(struct channel_message) + 1];
	struct channel_message got;
	int fd;

	(void)unused;
	assert_int_equal(send(ends[0], bytes, 8, 0), 8);
	assert_int_equal(channel_receive(ends[1], &got, &fd), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(send(ends[0], bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(channel_receive(ends[1], &got, &fd), -1);
	assert_int_equal(errno, EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_message_without_descriptor),
	    TEST(test_descriptor_travels),
	    TEST(test_other_side_gone),
	    TEST(test_gone_with_unread_messages),
	    TEST(test_nothing_there),
	    TEST(test_wrong_size_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
