/* SPDX-License-Identifier: ISC */
/* The gate: every kind of `auth`, in every order, for clients of every protocol. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/entering.h"

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

/* --- the rest --- */

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
	    cmocka_unit_test(test_claims),
	    cmocka_unit_test(test_when_identd_is_asked),
	    cmocka_unit_test(test_what_people_are_told),
	    cmocka_unit_test(test_each_block_is_asked_once),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
