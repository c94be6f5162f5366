/* SPDX-License-Identifier: ISC */
/* The cache under a clock of the test's own; records, their order, and the hash. */
#include "config.h"

#include "resolver/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "resolver/hash.h"

static struct resolver_records *records_of(unsigned char last)
{
	struct in6_addr address = {{{[15] = last}}};
	struct resolver_records *records = resolver_records_new(RESOLVER_FOUND, &address, 1);

	assert_non_null(records);
	return records;
}

static void put(struct resolver_cache *cache, const char *name, enum resolver_kind kind,
    unsigned char last, int64_t until_ms)
{
	struct resolver_records *records = records_of(last);

	resolver_cache_put(cache, name, kind, records, until_ms);
	resolver_records_unref(records);
}

/* The last byte of the address that is known, or -1. */
static int find(
    struct resolver_cache *cache, const char *name, enum resolver_kind kind, int64_t now_ms)
{
	const struct resolver_records *records = resolver_cache_find(cache, name, kind, now_ms);

	return records == NULL ? -1 : records->addresses[0].s6_addr[15];
}

static void kinds_are_kept_apart(void **state)
{
	struct resolver_cache *cache = resolver_cache_new(10);

	(void)state;
	put(cache, "a.test", RESOLVER_A, 1, 100);
	assert_int_equal(find(cache, "a.test", RESOLVER_AAAA, 0), -1);
	put(cache, "a.test", RESOLVER_AAAA, 2, 100);
	assert_int_equal(find(cache, "a.test", RESOLVER_A, 0), 1);
	assert_int_equal(find(cache, "a.test", RESOLVER_AAAA, 0), 2);
	assert_int_equal(find(cache, "b.test", RESOLVER_A, 0), -1);
	assert_int_equal(resolver_cache_count(cache), 1);
	resolver_cache_free(cache);
}

static void records_expire(void **state)
{
	struct resolver_cache *cache = resolver_cache_new(10);

	(void)state;
	put(cache, "a.test", RESOLVER_A, 1, 100);
	assert_int_equal(find(cache, "a.test", RESOLVER_A, 99), 1);
	assert_int_equal(find(cache, "a.test", RESOLVER_A, 100), -1);
	put(cache, "a.test", RESOLVER_A, 2, 200);
	assert_int_equal(find(cache, "a.test", RESOLVER_A, 100), 2);
	assert_int_equal(resolver_cache_count(cache), 1);
	resolver_cache_free(cache);
}

static void the_least_recently_used_goes(void **state)
{
	struct resolver_cache *cache = resolver_cache_new(3);

	(void)state;
	put(cache, "a.test", RESOLVER_A, 1, 100);
	put(cache, "b.test", RESOLVER_A, 2, 100);
	put(cache, "c.test", RESOLVER_A, 3, 100);
	find(cache, "a.test", RESOLVER_A, 0);
	put(cache, "b.test", RESOLVER_AAAA, 4, 100);
	put(cache, "d.test", RESOLVER_A, 5, 100);
	assert_int_equal(find(cache, "c.test", RESOLVER_A, 0), -1);
	assert_int_equal(find(cache, "a.test", RESOLVER_A, 0), 1);
	assert_int_equal(find(cache, "b.test", RESOLVER_A, 0), 2);
	assert_int_equal(find(cache, "d.test", RESOLVER_A, 0), 5);
	assert_int_equal(resolver_cache_count(cache), 3);
	resolver_cache_free(cache);
}

static void many_names_stay_bounded(void **state)
{
	struct resolver_cache *cache = resolver_cache_new(1000);
	char name[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "h%d.test", i);
		put(cache, name, RESOLVER_A, (unsigned char)i, 100);
	}
	assert_int_equal(resolver_cache_count(cache), 1000);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "h%d.test", i);
		assert_int_equal(
		    find(cache, name, RESOLVER_A, 0), i < 19000 ? -1 : (unsigned char)i);
	}
	resolver_cache_free(cache);
}

static void none_is_none(void **state)
{
	struct resolver_cache *cache = resolver_cache_new(0);

	(void)state;
	put(cache, "a.test", RESOLVER_A, 1, 100);
	assert_int_equal(find(cache, "a.test", RESOLVER_A, 0), -1);
	assert_int_equal(resolver_cache_count(cache), 0);
	resolver_cache_free(cache);
	resolver_cache_free(NULL);
}

/* Who holds a reference keeps what the cache has let go. */
static void references_outlive_the_cache(void **state)
{
	struct resolver_cache *cache = resolver_cache_new(1);
	struct resolver_records *kept;

	(void)state;
	put(cache, "a.test", RESOLVER_A, 1, 100);
	kept = resolver_records_ref(resolver_cache_find(cache, "a.test", RESOLVER_A, 0));
	put(cache, "b.test", RESOLVER_A, 2, 100);
	resolver_cache_free(cache);
	assert_int_equal(kept->addresses[0].s6_addr[15], 1);
	resolver_records_unref(kept);
}

static void merging_is_bounded(void **state)
{
	struct in6_addr many[RESOLVER_ADDRESSES_MAX + 8] = {0}, out[RESOLVER_ADDRESSES_MAX];
	struct resolver_records *a, *b = records_of(200);

	(void)state;
	for (unsigned i = 0; i < RESOLVER_ADDRESSES_MAX + 8; i++)
		many[i].s6_addr[15] = (unsigned char)i;
	a = resolver_records_new(RESOLVER_FOUND, many, RESOLVER_ADDRESSES_MAX + 8);
	assert_int_equal(a->count, RESOLVER_ADDRESSES_MAX);
	assert_int_equal(resolver_records_merge(out, a, b), RESOLVER_ADDRESSES_MAX);
	assert_int_equal(out[0].s6_addr[15], 0);
	assert_int_equal(out[1].s6_addr[15], 200);
	assert_int_equal(out[RESOLVER_ADDRESSES_MAX - 1].s6_addr[15], RESOLVER_ADDRESSES_MAX - 2);
	assert_int_equal(resolver_records_merge(out, NULL, b), 1);
	assert_int_equal(resolver_records_merge(out, NULL, NULL), 0);
	resolver_records_unref(a);
	resolver_records_unref(b);
}

static void two_answers_are_one(void **state)
{
	static const enum resolver_status order[] = {RESOLVER_NOT_FOUND, RESOLVER_NO_ADDRESS,
	    RESOLVER_TIMEOUT, RESOLVER_FAILED, RESOLVER_FOUND};

	(void)state;
	for (int i = 0; i < 5; i++)
		for (int j = 0; j < 5; j++)
			assert_int_equal(
			    resolver_status_join(order[i], order[j]), order[i > j ? i : j]);
	assert_int_equal(resolver_records_status(NULL), RESOLVER_FAILED);
}

/* The first values of the authors' own table. */
static void the_hash_is_siphash(void **state)
{
	static const uint64_t expected[] = {UINT64_C(0x726fdb47dd0e0e31),
	    UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
	    UINT64_C(0x85676696d7fb7e2d)};
	struct resolver_hash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	unsigned char data[15];

	(void)state;
	for (unsigned char i = 0; i < sizeof(data); i++)
		data[i] = i;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_true(resolver_hash(&key, data, i) == expected[i]);
	assert_true(resolver_hash(&key, data, 15) == UINT64_C(0xa129ca6149be45e5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_are_kept_apart),
	    cmocka_unit_test(records_expire),
	    cmocka_unit_test(the_least_recently_used_goes),
	    cmocka_unit_test(many_names_stay_bounded),
	    cmocka_unit_test(none_is_none),
	    cmocka_unit_test(references_outlive_the_cache),
	    cmocka_unit_test(merging_is_bounded),
	    cmocka_unit_test(two_answers_are_one),
	    cmocka_unit_test(the_hash_is_siphash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
