/* SPDX-License-Identifier: ISC */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

/* Tunnels through a proxy, and the threads that drive them. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "tests/bench/pxbench.h"

/* What can go wrong with a tunnel. */
#define FAILURES(X) \
	X(connect_refused) \
	X(connect_timeout) \
	X(connect_other) \
	X(no_local_port) \
	X(no_fd) \
	X(proxy_refused) \
	X(bad_reply) \
	X(handshake_eof) \
	X(handshake_reset) \
	X(handshake_timeout) \
	X(early_eof) \
	X(reset) \
	X(stall) \
	X(mismatch) \
	X(excess_bytes) \
	X(no_eof) \
	X(not_kept) \
	X(udp_lost) \
	X(udp_bad_header) \
	X(other)

enum failure {
#define X(name) FAIL_##name,
	FAILURES(X)
#undef X
	    FAIL_COUNT
};
extern const char *const failure_names[FAIL_COUNT];

enum state {
	STATE_IDLE,
	STATE_CONNECT,
	STATE_HANDSHAKE,
	STATE_READY,
	STATE_RUN,
	STATE_EOF,
	STATE_DONE,
	STATE_FAILED
};

#define RING 16384
#define REPLY_MAX 2048

struct packet {
	uint64_t number, t;
	bool answered, lost;
};

struct tunnel {
	int fd, udp, id;
	enum state state;
	int step; /* of the SOCKS5 handshake */
	unsigned turn;
	uint32_t destination; /* index of the target's address */
	uint64_t begun, moved, sent, received, number;
	int reply_length, head_length; /* http: head_length is 0 until the head is whole */
	uint8_t reply[REPLY_MAX + 1];
	bool last;           /* http: the answer says that the connection ends */
	uint64_t answered;   /* http: on this connection */
	struct packet *ring; /* udp: packets tail .. head - 1 are not all answered */
	uint64_t head, tail;
	int outstanding;
};

struct load {
	pthread_t thread;
	int epoll, id, count, opened, settled, failed, inflight, checked;
	struct tunnel *tunnels;
	uint8_t *scratch;
	uint64_t failures[FAIL_COUNT], operations, bytes, first_done, last_done;
	uint64_t udp_sent, udp_received, udp_twice, udp_late, reopened;
	uint64_t ticked;
	struct histogram times;
};

extern pthread_barrier_t barrier;
extern uint64_t window_begin, window_end; /* what rate, latency and udp measure */
extern atomic_bool running;               /* all tunnels are open, the work has begun */

/* --- load.c --------------------------------------------------------------------------------- */

void *load_run(void *load);

/* --- tunnel.c -------------------------------------------------------------------------------- */

extern char refusal[64]; /* what the proxy said at the first refusal */

void tunnel_open(struct load *l, struct tunnel *t);
void tunnel_connected(struct load *l, struct tunnel *t);
void tunnel_close(struct load *l, struct tunnel *t, enum state state);
void tunnel_fail(struct load *l, struct tunnel *t, enum failure failure);
/* All or failed. */
bool tunnel_send(
    struct load *l, struct tunnel *t, const void *bytes, size_t n, enum failure failure);
void tunnel_interest(struct load *l, struct tunnel *t, uint32_t events);
/* The way is free, by handshake or without. */
void tunnel_ready(struct load *l, struct tunnel *t);

/* --- greeting.c: the handshake with the proxy ------------------------------------------------ */

/* Send the message of the present step. */
void greeting_next(struct load *l, struct tunnel *t);
void greeting_read(struct load *l, struct tunnel *t);
/* Keep the reply of the first refusal in refusal, for people. */
void keep_refusal(const struct load *l, const struct tunnel *t);

/* --- fetch.c: GETs instead of a tunnel -------------------------------------------------------- */

/* The connection is there. */
void fetch_open(struct load *l, struct tunnel *t);
void fetch_start(struct load *l, struct tunnel *t);
void fetch_event(struct load *l, struct tunnel *t);
/* One more GET on each held connection, a few at a time: call it again as they settle. */
void fetch_again(struct load *l, int settled);

/* --- work.c, udp.c: what happens on an open tunnel ------------------------------------------- */

bool in_window(uint64_t now);
void bulk_start(struct load *l, struct tunnel *t);
void bulk_event(struct load *l, struct tunnel *t, uint32_t events);
void echo_start(struct load *l, struct tunnel *t, uint8_t first);
void echo_event(struct load *l, struct tunnel *t);
void ping(struct load *l, struct tunnel *t);
void ping_event(struct load *l, struct tunnel *t);
const uint8_t *message(const struct tunnel *t);
uint8_t echo_byte(struct tunnel *t);

bool udp_open(struct load *l, struct tunnel *t);
void udp_ready(struct load *l, struct tunnel *t);
void udp_event(struct load *l, struct tunnel *t);
void udp_pump(struct load *l, struct tunnel *t, uint64_t now);
void udp_expire(struct load *l, struct tunnel *t, uint64_t now);

#endif
