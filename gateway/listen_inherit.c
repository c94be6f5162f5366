/* SPDX-License-Identifier: ISC */
/* Listening sockets from systemd, or from anybody else who leaves them open. */
#include "config.h"

#include "gateway/listen_inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_INHERITED 3 /* SD_LISTEN_FDS_START */

/* The descriptor to which systemd gave this name: sd_listen_fds(3).  -1: none. */
static int find_inherited(const char *name)
{
	const char *pid = getenv("LISTEN_PID"), *names = getenv("LISTEN_FDNAMES");
	size_t length = strlen(name);

	if (pid == NULL || names == NULL || strtol(pid, NULL, 10) != (long)getpid())
		return -1;
	for (int fd = FIRST_INHERITED;; fd++) {
		size_t n = strcspn(names, ":");

		if (n == length && memcmp(names, name, n) == 0)
			return fd;
		if (names[n] == '\0')
			return -1;
		names += n + 1;
	}
}

static const char *look_at(int fd)
{
	int type = 0, listening = 0;
	socklen_t length = sizeof(type);

	if (fd < FIRST_INHERITED)
		return "no descriptor of that name or number was passed on";
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0)
		return errno == EBADF ? "no such descriptor was passed on" : "it is not a socket";
	length = sizeof(listening);
	if (type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || !listening)
		return "it is not a listening stream socket";
	return NULL;
}

int listen_inherit(const struct listen_address *address, const char **wrong)
{
	int fd = address->fd;

	if (fd < 0 && address->path != NULL)
		fd = find_inherited(address->path);
	*wrong = look_at(fd);
	if (*wrong != NULL)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}
