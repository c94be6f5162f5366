/* SPDX-License-Identifier: ISC */
#ifndef AUTH_INQUIRY_H
#define AUTH_INQUIRY_H

#include "auth/message.h"

/* One question put to one block, in a process of its own. */
struct inquiry {
	const struct auth_block *block;
	const struct message *question;
	bool last; /* nobody is asked after it */
	char
	    user[MESSAGE_TEXT_MAX + 1]; /* who it is, by the block's own word; asked by, at first */
};

/* What the block says; the next is asked only if the user is unknown. */
enum auth_verify { AUTH_VERIFY_FAILED, AUTH_VERIFY_UNKNOWN, AUTH_VERIFY_WRONG, AUTH_VERIFY_RIGHT };

#endif
