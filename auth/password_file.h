/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PASSWORD_FILE_H
#define AUTH_PASSWORD_FILE_H

#include "auth/inquiry.h"

/* What the files of this folder know about password files, and their tests. */

#define PASSWORD_LINE_MAX 1024
#define PASSWORD_USER_MAX 255 /* RFC 1929, 2 */
#define PASSWORD_MAX 255

/* `user:hash[:…]`; the pointers are into the line. */
struct password_line {
	const char *user; /* NULL: blank, or a comment */
	size_t user_length;
	char *hash;
	unsigned strength;   /* of the method; 0: nobody can log in (`*`, `!…`) */
	const char *warning; /* NULL: none */
};

/* NULL, or what is wrong.  Ends the hash with a NUL in place. */
const char *password_line_parse(struct password_line *entry, char *line);

/* NULL, or what is wrong: empty, too long, a colon, control bytes, a # in front. */
const char *password_user_check(const char *user);

/*
 * Reads the file now.  An unknown user costs the time of a wrong password, unless another block is
 * asked after this one: that takes its time then.
 */
enum auth_verify password_file_verify(struct inquiry *inquiry);

/* As auth_password_file_check(), without its owner and mode; the file is read from its start. */
long password_file_check(FILE *file,
    void (*complain)(void *arg, unsigned line, bool error, const char *text), void *arg);

#endif
