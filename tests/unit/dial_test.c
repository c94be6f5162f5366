/* SPDX-License-Identifier: ISC */
/* Ways that lead to the target: each protocol, chains, names, early bytes, and what is measured. */
#include "config.h"

#include "gateway/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolver/hosts.h"
#include "resolver/resolver.h"
#include "tests/unit/journey.h"

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_true(address_parse(&a, text, strlen(text)));
	return a;
}

/* --- directly -------------------------------------------------------------------------------- */

static void test_direct(void **state)
{
	struct journey *j = *state;
	struct in6_addr addresses[] = {address("127.0.0.2"), address("127.0.0.1")};

	j->request.target.port = j->fake.port;
	j->plan.addresses = addresses;
	j->plan.address_count = 2;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_int_equal(j->outcome.failed, 0);
	assert_true(j->outcome.connect_ms >= 0);
	assert_int_equal(j->outcome.resolve_ms, -1);
	assert_int_equal(j->outcome.hops_ms[0], -1);
	assert_int_equal(j->outcome.peer.port, j->fake.port);
	assert_int_not_equal(j->outcome.bound.port, 0);
}

static void test_direct_to_a_literal(void **state)
{
	struct journey *j = *state;

	j->request.target.port = j->fake.port;
	journey_target(j, "127.0.0.1");
	assert_int_equal(journey_dial(j), REASON_OK);
}

/* A hop that says only how to leave. */
static void test_direct_hop(void **state)
{
	struct journey *j = *state;
	struct source source = {.kind = SOURCE_ADDRESS, .first = address("127.0.0.9")};
	struct hop *hop = journey_hop(j, 0, HOP_DIRECT);

	hop->sources = &source;
	hop->source_count = 1;
	j->request.target.port = j->fake.port;
	journey_target(j, "127.0.0.1");
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_memory_equal(&j->outcome.bound.address, &source.first, sizeof source.first);
	assert_true(j->outcome.hops_ms[0] >= 0);
	assert_int_equal(j->outcome.failed, 1);
}

static void test_direct_hop_before_another(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;
	struct source source = {.kind = SOURCE_ADDRESS, .first = address("127.0.0.9")};
	struct sockaddr_storage sa;
	socklen_t length = sizeof sa;
	struct endpoint own;

	journey_hop(j, 1, HOP_SOCKS5);
	j->hops[1].host = (struct host){.address = address("127.0.0.1")};
	j->hops[1].port = j->fake.port;
	j->hops[0] = (struct hop){.protocol = HOP_DIRECT, .sources = &source, .source_count = 1};
	j->list[0] = &j->hops[0];
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	getsockname(stream_fd(j->outcome.stream), (struct sockaddr *)&sa, &length);
	assert_true(endpoint_from_sockaddr(&own, (struct sockaddr *)&sa));
	assert_memory_equal(&own.address, &source.first, sizeof source.first);
	assert_true(j->outcome.hops_ms[0] >= 0 && j->outcome.hops_ms[1] >= 0);
}

/* --- one hop --------------------------------------------------------------------------------- */

static void check_bound(const struct journey *j)
{
	char text[TARGET_TEXT];

	assert_string_equal(endpoint_format(&j->outcome.bound, text), "192.0.2.7:1234");
}

static void test_socks5(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, SOCKS5_ASKED); /* the name travels */
	check_bound(j);
	assert_true(j->outcome.hops_ms[0] >= 0);
	assert_int_equal(j->outcome.hops_ms[1], -1);
	assert_int_equal(j->outcome.peer.port, j->fake.port);
	assert_int_equal(j->outcome.failed, 1);
}

static void test_socks5_with_password(void **state)
{
	static const struct step script[] = {
	    STEP(4, "\5\2"), STEP(11, "\1\0"), LAST(18, SOCKS5_BOUND), NOTHING_MORE};
	struct journey *j = *state;
	struct hop *hop = journey_hop(j, 0, HOP_SOCKS5);
	char user[] = "user", password[] = "word";

	hop->user = user;
	hop->password = password;
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, "\5\2\0\2\1\4user\4word\5\1\0\3\13target.test\0\120");
}

static void test_socks4a(void **state)
{
	static const struct step script[] = {SOCKS4A_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS4A);
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, SOCKS4A_ASKED); /* conformance 12 */
	check_bound(j);
}

/* SOCKS4 knows IPv4 addresses only: the first of them that the name has. */
static void test_socks4(void **state)
{
	static const struct step script[] = {LAST(9, SOCKS4_BOUND), NOTHING_MORE};
	struct journey *j = *state;
	struct in6_addr addresses[] = {
	    address("2001:db8::1"), address("192.0.2.1"), address("192.0.2.2")};

	journey_hop(j, 0, HOP_SOCKS4);
	j->plan.addresses = addresses;
	j->plan.address_count = 3;
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, "\4\1\0\120\300\0\2\1\0");
	j->plan.address_count = 1;
	j->fake.scripts[1] = script;
	assert_int_equal(journey_dial(j), REASON_NO_FAMILY);
	assert_int_equal(j->outcome.failed, 1);
	j->plan.address_count = 0;
	j->fake.scripts[2] = script;
	assert_int_equal(journey_dial(j), REASON_NAME_NO_ADDRESS);
}

static void test_names_resolved_here(void **state)
{
	static const struct step script[] = {STEP(3, "\5\0"), LAST(22, SOCKS5_BOUND), NOTHING_MORE};
	struct journey *j = *state;
	struct in6_addr addresses[] = {address("2001:db8::1"), address("192.0.2.1")};

	journey_hop(j, 0, HOP_SOCKS5)->resolve_local = true;
	j->plan.addresses = addresses;
	j->plan.address_count = 2;
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, "\5\1\0\5\1\0\4\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1\0\120");
}

static void test_http(void **state)
{
	static const struct step script[] = {HTTP_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_HTTP);
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_memory_equal(j->fake.heard, "CONNECT target.test:80 HTTP/1.1\r\n", 33);
	assert_int_equal(j->outcome.bound.port, 0);
}

/* Conformance 46: what follows the answer is the target's first word, in the same segment. */
static void test_early_bytes(void **state)
{
	static const struct {
		enum hop_protocol protocol;
		struct step script[3];
	} rows[] = {
	    {HOP_SOCKS5, {STEP(3, "\5\0"), STEP(18, SOCKS5_BOUND "220 hello\r\n"), NOTHING_MORE}},
	    {HOP_SOCKS5,
	        {STEP(3, "\5\0"),
	            STEP(18,
	                "\5\0\0\3\4name\0\120"
	                "220 hello\r\n"),
	            NOTHING_MORE}},
	    {HOP_SOCKS4A, {STEP(21, SOCKS4_BOUND "220 hello\r\n"), NOTHING_MORE}},
	    {HOP_HTTP, {STEP(0, "HTTP/1.0 200 Up\r\nA: b\r\n\r\n220 hello\r\n"), NOTHING_MORE}},
	};
	struct journey *j = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		journey_hop(j, 0, rows[i].protocol);
		j->fake.connections = 0;
		j->fake.scripts[0] = rows[i].script;
		assert_int_equal(journey_dial(j), REASON_OK);
		journey_read(j, 11);
		assert_memory_equal(j->got, "220 hello\r\n", 11);
	}
}

static void test_byte_by_byte(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, HTTP_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	journey_hop(j, 1, HOP_HTTP);
	j->fake.drip = true;
	j->hops[1].host = j->request.target.host;
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
}

/* --- chains ---------------------------------------------------------------------------------- */

/* The next hop's name goes to the hop before it, the target's to the last. */
static void test_chain(void **state)
{
	static const struct step script[] = {STEP(3, "\5\0"), LAST(16, SOCKS5_BOUND), HTTP_STEPS,
	    LAST(21, SOCKS4_BOUND "hi"), NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	journey_hop(j, 1, HOP_HTTP);
	journey_hop(j, 2, HOP_SOCKS4A);
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_memory_equal(j->fake.heard, "\5\1\0\5\1\0\3\11next.test\4\71", 19);
	assert_memory_equal(j->fake.heard + 19, "CONNECT next.test:1082 HTTP/1.1\r\n", 33);
	assert_memory_equal(j->fake.heard + j->fake.heard_length - 21, SOCKS4A_ASKED, 21);
	check_bound(j);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(j->outcome.hops_ms[i], i > 0 ? j->outcome.hops_ms[i - 1] : 0, 5000);
	journey_read(j, 2);
	assert_memory_equal(j->got, "hi", 2);
}

static void test_longest_chain(void **state)
{
	static struct step script[2 * HOPS_MAX + 1];
	static const struct step one[] = {STEP(3, "\5\0"), LAST(16, SOCKS5_BOUND)};
	struct journey *j = *state;

	for (size_t i = 0; i < HOPS_MAX; i++) {
		journey_hop(j, i, HOP_SOCKS5);
		memcpy(&script[2 * i], one, sizeof one);
	}
	script[2 * HOPS_MAX - 1].need = 18;
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_true(j->outcome.hops_ms[HOPS_MAX - 1] >= 0);
}

/* --- names of hops --------------------------------------------------------------------------- */

static void give_resolver(struct journey *j)
{
	static const char text[] = "127.0.0.1 first.test\n"
	                           "2001:db8::1 next.test\n192.0.2.1 next.test\n";
	struct resolver_config config = {.servers = "127.0.0.1:9", .timeout_ms = 100, .tries = 1};

	config.hosts = j->hosts = resolver_hosts_parse(text, sizeof text - 1);
	assert_int_equal(resolver_library_init(), 0);
	j->rig.loop.resolver = resolver_new(j->rig.loop.base, &config);
	assert_non_null(j->rig.loop.resolver);
}

static void take_resolver(struct journey *j)
{
	resolver_free(j->rig.loop.resolver);
	resolver_hosts_free(j->hosts);
	resolver_library_cleanup();
}

static void test_first_hop_by_name(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	give_resolver(j);
	journey_hop(j, 0, HOP_SOCKS5);
	assert_null(host_parse(&j->hops[0].host, "first.test", 10));
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_true(j->outcome.resolve_ms >= 0);
	j->hops[0].family = FAMILY_IPV6; /* it has none of these */
	assert_int_equal(journey_dial(j), REASON_HOP_UNREACHABLE);
	assert_int_equal(j->outcome.failed, 0);
	journey_start(j); /* cancelled while it resolves */
	dial_free(j->dial);
	j->dial = NULL;
	rig_pass(&j->rig, 20);
	assert_int_equal(j->calls, 0);
	take_resolver(j);
}

/* A hop that cannot be given names is given the next one's address. */
static void test_next_hop_by_address(void **state)
{
	static const struct step four[] = {LAST(9, SOCKS4_BOUND), SOCKS5_STEPS, NOTHING_MORE};
	static const struct step five[] = {
	    STEP(3, "\5\0"), LAST(22, SOCKS5_BOUND), SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	give_resolver(j);
	journey_hop(j, 0, HOP_SOCKS4);
	journey_hop(j, 1, HOP_SOCKS5);
	j->fake.scripts[0] = four;
	j->fake.scripts[1] = five;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_memory_equal(j->fake.heard, "\4\1\4\71\300\0\2\1\0\5\1\0", 12);
	journey_hop(j, 0, HOP_SOCKS5)->resolve_local = true;
	j->plan.hop_count = 2;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_memory_equal(j->fake.heard + 3, "\5\1\0\4\40\1\15\270\0", 9);
	take_resolver(j);
}

static void test_next_hop_without_address(void **state)
{
	static const struct step script[] = {LAST(9, SOCKS4_BOUND), NOTHING_MORE};
	struct journey *j = *state;
	enum reason reason;

	give_resolver(j);
	journey_hop(j, 0, HOP_SOCKS4);
	assert_null(host_parse(&journey_hop(j, 1, HOP_SOCKS5)->host, "none.test", 9));
	j->fake.scripts[0] = script;
	reason = journey_dial(j);
	assert_true(reason == REASON_HOP_UNREACHABLE || reason == REASON_HOP_TIMEOUT);
	assert_int_equal(j->outcome.failed, 1);
	take_resolver(j);
}

/* --- unix sockets ---------------------------------------------------------------------------- */

static void test_unix_hop(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char folder[] = "/tmp/dial-test-XXXXXX";
	struct hop *hop = journey_hop(j, 0, HOP_SOCKS5);

	assert_non_null(mkdtemp(folder));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/s", folder);
	fake_hop_stop(&j->fake);
	fake_hop_start_unix(&j->fake, &j->rig, &sa);
	j->fake.layered = j->plan.wrap != NULL;
	j->fake.scripts[0] = script;
	hop->unix_path = sa.sun_path;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, SOCKS5_ASKED);
	unlink(sa.sun_path);
	rmdir(folder);
	assert_int_equal(journey_dial(j), REASON_HOP_UNREACHABLE);
}

/* Nobody else can be told of a socket in our file system. */
static void test_unix_hop_behind_another(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;
	char path[] = "/run/none";

	journey_hop(j, 0, HOP_SOCKS5);
	journey_hop(j, 1, HOP_SOCKS5)->unix_path = path;
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_HOP_UNREACHABLE);
	assert_int_equal(j->outcome.failed, 1);
}

/* --- afterwards ------------------------------------------------------------------------------ */

/* The stream is the receiver's, and works: layers and all. */
static void test_the_stream_works(void **state)
{
	static const struct step script[] = {
	    STEP(3, "\5\0"), STEP(18, SOCKS5_BOUND), STEP(4, "pong"), NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	j->fake.scripts[0] = script;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_int_equal(stream_plain_fd(j->outcome.stream) >= 0, !j->fake.layered);
	assert_int_equal(stream_write(j->outcome.stream, "ping", 4), 4);
	journey_read(j, 4);
	assert_memory_equal(j->got, "pong", 4);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    PLAIN_ONLY(direct),
	    PLAIN_ONLY(direct_to_a_literal),
	    PLAIN_ONLY(direct_hop),
	    LAYERED(direct_hop_before_another),
	    LAYERED(socks5),
	    LAYERED(socks5_with_password),
	    LAYERED(socks4a),
	    LAYERED(socks4),
	    LAYERED(names_resolved_here),
	    LAYERED(http),
	    LAYERED(early_bytes),
	    LAYERED(byte_by_byte),
	    LAYERED(chain),
	    LAYERED(longest_chain),
	    LAYERED(first_hop_by_name),
	    LAYERED(next_hop_by_address),
	    LAYERED(next_hop_without_address),
	    LAYERED(unix_hop),
	    LAYERED(unix_hop_behind_another),
	    LAYERED(the_stream_works),
	};

	return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
