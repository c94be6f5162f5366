/* SPDX-License-Identifier: ISC */
/*
 * Whether a file has changed, by stat(2): it sees a file that takes another's place, links that
 * lead elsewhere, mounts and remote writers, of which inotify(7) tells nothing.
 */
#include "config.h"

#include "auth/stamp.h"

#include <string.h>

bool stamp_renew(struct stamp *stamp, const char *path)
{
	const struct stamp before = *stamp;
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (stat(path, &st) == 0) {
		stamp->device = st.st_dev;
		stamp->inode = st.st_ino;
		stamp->size = st.st_size;
		stamp->written = st.st_mtim;
		stamp->changed = st.st_ctim;
	}
	return stamp->device != before.device || stamp->inode != before.inode ||
	    stamp->size != before.size ||
	    memcmp(&stamp->written, &before.written, sizeof(before.written)) != 0 ||
	    memcmp(&stamp->changed, &before.changed, sizeof(before.changed)) != 0;
}
