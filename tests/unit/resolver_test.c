/* SPDX-License-Identifier: ISC */
/* What a look-up finds, in which order, and how often a server is asked for it. */
#include "config.h"

#include "resolver/resolver.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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
    {0},
};

/* --- families and order --- */

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

/* --- cache --- */

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

/* --- who waits --- */

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

#define TEST(name) RESOLVING_TEST(name, rows)

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
	    TEST(everything_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
