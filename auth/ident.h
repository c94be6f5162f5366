/* SPDX-License-Identifier: ISC */
#ifndef AUTH_IDENT_H
#define AUTH_IDENT_H

#include "auth/auth.h"

/* What is said to a client's identd, and what it says (RFC 1413): for ident.c, and for tests. */

#define IDENT_QUESTION_MAX sizeof("65535 , 65535\r\n")
#define IDENT_LINE_MAX 1000 /* RFC 1413, 6, note 3: after this many without an end one may go */

enum ident_said { IDENT_MORE, IDENT_USER, IDENT_NOBODY };

/* The port on the machine that is asked comes first; returns the length. */
size_t ident_question(char out[IDENT_QUESTION_MAX], uint16_t theirs, uint16_t ours);
/*
 * An answer as far as it has come.  IDENT_USER fills `user`, ended by NUL; IDENT_NOBODY is an
 * error, an answer to another question, a name that cannot be used, or no answer at all.  Blanks
 * around the name are left out, although they are part of it (6, note 1): servers put one there.
 */
enum ident_said ident_read(char user[AUTH_IDENT_USER_MAX + 1], const char *bytes, size_t length,
    uint16_t theirs, uint16_t ours);

#endif
