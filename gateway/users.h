/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_USERS_H
#define GATEWAY_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/value.h"

/* Sets of users, as many as may be, and who belongs to what.  Names are bytes, compared as such. */

#define USER_NAME_MAX 255 /* as of logins: RFC 1929, 2 */

struct users {             /* all zero = nobody, without a name */
	const char *name;  /* `users NAME { … }` */
	unsigned sessions; /* limits { sessions } of each of them; 0: off */
	bool has_sessions; /* … was said */
	bool named;        /* a row says @NAME */
	char *text;        /* the names, each ended by NUL */
	size_t length, size;
	uint32_t *slots; /* 1 + where a name begins in the text; 0: free */
	size_t slot_count, count;
	size_t bandwidth; /* limits { bandwidth }, bytes a second; 0: off */
	bool has_bandwidth;
	struct allotment quota; /* limits { quota } */
	bool has_quota;
};

/* False: out of memory.  A name that is in it already is good. */
bool users_add(struct users *users, const char *name, size_t length);
bool users_have(const struct users *users, const char *name);
void users_clear(struct users *users);

/* What is wrong with a user's name, or NULL: empty, too long, control characters. */
const char *users_wrong(const char *name, size_t length);

/* Somebody, as `@NAME` in a row asks about: in the sets by name, in the blocks by what they said.
 */
struct member {
	const struct users *sets;
	size_t set_count;
	const char *user;          /* NULL: nobody, who belongs to nothing */
	const char *const *proven; /* the `auth` blocks that let the user in */
	size_t proven_count;
};
/* For struct query: `member` is a struct member. */
bool member_belongs(const void *member, const char *group);
/* Of several sets the first that says something about sessions; else `otherwise`. */
unsigned member_sessions(const struct member *member, unsigned otherwise);
/* The same for these. */
size_t member_bandwidth(const struct member *member, size_t otherwise);
struct allotment member_quota(const struct member *member, struct allotment otherwise);

#endif
