/* SPDX-License-Identifier: ISC */
/* A session's login: when it may be checked, and when the answer to a wrong one is given. */
#include "config.h"

#include "gateway/log.h"
#include "gateway/setup.h"

#define TURN_FIRST_MS 10 /* looks whether it may be checked now: first pause, doubling … */
#define TURN_MAX_MS 200  /* … up to this */
#define USER_TEXT 256    /* of a name in the log; the rest is cut */

static struct login login_of(const struct session *s)
{
	const struct client *c = s->client;

	return (struct login){.most = &c->listener->limits.auth_failures_per_client,
	    .address = c->on_unix ? NULL : &c->peer.address,
	    .uid = c->uid,
	    .now_ms = loop_now()};
}

/* As many of this client are being checked as may fail. */
static void wait_for_turn(struct session *s)
{
	struct setup *u = s->setup;
	int64_t auth_ms = s->client->listener->timeouts.auth, now = loop_now();

	if (u->turn_ms == 0)
		u->login_ms = now;
	u->turn_ms = u->turn_ms == 0 ? TURN_FIRST_MS : 2 * u->turn_ms;
	if (u->turn_ms > TURN_MAX_MS)
		u->turn_ms = TURN_MAX_MS;
	if (auth_ms > 0 && now - u->login_ms >= auth_ms) {
		session_refuse(s, REASON_AUTH_UNAVAILABLE);
		return;
	}
	session_enter(s, STEP_AUTH);
	session_hurry(s, u->turn_ms);
	session_wait(s);
}

bool session_attempt(struct session *s)
{
	const struct login login = login_of(s);

	switch (account_attempt(s->client->worker->gateway->account, &login, &s->setup->attempt)) {
	case BACKOFF_CHECK:
		return true;
	case BACKOFF_WAIT:
		wait_for_turn(s);
		return false;
	case BACKOFF_LOCKED:
		session_judged(s, REASON_AUTH_FAILED);
		return false;
	}
	return false;
}

/* The address comes first: nothing that a client says can be taken for it. */
static void log_failed(const struct session *s, bool locked)
{
	const struct client *c = s->client;
	const struct credentials *given = &s->setup->handshake.credentials;
	const struct times *most = &c->listener->limits.auth_failures_per_client;
	char peer[CLIENT_TEXT], user[USER_TEXT];

	client_format(c, peer);
	log_escape(user, sizeof user, given->user, given->user_length);
	log_notice("failed login from %s on %s, user \"%s\"", peer, c->listener->name, user);
	if (locked)
		log_warning("logins from the address of %s on %s are refused for %lld seconds: %u "
		            "have failed",
		    peer, c->listener->name, (long long)most->in_ms / 1000, most->number);
}

void session_failed(struct session *s)
{
	const struct login login = login_of(s);
	struct setup *u = s->setup;
	int64_t delay_ms;
	bool locked =
	    account_failed(s->client->worker->gateway->account, u->attempt, &login, &delay_ms);

	u->attempt = NULL;
	log_failed(s, locked);
	if (delay_ms == 0) {
		session_judged(s, REASON_AUTH_FAILED);
		return;
	}
	u->denied = true;
	session_enter(s, STEP_AUTH);
	session_hurry(s, delay_ms);
	session_wait(s);
}

void session_attempted(struct session *s, bool right)
{
	account_attempted(s->client->worker->gateway->account, s->setup->attempt, right);
	s->setup->attempt = NULL;
}

void session_abandon(struct session *s)
{
	struct login login;
	int64_t delay_ms;

	if (s->setup->attempt == NULL)
		return;
	login = login_of(s);
	account_failed(s->client->worker->gateway->account, s->setup->attempt, &login, &delay_ms);
	s->setup->attempt = NULL;
}
