/* SPDX-License-Identifier: ISC */
/* Answers by name and kind: a table of buckets, and one list of names by the time of last use. */
#include "config.h"

#include "resolver/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "resolver/hash.h"

#define BUCKETS_MAX ((size_t)1 << 20)

struct entry {
	TAILQ_ENTRY(entry) age;
	struct entry *next; /* in its bucket */
	struct {
		struct resolver_records *records; /* NULL: not known */
		int64_t until_ms;
	} kinds[RESOLVER_KINDS];
	char name[];
};

TAILQ_HEAD(ages, entry);

struct resolver_cache {
	struct resolver_hash_key key;
	struct ages ages; /* the least recently used first */
	size_t max, count, mask;
	struct entry *buckets[];
};

struct resolver_cache *resolver_cache_new(size_t max)
{
	size_t buckets = 1;
	struct resolver_cache *cache;

	while (buckets < max && buckets < BUCKETS_MAX)
		buckets *= 2;
	cache = calloc(1, sizeof(*cache) + buckets * sizeof(cache->buckets[0]));
	if (cache == NULL)
		return NULL;
	if (resolver_hash_key_make(&cache->key) == -1) {
		free(cache);
		return NULL;
	}
	TAILQ_INIT(&cache->ages);
	cache->max = max;
	cache->mask = buckets - 1;
	return cache;
}

/* Where the pointer to that name is, or would be. */
static struct entry **place(struct resolver_cache *cache, const char *name)
{
	uint64_t hash = resolver_hash(&cache->key, name, strlen(name));
	struct entry **at = &cache->buckets[hash & cache->mask];

	while (*at != NULL && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void drop(struct resolver_cache *cache, struct entry *entry)
{
	*place(cache, entry->name) = entry->next;
	TAILQ_REMOVE(&cache->ages, entry, age);
	cache->count--;
	for (int kind = 0; kind < RESOLVER_KINDS; kind++)
		resolver_records_unref(entry->kinds[kind].records);
	free(entry);
}

void resolver_cache_free(struct resolver_cache *cache)
{
	if (cache == NULL)
		return;
	while (!TAILQ_EMPTY(&cache->ages))
		drop(cache, TAILQ_FIRST(&cache->ages));
	free(cache);
}

static void touch(struct resolver_cache *cache, struct entry *entry)
{
	if (TAILQ_NEXT(entry, age) == NULL)
		return;
	TAILQ_REMOVE(&cache->ages, entry, age);
	TAILQ_INSERT_TAIL(&cache->ages, entry, age);
}

struct resolver_records *resolver_cache_find(
    struct resolver_cache *cache, const char *name, enum resolver_kind kind, int64_t now_ms)
{
	struct entry *entry = *place(cache, name);

	if (entry == NULL || entry->kinds[kind].records == NULL ||
	    entry->kinds[kind].until_ms <= now_ms)
		return NULL;
	touch(cache, entry);
	return entry->kinds[kind].records;
}

static struct entry *add(struct resolver_cache *cache, const char *name)
{
	size_t size = strlen(name) + 1;
	struct entry *entry = calloc(1, sizeof(*entry) + size);

	if (entry == NULL)
		return NULL;
	if (cache->count == cache->max)
		drop(cache, TAILQ_FIRST(&cache->ages));
	memcpy(entry->name, name, size);
	*place(cache, name) = entry;
	TAILQ_INSERT_TAIL(&cache->ages, entry, age);
	cache->count++;
	return entry;
}

void resolver_cache_put(struct resolver_cache *cache, const char *name, enum resolver_kind kind,
    struct resolver_records *records, int64_t until_ms)
{
	struct entry *entry;

	if (cache->max == 0)
		return;
	entry = *place(cache, name);
	if (entry == NULL)
		entry = add(cache, name);
	if (entry == NULL)
		return;
	touch(cache, entry);
	resolver_records_ref(records);
	resolver_records_unref(entry->kinds[kind].records);
	entry->kinds[kind].records = records;
	entry->kinds[kind].until_ms = until_ms;
}

size_t resolver_cache_count(const struct resolver_cache *cache)
{
	return cache->count;
}
