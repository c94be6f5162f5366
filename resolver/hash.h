/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_HASH_H
#define RESOLVER_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012).  The names in our tables are chosen by clients: with
 * a key that they do not know they cannot make all of them fall into one bucket.
 */
struct resolver_hash_key {
	uint64_t k0, k1;
};

/* A key that nobody knows: 0, or -1 with errno. */
int resolver_hash_key_make(struct resolver_hash_key *key);
uint64_t resolver_hash(const struct resolver_hash_key *key, const void *data, size_t length);

#endif
