/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_CACHE_H
#define RESOLVER_CACHE_H

#include "resolver/records.h"

/*
 * What the servers said, by name and kind, until it expires.  When it is full, the name that was
 * not asked for longest makes room.  The caller owns the clock.
 */
struct resolver_cache;

/* At most `max` names; 0 keeps nothing.  NULL with errno. */
struct resolver_cache *resolver_cache_new(size_t max);
void resolver_cache_free(struct resolver_cache *cache);
/* The cache's own records (take a reference to keep them), or NULL: not known or expired. */
struct resolver_records *resolver_cache_find(
    struct resolver_cache *cache, const char *name, enum resolver_kind kind, int64_t now_ms);
/* Takes a reference.  Quietly keeps nothing when memory runs out. */
void resolver_cache_put(struct resolver_cache *cache, const char *name, enum resolver_kind kind,
    struct resolver_records *records, int64_t until_ms);
/* Names, the expired ones included. */
size_t resolver_cache_count(const struct resolver_cache *cache);

#endif
