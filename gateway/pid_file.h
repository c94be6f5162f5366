/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PID_FILE_H
#define GATEWAY_PID_FILE_H

/*
 * The pid file: locked as long as its owner lives, so that a second one notices, and a file that
 * was left behind does no harm.
 */
struct pid_file {
	const char *path; /* NULL: none */
	int fd;
};

/* Make or take over the file and lock it.  0, or -1 after a log line.  `path` must live on. */
int pid_file_open(struct pid_file *file, const char *path);
/* Write our pid; also a child's, which shares the lock. */
int pid_file_write(const struct pid_file *file);
/* Remove it, if it is still ours. */
void pid_file_remove(struct pid_file *file);

#endif
