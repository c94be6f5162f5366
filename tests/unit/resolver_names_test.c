/* SPDX-License-Identifier: ISC */
/* Which names are asked for at all: local ones, the hosts file, the search list. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "resolver/hosts.h"
#include "tests/unit/resolving.h"

static const struct dns_row rows[] = {
    {.name = "both.test",
        .a = "192.0.2.1 192.0.2.2 192.0.2.3",
        .aaaa = "2001:db8::1 2001:db8::2",
        .ttl = 300},
    {.name = "four.test", .a = "192.0.2.4", .ttl = 300},
    {.name = "broken.corp.test", .fault = DNS_SERVFAIL},
    {.name = "broken.other.test", .a = "192.0.2.12", .ttl = 300},
    {.name = "git.corp.test", .a = "192.0.2.13", .ttl = 300},
    {.name = "git.other.test", .a = "192.0.2.14", .ttl = 300},
    {.name = "empty.corp.test"},
    {.name = "empty.other.test", .a = "192.0.2.15", .ttl = 300},
    {.name = "bare", .a = "192.0.2.16", .ttl = 300},
    {.name = "a.b", .a = "192.0.2.17", .ttl = 300},
    {.name = "a.b.corp.test", .a = "192.0.2.18", .ttl = 300},
    {0},
};

static const char *const search[] = {"corp.test", "other.test", NULL};

/* --- names that need no server --- */

static void localhost_is_here(void **state)
{
	struct resolving *r = *state;

	r->config.search = search;
	r->config.ndots = 2;
	resolving_start(r);
	assert_true(resolve(r, "localhost", RESOLVER_ANY, RESOLVER_FOUND, "::1 127.0.0.1"));
	resolve(r, "foo.localhost", RESOLVER_PREFER_IPV4, RESOLVER_FOUND, "127.0.0.1 ::1");
	resolve(r, "a.b.localhost", RESOLVER_IPV4, RESOLVER_FOUND, "127.0.0.1");
	resolve(r, "localhost", RESOLVER_IPV6, RESOLVER_FOUND, "::1");
	assert_int_equal(dns_server_queries(r->dns), 0);
}

static void hidden_services_are_not_asked_for(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	assert_true(resolve(r, "abcdefgh.onion", RESOLVER_ANY, RESOLVER_NOT_FOUND, ""));
	resolve(r, "some.invalid", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	assert_int_equal(dns_server_queries(r->dns), 0);
}

static void what_is_no_name_is_not_asked_for(void **state)
{
	static const char *const names[] = {"", "192.0.2.1", "127.1", "1.2.3", "0x7f.1",
	    "host.0x7f", "2130706433", "::1", "2001:db8::1", "[::1]", "a..b", ".a", "a.",
	    "UPPER.test", "sp ace.test", "caf\xc3\xa9.test", "star.*.test", "a/b.test", "at@test",
	    "0123456789012345678901234567890123456789012345678901234567890123.test"};
	struct resolving *r = *state;

	resolving_start(r);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(resolve(r, names[i], RESOLVER_ANY, RESOLVER_NOT_FOUND, ""));
	assert_int_equal(dns_server_queries(r->dns), 0);
	resolve(r, "_service._tcp.under_score.test", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	assert_int_equal(dns_server_queries(r->dns), 2);
}

static void the_longest_name_is_asked_for(void **state)
{
	struct resolving *r = *state;
	char name[256];

	memset(name, 'a', 253);
	name[63] = name[127] = name[191] = '.';
	name[253] = '\0';
	resolving_start(r);
	resolve(r, name, RESOLVER_IPV4, RESOLVER_NOT_FOUND, "");
	assert_string_equal(r->dns->last_name, name);
	name[253] = 'a';
	name[254] = '\0';
	resolve(r, name, RESOLVER_IPV4, RESOLVER_NOT_FOUND, "");
	assert_int_equal(dns_server_queries(r->dns), 1);
}

/* --- hosts --- */

static void hosts_come_first(void **state)
{
	static const char text[] = "198.51.100.1 four.test\n198.51.100.2 both.test git\n"
	                           "2001:db8::99 both.test\n198.51.100.4 bare.corp.test\n";
	struct resolving *r = *state;
	struct resolver_hosts *hosts = resolver_hosts_parse(text, strlen(text));

	assert_non_null(hosts);
	r->config.hosts = hosts;
	r->config.search = search;
	resolving_start(r);
	assert_true(resolve(r, "four.test", RESOLVER_ANY, RESOLVER_FOUND, "198.51.100.1"));
	resolve(r, "both.test", RESOLVER_ANY, RESOLVER_FOUND, "2001:db8::99 198.51.100.2");
	resolve(r, "git", RESOLVER_ANY, RESOLVER_FOUND, "198.51.100.2");
	resolve(r, "bare", RESOLVER_ANY, RESOLVER_FOUND, "198.51.100.4");
	assert_int_equal(dns_server_queries(r->dns), 0);
	resolve(r, "four.test", RESOLVER_IPV6, RESOLVER_NO_ADDRESS, "");
	assert_int_equal(dns_server_queries(r->dns), 1);
	resolver_free(r->resolver);
	r->resolver = NULL;
	resolver_hosts_free(hosts);
}

/* Debian's own hosts file knows these names. */
static void the_system_s_hosts_are_not_read(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "ip6-allnodes", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	resolve(r, "ip6-loopback", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	assert_int_equal(dns_server_queries(r->dns), 4);
}

/* --- search list --- */

static void short_names_are_searched(void **state)
{
	struct resolving *r = *state;

	r->config.search = search;
	resolving_start(r);
	resolve(r, "git", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.13");
	resolve(r, "bare", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.16");
	assert_int_equal(r->dns->a, 1 + 3);
	assert_true(resolve(r, "bare", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.16"));
	/* That it has no address here leads on; that nobody knows does not. */
	resolve(r, "empty", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.15");
	resolve(r, "broken", RESOLVER_IPV4, RESOLVER_FAILED, "");
	resolve(r, "empty", RESOLVER_IPV6, RESOLVER_NO_ADDRESS, "");
	resolve(r, "none", RESOLVER_IPV6, RESOLVER_NOT_FOUND, "");
}

static void names_with_enough_dots_are_not(void **state)
{
	struct resolving *r = *state;

	r->config.search = search;
	resolving_start(r);
	resolve(r, "a.b", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.17");
	resolve(r, "git.corp", RESOLVER_IPV4, RESOLVER_NOT_FOUND, "");
	assert_int_equal(r->dns->a, 2);
	resolver_free(r->resolver);
	r->config.ndots = 2;
	resolving_start(r);
	resolve(r, "a.b", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.18");
	assert_int_equal(r->dns->a, 3);
}

static void a_domain_that_makes_a_name_too_long_is_passed_over(void **state)
{
	struct resolving *r = *state;
	char name[248];

	memset(name, 'a', sizeof(name) - 1);
	name[62] = name[125] = name[188] = '.';
	name[247] = '\0';
	r->config.search = search;
	r->config.ndots = 15;
	resolving_start(r);
	resolve(r, name, RESOLVER_IPV4, RESOLVER_NOT_FOUND, "");
	assert_int_equal(r->dns->a, 1);
	assert_string_equal(r->dns->last_name, name);
}

/* Neither the system's files nor the environment say where else to look. */
static void nothing_else_is_searched(void **state)
{
	struct resolving *r = *state;
	char aliases[] = "hosts.aliases.XXXXXX";
	int fd = mkstemp(aliases);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "short both.test\n", 16), 16);
	close(fd);
	setenv("HOSTALIASES", aliases, 1);
	setenv("LOCALDOMAIN", "corp.test", 1);
	setenv("RES_OPTIONS", "ndots:5 retry:9 rotate", 1);
	resolving_start(r);
	resolve(r, "git", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	resolve(r, "short", RESOLVER_ANY, RESOLVER_NOT_FOUND, "");
	assert_string_equal(r->dns->last_name, "short");
	assert_int_equal(dns_server_queries(r->dns), 4);
	unsetenv("HOSTALIASES");
	unsetenv("LOCALDOMAIN");
	unsetenv("RES_OPTIONS");
	unlink(aliases);
}

#define TEST(name) RESOLVING_TEST(name, rows)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(localhost_is_here),
	    TEST(hidden_services_are_not_asked_for),
	    TEST(what_is_no_name_is_not_asked_for),
	    TEST(the_longest_name_is_asked_for),
	    TEST(hosts_come_first),
	    TEST(the_system_s_hosts_are_not_read),
	    TEST(short_names_are_searched),
	    TEST(names_with_enough_dots_are_not),
	    TEST(a_domain_that_makes_a_name_too_long_is_passed_over),
	    TEST(nothing_else_is_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
