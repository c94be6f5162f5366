/* SPDX-License-Identifier: ISC */
/* The gate: every kind of `auth`, in every order, for clients of every protocol. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/handshake.h"
#include "gateway/identity.h"

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

static struct identity_choice read_choice(const char *word)
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
static struct identity_gate make_gate(
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

static int set_up(void **state)
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

static struct identity_facts facts_of(const struct place_of_client *place)
{
	return (struct identity_facts){.address = place->address, .unix_user = place->unix_user};
}

/* --- one client at the gate, by the bytes of its protocol
 * ------------------------------------------ */

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

static void note_identity(struct outcome *out, const struct identity *identity)
{
	snprintf(out->user, sizeof out->user, "%s", identity->user != NULL ? identity->user : "-");
	for (size_t i = 0; i < identity->proven_count; i++) {
		strcat(out->proven, "@");
		strcat(out->proven, identity->proven[i]);
	}
}

/* Only corp knows sally. */
static void check_password(struct handshake *h, struct buffer *out,
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

static struct outcome enter(const struct identity_gate *gate, const struct place_of_client *place,
    const struct spoken *client)
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

/* --- by hand ------------------------------------------------------------------------------------
 */

static const struct place_of_client *place_named(const char *name)
{
	for (size_t i = 0; i < PLACES; i++)
		if (strcmp(places[i].name, name) == 0)
			return &places[i];
	fail_msg("no place %s", name);
	return NULL;
}

static const struct spoken *client_named(const char *name)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (strcmp(clients[i].name, name) == 0)
			return &clients[i];
	fail_msg("no client %s", name);
	return NULL;
}

static void test_table(void **state)
{
	static const struct {
		const char *words[CHOICES];
		const char *place, *client;
		enum reason reason;
		const char *user, *proven;
	} rows[] = {
	    /* Nothing said, and `none`. */
	    {{NULL}, "outside", "socks4", REASON_OK, "-", ""},
	    {{"none"}, "outside", "connect wrong", REASON_OK, "-", ""},
	    {{"none", "corp"}, "outside", "connect wrong", REASON_AUTH_FAILED, "", ""},
	    {{"corp", "none"}, "outside", "socks5 02 wrong", REASON_AUTH_FAILED, "", ""},
	    {{"corp", "none"}, "outside", "socks5 00", REASON_OK, "-", ""},
	    {{"corp", "none"}, "outside", "socks4", REASON_OK, "-", ""},
	    {{"none", "corp"}, "outside", "socks5 00 02", REASON_OK, "-", ""},
	    {{"corp", "none"}, "outside", "socks5 00 02", REASON_OK, "sally", "@corp"},
	    /* Passwords. */
	    {{"staff", "corp"}, "outside", "forward login", REASON_OK, "sally", "@corp"},
	    {{"staff"}, "outside", "forward login", REASON_AUTH_FAILED, "", ""},
	    {{"staff"}, "outside", "socks4", REASON_AUTH_REQUIRED, "", ""},
	    {{"staff"}, "unix", "socks5 00", REASON_AUTH_REQUIRED, "", ""},
	    /* By place. */
	    {{"lan"}, "in the lan", "socks4", REASON_OK, "home", "@lan"},
	    {{"lan"}, "in the lan by IPv6", "forward", REASON_OK, "home", "@lan"},
	    {{"lan"}, "in the lan", "connect wrong", REASON_OK, "home", "@lan"},
	    {{"lan"}, "outside", "socks5 00 02", REASON_NOT_IDENTIFIED, "", ""},
	    {{"lan"}, "unix", "forward", REASON_NOT_IDENTIFIED, "", ""},
	    {{"lan", "corp"}, "outside", "forward", REASON_AUTH_REQUIRED, "", ""},
	    {{"lan", "corp"}, "in the lan", "forward login", REASON_OK, "sally", "@corp"},
	    {{"lan", "corp"}, "in the lan", "forward wrong", REASON_AUTH_FAILED, "", ""},
	    {{"corp", "lan"}, "in the lan", "socks5 00 02", REASON_OK, "sally", "@corp"},
	    {{"lan", "corp"}, "in the lan", "socks5 00 02", REASON_OK, "home", "@lan"},
	    /* By uid. */
	    {{"peer"}, "unix", "socks4", REASON_OK, "joe", "@peer"},
	    {{"peer"}, "unix of nobody", "socks4", REASON_NOT_IDENTIFIED, "", ""},
	    {{"peer"}, "outside", "connect", REASON_NOT_IDENTIFIED, "", ""},
	    /* By identd. */
	    {{"who"}, "outside with identd", "connect", REASON_OK, "alice", "@who"},
	    {{"who"}, "outside with identd", "socks4", REASON_OK, "alice", "@who"},
	    {{"who"}, "outside", "socks4", REASON_IDENT_FAILED, "", ""},
	    {{"who"}, "outside", "socks5 00", REASON_IDENT_FAILED, "", ""},
	    {{"who"}, "unix", "forward", REASON_IDENT_FAILED, "", ""},
	    {{"who", "corp"}, "outside", "socks4", REASON_IDENT_FAILED, "", ""},
	    {{"who", "corp"}, "outside", "connect", REASON_AUTH_REQUIRED, "", ""},
	    {{"maybe"}, "outside", "socks4", REASON_OK, "-", ""},
	    {{"maybe"}, "outside with identd", "socks4", REASON_OK, "alice", "@maybe"},
	    /* Both. */
	    {{"lan+corp"}, "in the lan", "socks5 02", REASON_OK, "sally", "@lan@corp"},
	    {{"corp+lan"}, "in the lan", "socks5 02", REASON_OK, "home", "@corp@lan"},
	    {{"lan+corp"}, "outside", "socks5 02", REASON_NOT_IDENTIFIED, "", ""},
	    {{"lan+corp"}, "in the lan", "forward", REASON_AUTH_REQUIRED, "", ""},
	    {{"lan+corp", "corp"}, "outside", "socks5 02", REASON_OK, "sally", "@corp"},
	    {{"who+corp"}, "outside with identd", "connect login", REASON_OK, "sally", "@who@corp"},
	    {{"who+corp"}, "outside", "connect login", REASON_IDENT_FAILED, "", ""},
	    {{"maybe+corp"}, "outside", "connect login", REASON_OK, "sally", "@corp"},
	    {{"corp+maybe"}, "outside", "connect login", REASON_OK, "-", ""},
	    {{"lan+who"}, "in the lan by IPv6", "socks4", REASON_OK, "alice", "@lan@who"},
	    {{"lan+who"}, "outside with identd", "socks4", REASON_NOT_IDENTIFIED, "", ""},
	    {{"lan+who"}, "in the lan", "socks4", REASON_IDENT_FAILED, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct identity_choice choices[CHOICES];
		const struct identity_gate gate = make_gate(choices, rows[i].words);
		struct outcome outcome =
		    enter(&gate, place_named(rows[i].place), client_named(rows[i].client));

		assert_string_equal(
		    reason_row(outcome.reason)->log_name, reason_row(rows[i].reason)->log_name);
		assert_string_equal(outcome.user, rows[i].user);
		assert_string_equal(outcome.proven, rows[i].proven);
	}
}

/* --- all of them, against rules that are said in another way
 * -------------------------------------- */

static const char *const all_words[] = {"none", "staff", "corp", "peer", "lan", "who", "maybe",
    "lan+corp", "corp+lan", "who+corp", "maybe+corp", "lan+who", "peer+staff", "peer+corp"};
#define WORDS (sizeof all_words / sizeof all_words[0])

/* Is the client let in by this word, without or with sally's right password? */
static bool opens(
    const char *word, const struct place_of_client *place, bool ident, bool password, char user[16])
{
	bool in_lan = place->address == &inside || place->address == &inside6, asks = false;
	char copy[64], *rest = copy, *part;

	snprintf(copy, sizeof copy, "%s", word);
	strcpy(user, "-");
	while ((part = strsep(&rest, "+")) != NULL) {
		const char *by = NULL;

		if (strcmp(part, "staff") == 0)
			return false;
		if (strcmp(part, "corp") == 0) {
			asks = true;
			by = "sally";
		} else if (strcmp(part, "lan") == 0) {
			by = in_lan ? "home" : NULL;
		} else if (strcmp(part, "peer") == 0) {
			by = place->unix_user;
		} else if (strcmp(part, "who") == 0 || strcmp(part, "maybe") == 0) {
			by = ident ? place->ident_user : NULL;
		}
		if (by == NULL && strcmp(part, "none") != 0 && strcmp(part, "maybe") != 0)
			return false;
		strcpy(user, by != NULL ? by : "-");
	}
	return asks == password;
}

static bool first_that_opens(const char *const words[CHOICES], const struct place_of_client *place,
    bool password, char user[16], size_t *index)
{
	for (*index = 0; *index < CHOICES && words[*index] != NULL; ++*index)
		if (opens(words[*index], place, true, password, user))
			return true;
	return false;
}

static bool takes_password(const char *const words[CHOICES], const struct place_of_client *place)
{
	struct identity_choice choices[CHOICES];
	const struct identity_gate gate = make_gate(choices, words);
	struct identity_facts facts = facts_of(place);
	struct identity_offer offer;

	facts.ident_asked = true;
	facts.ident_user = place->ident_user;
	identity_offer(&offer, &gate, &facts);
	return memchr(offer.methods, METHOD_PASSWORD, offer.method_count) != NULL;
}

static void compare(const char *const words[CHOICES], const struct place_of_client *place)
{
	struct identity_choice choices[CHOICES];
	const struct identity_gate gate = make_gate(choices, words);
	const bool takes = takes_password(words, place);

	for (size_t i = 0; i < CLIENTS; i++) {
		const struct spoken *c = &clients[i];
		struct outcome outcome = enter(&gate, place, c);
		char user[16] = "", by_password[16] = "";
		size_t at, at_password;
		bool plain = first_that_opens(words, place, false, user, &at);
		bool password = first_that_opens(words, place, true, by_password, &at_password);
		bool in;

		if (c->password && c->plain) {
			/* Both are offered: the first word that takes either decides the method. */
			if (takes && c->protocol == PROTOCOL_SOCKS5 &&
			    outcome.reason == REASON_OK && strcmp(outcome.user, user) != 0)
				assert_string_equal(outcome.user, by_password);
			continue;
		}
		/* Where no password is taken HTTP does not look at one, and SOCKS5 has no method.
		 */
		if (c->password && takes) {
			in = password && !c->wrong;
			memcpy(user, by_password, sizeof user);
		} else {
			in = plain && (!c->password || c->protocol == PROTOCOL_HTTP);
		}
		if ((outcome.reason == REASON_OK) != in || (in && strcmp(outcome.user, user) != 0))
			fail_msg("auth %s %s %s, %s, %s: %s as %s, expected %d as %s", words[0],
			    words[1] ? words[1] : "", words[2] ? words[2] : "", place->name,
			    c->name, reason_row(outcome.reason)->log_name, outcome.user, in, user);
	}
}

static void test_no_two_protocols_disagree(void **state)
{
	(void)state;
	for (size_t a = 0; a < WORDS; a++)
		for (size_t b = 0; b <= WORDS; b++)
			for (size_t c = 0; c <= (b < WORDS ? WORDS : 0); c++)
				for (size_t p = 0; p < PLACES; p++) {
					const char *const words[CHOICES] = {all_words[a],
					    b < WORDS ? all_words[b] : NULL,
					    b < WORDS && c < WORDS ? all_words[c] : NULL};

					compare(words, &places[p]);
				}
}

/* --- the rest
 * ------------------------------------------------------------------------------------- */

static void test_claims(void **state)
{
	const char *const words[CHOICES] = {"who", "none", NULL},
	                  *const free_words[CHOICES] = {"none"};
	struct identity_choice choices[CHOICES];
	struct identity_gate gate = make_gate(choices, words);
	struct identity_facts facts = {
	    .address = &outside, .ident_asked = true, .ident_user = "alice"};
	struct identity identity;

	(void)state;
	assert_int_equal(identity_admit(&identity, &gate, &facts, "alice"), REASON_OK);
	assert_int_equal(identity_admit(&identity, &gate, &facts, NULL), REASON_OK);
	assert_int_equal(identity_admit(&identity, &gate, &facts, "bob"), REASON_IDENT_MISMATCH);
	assert_int_equal(identity_admit(&identity, &gate, &facts, ""), REASON_IDENT_MISMATCH);
	/* Nobody can contradict it. */
	facts.ident_user = NULL;
	assert_int_equal(identity_admit(&identity, &gate, &facts, "bob"), REASON_OK);
	assert_null(identity.user);
	gate = make_gate(choices, free_words);
	facts.ident_user = "alice";
	assert_int_equal(identity_admit(&identity, &gate, &facts, "bob"), REASON_OK);
}

static void test_when_identd_is_asked(void **state)
{
	static const struct {
		const char *words[CHOICES];
		const char *place;
		bool asked;
	} rows[] = {{{"who"}, "outside", true}, {{"maybe"}, "outside", true},
	    {{"who"}, "unix", false}, {{"none", "who"}, "outside", false},
	    {{"lan", "who"}, "in the lan", false}, {{"lan", "who"}, "outside", true},
	    {{"corp", "who"}, "outside", true}, {{"lan+who"}, "outside", false},
	    {{"lan+who"}, "in the lan", true}, {{"none", "who+corp"}, "outside", true},
	    {{"corp"}, "outside", false}, {{NULL}, "outside", false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct identity_choice choices[CHOICES];
		const struct identity_gate gate = make_gate(choices, rows[i].words);
		struct identity_facts facts = facts_of(place_named(rows[i].place));

		assert_int_equal(identity_wants_ident(&gate, &facts), rows[i].asked);
		facts.ident_asked = true;
		assert_false(identity_wants_ident(&gate, &facts));
	}
}

static void test_what_people_are_told(void **state)
{
	static const struct {
		const char *words[CHOICES];
		bool demands, takes;
	} rows[] = {{{NULL}, false, false}, {{"none"}, false, false}, {{"corp"}, true, true},
	    {{"corp", "none"}, false, true}, {{"lan+corp", "staff"}, true, true},
	    {{"lan", "who"}, false, false}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct identity_choice choices[CHOICES];
		const struct identity_gate gate = make_gate(choices, rows[i].words);

		assert_int_equal(identity_demands_password(&gate), rows[i].demands);
		assert_int_equal(identity_takes_password(&gate), rows[i].takes);
	}
}

static void test_each_block_is_asked_once(void **state)
{
	const char *const words[CHOICES] = {"lan+corp", "staff", "corp"};
	struct identity_choice choices[CHOICES];
	const struct identity_gate gate = make_gate(choices, words);
	struct identity_facts facts = {.address = &inside};
	uint16_t checks[AUTH_BLOCKS_MAX];

	(void)state;
	assert_int_equal(identity_checks(checks, &gate, &facts), 2);
	assert_int_equal(checks[0], CORP);
	assert_int_equal(checks[1], STAFF);
	facts.address = &outside;
	assert_int_equal(identity_checks(checks, &gate, &facts), 2);
	assert_int_equal(checks[0], STAFF);
	assert_int_equal(checks[1], CORP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_no_two_protocols_disagree),
	    cmocka_unit_test(test_claims),
	    cmocka_unit_test(test_when_identd_is_asked),
	    cmocka_unit_test(test_what_people_are_told),
	    cmocka_unit_test(test_each_block_is_asked_once),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
