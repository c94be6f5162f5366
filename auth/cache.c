/* SPDX-License-Identifier: ISC */
/* A hash table with the most recently used first.  The key is a keyed hash: nobody aims at it. */
#include "config.h"

#include "auth/cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct kept {
	LIST_ENTRY(kept) chain;
	TAILQ_ENTRY(kept) recent;
	struct cache_key key;
	int64_t until_ms;
	uint16_t block;
	char user[];
};

LIST_HEAD(chain, kept);
TAILQ_HEAD(recent, kept);

struct cache {
	EVP_MAC_CTX *mac; /* with the key */
	struct recent recent;
	size_t count, max;
	struct chain chains[]; /* max of them */
};

static EVP_MAC_CTX *make_mac(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
	    OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
	uint8_t key[CACHE_DIGEST];

	EVP_MAC_free(hmac);
	if (mac != NULL && RAND_bytes(key, sizeof(key)) == 1 &&
	    EVP_MAC_init(mac, key, sizeof(key), parameters) == 1) {
		OPENSSL_cleanse(key, sizeof(key));
		return mac;
	}
	EVP_MAC_CTX_free(mac);
	return NULL;
}

struct cache *cache_new(size_t max)
{
	struct cache *cache = calloc(1, sizeof(*cache) + max * sizeof(cache->chains[0]));

	if (cache == NULL)
		return NULL;
	cache->mac = make_mac();
	if (cache->mac == NULL) {
		free(cache);
		return NULL;
	}
	cache->max = max;
	TAILQ_INIT(&cache->recent);
	return cache;
}

static void drop(struct cache *cache, struct kept *kept)
{
	LIST_REMOVE(kept, chain);
	TAILQ_REMOVE(&cache->recent, kept, recent);
	cache->count--;
	free(kept);
}

void cache_free(struct cache *cache)
{
	if (cache == NULL)
		return;
	cache_forget(cache, MESSAGE_ALL_BLOCKS);
	EVP_MAC_CTX_free(cache->mac);
	free(cache);
}

bool cache_key(struct cache *cache, const struct message *question, struct cache_key *key)
{
	struct message asked = *question;
	uint8_t bytes[MESSAGE_MAX];
	size_t length;
	bool good;

	asked.id = 0;
	asked.deadline_ms = 0;
	length = message_write(bytes, &asked); /* texts with their lengths: one reading only */
	good = EVP_MAC_init(cache->mac, NULL, 0, NULL) == 1 &&
	    EVP_MAC_update(cache->mac, bytes, length) == 1 &&
	    EVP_MAC_final(cache->mac, key->digest, NULL, sizeof(key->digest)) == 1;
	key->block_count = question->block_count;
	memcpy(key->blocks, question->blocks, sizeof(key->blocks));
	OPENSSL_cleanse(bytes, length);
	OPENSSL_cleanse(&asked, sizeof(asked));
	return good;
}

static struct chain *chain_of(struct cache *cache, const struct cache_key *key)
{
	uint64_t hash;

	memcpy(&hash, key->digest, sizeof(hash));
	return &cache->chains[hash % cache->max];
}

static struct kept *find(struct cache *cache, const struct cache_key *key)
{
	struct kept *kept;

	LIST_FOREACH(kept, chain_of(cache, key), chain)
	if (CRYPTO_memcmp(kept->key.digest, key->digest, CACHE_DIGEST) == 0)
		break;
	return kept;
}

bool cache_find(
    struct cache *cache, const struct cache_key *key, int64_t now_ms, struct cached *found)
{
	struct kept *kept = find(cache, key);

	if (kept == NULL)
		return false;
	if (now_ms >= kept->until_ms) {
		drop(cache, kept);
		return false;
	}
	TAILQ_REMOVE(&cache->recent, kept, recent);
	TAILQ_INSERT_HEAD(&cache->recent, kept, recent);
	*found = (struct cached){.block = kept->block, .user = kept->user};
	return true;
}

void cache_put(
    struct cache *cache, const struct cache_key *key, const struct message *answer, int64_t now_ms)
{
	struct kept *kept = find(cache, key);

	if (kept != NULL)
		drop(cache, kept);
	if (answer->keep_ms == 0)
		return;
	kept = malloc(sizeof(*kept) + answer->user_length + 1u);
	if (kept == NULL)
		return;
	if (cache->count == cache->max)
		drop(cache, TAILQ_LAST(&cache->recent, recent));
	kept->key = *key;
	kept->until_ms = now_ms + answer->keep_ms;
	kept->block = answer->block;
	memcpy(kept->user, answer->user, answer->user_length + 1u);
	LIST_INSERT_HEAD(chain_of(cache, key), kept, chain);
	TAILQ_INSERT_HEAD(&cache->recent, kept, recent);
	cache->count++;
}

static bool asked(const struct kept *kept, uint16_t block)
{
	for (size_t i = 0; i < kept->key.block_count; i++)
		if (kept->key.blocks[i] == block)
			return true;
	return false;
}

void cache_forget(struct cache *cache, uint16_t block)
{
	struct kept *kept = TAILQ_FIRST(&cache->recent), *next;

	for (; kept != NULL; kept = next) {
		next = TAILQ_NEXT(kept, recent);
		if (block == MESSAGE_ALL_BLOCKS || asked(kept, block))
			drop(cache, kept);
	}
}

size_t cache_count(const struct cache *cache)
{
	return cache->count;
}
