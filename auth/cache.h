/* SPDX-License-Identifier: ISC */
#ifndef AUTH_CACHE_H
#define AUTH_CACHE_H

#include "auth/message.h"

/*
 * Who was let in a moment ago, by a worker's own memory.  It holds no password: a question is
 * known by its HMAC under a random key that nobody else has.  Only positive answers are kept, at
 * most `max`; the one that was used longest ago goes first.
 */
struct cache;

#define CACHE_DIGEST 32 /* SHA-256 */

struct cache_key {
	uint8_t digest[CACHE_DIGEST];
	uint16_t block_count, blocks[AUTH_BLOCKS_MAX]; /* that the question names */
};

struct cached {
	uint16_t block;
	const char *user;
};

struct cache *cache_new(size_t max); /* NULL: out of memory, or of random numbers */
void cache_free(struct cache *cache);
/*
 * All that the answer depends on: blocks, user, password, and the address, because PAM and programs
 * may ask for it.  Id and deadline are left out.  False: it cannot be computed; do without.
 */
bool cache_key(struct cache *cache, const struct message *question, struct cache_key *key);
/* False: not known, or not any more.  The name lives until the cache is touched again. */
bool cache_find(
    struct cache *cache, const struct cache_key *key, int64_t now_ms, struct cached *found);
/* It holds for answer->keep_ms.  Nothing is kept if that is 0 or memory is out. */
void cache_put(
    struct cache *cache, const struct cache_key *key, const struct message *answer, int64_t now_ms);
/* Every question that went to this block, even if another one said yes; or MESSAGE_ALL_BLOCKS. */
void cache_forget(struct cache *cache, uint16_t block);
size_t cache_count(const struct cache *cache);

#endif
