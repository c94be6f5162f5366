/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_TRIE_H
#define ROUTES_TRIE_H

#include "routes/routes.h"

/*
 * Prefixes, each with a number of the caller's: a binary trie whose paths are compressed, so that
 * a look-up reads at most one node for each bit of the longest prefix.
 */
struct trie {
	struct trie_node *nodes; /* 0 is none */
	size_t count, size;
	uint32_t roots[2]; /* IPv6, IPv4 */
};

struct trie_node {
	uint64_t high, low; /* the address, host byte order */
	uint32_t child[2];
	uint32_t number; /* TRIE_NONE: only a fork */
	uint32_t length;
};

#define TRIE_NONE UINT32_MAX
#define TRIE_DEPTH 129

void trie_clear(struct trie *trie);
/* The node of the prefix, added with TRIE_NONE as its number if it was not there; 0 if out of
 * memory. */
uint32_t trie_add(struct trie *trie, const struct prefix *prefix);
/*
 * After the last one: lay the nodes out so that those of one branch are neighbours, which is where
 * a look-up goes.  Returns the new number of each node, or NULL if out of memory; the caller frees.
 */
uint32_t *trie_finish(struct trie *trie);
void trie_prefix(const struct trie *trie, uint32_t node, struct prefix *prefix);
/*
 * The nodes with a number that contain the address, longest first; how many.  *visited grows by
 * one for each node that was read.
 */
size_t trie_find(const struct trie *trie, const struct in6_addr *address,
    const struct trie_node *found[TRIE_DEPTH], size_t *visited);

#endif
