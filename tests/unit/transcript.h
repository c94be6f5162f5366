/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_TRANSCRIPT_H
#define TESTS_UNIT_TRANSCRIPT_H

#include "gateway/handshake.h"

/*
 * A handshake as both sides' bytes.  transcript_run() plays it turn by turn, as one segment, byte
 * by byte, cut at every place and, if it is short, at every two places: the verdict, what we say
 * and what is left over must always be the same, and final.
 */
struct bytes {
	const char *text; /* NULL: nothing */
	size_t length;
};
/* clang-format off */
#define BYTES(literal) { (literal), sizeof(literal) - 1 }
/* clang-format on */

struct turn {
	struct bytes peer, ours;
};

#define TRANSCRIPT_TURNS 6
#define TRANSCRIPT_MAX 131072

struct transcript {
	/* One of the two. */
	void (*server)(struct handshake *h, const uint8_t *methods, size_t method_count);
	void (*client)(struct handshake *h, const struct request *request,
	    const struct credentials *credentials);

	struct bytes methods;        /* server */
	enum reason refusal;         /* server: of who brings none of them */
	struct bytes claim;          /* server of SOCKS4: expected at HS_DONE */
	struct bytes user, password; /* client: brought along; server: expected at HS_ASK */
	enum reason verdict;         /* server: on them */
	enum command command;        /* client: asked for; server: expected at HS_DONE */
	const char *target;          /* the same, "HOST:PORT"; NULL of a server: not looked at */
	size_t max;                  /* ceiling of `in`; 0: as a session has it */
	struct turn turns[TRANSCRIPT_TURNS]; /* a client's first has no peer's bytes */
	bool ended;                          /* the peer ends after the last turn */

	enum hs end;
	enum reason reason;
	int detail;
	struct bytes left; /* at HS_DONE */
	const char *bound; /* client, "ADDRESS:PORT"; NULL: none */

	/* Server: what answer() then says, to OK with our end, or to a refusal. */
	struct bytes answered;
	enum reason answer;
	const char *answer_bound, *answer_text;
};

void transcript_run(const struct transcript *t);

#endif
