/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CHANNEL_H
#define GATEWAY_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

/*
 * Messages between keeper and gateway over a SOCK_SEQPACKET pair, each with at most one descriptor.
 * Keeper to gateway, in this order: one SOCKET for each listening socket, one AUTH for each worker,
 * one LOG for each file target and the access log, a QUOTA if there is a file, then GO.  Gateway to
 * keeper: READY once it serves.
 */
enum channel_kind {
	CHANNEL_SOCKET, /* a listening socket: `listener`, `worker` (its clone for that worker),
	                   value: accepted connections go round */
	CHANNEL_AUTH,   /* a worker's link for password checks: `worker` */
	CHANNEL_LOG,   /* an open log file: `listener` = index of the target, -1 = the access log */
	CHANNEL_QUOTA, /* the file of quotas */
	CHANNEL_GO,    /* value: shape_of() the keeper's configuration */
	CHANNEL_READY,
	CHANNEL_DRAIN, /* keeper to gateway: no new clients, stop when the last has gone or value ms
	                  passed */
	CHANNEL_STOP   /* keeper to gateway: now */
};

struct channel_message {
	uint32_t kind;
	int32_t listener, worker;
	int64_t value;
};

/* 0, or -1 with errno.  fd -1: none. */
int channel_send(int channel, const struct channel_message *message, int fd);
/* 1 a message, 0 the other side has gone, -1 with errno.  *fd: the descriptor or -1. */
int channel_receive(int channel, struct channel_message *message, int *fd);

#endif
