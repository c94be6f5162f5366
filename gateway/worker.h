/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_WORKER_H
#define GATEWAY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "gateway/account.h"
#include "gateway/channel.h"
#include "gateway/doors.h"
#include "gateway/loop.h"
#include "gateway/quota.h"

/* What the workers of a process share. */
struct gateway {
	const struct conf *conf;
	struct account *account;
	struct quota *quota;
	struct doors *doors;
	struct resolver_hosts *hosts;
	unsigned worker_count;
	struct worker **workers;
	unsigned sessions_max; /* from limits and descriptors */
	int descriptors_max;   /* of the process */
	atomic_uint clients;   /* in the process */
	atomic_int pipes_left;
	unsigned origins_max;       /* idle connections to origins, of each worker */
	char pseudonym[24];         /* in Via, unless the listener has another */
	void (*drained)(void *arg); /* by the worker whose last client left, once draining */
	void *drained_arg;
	atomic_bool draining;
};

struct client;
struct http_pool;
TAILQ_HEAD(client_list, client);

/* A thread that carries traffic: its loop, its sockets, its clients.  Only its own thread touches
 * it. */
struct worker {
	struct loop loop;
	struct gateway *gateway;
	unsigned index;
	struct auth_link *auth;
	struct http_pool *origins; /* idle connections */
	struct client_list clients;
	uint64_t last_id;
	struct acceptor *acceptors;
	struct event *resume; /* pending while accepting pauses */
	struct mailbox *mailbox;
	pthread_t thread;
	bool started;
	unsigned handed; /* round robin of shared sockets */
};

/* NULL: out of memory or descriptors.  `auth_fd` is taken over. */
struct worker *worker_new(struct gateway *gateway, unsigned index, int auth_fd);
/* A listening socket for it, before it starts; shared sockets' connections go round.  Taken over.
 */
int worker_listen(struct worker *w, const struct listener *listener, int fd, bool shared);
int worker_start(struct worker *w);
/* Ends all its clients and the thread; returns when it is gone and frees it. */
void worker_stop(struct worker *w);

/* Run a function in the worker's thread, soon, from any thread.  0, or -1: out of memory. */
int worker_post(struct worker *w, void (*run)(struct worker *w, void *arg), void *arg);
/* For worker_post(): no new clients from now on. */
void worker_drain(struct worker *w, void *unused);

/* A client of this worker has ended: descriptors came free. */
void worker_left(struct worker *w);

#endif
