/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_ENTERING_H
#define TESTS_UNIT_ENTERING_H

#include <stdio.h>
#include <string.h>

#include "gateway/handshake.h"
#include "gateway/identity.h"

/* Clients of every protocol at the gate, by the bytes that they say. */

/* --- what may stand after `auth` ---------------------------------------------------------------
 */

enum { STAFF, CORP }; /* the keeper's blocks */

static struct prefix home_prefixes[2];
static const struct identity_block staff = {.name = "staff", .check = STAFF},
                                   corp = {.name = "corp", .check = CORP},
                                   peer = {.name = "peer", .kind = IDENTITY_UNIX_PEER},
                                   lan = {.name = "lan",
                                       .kind = IDENTITY_SOURCE,
                                       .prefixes = home_prefixes,
                                       .prefix_count = 2,
                                       .user = "home"},
                                   who = {.name = "who", .kind = IDENTITY_IDENT, .required = true},
                                   maybe = {.name = "maybe", .kind = IDENTITY_IDENT};
static const struct identity_block *const blocks[] = {
    &staff, &corp, &peer, &lan, &who, &maybe, NULL};

static inline struct identity_choice read_choice(const char *word)
{
	struct identity_choice choice = {.part_count = 0};
	char copy[64], *rest = copy, *part;

	snprintf(copy, sizeof copy, "%s", word);
	while (strcmp(word, "none") != 0 && (part = strsep(&rest, "+")) != NULL)
		for (size_t i = 0; blocks[i] != NULL; i++)
			if (strcmp(blocks[i]->name, part) == 0)
				choice.parts[choice.part_count++] = blocks[i];
	return choice;
}

#define CHOICES 3

/* `auth` and these words; NULL: not a word more. */
static inline struct identity_gate make_gate(
    struct identity_choice choices[CHOICES], const char *const words[CHOICES])
{
	struct identity_gate gate = {.choices = choices};

	while (gate.choice_count < CHOICES && words[gate.choice_count] != NULL) {
		choices[gate.choice_count] = read_choice(words[gate.choice_count]);
		gate.choice_count++;
	}
	return gate;
}

/* --- clients -----------------------------------------------------------------------------------
 */

static struct in6_addr inside, inside6, outside;

static inline int set_up(void **state)
{
	(void)state;
	assert_null(prefix_parse(&home_prefixes[0], "10.0.0.0/8", 10));
	assert_null(prefix_parse(&home_prefixes[1], "2001:db8::/32", 13));
	assert_true(address_parse(&inside, "10.1.2.3", 8));
	assert_true(address_parse(&inside6, "2001:db8::7", 11));
	assert_true(address_parse(&outside, "64:ff9b::a01:203", 16)); /* 10.1.2.3 is inside of it */
	return 0;
}

/* As it stands when the identd, if it was asked, has answered. */
static const struct place_of_client {
	const char *name;
	const struct in6_addr *address;
	const char *unix_user, *ident_user;
} places[] = {
    {"in the lan", &inside, NULL, NULL},
    {"in the lan by IPv6", &inside6, NULL, "alice"},
    {"outside", &outside, NULL, NULL},
    {"outside with identd", &outside, NULL, "alice"},
    {"unix", NULL, "joe", NULL},
    {"unix of nobody", NULL, NULL, NULL},
};
#define PLACES (sizeof places / sizeof places[0])

static inline struct identity_facts facts_of(const struct place_of_client *place)
{
	return (struct identity_facts){.address = place->address, .unix_user = place->unix_user};
}

/* --- one client at the gate, by the bytes of its protocol --- */

#define TARGET "\0\x50\xc0\0\2\1"
#define CONNECT "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n"
#define GET "GET http://h/ HTTP/1.1\r\nHost: h\r\n"
#define SALLY "Proxy-Authorization: Basic c2FsbHk6cmlnaHQ=\r\n" /* sally:right */
#define WRONG "Proxy-Authorization: Basic c2FsbHk6d3Jvbmc=\r\n" /* sally:wrong */
#define REQUEST5 "\5\1\0\1\xc0\0\2\1\0\x50"
#define LOGIN5 "\1\5sally\5right"
#define WRONG5 "\1\5sally\5wrong"

static const struct spoken {
	const char *name;
	enum protocol protocol;
	bool password, plain; /* which it brings: a password, or itself */
	bool wrong;
	struct {
		const char *text;
		size_t length;
	} says, then; /* then: what follows the choice of a method */
} clients[] = {
#define SAYS(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}
    {"socks4", PROTOCOL_SOCKS4, false, true, false, SAYS("\4\1" TARGET "alice\0"), {0}},
    {"socks5 00", PROTOCOL_SOCKS5, false, true, false, SAYS("\5\1\0"), {0}},
    {"socks5 02", PROTOCOL_SOCKS5, true, false, false, SAYS("\5\1\2"), SAYS(LOGIN5)},
    {"socks5 00 02", PROTOCOL_SOCKS5, true, true, false, SAYS("\5\2\0\2"), SAYS(LOGIN5)},
    {"socks5 02 wrong", PROTOCOL_SOCKS5, true, false, true, SAYS("\5\1\2"), SAYS(WRONG5)},
    {"connect", PROTOCOL_HTTP, false, true, false, SAYS(CONNECT "\r\n"), {0}},
    {"connect login", PROTOCOL_HTTP, true, false, false, SAYS(CONNECT SALLY "\r\n"), {0}},
    {"connect wrong", PROTOCOL_HTTP, true, false, true, SAYS(CONNECT WRONG "\r\n"), {0}},
    {"forward", PROTOCOL_HTTP, false, true, false, SAYS(GET "\r\n"), {0}},
    {"forward login", PROTOCOL_HTTP, true, false, false, SAYS(GET SALLY "\r\n"), {0}},
    {"forward wrong", PROTOCOL_HTTP, true, false, true, SAYS(GET WRONG "\r\n"), {0}},
#undef SAYS
};
#define CLIENTS (sizeof clients / sizeof clients[0])

struct outcome {
	enum reason reason;
	char user[16], proven[64];
};

static inline void note_identity(struct outcome *out, const struct identity *identity)
{
	snprintf(out->user, sizeof out->user, "%s", identity->user != NULL ? identity->user : "-");
	for (size_t i = 0; i < identity->proven_count; i++) {
		strcat(out->proven, "@");
		strcat(out->proven, identity->proven[i]);
	}
}

/* Only corp knows sally. */
static inline void check_password(struct handshake *h, struct buffer *out,
    const struct identity_gate *gate, const struct identity_facts *facts, struct outcome *outcome)
{
	uint16_t checks[AUTH_BLOCKS_MAX];
	size_t count = identity_checks(checks, gate, facts);
	bool right = false;

	assert_true(count > 0);
	for (size_t i = 0; i < count; i++)
		right |= checks[i] == CORP && strcmp(h->credentials.password, "right") == 0;
	if (right) {
		struct identity identity;

		identity_accept(&identity, gate, facts, CORP, h->credentials.user);
		note_identity(outcome, &identity);
	}
	h->ops->verdict(h, right, REASON_AUTH_FAILED, out);
}

static inline struct outcome enter(const struct identity_gate *gate,
    const struct place_of_client *place, const struct spoken *client)
{
	static void (*const init[])(struct handshake *, const uint8_t *, size_t) = {
	    socks4_server_init, socks5_server_init, http_server_init};
	struct identity_facts facts = facts_of(place);
	struct outcome outcome = {.reason = REASON_OK};
	struct identity_offer offer;
	struct identity identity;
	struct handshake h;
	struct buffer in, out;
	enum hs hs;

	if (identity_wants_ident(gate, &facts)) {
		facts.ident_asked = true;
		facts.ident_user = place->ident_user;
	}
	assert_false(identity_wants_ident(gate, &facts));
	identity_offer(&offer, gate, &facts);
	init[client->protocol](&h, offer.methods, offer.method_count);
	h.refusal = offer.refusal;
	buffer_init(&in, NULL, SERVER_HANDSHAKE_MAX);
	buffer_init(&out, NULL, SERVER_HANDSHAKE_MAX);
	buffer_add(&in, client->says.text, client->says.length);
	hs = h.ops->feed(&h, &in, &out);
	if (hs == HS_MORE && buffer_bytes(&out)[1] == METHOD_PASSWORD) {
		buffer_add(&in, client->then.text, client->then.length);
		hs = h.ops->feed(&h, &in, &out);
	}
	if (hs == HS_ASK) {
		check_password(&h, &out, gate, &facts, &outcome);
		hs = h.ops->feed(&h, &in, &out);
	}
	if (hs == HS_MORE) {
		buffer_add(&in, REQUEST5, sizeof REQUEST5 - 1);
		hs = h.ops->feed(&h, &in, &out);
	}
	assert_true(hs == HS_DONE || hs == HS_FAIL);
	outcome.reason = hs == HS_DONE ? REASON_OK : h.reason;
	if (hs == HS_DONE && !h.authenticated) {
		outcome.reason = identity_admit(&identity, gate, &facts,
		    client->protocol == PROTOCOL_SOCKS4 ? h.credentials.user : NULL);
		if (outcome.reason == REASON_OK)
			note_identity(&outcome, &identity);
	}
	buffer_clear(&in);
	buffer_clear(&out);
	handshake_clear(&h);
	return outcome;
}

#endif
