/* SPDX-License-Identifier: ISC */
#ifndef AUTH_STAMP_H
#define AUTH_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>

/* Which file a path leads to, and in which state; all 0: to none. */
struct stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec written, changed;
};

/* Look again, through all links.  True: it is another file, or was written. */
bool stamp_renew(struct stamp *stamp, const char *path);

#endif
