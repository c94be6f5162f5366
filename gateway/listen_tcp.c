/* SPDX-License-Identifier: ISC */
/*
 * One address, several sockets.  The first is bound and listens without SO_REUSEPORT: if another
 * program has the address, even a second hopgate, this fails instead of sharing its connections.
 * Then the option is set on it, and the others join.
 */
#include "config.h"

#include "gateway/listen_tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "gateway/keepalive.h"

#define BACKLOG 8192 /* the system's ceiling, net.core.somaxconn, is usually 4096 */

static int switch_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

int listen_tcp_prepare(int fd, int keepalive)
{
	return switch_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) |
	    switch_option(fd, SOL_SOCKET, SO_OOBINLINE, 1) | keepalive_set(fd, keepalive);
}

static int set_options(int fd, int family, const char *interface, int keepalive)
{
	if (family == AF_INET6 && switch_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0)
		return -1;
	if (interface != NULL &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) !=
	        0)
		return -1;
	return listen_tcp_prepare(fd, keepalive);
}

static int open_socket(
    const struct endpoint *endpoint, const char *interface, int keepalive, bool joins)
{
	struct sockaddr_storage sa;
	socklen_t length = endpoint_to_sockaddr(endpoint, &sa);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return -1;
	/* SO_REUSEADDR on all: their old connections in TIME_WAIT are not to bar a new start. */
	if (set_options(fd, sa.ss_family, interface, keepalive) == 0 &&
	    switch_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    switch_option(fd, SOL_SOCKET, SO_REUSEPORT, joins) == 0 &&
	    bind(fd, (struct sockaddr *)&sa, length) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int with_real_port(struct endpoint *endpoint, int fd)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof(sa);
	struct endpoint bound;

	if (getsockname(fd, (struct sockaddr *)&sa, &length) != 0 ||
	    !endpoint_from_sockaddr(&bound, (struct sockaddr *)&sa))
		return -1;
	endpoint->port = bound.port;
	return 0;
}

int listen_tcp_open(
    const struct endpoint *endpoint, const char *interface, int keepalive, int *fds, unsigned count)
{
	struct endpoint real = *endpoint;
	unsigned done = 1;
	int error;

	fds[0] = open_socket(endpoint, interface, keepalive, false);
	if (fds[0] < 0)
		return -1;
	if (count == 1)
		return 0;
	if (with_real_port(&real, fds[0]) != 0 ||
	    switch_option(fds[0], SOL_SOCKET, SO_REUSEPORT, 1) != 0)
		goto fail;
	for (; done < count; done++) {
		fds[done] = open_socket(&real, interface, keepalive, true);
		if (fds[done] < 0)
			goto fail;
	}
	return 0;
fail:
	error = errno;
	while (done-- > 0)
		close(fds[done]);
	errno = error;
	return -1;
}
