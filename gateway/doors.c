/* SPDX-License-Identifier: ISC */
/* Which destinations are the gateway itself, its machine or its link. */
#include "config.h"

#include "gateway/doors.h"

#include <assert.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6890 and RFC 4291. */
static const struct {
	const char *prefix;
	enum door door;
} special[] = {
    {"0.0.0.0/8", DOOR_NOWHERE}, /* Linux would connect to the loopback */
    {"224.0.0.0/4", DOOR_NOWHERE},
    {"255.255.255.255/32", DOOR_NOWHERE},
    {"::/128", DOOR_NOWHERE},
    {"ff00::/8", DOOR_NOWHERE},
    {"127.0.0.0/8", DOOR_SPECIAL},
    {"169.254.0.0/16", DOOR_SPECIAL},
    {"::1/128", DOOR_SPECIAL},
    {"fe80::/10", DOOR_SPECIAL},
};
#define SPECIAL_COUNT (sizeof special / sizeof special[0])

struct doors {
	struct prefix special[SPECIAL_COUNT];
	struct endpoint *listeners;
	size_t count;
};

struct doors *doors_new(void)
{
	struct doors *doors = calloc(1, sizeof *doors);

	for (size_t i = 0; doors != NULL && i < SPECIAL_COUNT; i++) {
		const char *text = special[i].prefix;
		const char *wrong = prefix_parse(&doors->special[i], text, strlen(text));

		assert(wrong == NULL);
		(void)wrong;
	}
	return doors;
}

void doors_free(struct doors *doors)
{
	if (doors == NULL)
		return;
	free(doors->listeners);
	free(doors);
}

int doors_add(struct doors *doors, const struct endpoint *listener)
{
	struct endpoint *grown =
	    reallocarray(doors->listeners, doors->count + 1, sizeof *doors->listeners);

	if (grown == NULL)
		return -1;
	doors->listeners = grown;
	doors->listeners[doors->count++] = *listener;
	return 0;
}

/* Asked only when the port is that of a listener on every address.  Who cannot know says yes: a
 * shortage of descriptors opens no door. */
static bool is_of_this_machine(const struct in6_addr *address)
{
	struct ifaddrs *list;
	bool found = false;

	if (getifaddrs(&list) != 0)
		return true;
	for (struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next) {
		struct endpoint e;

		found = i->ifa_addr != NULL && endpoint_from_sockaddr(&e, i->ifa_addr) &&
		    memcmp(&e.address, address, sizeof *address) == 0;
	}
	freeifaddrs(list);
	return found;
}

static bool is_any(const struct in6_addr *address)
{
	static const struct in6_addr any6;
	const struct in6_addr any4 = address_from_ipv4(0);

	return memcmp(address, &any6, sizeof any6) == 0 || memcmp(address, &any4, sizeof any4) == 0;
}

/* Is that address one that the listener answers at?  All of 127.0.0.0/8 is this machine. */
static bool meets(const struct endpoint *listener, const struct in6_addr *address)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;

	if (memcmp(&listener->address, address, sizeof *address) == 0)
		return true;
	if (!is_any(&listener->address) ||
	    address_is_ipv4(&listener->address) != address_is_ipv4(address))
		return false;
	if (address_is_ipv4(address) && address->s6_addr[12] == 127)
		return true;
	return memcmp(address, &loopback6, sizeof loopback6) == 0 || is_of_this_machine(address);
}

enum door doors_check(struct doors *doors, const struct in6_addr *address, uint16_t port)
{
	struct in6_addr embedded;
	const struct in6_addr *real =
	    address_embedded_ipv4(address, &embedded) ? &embedded : address;
	enum door door = DOOR_NONE;

	for (size_t i = 0; i < SPECIAL_COUNT && door == DOOR_NONE; i++)
		if (prefix_covers(&doors->special[i], real))
			door = special[i].door;
	if (door == DOOR_NOWHERE)
		return door;
	for (size_t i = 0; i < doors->count; i++)
		if (doors->listeners[i].port == port && meets(&doors->listeners[i], real))
			return DOOR_LISTENER;
	return door;
}
