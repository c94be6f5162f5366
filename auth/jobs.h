/* SPDX-License-Identifier: ISC */
#ifndef AUTH_JOBS_H
#define AUTH_JOBS_H

#include "auth/message.h"

struct event_base;

/*
 * The questions that the keeper has taken and not answered yet.  Each goes from block to block,
 * waits in the queue of the block, and is put to it by a child; few at a time.
 */
struct jobs;

/*
 * answered(from, message) comes at most once for each job, some from inside jobs_add().  Password
 * files share the CPUs but one: at most so many children hash at once; other blocks have `checks`.
 */
struct jobs *jobs_new(struct event_base *base, const struct auth_block *blocks, size_t count,
    void (*answered)(void *from, const struct message *answer));
void jobs_free(struct jobs *jobs); /* ends the children by their pid */

/* Copied.  -1: it is nonsense, out of memory, or too many wait: it is not answered. */
int jobs_add(struct jobs *jobs, void *from, const struct message *question);
void jobs_cancel(struct jobs *jobs, const void *from, uint32_t id);
/* Their places are taken when their children have ended. */
void jobs_cancel_all(struct jobs *jobs, const void *from);
/* The block is another now: what is being asked holds for the one question only. */
void jobs_outdate(struct jobs *jobs, uint16_t block);

#endif
