/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_ORPHAN_H
#define GATEWAY_ORPHAN_H

/*
 * End soon after the parent process, whatever hangs here: the kernel tells of its death, and what
 * has not ended by itself 5 s later is killed.  Call again after a change of the user, which
 * makes the kernel forget.  0, or -1 with errno.
 */
int orphan_watch(void);

#endif
