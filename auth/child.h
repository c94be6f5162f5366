/* SPDX-License-Identifier: ISC */
#ifndef AUTH_CHILD_H
#define AUTH_CHILD_H

#include <sys/types.h>

#include "auth/inquiry.h"

/* What a child tells before it ends. */
struct child_verdict {
	uint16_t verify; /* enum auth_verify */
	char user[MESSAGE_TEXT_MAX + 1];
};

/*
 * Fork a process that checks one question against one block and writes a child_verdict.  It leads
 * a process group of its own, for what the check leaves behind.  Its pid and in *fd the pipe to
 * read that from, non-blocking; -1 with errno.
 */
pid_t child_start(
    const struct auth_block *block, const struct message *question, bool last, int *fd);
/* End it and all that it has started; it is still to be waited for. */
void child_kill(pid_t pid);

#endif
