/* SPDX-License-Identifier: ISC */
/* Never through a symbolic link, never into another's file. */
#include "config.h"

#include "gateway/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/log.h"

#define TRIES 10

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void complain_of_owner(const char *path, int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	log_error("hopgate runs already, with pid %ld: %s is locked", strtol(text, NULL, 10), path);
}

/* 1: locked; 0: somebody removed it meanwhile, try again; -1 after a log line. */
static int lock(const char *path, int fd)
{
	struct stat opened, named;

	if (fstat(fd, &opened) != 0 || !S_ISREG(opened.st_mode) || opened.st_nlink > 1) {
		log_error("pid file %s: it is not a plain file of one name", path);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			complain_of_owner(path, fd);
		else
			log_error("pid file %s: %s", path, strerror(errno));
		return -1;
	}
	return lstat(path, &named) == 0 && same_file(&opened, &named);
}

int pid_file_open(struct pid_file *file, const char *path)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int locked = 0, fd;

	*file = (struct pid_file){.fd = -1};
	if (path == NULL)
		return 0;
	for (int i = 0; i < TRIES && locked == 0; i++) {
		fd = open(path, flags, 0644);
		if (fd < 0) {
			log_error("pid file %s: %s", path, strerror(errno));
			return -1;
		}
		locked = lock(path, fd);
		if (locked != 1)
			close(fd);
	}
	if (locked == 0)
		log_error("pid file %s: others keep replacing it", path);
	if (locked != 1)
		return -1;
	*file = (struct pid_file){.path = path, .fd = fd};
	return 0;
}

int pid_file_write(const struct pid_file *file)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (file->path == NULL)
		return 0;
	if (ftruncate(file->fd, 0) == 0 && pwrite(file->fd, text, (size_t)n, 0) == n)
		return 0;
	log_error("pid file %s: %s", file->path, strerror(errno));
	return -1;
}

void pid_file_remove(struct pid_file *file)
{
	struct stat opened, named;

	if (file->path == NULL)
		return;
	if (fstat(file->fd, &opened) == 0 && lstat(file->path, &named) == 0 &&
	    same_file(&opened, &named))
		unlink(file->path);
	close(file->fd);
	*file = (struct pid_file){.fd = -1};
}
