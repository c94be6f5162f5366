/* SPDX-License-Identifier: ISC */
/* Hits, expiry, what is forgotten, and who goes when it is full. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "auth/cache.h"

#define MAX 4

static struct cache *cache;

static int setup(void **unused)
{
	(void)unused;
	cache = cache_new(MAX);
	return cache != NULL ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	cache_free(cache);
	return 0;
}

/* `users`, of those blocks. */
static struct message question_of(const char *user, uint16_t first, uint16_t second)
{
	struct message question = {.kind = MESSAGE_ASK,
	    .block_count = 2,
	    .blocks = {first, second},
	    .user_length = (uint16_t)strlen(user),
	    .password_length = 6,
	    .password = "secret"};

	strcpy(question.user, user);
	return question;
}

static struct cache_key key_of(const char *user, uint16_t first, uint16_t second)
{
	const struct message question = question_of(user, first, second);
	struct cache_key key;

	assert_true(cache_key(cache, &question, &key));
	return key;
}

static void put(const char *user, uint16_t first, uint16_t second, uint32_t keep_ms, int64_t now_ms)
{
	const struct cache_key key = key_of(user, first, second);
	struct message answer = {.keep_ms = keep_ms, .block = second};

	answer.user_length =
	    (uint16_t)snprintf(answer.user, sizeof(answer.user), "%s.canonical", user);
	cache_put(cache, &key, &answer, now_ms);
}

static bool has(const char *user, uint16_t first, uint16_t second, int64_t now_ms)
{
	const struct cache_key key = key_of(user, first, second);
	struct cached found;
	char name[64];

	if (!cache_find(cache, &key, now_ms, &found))
		return false;
	snprintf(name, sizeof(name), "%s.canonical", user);
	assert_string_equal(found.user, name);
	assert_int_equal(found.block, second);
	return true;
}

static void test_expiry(void **unused)
{
	(void)unused;
	assert_false(has("alice", 0, 1, 0));
	put("alice", 0, 1, 1000, 5000);
	assert_true(has("alice", 0, 1, 5000));
	assert_true(has("alice", 0, 1, 5999)); /* being asked for makes it no younger */
	assert_false(has("alice", 0, 1, 6000));
	assert_int_equal(cache_count(cache), 0);
	put("alice", 0, 1, 1000, 6000);
	put("alice", 0, 1, 0, 6500); /* the last answer was for once */
	assert_false(has("alice", 0, 1, 6500));
	put("alice", 0, 1, 1000, 7000);
	put("alice", 0, 1, 5000, 7500);
	assert_int_equal(cache_count(cache), 1);
	assert_true(has("alice", 0, 1, 12000));
}

/* Any other blocks, user, password or address is another question; its id and deadline are not. */
static void test_keys(void **unused)
{
	const struct message asked = question_of("alice", 0, 1);
	struct message others[8];
	struct cache_key key, other;
	struct cache *stranger = cache_new(MAX);

	(void)unused;
	for (int i = 0; i < 8; i++)
		others[i] = asked;
	others[0].blocks[1] = 2;
	others[1].block_count = 1;
	others[2].user[0] = 'A';
	others[3].password[5] = 'T';
	others[4].user_length = 6; /* the same bytes, cut elsewhere */
	others[4].user[5] = 's';
	others[4].password_length = 5;
	strcpy(others[4].password, "ecret");
	others[5].rhost_length = 1;
	others[5].rhost[0] = '1';
	others[6].id = 7;
	others[7].deadline_ms = 8;
	assert_true(cache_key(cache, &asked, &key));
	for (int i = 0; i < 8; i++) {
		assert_true(cache_key(cache, &others[i], &other));
		assert_int_equal(memcmp(key.digest, other.digest, CACHE_DIGEST) == 0, i >= 6);
	}
	assert_true(cache_key(stranger, &asked, &other)); /* a key of its own */
	assert_memory_not_equal(key.digest, other.digest, CACHE_DIGEST);
	cache_free(stranger);
}

static void test_forget(void **unused)
{
	(void)unused;
	put("alice", 0, 1, 1000, 0);
	put("bob", 2, 1, 1000, 0);
	put("carol", 2, 3, 1000, 0);
	cache_forget(cache, 4);
	assert_int_equal(cache_count(cache), 3);
	cache_forget(cache, 0); /* asked, but another block let her in */
	assert_false(has("alice", 0, 1, 0));
	assert_true(has("bob", 2, 1, 0));
	cache_forget(cache, 1);
	assert_false(has("bob", 2, 1, 0));
	assert_true(has("carol", 2, 3, 0));
	cache_forget(cache, MESSAGE_ALL_BLOCKS);
	assert_int_equal(cache_count(cache), 0);
}

static void test_eviction(void **unused)
{
	(void)unused;
	put("a", 0, 1, 1000, 0);
	put("b", 0, 1, 1000, 0);
	put("c", 0, 1, 1000, 0);
	put("d", 0, 1, 1000, 0);
	assert_true(has("a", 0, 1, 0));
	put("e", 0, 1, 1000, 0);
	assert_int_equal(cache_count(cache), MAX);
	assert_false(has("b", 0, 1, 0));
	assert_true(has("a", 0, 1, 0));
	assert_true(has("c", 0, 1, 0));
	assert_true(has("e", 0, 1, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_expiry),
	    TEST(test_keys),
	    TEST(test_forget),
	    TEST(test_eviction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
