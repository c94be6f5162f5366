/* SPDX-License-Identifier: ISC */
/* One who connected: who it is, what it holds, and its place in its worker's list. */
#include "config.h"

#include "gateway/client.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/auth.h"
#include "gateway/http_pool.h"
#include "gateway/session.h"

/* The other end of an accepted socket, as endpoint or as uid. */
static void learn_peer(struct client *c, int fd, const struct sockaddr *peer)
{
	struct ucred cred;
	socklen_t length = sizeof cred;

	c->on_unix = !endpoint_from_sockaddr(&c->peer, peer);
	if (!c->on_unix)
		return;
	c->uid = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &length) == 0)
		c->uid = cred.uid;
}

static enum reason admit(struct client *c)
{
	const struct in6_addr *address = c->on_unix ? NULL : &c->peer.address;

	if (!listener_allows(c->listener, address))
		return REASON_CLIENT_DENIED;
	return account_enter(
	    c->worker->gateway->account, &c->listener->limits, address, loop_now(), &c->holder);
}

void client_start(
    struct worker *w, const struct listener *listener, int fd, const struct sockaddr *peer)
{
	struct client *c = calloc(1, sizeof *c);

	if (c == NULL)
		goto fail;
	c->worker = w;
	c->listener = listener;
	c->id = ++w->last_id;
	c->stream = stream_new(&w->loop, fd);
	if (c->stream == NULL)
		goto fail;
	learn_peer(c, fd, peer);
	TAILQ_INSERT_TAIL(&w->clients, c, entry);
	c->session = session_start(c, admit(c));
	if (c->session == NULL)
		client_free(c);
	else
		session_begin(c->session);
	return;
fail:
	close(fd);
	free(c);
	worker_left(w);
}

/* --- one request after the other --- */

static void rested(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	client_free(arg);
}

static void awake(void *arg, int events)
{
	struct client *c = arg;

	(void)events;
	event_del(c->rest);
	c->session = session_start(c, REASON_OK);
	if (c->session == NULL)
		client_free(c);
	else
		session_begin(c->session);
}

void client_rest(struct client *c)
{
	int64_t ms = c->listener->timeouts.keep_alive;
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	c->session = NULL;
	if (c->rest == NULL)
		c->rest = evtimer_new(c->worker->loop.base, rested, c);
	if (c->rest == NULL) {
		client_free(c);
		return;
	}
	if (ms > 0)
		event_add(c->rest, &tv);
	stream_handler(c->stream, awake, c);
	stream_want(c->stream, STREAM_READ);
}

void client_dismiss(struct client *c)
{
	if (c->session == NULL)
		client_free(c);
}

/* --- who it is --- */

/* What an origin has logged in it has for this user. */
static void unpin(struct client *c)
{
	if (c->pins)
		http_pool_forget(c->worker->origins, c->id);
	c->pins = false;
}

static void log_out(struct client *c)
{
	account_leave(c->worker->gateway->account, c->user_holder, true);
	free(c->user);
	c->user_holder = NULL;
	c->user = NULL;
	c->proven_count = 0;
}

static bool is_same(const struct client *c, const struct identity *who)
{
	return c->user != NULL && strcmp(c->user, who->user) == 0 &&
	    c->proven_count == who->proven_count &&
	    memcmp(c->proven, who->proven, c->proven_count * sizeof *c->proven) == 0;
}

enum reason client_login(struct client *c, const struct identity *who)
{
	struct limits limits = c->listener->limits;
	struct member member;

	if (who->user == NULL) {
		client_forget(c);
		return REASON_OK;
	}
	if (!is_same(c, who))
		unpin(c);
	log_out(c);
	c->user = strdup(who->user);
	if (c->user == NULL)
		return REASON_RESOURCES;
	memcpy(c->proven, who->proven, sizeof c->proven);
	c->proven_count = who->proven_count;
	member = client_member(c);
	limits.sessions_per_user = member_sessions(&member, limits.sessions_per_user);
	limits.bandwidth_per_user = member_bandwidth(&member, limits.bandwidth_per_user);
	c->bandwidth = limits.bandwidth_per_user;
	c->quota = member_quota(&member, limits.quota_per_user);
	return account_login(c->worker->gateway->account, &limits, c->user, &c->user_holder);
}

bool client_is_spent(const struct client *c)
{
	uint8_t user[QUOTA_USER];

	if (c->user == NULL || c->quota.bytes == 0)
		return false;
	quota_user(user, c->user);
	return quota_spend(c->worker->gateway->quota, user, c->quota.monthly, 0, time(NULL)) >=
	    c->quota.bytes;
}

struct member client_member(const struct client *c)
{
	const struct conf *conf = c->worker->gateway->conf;

	return (struct member){.sets = conf->users,
	    .set_count = conf->user_count,
	    .user = c->user,
	    .proven = c->proven,
	    .proven_count = c->proven_count};
}

struct identity_facts client_facts(const struct client *c, char unix_user[UNIX_USER_TEXT])
{
	const struct unix_users *users = c->worker->gateway->conf->unix_users;

	return (struct identity_facts){.address = c->on_unix ? NULL : &c->peer.address,
	    .unix_user = c->on_unix ? unix_users_text(users, c->uid, unix_user) : NULL,
	    .ident_asked = c->ident_asked,
	    .ident_user = c->ident_user};
}

void client_forget(struct client *c)
{
	if (c->user != NULL)
		unpin(c);
	log_out(c);
}

/* --- the end --- */

void client_end(struct client *c, enum reason reason)
{
	if (c->session != NULL)
		session_end(c->session, reason);
	client_free(c);
}

void client_free(struct client *c)
{
	struct worker *w = c->worker;

	TAILQ_REMOVE(&w->clients, c, entry);
	stream_free(c->stream);
	unpin(c);
	if (c->rest != NULL)
		event_free(c->rest);
	log_out(c);
	free(c->ident_user);
	account_leave(w->gateway->account, c->holder, c->served);
	free(c);
	worker_left(w);
}

bool client_is_local(const struct client *c)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;

	if (c->on_unix)
		return true;
	if (address_is_ipv4(&c->peer.address))
		return c->peer.address.s6_addr[12] == 127;
	return memcmp(&c->peer.address, &loopback, sizeof loopback) == 0;
}

char *client_format(const struct client *c, char out[CLIENT_TEXT])
{
	if (!c->on_unix)
		return endpoint_format(&c->peer, out);
	snprintf(out, CLIENT_TEXT, "unix:uid=%" PRIdMAX, (intmax_t)(int)c->uid);
	return out;
}
