/* SPDX-License-Identifier: ISC */
#ifndef AUTH_CHILD_H
#define AUTH_CHILD_H

#include <sys/types.h>

#include "auth/message.h"

/* What a child tells before it ends. */
struct child_verdict {
	uint16_t result; /* enum auth_result */
	uint16_t block;  /* that accepted */
};

/*
 * Fork a process that checks one question against its blocks, in order, and writes a
 * child_verdict.  Its pid and in *fd the pipe to read that from, non-blocking; -1 with errno.
 */
pid_t child_start(const struct auth_block *blocks, const struct message *question, int *fd);

#endif
