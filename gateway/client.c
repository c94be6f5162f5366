/* SPDX-License-Identifier: ISC */
/* One who connected: who it is, what it holds, and its place in its worker's list. */
#include "config.h"

#include "gateway/client.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
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

void client_end(struct client *c, enum reason reason)
{
	session_end(c->session, reason);
	client_free(c);
}

void client_free(struct client *c)
{
	struct worker *w = c->worker;

	TAILQ_REMOVE(&w->clients, c, entry);
	stream_free(c->stream);
	account_leave(w->gateway->account, c->user_holder, true);
	account_leave(w->gateway->account, c->holder, c->served);
	free(c->user);
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
