/* SPDX-License-Identifier: ISC */
/* Connecting: several addresses, time, what failures mean, and where a connection leaves from. */
#include "config.h"

#include "gateway/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/rig.h"

struct trial {
	struct rig rig;
	int listener;
	uint16_t port;
	struct in6_addr addresses[4];
	struct hop hop; /* for the plan */
	struct connect_plan plan;
	struct connect *connect;
	int calls;
	struct connect_outcome outcome;
	int extra[8]; /* that fill the listener's queue */
	size_t extra_count;
};

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_true(address_parse(&a, text, strlen(text)));
	return a;
}

static int setup(void **state)
{
	struct trial *t = calloc(1, sizeof *t);
	struct sockaddr_storage sa;

	rig_setup(&t->rig);
	t->listener = rig_listen(AF_INET, &sa);
	t->port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
	t->addresses[0] = address("127.0.0.1");
	t->plan = (struct connect_plan){.loop = &t->rig.loop,
	    .addresses = t->addresses,
	    .address_count = 1,
	    .port = t->port,
	    .timeout_ms = 5000};
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct trial *t = *state;

	connect_free(t->connect);
	stream_free(t->outcome.stream);
	while (t->extra_count > 0)
		close(t->extra[--t->extra_count]);
	close(t->listener);
	rig_pass(&t->rig, 6);
	rig_teardown(&t->rig);
	free(t);
	return 0;
}

static void done(void *arg, const struct connect_outcome *outcome)
{
	struct trial *t = arg;

	t->calls++;
	t->outcome = *outcome;
	connect_free(t->connect);
	t->connect = NULL;
}

static bool is_done(void *arg)
{
	return ((struct trial *)arg)->calls > 0;
}

static enum reason attempt(struct trial *t)
{
	stream_free(t->outcome.stream);
	t->outcome.stream = NULL;
	t->calls = 0;
	t->connect = connect_start(&t->plan, done, t);
	assert_non_null(t->connect);
	assert_int_equal(t->calls, 0); /* never before the start returned */
	rig_run(&t->rig, is_done, t);
	assert_int_equal(t->outcome.reason == REASON_OK, t->outcome.stream != NULL);
	return t->outcome.reason;
}

/* The addresses to be tried, in that order. */
static void try_at(struct trial *t, const char *first, const char *second)
{
	t->addresses[0] = address(first);
	t->plan.address_count = 1;
	if (second != NULL)
		t->addresses[t->plan.address_count++] = address(second);
}

/* A listener that answers no more: its queue is full. */
static void stop_answering(struct trial *t)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons(t->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(listen(t->listener, 0), 0);
	for (; t->extra_count < 8; t->extra_count++) {
		t->extra[t->extra_count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(t->extra[t->extra_count], (struct sockaddr *)&sa, sizeof sa);
	}
	rig_pass(&t->rig, 20);
}

static int option(const struct trial *t, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	getsockopt(stream_fd(t->outcome.stream), level, name, &value, &size);
	return value;
}

/* --- one address, several -------------------------------------------------------------------- */

static void test_connects(void **state)
{
	struct trial *t = *state;
	char text[TARGET_TEXT], want[TARGET_TEXT];
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;
	struct endpoint own;

	assert_int_equal(attempt(t), REASON_OK);
	snprintf(want, sizeof want, "127.0.0.1:%u", t->port);
	assert_string_equal(endpoint_format(&t->outcome.peer, text), want);
	getsockname(stream_fd(t->outcome.stream), (struct sockaddr *)&sa, &length);
	assert_true(endpoint_from_sockaddr(&own, (struct sockaddr *)&sa));
	assert_int_equal(t->outcome.bound.port, own.port);
	assert_int_not_equal(own.port, 0);
	assert_int_equal(option(t, IPPROTO_TCP, TCP_NODELAY), 1); /* conformance 132 */
	assert_int_equal(option(t, SOL_SOCKET, SO_KEEPALIVE), 1); /* conformance 131 */
	assert_int_equal(option(t, SOL_SOCKET, SO_OOBINLINE), 1);
	assert_true(fcntl(stream_fd(t->outcome.stream), F_GETFD) & FD_CLOEXEC);
}

static void test_connects_over_ipv6(void **state)
{
	struct trial *t = *state;
	struct sockaddr_storage sa;
	int listener = rig_listen(AF_INET6, &sa);

	try_at(t, "::1", NULL);
	t->plan.port = ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	assert_int_equal(attempt(t), REASON_OK);
	close(listener);
}

static void test_refused(void **state)
{
	struct trial *t = *state;

	try_at(t, "127.0.0.2", "127.0.0.3");
	assert_int_equal(attempt(t), REASON_REFUSED);
	try_at(t, "127.0.0.2", "127.0.0.1");
	assert_int_equal(attempt(t), REASON_OK);
	assert_memory_equal(&t->outcome.peer.address, &t->addresses[1], sizeof t->addresses[1]);
}

static void test_unreachable(void **state)
{
	struct trial *t = *state;
	enum reason reason;

	try_at(t, "fe80::1", NULL); /* without an interface there is no way */
	reason = attempt(t);
	assert_true(reason == REASON_NET_UNREACHABLE || reason == REASON_NO_FAMILY);
	try_at(t, "255.255.255.255", NULL);
	reason = attempt(t);
	assert_true(reason == REASON_FORBIDDEN || reason == REASON_NET_UNREACHABLE);
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_timeout(void **state)
{
	struct trial *t = *state;
	int64_t before = loop_now();

	stop_answering(t);
	t->plan.timeout_ms = 100;
	assert_int_equal(attempt(t), REASON_TIMEOUT);
	assert_in_range(loop_now() - before, 80, 2000);
}

/* It answers when the first packet is sent again, a second later. */
static void test_answers_late(void **state)
{
	struct trial *t = *state;

	stop_answering(t);
	t->connect = connect_start(&t->plan, done, t);
	assert_int_equal(listen(t->listener, 16), 0);
	rig_run(&t->rig, is_done, t);
	assert_int_equal(t->outcome.reason, REASON_OK);
	assert_int_not_equal(t->outcome.bound.port, 0);
}

/* Each address gets its share of the time. */
static void test_next_address_after_its_share(void **state)
{
	struct trial *t = *state;
	struct sockaddr_in other = {.sin_family = AF_INET,
	    .sin_port = htons(t->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	int second = socket(AF_INET, SOCK_STREAM, 0);
	int64_t before;

	assert_int_equal(bind(second, (struct sockaddr *)&other, sizeof other), 0);
	assert_int_equal(listen(second, 1), 0);
	stop_answering(t);
	try_at(t, "127.0.0.1", "127.0.0.2");
	t->plan.timeout_ms = 400;
	before = loop_now();
	assert_int_equal(attempt(t), REASON_OK);
	assert_in_range(loop_now() - before, 150, 390);
	close(second);
}

/* Of several failures the one that says most is told. */
static void test_a_refusal_says_more_than_silence(void **state)
{
	struct trial *t = *state;

	stop_answering(t);
	t->plan.timeout_ms = 100;
	try_at(t, "127.0.0.1", "127.0.0.2");
	assert_int_equal(attempt(t), REASON_REFUSED);
	try_at(t, "127.0.0.2", "127.0.0.1");
	assert_int_equal(attempt(t), REASON_REFUSED);
}

static void test_out_of_descriptors(void **state)
{
	struct trial *t = *state;
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(attempt(t), REASON_RESOURCES);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* --- cancelling ------------------------------------------------------------------------------ */

static void cancel_after(struct trial *t, int ms)
{
	t->connect = connect_start(&t->plan, done, t);
	rig_pass(&t->rig, ms);
	connect_free(t->connect);
	t->connect = NULL;
	rig_pass(&t->rig, 20);
	assert_int_equal(t->calls, 0);
}

static void test_cancelled(void **state)
{
	struct trial *t = *state;

	connect_free(NULL);
	cancel_after(t, 0);
	stop_answering(t);
	cancel_after(t, 20);
	t->plan.address_count = 0; /* the outcome is known, but not told yet */
	cancel_after(t, 0);
}

/* --- unix sockets ---------------------------------------------------------------------------- */

static void test_unix_path(void **state)
{
	struct trial *t = *state;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/connect-test-XXXXXX", missing[sizeof sa.sun_path + 1];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_non_null(mkdtemp(folder));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/s", folder);
	snprintf(missing, sizeof missing, "%s/none", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 1), 0);
	t->plan.address_count = 0;
	t->plan.unix_path = sa.sun_path;
	assert_int_equal(attempt(t), REASON_OK);
	assert_int_equal(t->outcome.bound.port, 0);
	close(fd);
	assert_int_equal(attempt(t), REASON_REFUSED);
	t->plan.unix_path = missing;
	assert_int_equal(attempt(t), REASON_REFUSED);
	memset(missing, 'x', sizeof missing - 1); /* one byte too long */
	missing[sizeof missing - 1] = '\0';
	t->plan.unix_path = missing;
	assert_int_equal(attempt(t), REASON_INTERNAL);
	unlink(sa.sun_path);
	rmdir(folder);
}

/* --- the hop's wishes ------------------------------------------------------------------------ */

static void test_family(void **state)
{
	static const struct {
		enum family family;
		const char *first, *second;
		enum reason reason;
	} rows[] = {
	    {FAMILY_ANY, "::1", "127.0.0.1", REASON_OK},
	    {FAMILY_IPV4, "::1", "127.0.0.1", REASON_OK},
	    {FAMILY_IPV4, "::1", NULL, REASON_NO_FAMILY},
	    {FAMILY_IPV6, "::1", "127.0.0.1", REASON_REFUSED},
	    {FAMILY_IPV6, "127.0.0.1", NULL, REASON_NO_FAMILY},
	    {FAMILY_PREFER_IPV4, "::1", "127.0.0.1", REASON_OK},
	    {FAMILY_PREFER_IPV6, "127.0.0.1", "::1", REASON_OK},
	};
	struct trial *t = *state;

	t->hop = (struct hop){.protocol = HOP_DIRECT};
	t->plan.hop = &t->hop;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		t->hop.family = rows[i].family;
		try_at(t, rows[i].first, rows[i].second);
		assert_int_equal(attempt(t), rows[i].reason);
	}
}

static void check_bound(const struct trial *t, const char *want)
{
	char text[ADDRESS_TEXT];

	assert_string_equal(address_format(&t->outcome.bound.address, text), want);
}

static void test_sources_take_turns(void **state)
{
	struct trial *t = *state;
	struct source sources[] = {{.kind = SOURCE_ADDRESS, .first = address("127.0.0.9")},
	    {.kind = SOURCE_ADDRESS, .first = address("::1")}, {.kind = SOURCE_LISTENER}};
	const struct endpoint arrived = {.address = address("127.0.0.8"), .port = 1080};

	t->hop = (struct hop){.sources = sources, .source_count = 3};
	t->plan.hop = &t->hop;
	t->plan.arrived = &arrived;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(attempt(t), REASON_OK);
		check_bound(t, i % 2 ? "127.0.0.8" : "127.0.0.9");
	}
	t->hop.sources = &sources[1];
	t->hop.source_count = 1;
	assert_int_equal(attempt(t), REASON_NO_FAMILY);
}

static void test_source_that_is_not_ours(void **state)
{
	struct trial *t = *state;
	struct source sources[] = {{.kind = SOURCE_ADDRESS, .first = address("192.0.2.1")},
	    {.kind = SOURCE_ADDRESS, .first = address("127.0.0.9")}};

	t->hop = (struct hop){.sources = sources, .source_count = 2};
	t->plan.hop = &t->hop;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(attempt(t), REASON_OK);
		check_bound(t, "127.0.0.9");
	}
	t->hop.source_count = 1;
	assert_int_equal(attempt(t), REASON_RESOURCES);
}

static void test_device(void **state)
{
	struct trial *t = *state;
	char lo[] = "lo", none[] = "none0";

	t->hop = (struct hop){.interface = lo};
	t->plan.hop = &t->hop;
	assert_int_equal(attempt(t), REASON_OK);
	t->hop.interface = none;
	assert_int_equal(attempt(t), REASON_NET_UNREACHABLE);
}

/* Needs a right that not everybody has; without it the connection is not made unmarked. */
static void test_mark(void **state)
{
	struct trial *t = *state;
	enum reason reason;

	t->hop = (struct hop){.mark = 7};
	t->plan.hop = &t->hop;
	reason = attempt(t);
	if (reason == REASON_OK)
		assert_int_equal(option(t, SOL_SOCKET, SO_MARK), 7);
	else
		assert_int_equal(reason, REASON_FORBIDDEN);
}

/* --- connecting to itself -------------------------------------------------------------------- */

static bool put_line(const char *path, const char *line)
{
	FILE *file = fopen(path, "w");

	return file != NULL && (fputs(line, file) >= 0) & (fclose(file) == 0);
}

/* In a network of its own, where the system has one port to choose from: the one asked for. */
static int connect_to_itself(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	struct trial t = {.plan.address_count = 1};
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ||
	    !put_line("/proc/sys/net/ipv4/ip_local_port_range", "40001 40001"))
		return -1;
	close(fd);
	rig_setup(&t.rig);
	t.addresses[0] = address("127.0.0.1");
	t.plan = (struct connect_plan){.loop = &t.rig.loop,
	    .addresses = t.addresses,
	    .address_count = 1,
	    .port = 40001,
	    .timeout_ms = 1000};
	return (int)attempt(&t);
}

static void test_connecting_to_itself(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(connect_to_itself() & 0xff);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 0xff)
		skip(); /* no network of its own to be had here */
	assert_int_equal(WEXITSTATUS(status), REASON_LOOP);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    T(connects),
	    T(connects_over_ipv6),
	    T(refused),
	    T(unreachable),
	    T(timeout),
	    T(answers_late),
	    T(next_address_after_its_share),
	    T(a_refusal_says_more_than_silence),
	    T(out_of_descriptors),
	    T(cancelled),
	    T(unix_path),
	    T(family),
	    T(sources_take_turns),
	    T(source_that_is_not_ours),
	    T(device),
	    T(mark),
	    T(connecting_to_itself),
	};

	return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
