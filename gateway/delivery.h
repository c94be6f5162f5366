/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_DELIVERY_H
#define GATEWAY_DELIVERY_H

#include <stdbool.h>

#include "gateway/channel.h"

struct event_base;

/* Messages on their way into a channel, which are sent as the other side takes them. */
struct delivery;

/* NULL: out of memory.  The channel is non-blocking and stays the caller's. */
struct delivery *delivery_new(struct event_base *base, int channel);
void delivery_free(struct delivery *delivery);
/* In order; the descriptor (or -1) is closed once it is sent if `ours`.  0, or -1 out of memory. */
int delivery_add(
    struct delivery *delivery, const struct channel_message *message, int fd, bool ours);

#endif
