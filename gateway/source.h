/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SOURCE_H
#define GATEWAY_SOURCE_H

#include "gateway/target.h"

/*
 * Which address of our own a connection by way of `hop` leaves from, if it is to leave as IPv4 or
 * as IPv6.  All that the hop's `source` says for that family take turns: the turn-th is chosen.
 * Port 0 in *from.  1: chosen, 0: the system shall choose, -1: none of that family.
 */
int source_choose(const struct hop *hop, const struct endpoint *arrived, bool ipv4, unsigned turn,
    struct endpoint *from);

#endif
