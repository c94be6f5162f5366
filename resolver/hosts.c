/* SPDX-License-Identifier: ISC */
/*
 * A hosts file in memory: names in one block, one pair for each name and address of a line, and a
 * table from a name to its first pair.  Immutable once made, so that threads share it.
 */
#include "config.h"

#include "resolver/hosts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "resolver/hash.h"
#include "resolver/name.h"
#include "resolver/text.h"

#define FILE_BYTES_MAX ((size_t)64 << 20)
#define NONE UINT32_MAX

struct pair {
	uint32_t name; /* offset in `names` */
	uint32_t next; /* the next pair of this name, or NONE */
	struct in6_addr address;
};

struct resolver_hosts {
	struct resolver_hash_key key;
	char *names;
	size_t names_used, names_size;
	struct pair *pairs;
	size_t pair_count, pairs_size;
	uint32_t *heads; /* by hash, linear probing, at most half full */
	size_t head_count, mask;
};

void resolver_hosts_free(struct resolver_hosts *hosts)
{
	if (hosts == NULL)
		return;
	free(hosts->names);
	free(hosts->pairs);
	free(hosts->heads);
	free(hosts);
}

/* The slot of that name, or the empty one where it belongs. */
static uint32_t *slot(const struct resolver_hosts *hosts, const char *name)
{
	uint64_t hash = resolver_hash(&hosts->key, name, strlen(name));

	for (size_t i = hash & hosts->mask;; i = (i + 1) & hosts->mask) {
		uint32_t head = hosts->heads[i];

		if (head == NONE || strcmp(hosts->names + hosts->pairs[head].name, name) == 0)
			return &hosts->heads[i];
	}
}

static int grow_heads(struct resolver_hosts *hosts)
{
	size_t old_size = hosts->heads == NULL ? 0 : hosts->mask + 1;
	size_t size = old_size == 0 ? 64 : old_size * 2;
	uint32_t *old = hosts->heads, *heads = malloc(size * sizeof(*heads));

	if (heads == NULL)
		return -1;
	memset(heads, 0xff, size * sizeof(*heads));
	hosts->heads = heads;
	hosts->mask = size - 1;
	for (size_t i = 0; i < old_size; i++)
		if (old[i] != NONE)
			*slot(hosts, hosts->names + hosts->pairs[old[i]].name) = old[i];
	free(old);
	return 0;
}

static int grow(void **block, size_t *size, size_t need, size_t unit)
{
	size_t grown = *size < 256 ? 256 : *size;
	void *moved;

	if (need <= *size)
		return 0;
	while (grown < need)
		grown *= 2;
	moved = realloc(*block, grown * unit);
	if (moved == NULL)
		return -1;
	*block = moved;
	*size = grown;
	return 0;
}

/* Room for one more name of that size and one more pair. */
static int reserve(struct resolver_hosts *hosts, size_t name_size)
{
	void *names = hosts->names, *pairs = hosts->pairs;
	int failed = grow(&names, &hosts->names_size, hosts->names_used + name_size, 1);

	hosts->names = names;
	if (failed == 0)
		failed =
		    grow(&pairs, &hosts->pairs_size, hosts->pair_count + 1, sizeof(struct pair));
	hosts->pairs = pairs;
	if (failed == 0 && hosts->heads == NULL)
		failed = grow_heads(hosts);
	if (failed == 0 && (hosts->head_count + 1) * 2 > hosts->mask + 1)
		failed = grow_heads(hosts);
	return failed;
}

/* Several lines may give one name several addresses; the same one twice counts once. */
static int add(struct resolver_hosts *hosts, const char *name, const struct in6_addr *address)
{
	size_t size = strlen(name) + 1, known = 0;
	uint32_t *at;
	struct pair *pair;

	if (reserve(hosts, size) == -1)
		return -1;
	at = slot(hosts, name);
	pair = &hosts->pairs[hosts->pair_count];
	pair->address = *address;
	pair->next = NONE;
	if (*at == NONE) {
		pair->name = (uint32_t)hosts->names_used;
		memcpy(hosts->names + hosts->names_used, name, size);
		hosts->names_used += size;
		hosts->head_count++;
	} else {
		pair->name = hosts->pairs[*at].name;
	}
	for (; *at != NONE; at = &hosts->pairs[*at].next)
		if (known++ == RESOLVER_ADDRESSES_MAX ||
		    IN6_ARE_ADDR_EQUAL(&hosts->pairs[*at].address, address))
			return 0;
	*at = (uint32_t)hosts->pair_count++;
	return 0;
}

/* Addresses with a zone are no use: what is looked up has no place for one. */
static bool parse_address(struct in6_addr *address, const struct resolver_text *word)
{
	char text[INET6_ADDRSTRLEN];
	size_t length = (size_t)(word->end - word->at);

	if (length >= sizeof(text))
		return false;
	memcpy(text, word->at, length);
	text[length] = '\0';
	memset(address, 0, sizeof(*address));
	address->s6_addr[10] = address->s6_addr[11] = 0xff;
	return inet_pton(AF_INET, text, &address->s6_addr[12]) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1;
}

static int read_line(struct resolver_hosts *hosts, struct resolver_text *line)
{
	struct resolver_text word;
	struct in6_addr address;
	char name[RESOLVER_NAME_LENGTH + 1];

	if (!resolver_text_word(line, &word) || !parse_address(&address, &word))
		return 0;
	while (resolver_text_word(line, &word))
		if (resolver_name_canonical(name, word.at, (size_t)(word.end - word.at)) &&
		    add(hosts, name, &address) == -1)
			return -1;
	return 0;
}

struct resolver_hosts *resolver_hosts_parse(const char *text, size_t length)
{
	struct resolver_hosts *hosts = calloc(1, sizeof(*hosts));
	struct resolver_text rest = {text, text + length}, line;

	if (hosts == NULL)
		return NULL;
	if (resolver_hash_key_make(&hosts->key) == -1)
		goto fail;
	while (resolver_text_line(&rest, "#", &line))
		if (read_line(hosts, &line) == -1)
			goto fail;
	return hosts;

fail:
	resolver_hosts_free(hosts);
	return NULL;
}

struct resolver_hosts *resolver_hosts_load(const char *path, const char **error)
{
	struct resolver_hosts *hosts;
	char *text;
	size_t length;

	if (resolver_text_read(path, FILE_BYTES_MAX, &text, &length) == -1) {
		*error = strerror(errno);
		return NULL;
	}
	hosts = resolver_hosts_parse(text, length);
	if (hosts == NULL)
		*error = strerror(errno);
	free(text);
	return hosts;
}

size_t resolver_hosts_find(const struct resolver_hosts *hosts, const char *name,
    enum resolver_kind kind, struct in6_addr out[RESOLVER_ADDRESSES_MAX])
{
	size_t count = 0;
	uint32_t at;

	if (hosts == NULL || hosts->heads == NULL)
		return 0;
	for (at = *slot(hosts, name); at != NONE; at = hosts->pairs[at].next) {
		const struct in6_addr *address = &hosts->pairs[at].address;

		if ((kind == RESOLVER_A) == (IN6_IS_ADDR_V4MAPPED(address) != 0) &&
		    count < RESOLVER_ADDRESSES_MAX)
			out[count++] = *address;
	}
	return count;
}
