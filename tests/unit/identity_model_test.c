/* SPDX-License-Identifier: ISC */
/* The gate: every list of up to three words, against rules that are said in another way. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/entering.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_two_protocols_disagree),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
