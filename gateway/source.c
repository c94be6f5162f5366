/* SPDX-License-Identifier: ISC */
/* The addresses that a hop's `source` stands for, counted and picked by number. */
#include "config.h"

#include "gateway/source.h"

#include <ifaddrs.h>
#include <string.h>

/* One way through all of them: counts those of the family, and stops at the wanted one. */
struct walk {
	bool ipv4;
	uint64_t wanted, count;
	bool found;
	struct endpoint *from;
};

static uint64_t low_half(const struct in6_addr *address)
{
	uint64_t n = 0;

	for (int i = 8; i < 16; i++)
		n = n << 8 | address->s6_addr[i];
	return n;
}

/* `many` addresses that follow each other. */
static void meet(struct walk *walk, const struct in6_addr *first, uint64_t many, uint32_t scope)
{
	uint64_t n = walk->wanted - walk->count;

	if (walk->found || address_is_ipv4(first) != walk->ipv4)
		return;
	if (n < many) {
		*walk->from = (struct endpoint){.address = *first, .scope = scope};
		n += low_half(first);
		for (int i = 15; i >= 8; i--, n >>= 8)
			walk->from->address.s6_addr[i] = (uint8_t)n;
		walk->found = true;
	}
	walk->count += many;
}

static void meet_interface(struct walk *walk, const char *name)
{
	struct ifaddrs *list, *i;
	struct endpoint own;

	if (getifaddrs(&list) != 0)
		return;
	for (i = list; i != NULL; i = i->ifa_next)
		if (i->ifa_addr != NULL && strcmp(i->ifa_name, name) == 0 &&
		    endpoint_from_sockaddr(&own, i->ifa_addr))
			meet(walk, &own.address, 1, own.scope);
	freeifaddrs(list);
}

static void meet_range(struct walk *walk, const struct source *source)
{
	uint64_t many = low_half(&source->last) - low_half(&source->first);

	/* More than can be counted are not all needed. */
	meet(walk, &source->first, many < UINT32_MAX ? many + 1 : UINT32_MAX, 0);
}

static void walk_all(struct walk *walk, const struct hop *hop, const struct endpoint *arrived)
{
	walk->count = 0;
	for (size_t i = 0; i < hop->source_count && !walk->found; i++) {
		const struct source *source = &hop->sources[i];

		switch (source->kind) {
		case SOURCE_ADDRESS:
			meet(walk, &source->first, 1, 0);
			break;
		case SOURCE_RANGE:
			meet_range(walk, source);
			break;
		case SOURCE_INTERFACE:
			meet_interface(walk, source->interface);
			break;
		case SOURCE_LISTENER:
			if (arrived != NULL)
				meet(walk, &arrived->address, 1, arrived->scope);
			break;
		}
	}
}

/* Does the hop leave the choice to the system?  A client on a unix socket came to no address. */
static bool free_choice(const struct hop *hop, const struct endpoint *arrived)
{
	for (size_t i = 0; i < hop->source_count; i++)
		if (hop->sources[i].kind != SOURCE_LISTENER || arrived != NULL)
			return false;
	return true;
}

int source_choose(const struct hop *hop, const struct endpoint *arrived, bool ipv4, unsigned turn,
    struct endpoint *from)
{
	struct walk walk = {.ipv4 = ipv4, .wanted = UINT64_MAX, .from = from};

	if (free_choice(hop, arrived))
		return 0;
	walk_all(&walk, hop, arrived);
	if (walk.count == 0)
		return -1;
	walk.wanted = turn % walk.count;
	walk_all(&walk, hop, arrived);
	return walk.found ? 1 : -1;
}
