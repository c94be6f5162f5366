/* SPDX-License-Identifier: ISC */
/* What clients and users may hold at once, and how fast they may come. */
#include "config.h"

#include "gateway/account.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct in6_addr at(const char *text)
{
	struct in6_addr a;

	assert_true(address_parse(&a, text, strlen(text)));
	return a;
}

static void nothing_limited_holds_nothing(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {0};
	const struct in6_addr a = at("192.0.2.1");
	struct holder *h;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(account_enter(account, &limits, &a, 0, &h), REASON_OK);
		assert_null(h);
		account_leave(account, h, false);
	}
	account_free(account);
}

static void sessions_per_client(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {.sessions_per_client = 2};
	const struct in6_addr a = at("192.0.2.1"), b = at("192.0.2.2");
	struct holder *one, *two, *three, *other;

	(void)state;
	assert_int_equal(account_enter(account, &limits, &a, 0, &one), REASON_OK);
	assert_int_equal(account_enter(account, &limits, &a, 0, &two), REASON_OK);
	assert_int_equal(account_enter(account, &limits, &a, 0, &three), REASON_LIMIT);
	assert_null(three);
	assert_int_equal(account_enter(account, &limits, &b, 0, &other), REASON_OK);
	account_leave(account, one, false);
	assert_int_equal(account_enter(account, &limits, &a, 0, &three), REASON_OK);
	account_leave(account, two, false);
	account_leave(account, three, false);
	account_leave(account, other, false);
	account_free(account);
}

static void ipv6_counts_by_64(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {.sessions_per_client = 1};
	const struct in6_addr a = at("2001:db8:0:1::1"), same = at("2001:db8:0:1:ffff::2"),
	                      other = at("2001:db8:0:2::1");
	struct holder *h, *h2;

	(void)state;
	assert_int_equal(account_enter(account, &limits, &a, 0, &h), REASON_OK);
	assert_int_equal(account_enter(account, &limits, &same, 0, &h2), REASON_LIMIT);
	assert_int_equal(account_enter(account, &limits, &other, 0, &h2), REASON_OK);
	account_leave(account, h, false);
	account_leave(account, h2, false);
	account_free(account);
}

static void handshakes_count_until_served(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {.handshakes_per_client = 1};
	struct holder *one, *two;

	(void)state;
	assert_int_equal(account_enter(account, &limits, NULL, 0, &one), REASON_OK);
	assert_int_equal(account_enter(account, &limits, NULL, 0, &two), REASON_LIMIT);
	account_served(account, one);
	assert_int_equal(account_enter(account, &limits, NULL, 0, &two), REASON_OK);
	account_leave(account, one, true);
	account_leave(account, two, false);
	account_free(account);
}

static void rate_comes_back_with_time(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {.rate_per_client = 2};
	const struct in6_addr a = at("192.0.2.1");
	struct holder *h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(account_enter(account, &limits, &a, 1000, &h), REASON_OK);
		account_leave(account, h, false);
	}
	assert_int_equal(account_enter(account, &limits, &a, 1000, &h), REASON_LIMIT);
	assert_int_equal(account_enter(account, &limits, &a, 1499, &h), REASON_LIMIT);
	assert_int_equal(account_enter(account, &limits, &a, 1501, &h), REASON_OK);
	account_leave(account, h, false);
	assert_int_equal(account_enter(account, &limits, &a, 1501, &h), REASON_LIMIT);
	account_free(account);
}

/* A rate keeps an entry alive; entries whose tokens are back are forgotten as others come. */
static void rates_are_forgotten(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {.rate_per_client = 1};
	struct holder *h;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		const struct in6_addr a = address_from_ipv4(htonl(0x0a000000 + i));

		assert_int_equal(
		    account_enter(account, &limits, &a, (int64_t)i * 10, &h), REASON_OK);
		account_leave(account, h, false);
	}
	account_free(account);
}

static void sessions_per_user(void **state)
{
	struct account *account = account_new();
	const struct limits limits = {.sessions_per_user = 1};
	struct holder *one, *two;
	char longest[300];

	(void)state;
	assert_int_equal(account_login(account, &limits, "alice", &one), REASON_OK);
	assert_int_equal(account_login(account, &limits, "alice", &two), REASON_LIMIT);
	assert_int_equal(account_login(account, &limits, "bob", &two), REASON_OK);
	account_leave(account, two, true);
	account_leave(account, one, true);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(account_login(account, &limits, longest, &one), REASON_OK);
	account_leave(account, one, true);
	account_leave(account, NULL, true);
	account_free(account);
}

static void logins_count_by_address_and_uid(void **state)
{
	static const struct times one = {1, 1000}, off = {0};
	struct account *account = account_new();
	const struct in6_addr a = at("2001:db8:0:1::1"), same = at("2001:db8:0:1::2"),
	                      b = at("192.0.2.1");
	struct login login = {.most = &one, .address = &a};
	struct holder *h, *h2;
	int64_t delay;

	(void)state;
	assert_int_equal(account_attempt(account, &login, &h), BACKOFF_CHECK);
	assert_true(account_failed(account, h, &login, &delay));
	assert_int_equal(delay, 100);
	login.address = &same;
	assert_int_equal(account_attempt(account, &login, &h), BACKOFF_LOCKED);
	assert_null(h);
	login.most = &off;
	assert_int_equal(account_attempt(account, &login, &h), BACKOFF_CHECK);
	assert_null(h);
	assert_false(account_failed(account, h, &login, &delay));
	assert_int_equal(delay, 0);
	account_attempted(account, h, true);
	login.most = &one;
	login.address = &b;
	assert_int_equal(account_attempt(account, &login, &h), BACKOFF_CHECK);
	login.address = NULL;
	login.uid = 1000;
	assert_int_equal(account_attempt(account, &login, &h2), BACKOFF_CHECK);
	account_attempted(account, h2, false);
	account_attempted(account, h, true);
	assert_int_equal(account_attempt(account, &login, &h), BACKOFF_CHECK);
	account_failed(account, h, &login, &delay);
	login.uid = 1001;
	assert_int_equal(account_attempt(account, &login, &h), BACKOFF_CHECK);
	login.uid = 1000;
	assert_int_equal(account_attempt(account, &login, &h2), BACKOFF_LOCKED);
	account_free(account);
}

/* Guessers from ever new addresses are forgotten once their failures count no more. */
static void guessers_are_forgotten(void **state)
{
	static const struct times ten = {10, 1000};
	struct account *account = account_new();
	struct holder *h;
	int64_t delay;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		const struct in6_addr a = address_from_ipv4(htonl(0x0a000000 + i));
		const struct login login = {.most = &ten, .address = &a, .now_ms = i / 10};

		assert_int_equal(account_attempt(account, &login, &h), BACKOFF_CHECK);
		account_failed(account, h, &login, &delay);
	}
	account_free(account);
}

static void *hammer(void *arg)
{
	struct account *account = arg;
	const struct limits limits = {.sessions_per_client = 3, .rate_per_client = 1e6};

	for (uint32_t i = 0; i < 20000; i++) {
		const struct in6_addr a = address_from_ipv4(htonl(0x0a000000 + i % 100));
		struct holder *h;

		if (account_enter(account, &limits, &a, 0, &h) == REASON_OK) {
			account_served(account, h);
			account_leave(account, h, true);
		}
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct account *account = account_new();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, account), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	account_free(account);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_limited_holds_nothing),
	    cmocka_unit_test(sessions_per_client),
	    cmocka_unit_test(ipv6_counts_by_64),
	    cmocka_unit_test(handshakes_count_until_served),
	    cmocka_unit_test(rate_comes_back_with_time),
	    cmocka_unit_test(rates_are_forgotten),
	    cmocka_unit_test(sessions_per_user),
	    cmocka_unit_test(logins_count_by_address_and_uid),
	    cmocka_unit_test(guessers_are_forgotten),
	    cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
