/* SPDX-License-Identifier: ISC */
/* The gate: which ways in a client has, by the words after a listener's `auth`. */
#include "config.h"

#include "gateway/identity.h"

#include <assert.h>
#include <string.h>

#include "gateway/handshake.h"

/* Nothing was said about it, as `none`. */
static const struct identity_choice none;

static size_t choice_count(const struct identity_gate *gate)
{
	return gate->choice_count > 0 ? gate->choice_count : 1;
}

static const struct identity_choice *choice_at(const struct identity_gate *gate, size_t index)
{
	return gate->choice_count > 0 ? &gate->choices[index] : &none;
}

static const struct identity_block *part_of(
    const struct identity_choice *choice, enum identity_kind kind)
{
	for (size_t i = 0; i < choice->part_count; i++)
		if (choice->parts[i]->kind == kind)
			return choice->parts[i];
	return NULL;
}

/* --- one block -------------------------------------------------------------------------------- */

static bool comes_from(const struct identity_block *block, const struct in6_addr *address)
{
	for (size_t i = 0; address != NULL && i < block->prefix_count; i++)
		if (prefix_contains(&block->prefixes[i], address))
			return true;
	return false;
}

/* Whom a block proves the client to be, of itself; NULL: nobody. */
static const char *user_by(const struct identity_block *block, const struct identity_facts *facts)
{
	switch (block->kind) {
	case IDENTITY_UNIX_PEER:
		return facts->address == NULL ? facts->unix_user : NULL;
	case IDENTITY_SOURCE:
		return comes_from(block, facts->address) ? block->user : NULL;
	case IDENTITY_IDENT:
		return facts->ident_user;
	case IDENTITY_PASSWORD:
		break;
	}
	return NULL;
}

/* Nothing about it is in the client's way; a password is seen about later. */
static bool holds(const struct identity_block *block, const struct identity_facts *facts)
{
	return block->kind == IDENTITY_PASSWORD ||
	    (block->kind == IDENTITY_IDENT && !block->required) || user_by(block, facts) != NULL;
}

/* --- one choice ------------------------------------------------------------------------------- */

/* But for a part of that kind. */
static bool holds_but(const struct identity_choice *choice, const struct identity_facts *facts,
    enum identity_kind kind)
{
	for (size_t i = 0; i < choice->part_count; i++)
		if (choice->parts[i]->kind != kind && !holds(choice->parts[i], facts))
			return false;
	return true;
}

static bool is_open(const struct identity_choice *choice, const struct identity_facts *facts)
{
	return holds_but(choice, facts, IDENTITY_PASSWORD);
}

static void become(struct identity *who, const struct identity_choice *choice,
    const struct identity_facts *facts, const char *password_user)
{
	*who = (struct identity){.user = NULL};
	for (size_t i = 0; i < choice->part_count; i++) {
		const struct identity_block *block = choice->parts[i];

		who->user =
		    block->kind == IDENTITY_PASSWORD ? password_user : user_by(block, facts);
		if (who->user != NULL)
			who->proven[who->proven_count++] = block->name;
	}
	/* Nobody belongs to nothing. */
	if (who->user == NULL)
		who->proven_count = 0;
}

/* --- the gate --------------------------------------------------------------------------------- */

bool identity_wants_ident(const struct identity_gate *gate, const struct identity_facts *facts)
{
	bool open = false;

	if (facts->ident_asked || facts->address == NULL)
		return false;
	for (size_t i = 0; i < choice_count(gate); i++) {
		const struct identity_choice *choice = choice_at(gate, i);
		bool password = part_of(choice, IDENTITY_PASSWORD) != NULL;

		if (!holds_but(choice, facts, IDENTITY_IDENT))
			continue;
		/* Nobody gets behind a choice that takes everybody, but those with a password. */
		if (part_of(choice, IDENTITY_IDENT) != NULL && (password || !open))
			return true;
		open |= !password;
	}
	return false;
}

static void add_method(struct identity_offer *offer, uint8_t method)
{
	if (memchr(offer->methods, method, offer->method_count) == NULL)
		offer->methods[offer->method_count++] = method;
}

void identity_offer(struct identity_offer *offer, const struct identity_gate *gate,
    const struct identity_facts *facts)
{
	bool unknown = false; /* the identd could have opened it */

	*offer = (struct identity_offer){.refusal = REASON_NOT_IDENTIFIED};
	for (size_t i = 0; i < choice_count(gate); i++) {
		const struct identity_choice *choice = choice_at(gate, i);

		if (!is_open(choice, facts))
			unknown |= holds_but(choice, facts, IDENTITY_IDENT);
		else if (part_of(choice, IDENTITY_PASSWORD) != NULL)
			add_method(offer, METHOD_PASSWORD);
		else
			add_method(offer, METHOD_NO_AUTH);
	}
	if (unknown)
		offer->refusal = REASON_IDENT_FAILED;
	else if (memchr(offer->methods, METHOD_PASSWORD, offer->method_count) != NULL)
		offer->refusal = REASON_AUTH_REQUIRED;
}

enum reason identity_admit(struct identity *who, const struct identity_gate *gate,
    const struct identity_facts *facts, const char *claim)
{
	for (size_t i = 0; i < choice_count(gate); i++) {
		const struct identity_choice *choice = choice_at(gate, i);

		if (!is_open(choice, facts) || part_of(choice, IDENTITY_PASSWORD) != NULL)
			continue;
		if (claim != NULL && facts->ident_user != NULL &&
		    part_of(choice, IDENTITY_IDENT) != NULL &&
		    strcmp(claim, facts->ident_user) != 0)
			return REASON_IDENT_MISMATCH;
		become(who, choice, facts, NULL);
		return REASON_OK;
	}
	return REASON_NOT_IDENTIFIED;
}

size_t identity_checks(uint16_t checks[AUTH_BLOCKS_MAX], const struct identity_gate *gate,
    const struct identity_facts *facts)
{
	size_t count = 0;

	for (size_t i = 0; i < choice_count(gate); i++) {
		const struct identity_choice *choice = choice_at(gate, i);
		const struct identity_block *block = part_of(choice, IDENTITY_PASSWORD);
		bool asked = block == NULL || !is_open(choice, facts);

		for (size_t j = 0; j < count && !asked; j++)
			asked = checks[j] == block->check;
		if (asked)
			continue;
		assert(count < AUTH_BLOCKS_MAX);
		checks[count++] = block->check;
	}
	return count;
}

void identity_accept(struct identity *who, const struct identity_gate *gate,
    const struct identity_facts *facts, uint16_t check, const char *user)
{
	*who = (struct identity){.user = NULL};
	for (size_t i = 0; i < choice_count(gate); i++) {
		const struct identity_choice *choice = choice_at(gate, i);
		const struct identity_block *block = part_of(choice, IDENTITY_PASSWORD);

		if (block == NULL || block->check != check || !is_open(choice, facts))
			continue;
		become(who, choice, facts, user);
		return;
	}
}

bool identity_demands_password(const struct identity_gate *gate)
{
	for (size_t i = 0; i < choice_count(gate); i++)
		if (part_of(choice_at(gate, i), IDENTITY_PASSWORD) == NULL)
			return false;
	return true;
}

bool identity_takes_password(const struct identity_gate *gate)
{
	for (size_t i = 0; i < choice_count(gate); i++)
		if (part_of(choice_at(gate, i), IDENTITY_PASSWORD) != NULL)
			return true;
	return false;
}
