/* SPDX-License-Identifier: ISC */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "gateway/stream.h"

/* What the tests of the carriers share: a worker's loop, real sockets, and peers on them. */
struct rig {
	struct loop loop;
	struct event *tick; /* so that a turn of the loop ends although nothing happens */
	atomic_int *pipes;  /* how many may still be made */
};

void rig_setup(struct rig *rig);
void rig_teardown(struct rig *rig);
/* Turn the loop until done(arg); fails the test after half a minute. */
void rig_run(struct rig *rig, bool (*done)(void *arg), void *arg);
/* Turn the loop for so long. */
void rig_pass(struct rig *rig, int ms);

/* A listening socket on 127.0.0.1 or ::1, and its address. */
int rig_listen(int family, struct sockaddr_storage *sa);
/* Two ends of a TCP connection, non-blocking, with the options that connect and accept set. */
void rig_pair(int fds[2]);
/* Small buffers in the kernel, so that a peer that does not read is felt soon. */
void rig_narrow(int fd);

/*
 * The other end of a connection: sends what it is told to, notes what comes and in which way it
 * ends.  Its bytes are a pattern, so that loss, doubling and disorder are seen.
 */
struct peer {
	struct stream *stream; /* NULL once it has closed or was reset */
	uint64_t to_send, sent;
	uint64_t received, wrong; /* bytes, and how many were not the pattern's */
	bool fin;                 /* send the end after the last byte */
	bool fin_sent;
	bool deaf;    /* do not read for now */
	bool ended;   /* the end was read */
	bool reset;   /* the connection was reset */
	uint8_t salt; /* of the pattern that it sends */
	uint8_t expect;
};

void peer_start(struct peer *p, struct rig *rig, int fd, struct stream_layer *layer);
void peer_send(struct peer *p, uint64_t bytes, bool fin); /* that many more */
void peer_listen(struct peer *p, bool listening);
void peer_close(struct peer *p);
void peer_abort(struct peer *p);
/* Byte `i` of the pattern. */
uint8_t peer_byte(uint8_t salt, uint64_t i);

#endif
