/* SPDX-License-Identifier: ISC */
/* Listening sockets from systemd, or from anybody else who leaves them open. */
#include "config.h"

#include "gateway/listen_inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_INHERITED 3 /* SD_LISTEN_FDS_START */

static const char *look_at(int fd)
{
	int type = 0, listening = 0, family = 0;
	socklen_t length = sizeof(type);

	if (fd < FIRST_INHERITED)
		return "no descriptor of that name or number was passed on";
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0)
		return errno == EBADF ? "no such descriptor was passed on" : "it is not a socket";
	length = sizeof(listening);
	if (type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || !listening)
		return "it is not a listening stream socket";
	length = sizeof(family);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0 ||
	    (family != AF_INET && family != AF_INET6 && family != AF_UNIX))
		return "it is neither a TCP nor a unix socket";
	return NULL;
}

int listen_inherit(const struct listen_address *address, const char **wrong)
{
	*wrong = look_at(address->fd);
	if (*wrong != NULL)
		return -1;
	fcntl(address->fd, F_SETFD, FD_CLOEXEC);
	fcntl(address->fd, F_SETFL, fcntl(address->fd, F_GETFL) | O_NONBLOCK);
	return address->fd;
}
