/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_QUOTA_H
#define GATEWAY_QUOTA_H

#include "gateway/quota_record.h"

/* What all users have had of their quotas in the present day or month; for all threads. */
struct quota;

/*
 * Open the file of a former run, or make it (mode 0600), with nothing in it but what still counts;
 * by way of a file beside it, PATH.new.  The descriptor, or -1 after a log line.
 */
int quota_open(const char *path, int64_t now_s);

/* Reads such a file, drops a record that was cut, and will append to it; fd is taken over.  -1:
 * nothing outlives the process.  NULL: errno. */
struct quota *quota_new(int fd);
void quota_free(struct quota *quota); /* NULL is allowed; writes before */

/* So many more bytes for a user.  How many there are by now in this day or month. */
uint64_t quota_spend(struct quota *quota, const uint8_t user[QUOTA_USER], bool monthly,
    uint64_t bytes, int64_t now_s);
/* Append what has changed.  0, or -1 with errno: it will be tried again with the next. */
int quota_write(struct quota *quota);

#endif
