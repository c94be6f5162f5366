/* SPDX-License-Identifier: ISC */
/* Conformance 131: keep-alive on accepted and on own connections, and who is taken for silent. */
#include "config.h"

#include "gateway/keepalive.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/connect.h"
#include "gateway/listen_tcp.h"
#include "tests/unit/rig.h"

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

struct times {
	int idle, interval, probes;
};

static struct times times(int fd)
{
	return (struct times){option(fd, IPPROTO_TCP, TCP_KEEPIDLE),
	    option(fd, IPPROTO_TCP, TCP_KEEPINTVL), option(fd, IPPROTO_TCP, TCP_KEEPCNT)};
}

static void assert_times(int fd, int keepalive)
{
	struct times t = times(fd);

	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(t.idle + t.interval * t.probes, keepalive);
}

static int new_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Half the time in silence, the rest for up to four questions. */
static void test_one_time_becomes_three(void **state)
{
	static const struct {
		int keepalive;
		struct times times;
	} cases[] = {{KEEPALIVE_MIN, {1, 1, 1}}, {3, {2, 1, 1}}, {5, {3, 1, 2}}, {9, {5, 1, 4}},
	    {120, {60, 15, 4}}, {123, {63, 15, 4}}, {KEEPALIVE_MAX, {32400, 8100, 4}}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = new_socket();
		struct times t;

		assert_int_equal(keepalive_set(fd, cases[i].keepalive), 0);
		assert_times(fd, cases[i].keepalive);
		t = times(fd);
		assert_memory_equal(&t, &cases[i].times, sizeof t);
		close(fd);
	}
}

static void test_no_time(void **state)
{
	int fd = new_socket();
	struct times before = times(fd), after;

	(void)state;
	assert_int_equal(keepalive_set(fd, KEEPALIVE_SYSTEM), 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(keepalive_set(fd, KEEPALIVE_OFF), 0);
	assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	after = times(fd);
	assert_memory_equal(&before, &after, sizeof before);
	close(fd);
	assert_int_equal(keepalive_set(fd, KEEPALIVE_SYSTEM), -1);
}

static void test_clients_have_it_from_the_listener(void **state)
{
	struct endpoint endpoint = {.address = address_from_ipv4(htonl(INADDR_LOOPBACK))};
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	int listening[2], client = new_socket(), accepted;

	(void)state;
	assert_int_equal(listen_tcp_open(&endpoint, NULL, 20, listening, 2), 0);
	getsockname(listening[0], (struct sockaddr *)&sa, &length);
	connect(client, (struct sockaddr *)&sa, length);
	fds[0].fd = listening[0];
	fds[1].fd = listening[1];
	assert_int_equal(poll(fds, 2, 5000), 1);
	accepted = accept(listening[fds[1].revents != 0], NULL, NULL);
	assert_times(listening[0], 20);
	assert_times(listening[1], 20);
	assert_times(accepted, 20);
	close(accepted);
	close(client);
	close(listening[0]);
	close(listening[1]);
}

/* --- on a loop ------------------------------------------------------------------------------- */

struct trial {
	struct rig rig;
	struct stream *stream;
};

static int setup(void **state)
{
	struct trial *t = calloc(1, sizeof *t);

	rig_setup(&t->rig);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct trial *t = *state;

	stream_free(t->stream);
	rig_teardown(&t->rig);
	free(t);
	return 0;
}

static void done(void *arg, const struct connect_outcome *outcome)
{
	struct trial *t = arg;

	assert_int_equal(outcome->reason, REASON_OK);
	t->stream = outcome->stream;
}

static bool is_connected(void *arg)
{
	return ((struct trial *)arg)->stream != NULL;
}

static void test_targets_have_it_from_the_plan(void **state)
{
	struct trial *t = *state;
	struct sockaddr_storage sa;
	int listener = rig_listen(AF_INET, &sa);
	struct in6_addr address = address_from_ipv4(htonl(INADDR_LOOPBACK));
	const struct connect_plan plan = {.loop = &t->rig.loop,
	    .addresses = &address,
	    .address_count = 1,
	    .port = ntohs(((struct sockaddr_in *)&sa)->sin_port),
	    .keepalive = 30};
	struct connect *c = connect_start(&plan, done, t);

	rig_run(&t->rig, is_connected, t);
	assert_times(stream_fd(t->stream), 30);
	connect_free(c);
	close(listener);
}

/* Neither one who has nothing to answer, nor one who answers that there is no room. */
static void test_who_is_there_is_not_silent(void **state)
{
	static const char bytes[4096];
	struct trial *t = *state;
	int fds[2];

	rig_pair(fds);
	rig_narrow(fds[0]);
	t->stream = stream_new(&t->rig.loop, fds[1]);
	assert_int_equal(stream_silence(t->stream), 0);
	while (stream_write(t->stream, bytes, sizeof bytes) > 0)
		;
	for (int i = 0; i < 10; i++) {
		rig_pass(&t->rig, 50);
		assert_int_equal(stream_silence(t->stream), 0);
	}
	assert_true(stream_queued(t->stream) > 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_time_becomes_three),
	    cmocka_unit_test(test_no_time),
	    cmocka_unit_test(test_clients_have_it_from_the_listener),
	    cmocka_unit_test_setup_teardown(test_targets_have_it_from_the_plan, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_who_is_there_is_not_silent, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
