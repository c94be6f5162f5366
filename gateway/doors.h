/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_DOORS_H
#define GATEWAY_DOORS_H

#include "gateway/target.h"

/*
 * The gateway's own doors: addresses that mean this machine or its link, and the gateway's own
 * listeners.  What may be reached from the machine itself must not be reached from outside through
 * the gateway.
 */
struct doors;

enum door {
	DOOR_NONE,
	DOOR_NOWHERE, /* no host: unspecified, multicast, broadcast; shut to everyone */
	DOOR_SPECIAL, /* this machine or its link; shut to clients that are not on it */
	DOOR_LISTENER /* the gateway itself */
};

struct doors *doors_new(void);
void doors_free(struct doors *doors);
/* One more listener of ours, as it is bound; before threads.  0 or -1. */
int doors_add(struct doors *doors, const struct endpoint *listener);
/*
 * Whose door is it?  Embedded IPv4 counts.  A listener on every address is met at every address of
 * this machine.  May be called by all threads.
 */
enum door doors_check(struct doors *doors, const struct in6_addr *address, uint16_t port);

#endif
