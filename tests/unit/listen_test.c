/* SPDX-License-Identifier: ISC */
/* Binding for real: clones, strangers, stale sockets, inherited descriptors, and what is said. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/listen.h"
#include "gateway/log.h"

#define WORKERS 3
#define ADDRESSES_MAX 4
#define TEXT_MAX 8192

/* A configuration of one listener, a place for messages, a directory of its own. */
static struct fixture {
	struct conf conf;
	struct listener listener;
	struct listen_address addresses[ADDRESSES_MAX];
	struct endpoint endpoints[ADDRESSES_MAX];
	struct bound_set set;
	int log;
	char directory[32], path[64], text[TEXT_MAX];
} f;

static const struct log_target to_file = {.kind = SINK_FILE, .level = LEVEL_DEBUG};

static int setup(void **unused)
{
	(void)unused;
	memset(&f, 0, sizeof(f));
	f.listener = (struct listener){.name = "main",
	    .addresses = f.addresses,
	    .protocols = (1u << PROTOCOL_SOCKS4) | (1u << PROTOCOL_SOCKS5) | (1u << PROTOCOL_HTTP)};
	f.conf = (struct conf){.workers = WORKERS, .listeners = &f.listener, .listener_count = 1};
	f.log = memfd_create("log", MFD_CLOEXEC);
	fcntl(f.log, F_SETFL, O_APPEND);
	log_to(&to_file, 1);
	log_file(0, f.log);
	strcpy(f.directory, "listen_test.XXXXXX");
	if (mkdtemp(f.directory) == NULL)
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/socket", f.directory);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	listen_close(&f.set);
	log_to(NULL, 0);
	close(f.log);
	unlink(f.path);
	return rmdir(f.directory);
}

static struct listen_address *add(enum address_kind kind, const char *text)
{
	struct listen_address *a = &f.addresses[f.listener.address_count++];

	assert_true(f.listener.address_count <= ADDRESSES_MAX);
	*a = (struct listen_address){.text = text, .kind = kind, .fd = -1};
	return a;
}

static struct endpoint *add_tcp(const char *address, uint16_t port)
{
	struct listen_address *a = add(ADDRESS_TCP, address);
	struct endpoint *endpoint = &f.endpoints[a - f.addresses];

	assert_true(address_parse(&endpoint->address, address, strlen(address)));
	endpoint->port = port;
	a->endpoints = endpoint;
	a->endpoint_count = 1;
	return endpoint;
}

static struct listen_address *add_unix(void)
{
	struct listen_address *a = add(ADDRESS_UNIX, "unix:socket");

	a->path = f.path;
	return a;
}

static const char *logged(void)
{
	ssize_t n = pread(f.log, f.text, sizeof(f.text) - 1, 0);

	f.text[n > 0 ? n : 0] = '\0';
	return f.text;
}

static struct sockaddr_storage name_of(int fd, socklen_t *length)
{
	struct sockaddr_storage sa;

	*length = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, length), 0);
	return sa;
}

static uint16_t port_of(int fd)
{
	struct endpoint endpoint;
	socklen_t length;
	struct sockaddr_storage sa = name_of(fd, &length);

	assert_true(endpoint_from_sockaddr(&endpoint, (struct sockaddr *)&sa));
	return endpoint.port;
}

static int connect_to(int listening)
{
	socklen_t length;
	struct sockaddr_storage sa = name_of(listening, &length);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&sa, length), 0);
	return fd;
}

/* Is there IPv6 on this machine's loopback? */
static bool have_ipv6(void)
{
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool have = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;

	if (fd >= 0)
		close(fd);
	return have;
}

/* --- TCP ------------------------------------------------------------------------------------- */

static void test_each_worker_has_a_clone(void **unused)
{
	unsigned accepted[WORKERS] = {0};

	(void)unused;
	add_tcp("127.0.0.1", 0);
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	assert_int_equal(f.set.count, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++) {
		assert_int_equal(f.set.sockets[i].worker, i);
		assert_false(f.set.sockets[i].shared);
		assert_int_equal(port_of(f.set.sockets[i].fd), port_of(f.set.sockets[0].fd));
		assert_string_equal(f.set.sockets[i].address, f.set.sockets[0].address);
	}
	for (int n = 0; n < 100; n++) {
		int client = connect_to(f.set.sockets[0].fd);

		for (unsigned i = 0; i < WORKERS; i++) {
			int fd = accept(f.set.sockets[i].fd, NULL, NULL);

			if (fd >= 0)
				accepted[i]++;
			if (fd >= 0)
				close(fd);
		}
		close(client);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		assert_true(accepted[i] > 0);
}

static void test_accepted_sockets_inherit_options(void **unused)
{
	static const struct {
		int level, option;
	} options[] = {
	    {IPPROTO_TCP, TCP_NODELAY}, {SOL_SOCKET, SO_KEEPALIVE}, {SOL_SOCKET, SO_OOBINLINE}};
	int client, fd, value;
	socklen_t length = sizeof(value);

	(void)unused;
	f.conf.workers = 1;
	add_tcp("127.0.0.1", 0);
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	client = connect_to(f.set.sockets[0].fd);
	fd = accept(f.set.sockets[0].fd, NULL, NULL);
	assert_true(fd >= 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
		    getsockopt(fd, options[i].level, options[i].option, &value, &length), 0);
		assert_int_not_equal(value, 0);
	}
	close(fd);
	close(client);
}

/* A stranger with SO_REUSEADDR, and a second hopgate, get nothing; the log names who has it. */
static void test_nobody_else_can_join(void **unused)
{
	struct bound_set second;
	struct endpoint *endpoint = add_tcp("127.0.0.1", 0);
	struct sockaddr_storage sa;
	socklen_t length;
	int fd, one = 1;

	(void)unused;
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	sa = name_of(f.set.sockets[0].fd, &length);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, length), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	endpoint->port = port_of(f.set.sockets[0].fd);
	assert_int_equal(listen_bind(&f.conf, &second), -1);
	assert_int_equal(second.count, 0);
	assert_non_null(strstr(logged(), "cannot listen on 127.0.0.1:"));
	assert_non_null(strstr(logged(), ": this process itself listens there\n"));
}

static void test_who_holds_the_port(void **unused)
{
	struct endpoint *endpoint = add_tcp("127.0.0.1", 0);
	char wanted[64], byte;
	int ends[2];
	pid_t pid;

	(void)unused;
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	endpoint->port = port_of(f.set.sockets[0].fd);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) { /* holds the listening sockets until its standard input ends */
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ends[0]);
	listen_close(&f.set);
	assert_int_equal(listen_bind(&f.conf, &f.set), -1);
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	snprintf(wanted, sizeof(wanted), " (pid %ld) listens there\n", (long)pid);
	assert_non_null(strstr(logged(), wanted));
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
}

/* Connections in TIME_WAIT, of the first socket or of a clone, do not bar a new start. */
static void test_starts_again_at_once(void **unused)
{
	struct endpoint *endpoint = add_tcp("127.0.0.1", 0);

	(void)unused;
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	endpoint->port = port_of(f.set.sockets[0].fd);
	for (int n = 0; n < 20; n++) {
		int client = connect_to(f.set.sockets[0].fd);

		for (unsigned i = 0; i < WORKERS; i++)
			close(accept(f.set.sockets[i].fd, NULL, NULL));
		close(client);
	}
	listen_close(&f.set);
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
}

/* A port that is free in one family may be somebody's in the other: then the next one. */
static void test_families_are_apart(void **unused)
{
	struct endpoint *ipv6, *ipv4;
	int bound = -1;

	(void)unused;
	if (!have_ipv6())
		skip();
	ipv6 = add_tcp("::", 0);
	ipv4 = add_tcp("0.0.0.0", 0);
	for (int tries = 0; tries < 50 && bound != 0; tries++) {
		ipv6->port = ipv4->port = 0;
		assert_int_equal(listen_bind(&f.conf, &f.set), 0);
		ipv6->port = ipv4->port = port_of(f.set.sockets[0].fd);
		listen_close(&f.set);
		bound = listen_bind(&f.conf, &f.set);
	}
	assert_int_equal(bound, 0);
	assert_int_equal(f.set.count, 2 * WORKERS);
	assert_int_equal(strncmp(f.set.sockets[0].address, "[::]:", 5), 0);
	assert_int_equal(strncmp(f.set.sockets[WORKERS].address, "0.0.0.0:", 8), 0);
}

static void test_all_or_nothing(void **unused)
{
	(void)unused;
	add_tcp("127.0.0.1", 0);
	f.addresses[0].place = (struct place){.file = "hopgate.conf", .line = 3};
	add_tcp("192.0.2.77", 1080)->port = 1080;
	f.addresses[1].place = (struct place){.file = "hopgate.conf", .line = 4};
	assert_int_equal(listen_bind(&f.conf, &f.set), -1);
	assert_int_equal(f.set.count, 0);
	assert_non_null(strstr(logged(),
	    " error hopgate.conf:4: cannot listen on 192.0.2.77:1080: this machine does not have "
	    "the address\n"));
	assert_null(strstr(logged(), "hopgate.conf:3"));
}

/* A shorthand may lack a family, but not both. */
static void test_shorthand_skips_what_is_missing(void **unused)
{
	struct endpoint both[2];
	struct listen_address *a = add(ADDRESS_TCP, "1080");

	(void)unused;
	memset(both, 0, sizeof(both));
	assert_true(address_parse(&both[0].address, "192.0.2.77", 10));
	assert_true(address_parse(&both[1].address, "127.0.0.1", 9));
	a->endpoints = both;
	a->endpoint_count = 2;
	a->shorthand = true;
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	assert_int_equal(f.set.count, WORKERS);
	listen_close(&f.set);
	a->endpoint_count = 1;
	assert_int_equal(listen_bind(&f.conf, &f.set), -1);
	assert_non_null(strstr(logged(), "cannot listen on 1080: "));
}

static void test_low_port_without_rights(void **unused)
{
	int status;
	pid_t pid;

	(void)unused;
	if (geteuid() != 0)
		skip();
	add_tcp("127.0.0.1", 1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setuid(65534) != 0)
			_exit(2);
		_exit(listen_bind(&f.conf, &f.set) == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		skip(); /* net.ipv4.ip_unprivileged_port_start is 0 or 1 here */
	assert_int_equal(status, 0);
	assert_non_null(strstr(logged(),
	    "cannot listen on 127.0.0.1:1: Permission denied (ports "
	    "below 1024 are for root"));
}

static void test_interface(void **unused)
{
	struct listen_address *a = add(ADDRESS_INTERFACE, "%lo:0");
	int client;

	(void)unused;
	a->interface = "lo";
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	assert_true(f.set.count >= WORKERS);
	client = connect_to(f.set.sockets[0].fd);
	close(client);
	listen_close(&f.set);
	a->interface = "nosuch0";
	assert_int_equal(listen_bind(&f.conf, &f.set), -1);
	assert_non_null(strstr(logged(), "there is no such interface\n"));
}

/* --- unix, inherited ------------------------------------------------------------------------- */

static void test_unix_socket(void **unused)
{
	struct stat st;

	(void)unused;
	add_unix();
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	assert_int_equal(f.set.count, 1);
	assert_true(f.set.sockets[0].shared);
	assert_int_equal(strncmp(f.set.sockets[0].address, "unix:listen_test.", 17), 0);
	close(connect_to(f.set.sockets[0].fd));
	assert_int_equal(listen_bind(&f.conf, &(struct bound_set){0}), -1);
	assert_non_null(strstr(logged(), " error cannot listen on unix:socket: "));
	listen_close(&f.set);
	assert_int_equal(lstat(f.path, &st), -1);
}

/* Another has taken the path since: it is not ours to remove. */
static void test_unix_path_of_another_stays(void **unused)
{
	(void)unused;
	add_unix();
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	assert_int_equal(unlink(f.path), 0);
	close(open(f.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	listen_close(&f.set);
	assert_int_equal(access(f.path, F_OK), 0);
}

static void test_inherited(void **unused)
{
	struct listen_address *a = add(ADDRESS_FD, "fd:N");

	(void)unused;
	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(listen_bind(&f.conf, &f.set), -1);
	assert_non_null(strstr(logged(), " error cannot listen on fd:N: "));
	assert_int_equal(listen(a->fd, 5), 0);
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	assert_int_equal(f.set.count, 1);
	assert_true(f.set.sockets[0].shared);
	assert_int_equal(strncmp(f.set.sockets[0].address, "0.0.0.0:", 8), 0);
}

/* --- announcing ------------------------------------------------------------------------------ */

static void test_announce(void **unused)
{
	char wanted[256], got[512];
	int ends[2], port;
	ssize_t n;

	(void)unused;
	add_tcp("0.0.0.0", 0);
	add_unix();
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	port = port_of(f.set.sockets[0].fd);
	assert_int_equal(pipe(ends), 0);
	listen_announce(&f.conf, &f.set, ends[1]);
	n = read(ends[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	snprintf(wanted, sizeof(wanted),
	    "listening on 0.0.0.0:%d (main, socks4 socks5 http)\n"
	    "listening on unix:%s (main, socks4 socks5 http)\n",
	    port, f.path);
	assert_string_equal(got, wanted);
	assert_int_equal(read(ends[0], got, 1), 0); /* closed */
	close(ends[0]);
	snprintf(wanted, sizeof(wanted), " notice listening on unix:%s (main, socks4", f.path);
	assert_non_null(strstr(logged(), wanted));
	snprintf(wanted, sizeof(wanted), "curl --proxy socks5h://127.0.0.1:%d https", port);
	assert_non_null(strstr(logged(), wanted));
}

static void test_announce_http_with_password(void **unused)
{
	static const struct identity_block staff = {.kind = IDENTITY_PASSWORD};
	static struct identity_choice password = {.parts = {&staff}, .part_count = 1};

	(void)unused;
	add_tcp("127.0.0.1", 0);
	f.listener.protocols = 1u << PROTOCOL_HTTP;
	f.listener.auth = (struct identity_gate){&password, 1};
	assert_int_equal(listen_bind(&f.conf, &f.set), 0);
	listen_announce(&f.conf, &f.set, -1);
	assert_non_null(strstr(logged(), " (main, http)\n"));
	assert_non_null(strstr(logged(), "curl --proxy http://127.0.0.1:"));
	assert_non_null(strstr(logged(), " --proxy-user NAME "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_each_worker_has_a_clone),
	    TEST(test_accepted_sockets_inherit_options),
	    TEST(test_nobody_else_can_join),
	    TEST(test_who_holds_the_port),
	    TEST(test_starts_again_at_once),
	    TEST(test_families_are_apart),
	    TEST(test_all_or_nothing),
	    TEST(test_shorthand_skips_what_is_missing),
	    TEST(test_low_port_without_rights),
	    TEST(test_interface),
	    TEST(test_unix_socket),
	    TEST(test_unix_path_of_another_stays),
	    TEST(test_inherited),
	    TEST(test_announce),
	    TEST(test_announce_http_with_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
