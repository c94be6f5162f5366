/* SPDX-License-Identifier: ISC */
#ifndef AUTH_APR1_H
#define AUTH_APR1_H

#include <stdbool.h>

/* The hash that Apache's htpasswd writes unless told otherwise, and libcrypt does not know. */

#define APR1_PREFIX "$apr1$"

/* `$apr1$SALT$HASH`, with a salt of up to 8 characters. */
bool apr1_is_formed(const char *hash);
/* Compares in constant time.  False also where there is no MD5 (FIPS). */
bool apr1_matches(const char *password, const char *hash);

#endif
