/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LEX_H
#define GATEWAY_LEX_H

#include "gateway/complain.h"
#include "routes/routes.h"

/*
 * The words of a configuration.  A directive is words, ended by a newline or `;`; `{` and `}`
 * enclose a block; `#` at the start of a word begins a comment; "…" (with escapes) and '…' (raw)
 * quote a whole word; `\` at the end of a line continues it.  Keeps nothing but where it is.
 */
enum token {
	TOKEN_WORD,
	TOKEN_END, /* of a directive: a newline or `;` */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EOF
};

struct lexer {
	const struct origin *origin;
	struct complaints *complaints;
	const char *next, *end; /* what is left of the text */
	const char *line_start;
	unsigned line;
	char *out; /* where the next word goes */
	/* The token that was read last. */
	struct position at;
	struct word word; /* TOKEN_WORD: ended by NUL, in the memory given to lexer_init() */
	bool bad;         /* TOKEN_WORD: complained about already */
};

/* Bytes that the words of a text of this length may need. */
static inline size_t lexer_room(size_t length)
{
	return 2 * length + 2;
}
/* `out` has lexer_room(origin->length) bytes and outlives the words. */
void lexer_init(
    struct lexer *lexer, const struct origin *origin, struct complaints *complaints, char *out);
/* Mistakes are complained about, and read on as well as they can be. */
enum token lexer_next(struct lexer *lexer);

#endif
