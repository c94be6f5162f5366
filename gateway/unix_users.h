/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_UNIX_USERS_H
#define GATEWAY_UNIX_USERS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The system's users as they are at one moment: asking the system later could take its time, and
 * could find nothing in a chroot.
 */
struct unix_users;

struct unix_users *unix_users_new(void); /* NULL: out of memory */
void unix_users_free(struct unix_users *users);

/* NULL: it has no name, or the system does not list it. */
const char *unix_users_name(const struct unix_users *users, uid_t uid);
#define UNIX_USER_TEXT 24
/* The name, or uid:NUMBER, which no name can be, in the buffer; NULL if the uid is not known. */
const char *unix_users_text(const struct unix_users *users, uid_t uid, char out[UNIX_USER_TEXT]);

/*
 * Call add() with each member of a unix group: those it lists, and those whose own group it is.
 * False: there is none of that name.
 */
bool unix_users_of(const struct unix_users *users, const char *group,
    void (*add)(void *arg, const char *user), void *arg);

#endif
