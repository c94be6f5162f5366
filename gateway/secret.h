/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_SECRET_H
#define GATEWAY_SECRET_H

#include <stdbool.h>

/* Passwords that stand alone in a file, and those that stand where they should not. */

#define SECRET_MAX 255
#define SECRET_CREDENTIAL "credential:" /* a file that systemd hands over (systemd.exec(5)) */

/*
 * The first line of a file, without its newline, allocated; or of a credential.  NULL, or what is
 * wrong, as a phrase that follows the path.
 */
const char *secret_read(const char *path, char **password);
/* Can everybody on this machine read the file? */
bool secret_is_open(const char *path);
/* Has this word, a URI, a password in it? */
bool secret_in_uri(const char *word);

#endif
