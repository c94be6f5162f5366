/* SPDX-License-Identifier: ISC */
/* Servers that are silent, dead, wrong or overloaded: what is told, and how soon. */
#include "config.h"

#include "resolver/resolver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <unistd.h>

#include "tests/unit/resolving.h"

#define A .a = "192.0.2.1", .ttl = 300
#define AAAA .aaaa = "2001:db8::1"
#define V4 "192.0.2.1"
#define V6 "2001:db8::1"
#define WAITERS 1100 /* several times RESOLVER_IN_FLIGHT */

static const struct dns_row rows[] = {
    {.name = "good.test", A, AAAA},
    {.name = "silent.test", .fault = DNS_SILENT},
    {.name = "silent-a.test", A, AAAA, .fault = DNS_SILENT, .only = DNS_A},
    {.name = "servfail.test", .fault = DNS_SERVFAIL},
    {.name = "servfail-aaaa.test", A, .fault = DNS_SERVFAIL, .only = DNS_AAAA},
    {.name = "servfail-a.test", .fault = DNS_SERVFAIL, .only = DNS_A},
    {.name = "refused.test", .fault = DNS_REFUSED},
    {.name = "nodata.test"},
    {.name = "nxdomain-aaaa.test", A, .fault = DNS_NXDOMAIN, .only = DNS_AAAA},
    {.name = "nxdomain-nodata.test", .fault = DNS_NXDOMAIN, .only = DNS_AAAA},
    {.name = "dangling.test", .cname = "nowhere.test", .cname_ttl = 300},
    {.name = "old.test", A, AAAA, .fault = DNS_FORMERR_EDNS},
    {.name = "wrong-id.test", A, .fault = DNS_WRONG_ID},
    {.name = "wrong-name.test", A, .fault = DNS_WRONG_NAME},
    {.name = "wrong-kind.test", A, .fault = DNS_WRONG_KIND},
    {.name = "mapped.test", .aaaa = "::ffff:10.0.0.1", .ttl = 300},
    {.name = "mapped-too.test", .aaaa = "::ffff:10.0.0.1 2001:db8::1", .ttl = 300},
    {.name = "cut.test", A, .fault = DNS_CUT},
    {.name = "empty.test", A, .fault = DNS_EMPTY},
    {.name = "many.test", .many = 200, .ttl = 300},
    {.name = "hang-up.test", A, .fault = DNS_HANG_UP},
    {0},
};

static struct dns_row crowd[WAITERS + 1];
static char crowd_names[WAITERS][32];

/* So many names, all of them with that fault. */
static void fill_crowd(enum dns_fault fault)
{
	for (int i = 0; i < WAITERS; i++) {
		snprintf(crowd_names[i], sizeof(crowd_names[i]), "h%d.crowd.test", i);
		crowd[i] = (struct dns_row){.name = crowd_names[i], A, .fault = fault};
	}
	crowd[WAITERS] = (struct dns_row){0};
}

/* --- what servers say --- */

static void failures_are_told_apart(void **state)
{
	struct resolving *r = *state;

	r->config.timeout_ms = 300;
	resolving_start(r);
	resolve(r, "servfail.test", RESOLVER_ANY, RESOLVER_FAILED, "");
	resolve(r, "refused.test", RESOLVER_ANY, RESOLVER_FAILED, "");
	resolve(r, "nodata.test", RESOLVER_ANY, RESOLVER_NO_ADDRESS, "");
	resolve(r, "dangling.test", RESOLVER_ANY, RESOLVER_NO_ADDRESS, "");
	resolve(r, "nxdomain.test", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	resolve(r, "silent.test", RESOLVER_ANY, RESOLVER_TIMEOUT, "");
}

static void a_failure_is_not_kept(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "servfail.test", RESOLVER_IPV4, RESOLVER_FAILED, "");
	assert_int_equal(r->dns->a, 2); /* tries */
	assert_false(resolve(r, "servfail.test", RESOLVER_IPV4, RESOLVER_FAILED, ""));
	assert_int_equal(r->dns->a, 4);
}

static void one_half_is_enough(void **state)
{
	struct resolving *r = *state;

	r->config.timeout_ms = 300;
	resolving_start(r);
	resolve(r, "servfail-aaaa.test", RESOLVER_ANY, RESOLVER_FOUND, V4);
	resolve(r, "silent-a.test", RESOLVER_ANY, RESOLVER_FOUND, V6);
	resolve(r, "nxdomain-aaaa.test", RESOLVER_ANY, RESOLVER_FOUND, V4);
	resolve(r, "nxdomain-nodata.test", RESOLVER_ANY, RESOLVER_NO_ADDRESS, "");
	/* Nobody knows whether the half that failed holds an address. */
	resolve(r, "servfail-a.test", RESOLVER_ANY, RESOLVER_FAILED, "");
}

static void an_old_server_is_asked_without_edns(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "old.test", RESOLVER_ANY, RESOLVER_FOUND, V6 " " V4);
	assert_true(r->dns->with_edns > 0);
	resolve(r, "good.test", RESOLVER_ANY, RESOLVER_FOUND, V6 " " V4);
}

/* --- answers that are none --- */

static void strange_answers_are_not_heard(void **state)
{
	struct resolving *r = *state;

	r->config.timeout_ms = 300;
	r->config.tries = 1;
	resolving_start(r);
	resolve(r, "wrong-id.test", RESOLVER_IPV4, RESOLVER_TIMEOUT, "");
	resolve(r, "wrong-name.test", RESOLVER_IPV4, RESOLVER_TIMEOUT, "");
	resolve(r, "wrong-kind.test", RESOLVER_IPV6, RESOLVER_NO_ADDRESS, "");
	resolve(r, "cut.test", RESOLVER_IPV4, RESOLVER_FAILED, "");
}

/* CVE-2023-32067.  What becomes of that question differs between releases; the next is well. */
static void an_empty_datagram_does_no_lasting_harm(void **state)
{
	struct resolving *r = *state;
	struct outcome outcome;

	r->config.timeout_ms = 300;
	resolving_start(r);
	resolving_ask(r, &outcome, "empty.test", RESOLVER_IPV4);
	resolving_wait(r, &outcome);
	resolve(r, "good.test", RESOLVER_IPV4, RESOLVER_FOUND, V4);
}

/* An AAAA record with an IPv4 address inside is not taken: who asks for IPv6 gets no IPv4. */
static void a_mapped_address_is_none(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "mapped.test", RESOLVER_ANY, RESOLVER_NO_ADDRESS, "");
	resolve(r, "mapped-too.test", RESOLVER_IPV6, RESOLVER_FOUND, V6);
}

static void a_truncated_answer_is_fetched_over_tcp(void **state)
{
	struct resolving *r = *state;
	struct outcome outcome;

	resolving_start(r);
	resolving_ask(r, &outcome, "many.test", RESOLVER_IPV4);
	resolving_wait(r, &outcome);
	assert_int_equal(outcome.status, RESOLVER_FOUND);
	assert_int_equal(outcome.count, RESOLVER_ADDRESSES_MAX);
	assert_memory_equal(outcome.addresses, "10.0.0.1 10.0.0.2 10.0.0.3 ", 27);
	assert_int_equal(r->dns->over_tcp, 1);
	resolve(r, "hang-up.test", RESOLVER_IPV4, RESOLVER_FAILED, "");
	resolve(r, "good.test", RESOLVER_IPV4, RESOLVER_FOUND, V4);
}

/* --- time --- */

static void silence_ends_after_all_tries(void **state)
{
	struct resolving *r = *state;
	int64_t begun_ms;

	r->config.timeout_ms = 300;
	r->config.tries = 3;
	resolving_start(r);
	begun_ms = resolving_now();
	resolve(r, "silent.test", RESOLVER_IPV4, RESOLVER_TIMEOUT, "");
	assert_true(resolving_now() - begun_ms >= 750);
	assert_true(resolving_now() - begun_ms < 2500);
	assert_true(r->dns->a >= 3);
}

/* A port of the loopback interface on which nobody listens. */
static unsigned closed_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void a_dead_server_is_passed_over(void **state)
{
	struct resolving *r = *state;
	int64_t begun_ms = resolving_now();
	char servers[128];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u,%s", closed_port(), r->dns->servers);
	r->config.servers = servers;
	resolving_start(r);
	resolve(r, "good.test", RESOLVER_ANY, RESOLVER_FOUND, V6 " " V4);
	assert_true(resolving_now() - begun_ms < r->config.timeout_ms);
	resolver_free(r->resolver);
	snprintf(servers, sizeof(servers), "127.0.0.1:%u,[::1]:%u", closed_port(), closed_port());
	resolving_start(r);
	resolve(r, "good.test", RESOLVER_ANY, RESOLVER_FAILED, "");
	assert_true(resolving_now() - begun_ms < r->config.timeout_ms);
}

static void a_silent_server_is_passed_over(void **state)
{
	static const struct dns_row silent[] = {{.name = "good.test", .fault = DNS_SILENT}, {0}};
	struct resolving *r = *state;
	struct dns_server *first = dns_server_new(r->base, silent);
	char servers[128];

	snprintf(servers, sizeof(servers), "%s,%s", first->servers, r->dns->servers);
	r->config.servers = servers;
	r->config.timeout_ms = 300;
	resolving_start(r);
	resolve(r, "good.test", RESOLVER_ANY, RESOLVER_FOUND, V6 " " V4);
	assert_int_equal(dns_server_queries(first), 2);
	resolver_free(r->resolver);
	r->resolver = NULL;
	dns_server_free(first);
}

static void servers_are_addresses(void **state)
{
	static const char *const lists[] = {"", "nonsense", "127.0.0.1:53,nonsense"};
	struct resolving *r = *state;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		r->config.servers = lists[i];
		errno = 0;
		assert_null(resolver_new(r->base, &r->config));
		assert_int_equal(errno, EINVAL);
	}
	r->config.servers = "192.0.2.53,[2001:db8::53]:5353,::1";
	resolving_start(r);
}

/* --- many at once --- */

static struct outcome outcomes[WAITERS];

static void ask_for_the_crowd(struct resolving *r, int count)
{
	for (int i = 0; i < count; i++)
		resolving_ask(r, &outcomes[i], crowd_names[i], RESOLVER_IPV4);
}

static void the_others_queue(void **state)
{
	struct resolving *r = *state;
	struct resolver_counters counters;
	const int count = RESOLVER_IN_FLIGHT + 50;

	fill_crowd(DNS_HELD);
	r->dns->rows = crowd;
	resolving_start(r);
	ask_for_the_crowd(r, count);
	resolving_until_asked(r, RESOLVER_IN_FLIGHT);
	assert_int_equal(r->dns->a, RESOLVER_IN_FLIGHT);
	resolver_count(r->resolver, &counters);
	assert_int_equal(counters.in_flight, RESOLVER_IN_FLIGHT);
	resolver_cancel(outcomes[count - 1].lookup);
	dns_server_release(r->dns);
	resolving_until_asked(r, count - 1);
	dns_server_release(r->dns);
	for (int i = 0; i < count - 1; i++) {
		resolving_wait(r, &outcomes[i]);
		assert_int_equal(outcomes[i].status, RESOLVER_FOUND);
	}
	assert_int_equal(r->dns->a, count - 1);
}

/* Behind a dead server nobody waits longer than twice the time of a question. */
static void the_queue_times_out(void **state)
{
	struct resolving *r = *state;
	int64_t begun_ms = resolving_now();

	fill_crowd(DNS_SILENT);
	r->dns->rows = crowd;
	r->config.timeout_ms = 500;
	r->config.tries = 1;
	resolving_start(r);
	ask_for_the_crowd(r, WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		resolving_wait(r, &outcomes[i]);
		assert_int_equal(outcomes[i].status, RESOLVER_TIMEOUT);
	}
	assert_true(resolving_now() - begun_ms < 2000);
}

/* Failures that c-ares reports from within the call that asks, a queue of them. */
static void a_crowd_fails_at_once(void **state)
{
	struct resolving *r = *state;
	char servers[32];

	fill_crowd(DNS_HONEST);
	snprintf(servers, sizeof(servers), "255.255.255.255:%u", closed_port());
	r->config.servers = servers;
	resolving_start(r);
	ask_for_the_crowd(r, WAITERS);
	for (int i = 0; i < WAITERS; i++) {
		resolving_wait(r, &outcomes[i]);
		assert_int_equal(outcomes[i].status, RESOLVER_FAILED);
	}
}

/* All of them truncated: c-ares sends one behind the other on one connection. */
static void a_crowd_over_tcp(void **state)
{
	struct resolving *r = *state;

	fill_crowd(DNS_HONEST);
	for (int i = 0; i < WAITERS; i++)
		crowd[i].many = 100;
	r->dns->rows = crowd;
	resolving_start(r);
	ask_for_the_crowd(r, 40);
	for (int i = 0; i < 40; i++) {
		resolving_wait(r, &outcomes[i]);
		assert_int_equal(outcomes[i].status, RESOLVER_FOUND);
		assert_int_equal(outcomes[i].count, RESOLVER_ADDRESSES_MAX);
	}
}

#define TEST(name) RESOLVING_TEST(name, rows)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(failures_are_told_apart),
	    TEST(a_failure_is_not_kept),
	    TEST(one_half_is_enough),
	    TEST(an_old_server_is_asked_without_edns),
	    TEST(strange_answers_are_not_heard),
	    TEST(an_empty_datagram_does_no_lasting_harm),
	    TEST(a_mapped_address_is_none),
	    TEST(a_truncated_answer_is_fetched_over_tcp),
	    TEST(silence_ends_after_all_tries),
	    TEST(a_dead_server_is_passed_over),
	    TEST(a_silent_server_is_passed_over),
	    TEST(servers_are_addresses),
	    TEST(the_others_queue),
	    TEST(the_queue_times_out),
	    TEST(a_crowd_fails_at_once),
	    TEST(a_crowd_over_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
