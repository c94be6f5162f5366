/* SPDX-License-Identifier: ISC */
/* Idle connections to origins: who may use which, and when they go. */
#include "config.h"

#include "gateway/http_pool.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/rig.h"

#define MAX 6
#define MAX_EACH 4
#define MANY 200
#define LONG_MS 60000

struct basin {
	struct rig rig;
	struct http_pool *pool;
	struct http_pool_key key;
	int origins[MANY]; /* their ends of the connections, in the order they were made */
	int count;
	int waits_for; /* an origin */
	unsigned left; /* how many connections are expected to be left in the pool */
	int events;    /* told to a taken stream's next user */
};

/* --- the basin ------------------------------------------------------------------------------- */

static void start(struct basin *b, unsigned max, unsigned max_each)
{
	const struct http_pool_plan plan = {.loop = &b->rig.loop, .max = max, .max_each = max_each};

	http_pool_free(b->pool);
	b->pool = http_pool_new(&plan);
	assert_non_null(b->pool);
}

static int setup(void **state)
{
	struct basin *b = calloc(1, sizeof *b);

	rig_setup(&b->rig);
	start(b, MAX, MAX_EACH);
	b->key.conf = b;
	b->key.row = (struct place){.file = "routes", .line = 7};
	b->key.target.port = 80;
	assert_null(host_parse(&b->key.target.host, "origin.example", 14));
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct basin *b = *state;

	http_pool_free(b->pool);
	for (int i = 0; i < b->count; i++)
		if (b->origins[i] >= 0)
			close(b->origins[i]);
	rig_teardown(&b->rig);
	free(b);
	return 0;
}

/* A connection to 192.0.2.N, N being the number of its origin, that has carried N requests. */
static struct http_kept connection(struct basin *b)
{
	struct http_kept kept = {
	    .peer = {.address = address_from_ipv4(htonl(0xc0000200U + (unsigned)b->count)),
	        .port = 80},
	    .bound = {.port = (uint16_t)(1000 + b->count)},
	    .requests = (unsigned)b->count,
	};
	int fds[2];

	rig_pair(fds);
	b->origins[b->count++] = fds[1];
	kept.stream = stream_new(&b->rig.loop, fds[0]);
	assert_non_null(kept.stream);
	return kept;
}

static void give(struct basin *b, int64_t idle_ms)
{
	const struct http_kept kept = connection(b);

	http_pool_give(b->pool, &b->key, &kept, idle_ms);
}

/* The number of the origin, or -1; the connection is closed. */
static int take(struct basin *b)
{
	struct http_kept kept;

	if (!http_pool_take(b->pool, &b->key, NULL, 0, &kept))
		return -1;
	assert_int_equal(kept.bound.port, 1000 + kept.requests);
	stream_free(kept.stream);
	return (int)kept.requests;
}

static bool closed(void *arg)
{
	struct basin *b = arg;
	uint8_t byte;
	ssize_t n = recv(b->origins[b->waits_for], &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void check_closed(struct basin *b, int origin)
{
	b->waits_for = origin;
	rig_run(&b->rig, closed, b);
}

static bool emptied(void *arg)
{
	struct basin *b = arg;

	return http_pool_count(b->pool) == b->left;
}

/* --- reuse ----------------------------------------------------------------------------------- */

static void test_the_one_used_last(void **state)
{
	struct basin *b = *state;

	assert_int_equal(take(b), -1);
	for (int i = 0; i < 3; i++)
		give(b, LONG_MS);
	assert_int_equal(http_pool_count(b->pool), 3);
	assert_int_equal(take(b), 2);
	assert_int_equal(take(b), 1);
	give(b, LONG_MS);
	assert_int_equal(take(b), 3);
	assert_int_equal(take(b), 0);
	assert_int_equal(take(b), -1);
	assert_int_equal(http_pool_count(b->pool), 0);
}

/* Whatever differs, it is another connection's; the same hops in another list do not. */
static void test_all_must_be_equal(void **state)
{
	static const struct hop first, second;
	static const struct hop *const one[] = {&first}, *const other[] = {&second},
	                               *const both[] = {&first, &second},
	                               *const equal[] = {&first, &second};
	struct basin *b = *state;
	const struct http_pool_key plain = b->key;
	struct http_pool_key keys[13];
	size_t n = 0;

	for (size_t i = 0; i < 13; i++)
		keys[i] = plain;
	keys[n++].conf = &first;
	keys[n++].row.file = "elsewhere";
	keys[n++].row.line = 8;
	keys[n].hops = one, keys[n++].hop_count = 1;
	keys[n].hops = other, keys[n++].hop_count = 1;
	keys[n].hops = both, keys[n++].hop_count = 2;
	keys[n++].target.port = 8080;
	host_parse(&keys[n++].target.host, "origin.example.org", 18);
	host_parse(&keys[n++].target.host, "192.0.2.1", 9);
	keys[n++].arrived = (struct endpoint){.port = 3128};
	keys[n++].owner = 5;
	keys[n].addresses = &in6addr_loopback, keys[n++].address_count = 1;
	keys[n++].target = (struct target){.port = 0};
	for (size_t i = 0; i < n; i++) {
		b->key = keys[i];
		give(b, LONG_MS);
		for (size_t k = 0; k < n; k++) {
			b->key = keys[k];
			if (k != i)
				assert_int_equal(take(b), -1);
		}
		b->key = plain;
		assert_int_equal(take(b), -1);
		b->key = keys[i];
		if (b->key.hops == both)
			b->key.hops = equal;
		assert_int_equal(take(b), (int)i);
	}
}

static void test_where_the_client_came_to(void **state)
{
	struct basin *b = *state;

	b->key.arrived = (struct endpoint){.address = address_from_ipv4(htonl(0x7f000001))};
	give(b, LONG_MS);
	b->key.arrived = (struct endpoint){.port = 0}; /* does not matter */
	assert_int_equal(take(b), 0);
	b->key.arrived = (struct endpoint){.address = in6addr_loopback, .port = 3128};
	give(b, LONG_MS);
	b->key.arrived.address = address_from_ipv4(htonl(0x7f000001));
	assert_int_equal(take(b), -1);
	b->key.arrived.address = in6addr_loopback;
	b->key.arrived.scope = 2;
	assert_int_equal(take(b), -1);
	b->key.arrived.scope = 0;
	assert_int_equal(take(b), 1);
}

/* A name may have moved, and the request may be forbidden where it pointed to before. */
static void test_peers_that_may_be_reached(void **state)
{
	struct basin *b = *state;
	struct in6_addr addresses[] = {
	    address_from_ipv4(htonl(0xc0000277)), address_from_ipv4(htonl(0xc0000201))};
	struct http_kept kept;

	for (int i = 0; i < 3; i++)
		give(b, LONG_MS);
	assert_true(http_pool_take(b->pool, &b->key, addresses, 2, &kept));
	assert_int_equal(kept.requests, 1);
	stream_free(kept.stream);
	assert_false(http_pool_take(b->pool, &b->key, addresses, 2, &kept));
	assert_int_equal(take(b), 2);
	assert_int_equal(take(b), 0);
}

static void name_host(struct basin *b, int i)
{
	char name[32];
	int n = snprintf(name, sizeof name, "host-%d.example", i);

	assert_null(host_parse(&b->key.target.host, name, (size_t)n));
}

static void test_many_targets(void **state)
{
	struct basin *b = *state;

	start(b, MANY, 1);
	for (int i = 0; i < MANY; i++) {
		name_host(b, i);
		give(b, LONG_MS);
	}
	assert_int_equal(http_pool_count(b->pool), MANY);
	for (int i = 0; i < MANY; i++) {
		int at = i * 77 % MANY; /* another order */

		name_host(b, at);
		assert_int_equal(take(b), at);
		assert_int_equal(take(b), -1);
	}
}

static void told(void *arg, int events)
{
	((struct basin *)arg)->events |= events;
}

static bool was_told(void *arg)
{
	return ((struct basin *)arg)->events != 0;
}

/* What comes before its next user listens is not lost, nor does it close the connection. */
static void test_the_next_user(void **state)
{
	struct basin *b = *state;
	struct http_kept kept;
	char bytes[8];

	give(b, LONG_MS);
	rig_pass(&b->rig, 10);
	assert_true(http_pool_take(b->pool, &b->key, NULL, 0, &kept));
	assert_int_equal(send(b->origins[0], "early", 5, 0), 5);
	rig_pass(&b->rig, 10);
	stream_handler(kept.stream, told, b);
	stream_want(kept.stream, STREAM_READ);
	rig_run(&b->rig, was_told, b);
	assert_int_equal(stream_read(kept.stream, bytes, sizeof bytes), 5);
	stream_want(kept.stream, 0);
	http_pool_give(b->pool, &b->key, &kept, LONG_MS);
	assert_int_equal(take(b), 0);
}

/* --- going ----------------------------------------------------------------------------------- */

static void test_idle_for_too_long(void **state)
{
	struct basin *b = *state;
	int64_t given = loop_now();

	give(b, LONG_MS);
	give(b, 100);
	assert_int_equal(http_pool_count(b->pool), 2);
	while (loop_now() < given + 120)
		rig_pass(&b->rig, 5);
	assert_int_equal(take(b), 0); /* though it was not the last */
	check_closed(b, 1);
	assert_in_range(loop_now() - given, 100, 5000);
	assert_int_equal(http_pool_count(b->pool), 0);
}

/* The timer goes on for those that are due later. */
static void test_idle_one_after_the_other(void **state)
{
	struct basin *b = *state;

	give(b, 900);
	give(b, 1500);
	give(b, 50);
	check_closed(b, 2);
	assert_int_equal(http_pool_count(b->pool), 2);
	check_closed(b, 0);
	assert_int_equal(http_pool_count(b->pool), 1);
	check_closed(b, 1);
	assert_int_equal(http_pool_count(b->pool), 0);
	give(b, 50);
	check_closed(b, 3);
}

static void test_origin_ends(void **state)
{
	struct basin *b = *state;

	give(b, LONG_MS);
	give(b, LONG_MS);
	shutdown(b->origins[1], SHUT_WR);
	b->left = 1;
	rig_run(&b->rig, emptied, b);
	check_closed(b, 1);
	assert_int_equal(take(b), 0);
}

static void test_origin_resets(void **state)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	struct basin *b = *state;

	give(b, LONG_MS);
	setsockopt(b->origins[0], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(b->origins[0]);
	b->origins[0] = -1;
	rig_run(&b->rig, emptied, b);
	assert_int_equal(take(b), -1);
}

/* Nobody asked: whoever used the connection next would take it for its response. */
static void test_origin_speaks_first(void **state)
{
	struct basin *b = *state;

	give(b, LONG_MS);
	assert_int_equal(send(b->origins[0], "HTTP/1.1 408 ", 13, 0), 13);
	rig_run(&b->rig, emptied, b);
	check_closed(b, 0);
	assert_int_equal(take(b), -1);
}

/* The same, but it has been read already; a layer holds it. */
static void test_something_is_left_over(void **state)
{
	struct basin *b = *state;
	struct http_kept kept = connection(b);

	assert_int_equal(stream_unread(kept.stream, "x", 1), 0);
	http_pool_give(b->pool, &b->key, &kept, LONG_MS);
	rig_run(&b->rig, emptied, b);
	check_closed(b, 0);
}

static void test_the_oldest_gives_way(void **state)
{
	struct basin *b = *state;

	for (int i = 0; i < MAX + 2; i++) {
		b->key.target.port = (uint16_t)(80 + i);
		give(b, LONG_MS);
		if (i == 2) { /* used, so it is not the oldest any more */
			struct http_kept kept;

			b->key.target.port = 80;
			assert_true(http_pool_take(b->pool, &b->key, NULL, 0, &kept));
			http_pool_give(b->pool, &b->key, &kept, LONG_MS);
		}
	}
	assert_int_equal(http_pool_count(b->pool), MAX);
	check_closed(b, 1);
	check_closed(b, 2);
	for (int i = 0; i < MAX + 2; i++) {
		b->key.target.port = (uint16_t)(80 + i);
		assert_int_equal(take(b), i == 1 || i == 2 ? -1 : i);
	}
}

static void test_the_oldest_of_its_key_gives_way(void **state)
{
	struct basin *b = *state;

	b->key.target.port = 443;
	give(b, LONG_MS);
	b->key.target.port = 80;
	for (int i = 0; i < MAX_EACH + 1; i++)
		give(b, LONG_MS);
	check_closed(b, 1);
	assert_int_equal(http_pool_count(b->pool), MAX_EACH + 1);
	for (int i = MAX_EACH + 1; i > 1; i--)
		assert_int_equal(take(b), i);
	assert_int_equal(take(b), -1);
}

static void test_one_gives_way_to_a_new_one(void **state)
{
	struct basin *b = *state;

	give(b, LONG_MS);
	give(b, LONG_MS);
	http_pool_yield(b->pool, &b->key);
	check_closed(b, 0);
	assert_int_equal(take(b), 1);
}

static void test_no_room_at_all(void **state)
{
	struct basin *b = *state;

	start(b, 0, 1);
	give(b, LONG_MS);
	check_closed(b, 0);
	start(b, 1, 0);
	give(b, LONG_MS);
	check_closed(b, 1);
	assert_int_equal(http_pool_count(b->pool), 0);
}

static void test_the_owner_has_gone(void **state)
{
	struct basin *b = *state;

	give(b, LONG_MS);
	b->key.owner = 7;
	give(b, LONG_MS);
	give(b, LONG_MS);
	b->key.owner = 8;
	give(b, LONG_MS);
	http_pool_forget(b->pool, 7);
	check_closed(b, 1);
	check_closed(b, 2);
	assert_int_equal(http_pool_count(b->pool), 2);
	assert_int_equal(take(b), 3);
	b->key.owner = 7;
	assert_int_equal(take(b), -1);
	b->key.owner = 0;
	assert_int_equal(take(b), 0);
}

static void test_freed(void **state)
{
	struct basin *b = *state;

	give(b, LONG_MS);
	give(b, 50);
	http_pool_free(b->pool);
	b->pool = NULL;
	check_closed(b, 0);
	check_closed(b, 1);
	http_pool_free(NULL);
}

#define POOL(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    POOL(the_one_used_last),
	    POOL(all_must_be_equal),
	    POOL(where_the_client_came_to),
	    POOL(peers_that_may_be_reached),
	    POOL(many_targets),
	    POOL(the_next_user),
	    POOL(idle_for_too_long),
	    POOL(idle_one_after_the_other),
	    POOL(origin_ends),
	    POOL(origin_resets),
	    POOL(origin_speaks_first),
	    POOL(something_is_left_over),
	    POOL(the_oldest_gives_way),
	    POOL(the_oldest_of_its_key_gives_way),
	    POOL(one_gives_way_to_a_new_one),
	    POOL(no_room_at_all),
	    POOL(the_owner_has_gone),
	    POOL(freed),
	};

	return cmocka_run_group_tests_name("http_pool", tests, NULL, NULL);
}
