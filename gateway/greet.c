/* SPDX-License-Identifier: ISC */
/* A session's first steps: which protocol the client speaks, who it is, what it asks for. */
#include "config.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/setup.h"

#define NO_LIMIT_MS INT32_MAX /* for a check whose time is `off` */

static int64_t auth_ms(const struct session *s)
{
	int64_t ms = s->client->listener->timeouts.auth;

	return ms > 0 ? ms : NO_LIMIT_MS;
}

/* The first byte tells the protocol; -1: none that is spoken here. */
static int protocol_of(const struct session *s)
{
	/* One who has made an HTTP request goes on with HTTP. */
	unsigned protocols = s->id > 1 ? 1u << PROTOCOL_HTTP : s->client->listener->protocols;

	return sniff(*buffer_bytes(&s->setup->in), protocols);
}

static void speak(struct session *s, int protocol)
{
	static void (*const init[])(struct handshake *, const uint8_t *, size_t) = {
	    [PROTOCOL_SOCKS4] = socks4_server_init,
	    [PROTOCOL_SOCKS5] = socks5_server_init,
	    [PROTOCOL_HTTP] = http_server_init,
	};
	struct setup *u = s->setup;
	/* Who is refused anyway is not asked for a password. */
	struct identity_offer offer = {.methods = {METHOD_NO_AUTH}, .method_count = 1};
	char unix_user[UNIX_USER_TEXT];
	const struct identity_facts facts = client_facts(s->client, unix_user);

	if (u->reason == REASON_OK)
		identity_offer(&offer, &s->client->listener->auth, &facts);
	init[protocol](&u->handshake, offer.methods, offer.method_count);
	u->handshake.refusal = offer.refusal;
	u->spoken = true;
}

/* --- its identd ------------------------------------------------------------------------------- */

/* A name that no login could have is no name. */
static void named(void *arg, const char *user)
{
	struct session *s = arg;
	struct client *c = s->client;

	s->setup->ident = NULL;
	c->ident_asked = true;
	if (user != NULL && strlen(user) <= CREDENTIAL_MAX)
		c->ident_user = strdup(user);
	session_enter(s, STEP_GREET);
	session_greet(s);
}

/* What the client may do depends on it: the client waits.  False: it need not, or is refused. */
static bool asks_identd(struct session *s)
{
	struct client *c = s->client;
	char unix_user[UNIX_USER_TEXT];
	const struct identity_facts facts = client_facts(c, unix_user);
	struct sockaddr_storage ours, theirs;
	socklen_t ours_length = sizeof ours, theirs_length = sizeof theirs;
	const struct auth_ident_plan plan = {.base = c->worker->loop.base,
	    .ours = (struct sockaddr *)&ours,
	    .theirs = (struct sockaddr *)&theirs,
	    .port = AUTH_IDENT_PORT,
	    .deadline_ms = auth_ms(s)};
	int fd = stream_fd(c->stream);

	if (s->setup->reason != REASON_OK || !identity_wants_ident(&c->listener->auth, &facts))
		return false;
	if (getsockname(fd, (struct sockaddr *)&ours, &ours_length) == 0 &&
	    getpeername(fd, (struct sockaddr *)&theirs, &theirs_length) == 0)
		s->setup->ident = auth_ident_start(&plan, named, s);
	if (s->setup->ident == NULL) {
		c->ident_asked = true;
		return false;
	}
	session_enter(s, STEP_AUTH);
	session_wait(s);
	return true;
}

/* --- its password ----------------------------------------------------------------------------- */

void session_judged(struct session *s, enum reason reason)
{
	struct handshake *h = &s->setup->handshake;

	session_enter(s, STEP_GREET);
	h->ops->verdict(h, reason == REASON_OK, reason, &s->setup->out);
	explicit_bzero(&h->credentials, sizeof h->credentials);
	session_greet(s);
}

static void checked(void *arg, const struct auth_answer *answer)
{
	struct session *s = arg;
	struct client *c = s->client;
	struct setup *u = s->setup;
	const enum auth_result result = answer->result;
	enum reason reason = result == AUTH_ACCEPTED ? REASON_OK : REASON_AUTH_UNAVAILABLE;
	char unix_user[UNIX_USER_TEXT];
	const struct identity_facts facts = client_facts(c, unix_user);
	struct identity who;

	u->check = NULL;
	if (result == AUTH_WRONG) {
		session_failed(s);
		return;
	}
	session_attempted(s, result == AUTH_ACCEPTED);
	if (reason == REASON_OK) {
		identity_accept(&who, &c->listener->auth, &facts, answer->block, answer->user);
		reason = client_login(c, &who);
		u->identified = true;
	}
	if (reason != REASON_OK && result == AUTH_ACCEPTED) {
		session_refuse(s, reason);
		return;
	}
	session_judged(s, reason);
}

static void authenticate(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	const struct credentials *given = &u->handshake.credentials;
	char unix_user[UNIX_USER_TEXT], rhost[ADDRESS_TEXT];
	const struct identity_facts facts = client_facts(c, unix_user);
	uint16_t blocks[AUTH_BLOCKS_MAX];
	struct auth_question question = {
	    .blocks = blocks,
	    .user = given->user,
	    .user_length = given->user_length,
	    .password = given->password,
	    .password_length = given->password_length,
	    .rhost = c->on_unix ? NULL : address_format(&c->peer.address, rhost),
	    .deadline_ms = auth_ms(s),
	};

	question.block_count = identity_checks(blocks, &c->listener->auth, &facts);
	assert(question.block_count > 0);
	if (!session_attempt(s))
		return;
	session_enter(s, STEP_AUTH);
	if (c->worker->auth != NULL)
		u->check = auth_link_ask(c->worker->auth, &question, checked, s);
	if (u->check == NULL) {
		session_attempted(s, false);
		session_refuse(s, REASON_AUTH_UNAVAILABLE);
		return;
	}
	session_wait(s);
}

void session_login(struct session *s)
{
	if (s->setup->denied)
		session_judged(s, REASON_AUTH_FAILED);
	else
		authenticate(s);
}

/* --- what it asks for ------------------------------------------------------------------------- */

/* One that was not asked for a password. */
static enum reason admit(struct session *s)
{
	const struct handshake *h = &s->setup->handshake;
	struct client *c = s->client;
	char unix_user[UNIX_USER_TEXT];
	const struct identity_facts facts = client_facts(c, unix_user);
	const char *claim = h->request.protocol == PROTOCOL_SOCKS4 ? h->credentials.user : NULL;
	struct identity who;
	enum reason reason = identity_admit(&who, &c->listener->auth, &facts, claim);

	s->setup->identified = reason == REASON_OK;
	if (reason == REASON_OK)
		return client_login(c, &who);
	client_forget(c);
	return reason;
}

/* The request is known: the handshake's time and place are given back. */
static void requested(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	enum command command = u->handshake.request.command;
	enum reason reason = u->reason;

	u->asked = true;
	u->asked_ms = loop_now();
	if (reason == REASON_OK && !u->identified)
		reason = admit(s);
	if (!c->served)
		account_served(c->worker->gateway->account, c->holder);
	c->served = true;
	if (reason != REASON_OK)
		session_refuse(s, reason);
	else if (command != COMMAND_CONNECT && command != COMMAND_HTTP)
		session_refuse(s, REASON_BAD_COMMAND);
	else if (!(c->listener->commands & 1u << command))
		session_refuse(s, REASON_COMMAND_DENIED);
	else if (u->handshake.request.protocol == PROTOCOL_HTTP && command == COMMAND_CONNECT &&
	    !listener_connects(c->listener, u->handshake.request.target.port))
		session_refuse(s, REASON_DENIED);
	else if (client_is_spent(c))
		session_refuse(s, REASON_QUOTA);
	else
		session_decide(s);
}

void session_greet(struct session *s)
{
	struct setup *u = s->setup;
	int protocol;

	if (!u->spoken) {
		protocol = protocol_of(s);
		if (protocol < 0) {
			session_refuse(s, REASON_NOT_SPOKEN);
			return;
		}
		if (asks_identd(s))
			return;
		speak(s, protocol);
	}
	switch (u->handshake.ops->feed(&u->handshake, &u->in, &u->out)) {
	case HS_MORE:
		if (buffer_length(&u->in) == u->in.max)
			session_refuse(s, REASON_TOO_LARGE);
		else if (u->ended)
			session_leave(s, REASON_CLIENT_GONE);
		else if (session_flush(s) != GONE)
			session_wait(s);
		return;
	case HS_ASK:
		if (session_flush(s) != GONE)
			authenticate(s);
		return;
	case HS_DONE:
		requested(s);
		return;
	case HS_FAIL:
		session_refuse(s, u->handshake.reason);
		return;
	}
}
