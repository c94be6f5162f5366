/* SPDX-License-Identifier: ISC */
/*
 * The keeper, from its start to its end, with a gateway process that is this test once more and
 * does what the environment variable FAKE tells: see fake_gateway.h.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/keeper.h"
#include "gateway/process.h"
#include "tests/unit/fake_gateway.h"

#define WORKERS 2
#define PATIENCE_MS 20000

static struct fixture {
	struct conf conf;
	struct listener listener;
	struct listen_address address;
	struct endpoint endpoint;
	struct log_target log;
	char directory[32], log_path[64], access_path[64], pid_path[64], text[16384];
	pid_t pid;
	uint16_t port;
} f;

static int setup(void **unused)
{
	(void)unused;
	memset(&f, 0, sizeof(f));
	strcpy(f.directory, "keeper_test.XXXXXX");
	if (mkdtemp(f.directory) == NULL)
		return -1;
	snprintf(f.log_path, sizeof(f.log_path), "%s/log", f.directory);
	snprintf(f.access_path, sizeof(f.access_path), "%s/access", f.directory);
	snprintf(f.pid_path, sizeof(f.pid_path), "%s/pid", f.directory);
	f.endpoint.address = address_from_ipv4(htonl(INADDR_LOOPBACK));
	f.address = (struct listen_address){
	    .text = "test", .kind = ADDRESS_TCP, .endpoints = &f.endpoint, .endpoint_count = 1};
	f.listener = (struct listener){.name = "main",
	    .addresses = &f.address,
	    .address_count = 1,
	    .protocols = 1u << PROTOCOL_SOCKS5};
	f.log = (struct log_target){.kind = SINK_FILE, .level = LEVEL_DEBUG, .path = f.log_path};
	f.conf = (struct conf){.workers = WORKERS,
	    .listeners = &f.listener,
	    .listener_count = 1,
	    .logs = &f.log,
	    .log_count = 1,
	    .access_log = true,
	    .access_path = f.access_path,
	    .pid_file = f.pid_path};
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	if (f.pid > 0) {
		kill(f.pid, SIGKILL);
		waitpid(f.pid, NULL, 0);
	}
	unlink(f.log_path);
	unlink(f.access_path);
	unlink(f.pid_path);
	return rmdir(f.directory);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const char *read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, f.text, sizeof(f.text) - 1) : 0;

	f.text[n > 0 ? n : 0] = '\0';
	if (fd >= 0)
		close(fd);
	return f.text;
}

static void wait_for_log(const char *wanted)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (strstr(read_text(f.log_path), wanted) == NULL) {
		assert_true(now_ms() < end);
		poll(NULL, 0, 5);
	}
}

/* In a child: the keeper. */
static int run_keeper(const char *how, bool daemon, int ready_fd)
{
	char *argv[] = {(char *)"hopgate", NULL};
	const struct keeper_options options = {
	    .conf = &f.conf, .argv = argv, .daemon = daemon, .ready_fd = ready_fd};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO); /* what it tells a terminal is not for this one */
	close(null);
	setenv("FAKE", how, 1);
	return keeper_run(&options);
}

/* Returns what it wrote to its --ready-fd until it closed that. */
static const char *start(const char *how, bool daemon)
{
	size_t length = 0;
	ssize_t n;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL); /* what is buffered is not to be told twice */
	f.pid = fork();
	assert_true(f.pid >= 0);
	if (f.pid == 0) {
		close(ends[0]);
		exit(run_keeper(how, daemon, ends[1])); /* by the way that looks for leaks */
	}
	close(ends[1]);
	while ((n = read(ends[0], f.text + length, sizeof(f.text) - 1 - length)) > 0)
		length += (size_t)n;
	f.text[length] = '\0';
	close(ends[0]);
	if (sscanf(f.text, "listening on 127.0.0.1:%hu", &f.port) != 1)
		f.port = 0;
	return f.text;
}

static int wait_exit(void)
{
	int64_t end = now_ms() + PATIENCE_MS;
	int status;

	while (waitpid(f.pid, &status, WNOHANG) == 0) {
		assert_true(now_ms() < end);
		poll(NULL, 0, 5);
	}
	f.pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* A connection, -1: refused. */
static int connect_to_it(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
	    .sin_port = htons(f.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Talk to the gateway process; its pid.  `word` may tell it to crash. */
static pid_t visit(const char *word)
{
	int fd = connect_to_it(), sockets, auth, logs;
	char line[128] = "";
	size_t length = 0;
	ssize_t n;
	long pid;

	assert_true(fd >= 0); /* never refused */
	while (strchr(line, '\n') == NULL) {
		n = read(fd, line + length, sizeof(line) - 1 - length);
		assert_true(n > 0);
		length += (size_t)n;
		line[length] = '\0';
	}
	assert_int_equal(
	    sscanf(line, "pid %ld sockets %d auth %d logs %d", &pid, &sockets, &auth, &logs), 4);
	assert_int_equal(sockets, WORKERS);
	assert_int_equal(auth, WORKERS);
	assert_int_equal(logs, 2);
	assert_int_equal(write(fd, word, 1), 1);
	while (read(fd, line, sizeof(line)) > 0)
		continue;
	close(fd);
	return (pid_t)pid;
}

static void wait_gone(pid_t pid)
{
	int64_t end = now_ms() + PATIENCE_MS;

	while (kill(pid, 0) == 0) {
		assert_true(now_ms() < end);
		poll(NULL, 0, 5);
	}
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_serves_and_stops(void **unused)
{
	char wanted[128];
	struct stat st;
	pid_t gateway;

	(void)unused;
	start("serve", false);
	assert_true(f.port > 0);
	snprintf(wanted, sizeof(wanted), "listening on 127.0.0.1:%u (main, socks5)\n", f.port);
	assert_string_equal(f.text, wanted);
	assert_int_equal(atoi(read_text(f.pid_path)), f.pid);
	assert_int_equal(stat(f.access_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	wait_for_log(wanted);
	gateway = visit("x");
	assert_int_not_equal(gateway, f.pid);
	kill(f.pid, SIGTERM);
	assert_int_equal(wait_exit(), 0);
	assert_int_equal(kill(gateway, 0), -1);
	assert_int_equal(connect_to_it(), -1);
	assert_int_equal(access(f.pid_path, F_OK), -1);
	assert_null(strstr(read_text(f.log_path), " error "));
}

static void test_crash_is_survived(void **unused)
{
	pid_t first, second, third;
	char wanted[64];

	(void)unused;
	start("serve", false);
	first = visit("c");
	second = visit("c"); /* waits in the queue of the listener that never closed */
	third = visit("x");
	assert_int_not_equal(first, second);
	assert_int_not_equal(second, third);
	snprintf(wanted, sizeof(wanted), "(pid %ld) was ended by signal 6, Aborted\n", (long)first);
	wait_for_log(wanted);
	wait_for_log(" notice the gateway process serves again (pid ");
	kill(f.pid, SIGINT);
	assert_int_equal(wait_exit(), 0);
}

static void test_killed_gateway_comes_back(void **unused)
{
	pid_t gateway;

	(void)unused;
	start("serve", false);
	gateway = visit("x");
	kill(gateway, SIGKILL);
	assert_int_not_equal(visit("x"), gateway);
	kill(f.pid, SIGTERM);
	assert_int_equal(wait_exit(), 0);
}

static void test_first_start_fails(void **unused)
{
	static const struct {
		const char *how;
		int status;
	} rows[] = {{"configuration", 1}, {"failure", 3}, {"crash", 3}};

	(void)unused;
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(start(rows[i].how, false), "");
		assert_int_equal(wait_exit(), rows[i].status);
		assert_int_equal(access(f.pid_path, F_OK), -1);
	}
}

static void test_drains(void **unused)
{
	static const int signals[] = {SIGTERM, SIGQUIT};

	(void)unused;
	f.conf.drain_ms = 1500;
	for (size_t i = 0; i < 2; i++) {
		int64_t begin;
		int fd;

		start("serve", false);
		visit("x");
		begin = now_ms();
		kill(f.pid, signals[i]);
		wait_for_log("stopping once the sessions have ended");
		while ((fd = connect_to_it()) >= 0) {
			assert_true(now_ms() - begin < 1400); /* refused while it drains */
			close(fd);
			poll(NULL, 0, 5);
		}
		assert_int_equal(wait_exit(), 0);
		assert_true(now_ms() - begin >= 1450);
		unlink(f.log_path);
	}
}

static void test_second_signal_ends_a_hang(void **unused)
{
	int64_t begin;
	pid_t gateway;

	(void)unused;
	start("hang", false);
	gateway = visit("x");
	begin = now_ms();
	kill(f.pid, SIGTERM);
	wait_for_log(" notice stopping (Terminated)\n");
	kill(f.pid, SIGTERM);
	assert_int_equal(wait_exit(), 0);
	assert_true(now_ms() - begin < 4000);
	assert_int_equal(kill(gateway, 0), -1);
}

static void test_keeper_killed(void **unused)
{
	pid_t gateway;

	(void)unused;
	start("serve", false);
	gateway = visit("x");
	kill(f.pid, SIGKILL);
	assert_int_equal(wait_exit(), -SIGKILL);
	wait_gone(gateway);
	assert_int_equal(connect_to_it(), -1);
	/* The pid file that was left behind is in nobody's way. */
	start("serve", false);
	assert_int_equal(atoi(read_text(f.pid_path)), f.pid);
	kill(f.pid, SIGTERM);
	assert_int_equal(wait_exit(), 0);
}

static void test_second_instance(void **unused)
{
	uint16_t port;
	pid_t first;
	char wanted[128];

	(void)unused;
	start("serve", false);
	first = f.pid;
	port = f.port;
	assert_string_equal(start("serve", false), "");
	assert_int_equal(wait_exit(), 3);
	snprintf(
	    wanted, sizeof(wanted), " error hopgate runs already, with pid %ld: ", (long)first);
	wait_for_log(wanted);
	f.conf.pid_file = NULL;
	f.endpoint.port = port;
	assert_string_equal(start("serve", false), "");
	assert_int_equal(wait_exit(), 3);
	wait_for_log(" error cannot listen on 127.0.0.1:");
	kill(first, SIGTERM);
	f.pid = first;
	assert_int_equal(wait_exit(), 0);
}

static void test_log_that_cannot_be_opened(void **unused)
{
	(void)unused;
	f.conf.access_path = "no/such/directory/access";
	assert_string_equal(start("serve", false), "");
	assert_int_equal(wait_exit(), 3);
	wait_for_log(" error cannot open the log no/such/directory/access: No such file");
}

static void test_other_signals(void **unused)
{
	(void)unused;
	start("serve", false);
	kill(f.pid, SIGHUP);
	wait_for_log(" warning Hangup: reloading is not in this version of hopgate");
	kill(f.pid, SIGUSR2);
	wait_for_log(" warning User defined signal 2: listing sessions is not in this version");
	unlink(f.log_path);
	assert_int_equal(kill(f.pid, 0), 0);
	visit("x");
	kill(f.pid, SIGTERM);
	assert_int_equal(wait_exit(), 0);
}

static void test_daemon(void **unused)
{
	pid_t daemon;

	(void)unused;
	start("serve", true);
	assert_true(f.port > 0);
	assert_int_equal(wait_exit(), 0);
	daemon = atoi(read_text(f.pid_path));
	assert_true(daemon > 1);
	assert_int_not_equal(getsid(daemon), getsid(0));
	visit("x");
	kill(daemon, SIGTERM);
	wait_gone(daemon);
	assert_int_equal(access(f.pid_path, F_OK), -1);
	start("configuration", true);
	assert_int_equal(wait_exit(), 1);
	start("crash", true);
	assert_int_equal(wait_exit(), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_serves_and_stops),
	    TEST(test_crash_is_survived),
	    TEST(test_killed_gateway_comes_back),
	    TEST(test_first_start_fails),
	    TEST(test_drains),
	    TEST(test_second_signal_ends_a_hang),
	    TEST(test_keeper_killed),
	    TEST(test_second_instance),
	    TEST(test_log_that_cannot_be_opened),
	    TEST(test_other_signals),
	    TEST(test_daemon),
	};

	if (getenv(PROCESS_CHANNEL) != NULL && getenv("FAKE") != NULL)
		return fake_gateway(getenv("FAKE"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
