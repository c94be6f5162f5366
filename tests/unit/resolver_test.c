/* SPDX-License-Identifier: ISC */
/* What a look-up finds, in which order, and how often a server is asked for it. */
#include "config.h"

#include "resolver/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
    {.name = "six.test", .aaaa = "2001:db8::6", .ttl = 300},
    {.name = "alias.test", .cname = "target.test", .a = "192.0.2.7", .ttl = 300, .cname_ttl = 300},
    {.name = "short-alias.test", .cname = "target.test", .a = "192.0.2.8", .ttl = 300},
    {.name = "fleeting.test", .a = "192.0.2.9"},
    {.name = "held.test", .a = "192.0.2.10", .aaaa = "2001:db8::10", .ttl = 300, .fault = DNS_HELD},
    {.name = "held2.test", .a = "192.0.2.11", .ttl = 300, .fault = DNS_HELD},
    {.name = "empty.test"},
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

static int setup(void **state)
{
	struct resolving *r = malloc(sizeof(*r));

	assert_non_null(r);
	resolving_setup(r, rows);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	resolving_teardown(*state);
	free(*state);
	return 0;
}

/* --- families and order ------------------------------------------------------------------------
 */

static void the_families_take_turns(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "both.test", RESOLVER_ANY, RESOLVER_FOUND,
	    "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3");
	resolve(r, "both.test", RESOLVER_PREFER_IPV6, RESOLVER_FOUND,
	    "2001:db8::1 192.0.2.1 2001:db8::2 192.0.2.2 192.0.2.3");
	resolve(r, "both.test", RESOLVER_PREFER_IPV4, RESOLVER_FOUND,
	    "192.0.2.1 2001:db8::1 192.0.2.2 2001:db8::2 192.0.2.3");
	assert_int_equal(r->dns->a, 1);
	assert_int_equal(r->dns->aaaa, 1);
}

static void one_family_asks_one_question(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "both.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_int_equal(r->dns->aaaa, 0);
	resolve(r, "both.test", RESOLVER_IPV6, RESOLVER_FOUND, "2001:db8::1 2001:db8::2");
	assert_int_equal(r->dns->a, 1);
	resolve(r, "four.test", RESOLVER_IPV6, RESOLVER_NO_ADDRESS, "");
	resolve(r, "six.test", RESOLVER_ANY, RESOLVER_FOUND, "2001:db8::6");
	resolve(r, "four.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.4");
}

static void the_configuration_says_what_any_is(void **state)
{
	struct resolving *r = *state;

	r->config.family = RESOLVER_IPV4;
	resolving_start(r);
	resolve(r, "both.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_int_equal(r->dns->aaaa, 0);
	resolve(r, "both.test", RESOLVER_IPV6, RESOLVER_FOUND, "2001:db8::1 2001:db8::2");
}

static void an_alias_is_followed(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "alias.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.7");
	assert_true(resolve(r, "alias.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.7"));
}

/* --- cache -------------------------------------------------------------------------------------
 */

static void an_answer_is_asked_for_once(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	assert_false(resolve(r, "four.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.4"));
	assert_true(resolve(r, "four.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.4"));
	assert_false(resolve(r, "none.test", RESOLVER_ANY, RESOLVER_NOT_FOUND, ""));
	assert_true(resolve(r, "none.test", RESOLVER_ANY, RESOLVER_NOT_FOUND, ""));
	assert_false(resolve(r, "empty.test", RESOLVER_ANY, RESOLVER_NO_ADDRESS, ""));
	assert_true(resolve(r, "empty.test", RESOLVER_ANY, RESOLVER_NO_ADDRESS, ""));
	assert_int_equal(dns_server_queries(r->dns), 6);
}

static void an_alias_lives_as_long_as_its_shortest_part(void **state)
{
	struct resolving *r = *state;

	resolving_start(r);
	resolve(r, "short-alias.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.8");
	assert_false(resolve(r, "short-alias.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.8"));
}

static void the_lifetime_is_clamped(void **state)
{
	struct resolving *r = *state;

	r->config.min_ttl_ms = 60000;
	resolving_start(r);
	resolve(r, "fleeting.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.9");
	assert_true(resolve(r, "fleeting.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.9"));
	resolver_free(r->resolver);
	r->config.min_ttl_ms = r->config.max_ttl_ms = r->config.negative_ttl_ms = 0;
	resolving_start(r);
	resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4");
	assert_false(resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4"));
	resolve(r, "none.test", RESOLVER_IPV4, RESOLVER_NOT_FOUND, "");
	assert_false(resolve(r, "none.test", RESOLVER_IPV4, RESOLVER_NOT_FOUND, ""));
}

static void the_cache_is_bounded(void **state)
{
	struct resolving *r = *state;
	struct resolver_counters counters;

	r->config.cache_max = 2;
	resolving_start(r);
	resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4");
	resolve(r, "both.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.1 192.0.2.2 192.0.2.3");
	assert_true(resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4"));
	resolve(r, "alias.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.7");
	assert_true(resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4"));
	resolver_count(r->resolver, &counters);
	assert_int_equal(counters.cache_names, 2);
	assert_false(resolve(
	    r, "both.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.1 192.0.2.2 192.0.2.3"));
}

static void no_cache_is_no_cache(void **state)
{
	struct resolving *r = *state;

	r->config.cache_max = 0;
	resolving_start(r);
	resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4");
	assert_false(resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4"));
}

/* --- who waits ---------------------------------------------------------------------------------
 */

static void many_wait_for_one_question(void **state)
{
	struct resolving *r = *state;
	struct outcome outcomes[20];

	resolving_start(r);
	for (int i = 0; i < 20; i++)
		resolving_ask(r, &outcomes[i], "held.test", RESOLVER_ANY);
	resolving_until_asked(r, 2);
	resolver_cancel(outcomes[0].lookup);
	resolver_cancel(outcomes[7].lookup);
	resolver_cancel(outcomes[19].lookup);
	dns_server_release(r->dns);
	resolving_wait(r, &outcomes[18]);
	for (int i = 0; i < 20; i++) {
		bool cancelled = i == 0 || i == 7 || i == 19;

		assert_int_equal(outcomes[i].calls, cancelled ? 0 : 1);
		if (!cancelled)
			assert_string_equal(outcomes[i].addresses, "2001:db8::10 192.0.2.10");
	}
	assert_int_equal(dns_server_queries(r->dns), 2);
}

static void a_question_without_waiters_fills_the_cache(void **state)
{
	struct resolving *r = *state;
	struct outcome outcome;
	struct resolver_counters counters;

	resolving_start(r);
	resolving_ask(r, &outcome, "held.test", RESOLVER_ANY);
	resolving_until_asked(r, 2);
	resolver_cancel(outcome.lookup);
	dns_server_release(r->dns);
	do {
		event_base_loop(r->base, EVLOOP_ONCE);
		resolver_count(r->resolver, &counters);
	} while (counters.in_flight > 0);
	assert_int_equal(outcome.calls, 0);
	assert_true(
	    resolve(r, "held.test", RESOLVER_ANY, RESOLVER_FOUND, "2001:db8::10 192.0.2.10"));
}

static void a_cancelled_question_that_was_not_sent_is_not_sent(void **state)
{
	struct resolving *r = *state;
	struct outcome outcome;

	resolving_start(r);
	resolving_ask(r, &outcome, "four.test", RESOLVER_ANY);
	resolver_cancel(outcome.lookup);
	resolver_cancel(NULL);
	resolve(r, "six.test", RESOLVER_IPV6, RESOLVER_FOUND, "2001:db8::6");
	assert_int_equal(dns_server_queries(r->dns), 1);
}

static void free_forgets_who_waits(void **state)
{
	struct resolving *r = *state;
	struct outcome waits, known;

	resolving_start(r);
	resolve(r, "four.test", RESOLVER_IPV4, RESOLVER_FOUND, "192.0.2.4");
	resolving_ask(r, &waits, "held.test", RESOLVER_ANY);
	resolving_until_asked(r, 3);
	resolving_ask(r, &known, "four.test", RESOLVER_IPV4);
	resolver_free(r->resolver);
	r->resolver = NULL;
	dns_server_release(r->dns);
	event_base_loop(r->base, EVLOOP_ONCE);
	assert_int_equal(waits.calls + known.calls, 0);
	resolver_free(NULL);
}

struct ender {
	struct resolving *r;
	int calls;
	struct lookup *others[3];
};

static void free_all(void *arg, const struct resolver_answer *answer)
{
	struct ender *ender = arg;

	ender->calls++;
	assert_int_equal(answer->status, RESOLVER_FOUND);
	resolver_free(ender->r->resolver);
	ender->r->resolver = NULL;
}

static void free_from_within_an_answer(void **state)
{
	struct resolving *r = *state;
	struct ender ender = {.r = r};

	resolving_start(r);
	for (int i = 0; i < 3; i++)
		ender.others[i] = resolver_ask(
		    r->resolver, i < 2 ? "held.test" : "both.test", RESOLVER_ANY, free_all, &ender);
	resolving_until_asked(r, 4);
	while (ender.calls == 0)
		event_base_loop(r->base, EVLOOP_ONCE);
	dns_server_release(r->dns);
	event_base_loop(r->base, EVLOOP_ONCE);
	assert_int_equal(ender.calls, 1);
}

/* The first that is told cancels the others and asks again. */
static void cancel_others(void *arg, const struct resolver_answer *answer)
{
	struct ender *ender = arg;

	assert_int_equal(answer->status, RESOLVER_FOUND);
	if (ender->calls++ > 0)
		return;
	resolver_cancel(ender->others[1]);
	resolver_cancel(ender->others[2]);
	ender->others[0] =
	    resolver_ask(ender->r->resolver, "held.test", RESOLVER_ANY, cancel_others, ender);
	assert_non_null(ender->others[0]);
	assert_int_equal(ender->calls, 1);
}

static void cancel_and_ask_from_within_an_answer(void **state)
{
	struct resolving *r = *state;
	struct ender ender = {.r = r};

	resolving_start(r);
	for (int i = 0; i < 3; i++)
		ender.others[i] =
		    resolver_ask(r->resolver, "held.test", RESOLVER_ANY, cancel_others, &ender);
	resolving_until_asked(r, 2);
	dns_server_release(r->dns);
	while (ender.calls < 2)
		event_base_loop(r->base, EVLOOP_ONCE);
	event_base_loop(r->base, EVLOOP_ONCE);
	assert_int_equal(ender.calls, 2);
	assert_int_equal(dns_server_queries(r->dns), 2);
}

/* --- names that need no server -----------------------------------------------------------------
 */

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

/* --- hosts -------------------------------------------------------------------------------------
 */

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

/* --- search list -------------------------------------------------------------------------------
 */

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

static void everything_is_counted(void **state)
{
	struct resolving *r = *state;
	struct resolver_counters counters;
	struct outcome outcome;

	resolving_start(r);
	resolve(r, "four.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.4");
	resolve(r, "four.test", RESOLVER_ANY, RESOLVER_FOUND, "192.0.2.4");
	resolving_ask(r, &outcome, "held2.test", RESOLVER_ANY);
	resolving_until_asked(r, 4);
	resolver_count(r->resolver, &counters);
	assert_int_equal(counters.asked, 3);
	assert_int_equal(counters.cached, 1);
	assert_int_equal(counters.queries, 4);
	assert_int_equal(counters.failed, 0);
	assert_int_equal(counters.timeouts, 0);
	assert_int_equal(counters.cache_names, 1);
	assert_int_equal(counters.in_flight, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_families_take_turns),
	    TEST(one_family_asks_one_question),
	    TEST(the_configuration_says_what_any_is),
	    TEST(an_alias_is_followed),
	    TEST(an_answer_is_asked_for_once),
	    TEST(an_alias_lives_as_long_as_its_shortest_part),
	    TEST(the_lifetime_is_clamped),
	    TEST(the_cache_is_bounded),
	    TEST(no_cache_is_no_cache),
	    TEST(many_wait_for_one_question),
	    TEST(a_question_without_waiters_fills_the_cache),
	    TEST(a_cancelled_question_that_was_not_sent_is_not_sent),
	    TEST(free_forgets_who_waits),
	    TEST(free_from_within_an_answer),
	    TEST(cancel_and_ask_from_within_an_answer),
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
	    TEST(everything_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
