/* SPDX-License-Identifier: ISC */
/* A session's first steps: which protocol the client speaks, who it is, what it asks for. */
#include "config.h"

#include <assert.h>
#include <string.h>

#include "gateway/setup.h"

#define NO_LIMIT_MS INT32_MAX /* for a check whose time is `off` */

/* The first byte tells the protocol. */
static bool speak(struct session *s)
{
	static void (*const init[])(struct handshake *, const uint8_t *, size_t) = {
	    [PROTOCOL_SOCKS4] = socks4_server_init,
	    [PROTOCOL_SOCKS5] = socks5_server_init,
	    [PROTOCOL_HTTP] = http_server_init,
	};
	const struct listener *l = s->client->listener;
	struct setup *u = s->setup;
	/* One who has made an HTTP request goes on with HTTP. */
	unsigned protocols = s->id > 1 ? 1u << PROTOCOL_HTTP : l->protocols;
	int protocol = sniff(*buffer_bytes(&u->in), protocols);
	uint8_t methods[2];
	size_t count = 0;

	if (protocol < 0)
		return false;
	/* Who is refused anyway is not asked for a password. */
	if (l->auth_count == 0 || u->reason != REASON_OK)
		methods[count++] = METHOD_NO_AUTH;
	for (size_t i = 0; i < l->auth_count && u->reason == REASON_OK && count < 2; i++) {
		uint8_t method = l->auth[i] == AUTH_NONE ? METHOD_NO_AUTH : METHOD_PASSWORD;

		if (count == 0 || methods[0] != method)
			methods[count++] = method;
	}
	init[protocol](&u->handshake, methods, count);
	u->spoken = true;
	return true;
}

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

	u->check = NULL;
	if (result == AUTH_WRONG) {
		session_failed(s);
		return;
	}
	session_attempted(s, result == AUTH_ACCEPTED);
	if (reason == REASON_OK) {
		reason = client_login(
		    c, answer->user, c->worker->gateway->conf->auths[answer->block].name);
		u->identified = true;
	}
	if (reason != REASON_OK && result == AUTH_ACCEPTED) {
		session_refuse(s, reason);
		return;
	}
	if (reason == REASON_OK && u->handshake.request.protocol == PROTOCOL_HTTP)
		client_remember(c, &u->handshake.credentials);
	session_judged(s, reason);
}

static void authenticate(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	const struct credentials *given = &u->handshake.credentials;
	uint16_t blocks[AUTH_BLOCKS_MAX];
	char rhost[ADDRESS_TEXT];
	struct auth_question question = {
	    .blocks = blocks,
	    .user = given->user,
	    .user_length = given->user_length,
	    .password = given->password,
	    .password_length = given->password_length,
	    .rhost = c->on_unix ? NULL : address_format(&c->peer.address, rhost),
	    .deadline_ms =
	        c->listener->timeouts.auth > 0 ? c->listener->timeouts.auth : NO_LIMIT_MS,
	};

	for (size_t i = 0; i < c->listener->auth_count; i++) {
		if (c->listener->auth[i] == AUTH_NONE)
			continue;
		assert(question.block_count < AUTH_BLOCKS_MAX);
		blocks[question.block_count++] = c->listener->auth[i];
	}
	if (client_recalls(c, given)) {
		s->setup->identified = true;
		session_judged(s, REASON_OK);
		return;
	}
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

/* The request is known: the handshake's time and place are given back. */
static void requested(struct session *s)
{
	struct client *c = s->client;
	struct setup *u = s->setup;
	enum command command = u->handshake.request.command;

	u->asked = true;
	u->asked_ms = loop_now();
	if (!u->identified)
		client_forget(c);
	if (!c->served)
		account_served(c->worker->gateway->account, c->holder);
	c->served = true;
	if (u->reason != REASON_OK)
		session_refuse(s, u->reason);
	else if (command != COMMAND_CONNECT && command != COMMAND_HTTP)
		session_refuse(s, REASON_BAD_COMMAND);
	else if (!(c->listener->commands & 1u << command))
		session_refuse(s, REASON_COMMAND_DENIED);
	else if (u->handshake.request.protocol == PROTOCOL_HTTP && command == COMMAND_CONNECT &&
	    !listener_connects(c->listener, u->handshake.request.target.port))
		session_refuse(s, REASON_DENIED);
	else
		session_decide(s);
}

void session_greet(struct session *s)
{
	struct setup *u = s->setup;

	if (!u->spoken && !speak(s)) {
		session_refuse(s, REASON_NOT_SPOKEN);
		return;
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
