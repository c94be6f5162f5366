/* SPDX-License-Identifier: ISC */
/* Rows by prefix. */
#include "config.h"

#include "routes/trie.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "routes/array.h"

struct bits {
	uint64_t high, low;
};

static struct bits bits_of(const struct in6_addr *address)
{
	struct bits bits;

	memcpy(&bits.high, &address->s6_addr[0], 8);
	memcpy(&bits.low, &address->s6_addr[8], 8);
	return (struct bits){.high = be64toh(bits.high), .low = be64toh(bits.low)};
}

static unsigned bit_at(struct bits bits, unsigned at)
{
	return (at < 64 ? bits.high >> (63 - at) : bits.low >> (127 - at)) & 1;
}

/* How many leading bits are the same, at most 128. */
static unsigned common(struct bits a, struct bits b)
{
	if (a.high != b.high)
		return (unsigned)__builtin_clzll(a.high ^ b.high);
	if (a.low != b.low)
		return 64 + (unsigned)__builtin_clzll(a.low ^ b.low);
	return 128;
}

static struct bits cut(struct bits bits, unsigned length)
{
	if (length < 64) {
		bits.high = length == 0 ? 0 : bits.high >> (64 - length) << (64 - length);
		bits.low = 0;
	} else if (length < 128) {
		bits.low = length == 64 ? 0 : bits.low >> (128 - length) << (128 - length);
	}
	return bits;
}

void trie_clear(struct trie *trie)
{
	free(trie->nodes);
	*trie = (struct trie){.nodes = NULL};
}

/* Room for a leaf and the fork above it. */
static int reserve(struct trie *trie)
{
	size_t need = (trie->count ? trie->count : 1) + 1;
	struct trie_node *nodes = array_grow(trie->nodes, need, &trie->size, sizeof(*trie->nodes));

	if (!nodes || need + 1 >= TRIE_NONE)
		return -1;
	trie->nodes = nodes;
	if (trie->count == 0)
		nodes[trie->count++] = (struct trie_node){.number = TRIE_NONE};
	return 0;
}

static uint32_t new_node(struct trie *trie, struct bits bits, unsigned length)
{
	trie->nodes[trie->count] = (struct trie_node){
	    .high = bits.high, .low = bits.low, .number = TRIE_NONE, .length = length};
	return (uint32_t)trie->count++;
}

/* Put the prefix above `old`, with which it shares `shared` bits, less than old's length. */
static uint32_t insert_above(
    struct trie *trie, uint32_t old, struct bits bits, unsigned length, unsigned shared)
{
	struct trie_node *node = &trie->nodes[old];
	struct bits old_bits = {.high = node->high, .low = node->low};
	uint32_t added, fork;

	if (shared == length) {
		added = new_node(trie, bits, length);
		trie->nodes[added].child[bit_at(old_bits, length)] = old;
		return added;
	}
	fork = new_node(trie, cut(bits, shared), shared);
	added = new_node(trie, bits, length);
	trie->nodes[fork].child[bit_at(bits, shared)] = added;
	trie->nodes[fork].child[bit_at(old_bits, shared)] = old;
	return fork;
}

uint32_t trie_add(struct trie *trie, const struct prefix *prefix)
{
	bool ipv4 = prefix->length >= 96 && address_is_ipv4(&prefix->address);
	struct bits bits = bits_of(&prefix->address);
	uint32_t *link = &trie->roots[ipv4], at;

	if (reserve(trie) < 0)
		return 0;
	while ((at = *link) != 0) {
		struct trie_node *node = &trie->nodes[at];
		unsigned shared = common(bits, (struct bits){.high = node->high, .low = node->low});

		if (shared > prefix->length)
			shared = prefix->length;
		if (shared < node->length) {
			uint32_t last = (uint32_t)trie->count;

			*link = insert_above(trie, at, bits, prefix->length, shared);
			return shared == prefix->length ? last : last + 1;
		}
		if (node->length == prefix->length)
			return at;
		link = &node->child[bit_at(bits, node->length)];
	}
	*link = new_node(trie, bits, prefix->length);
	return *link;
}

/* A node and all below it, itself first; at most 129 deep.  Returns its new number. */
static uint32_t move(
    const struct trie *from, uint32_t at, struct trie_node *to, uint32_t *count, uint32_t *moved)
{
	uint32_t number = (*count)++;

	moved[at] = number;
	to[number] = from->nodes[at];
	for (int i = 0; i < 2; i++)
		if (from->nodes[at].child[i] != 0)
			to[number].child[i] =
			    move(from, from->nodes[at].child[i], to, count, moved);
	return number;
}

uint32_t *trie_finish(struct trie *trie)
{
	size_t size = trie->count ? trie->count : 1;
	struct trie_node *nodes = reallocarray(NULL, size, sizeof(*nodes));
	uint32_t *moved = calloc(size, sizeof(*moved)), count = 1;

	if (!nodes || !moved) {
		free(nodes);
		free(moved);
		return NULL;
	}
	nodes[0] = (struct trie_node){.number = TRIE_NONE};
	for (int i = 0; i < 2; i++)
		if (trie->roots[i] != 0)
			trie->roots[i] = move(trie, trie->roots[i], nodes, &count, moved);
	free(trie->nodes);
	trie->nodes = nodes;
	trie->size = size;
	return moved;
}

void trie_prefix(const struct trie *trie, uint32_t node, struct prefix *prefix)
{
	uint64_t high = htobe64(trie->nodes[node].high), low = htobe64(trie->nodes[node].low);

	memcpy(&prefix->address.s6_addr[0], &high, 8);
	memcpy(&prefix->address.s6_addr[8], &low, 8);
	prefix->length = trie->nodes[node].length;
}

size_t trie_find(const struct trie *trie, const struct in6_addr *address,
    const struct trie_node *found[TRIE_DEPTH], size_t *visited)
{
	const struct trie_node *path[TRIE_DEPTH];
	struct bits bits = bits_of(address);
	size_t depth = 0;

	for (uint32_t at = trie->roots[address_is_ipv4(address)]; at != 0;) {
		const struct trie_node *node = &trie->nodes[at];

		++*visited;
		if (common(bits, (struct bits){.high = node->high, .low = node->low}) <
		    node->length)
			break;
		if (node->number != TRIE_NONE)
			path[depth++] = node;
		if (node->length == 128)
			break;
		at = node->child[bit_at(bits, node->length)];
	}
	for (size_t i = 0; i < depth; i++)
		found[i] = path[depth - 1 - i];
	return depth;
}
