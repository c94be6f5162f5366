/* SPDX-License-Identifier: ISC */
/* Unix sockets in the file system and in the abstract name space. */
#include "config.h"

#include "gateway/listen_unix.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/occupant.h"

#define BACKLOG 8192

struct name {
	struct sockaddr_un sa;
	socklen_t length;
};

static int make_name(struct name *name, const struct listen_address *address)
{
	bool abstract = address->kind == ADDRESS_ABSTRACT;
	size_t length = strlen(address->path);

	*name = (struct name){.sa.sun_family = AF_UNIX};
	if (length >= sizeof(name->sa.sun_path))
		return -1;
	memcpy(name->sa.sun_path + abstract, address->path, length);
	name->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
	return 0;
}

/* 0: nobody serves it; a pid, or -1 for somebody unknown. */
static pid_t server_of(const struct name *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred peer;
	socklen_t length = sizeof(peer);
	pid_t pid = -1;

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&name->sa, name->length) == 0) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid > 0)
			pid = peer.pid;
	} else if (errno == ECONNREFUSED || errno == ENOENT) {
		pid = 0;
	}
	close(fd);
	return pid;
}

/* False: somebody has it, or it is no socket. */
static bool clear_the_way(const struct name *name, char wrong[LISTEN_UNIX_WRONG])
{
	char text[OCCUPANT_TEXT];
	struct stat st;
	pid_t pid;

	if (lstat(name->sa.sun_path, &st) != 0)
		return true; /* bind() says what else there is to say */
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(wrong, LISTEN_UNIX_WRONG, "it exists and is not a socket");
		return false;
	}
	pid = server_of(name);
	if (pid == 0) {
		unlink(name->sa.sun_path);
		return true;
	}
	if (pid > 0)
		occupant_name(pid, text);
	snprintf(wrong, LISTEN_UNIX_WRONG, "%s serves it", pid > 0 ? text : "another process");
	return false;
}

static bool find_group(const char *name, gid_t *gid, char wrong[LISTEN_UNIX_WRONG])
{
	const struct group *group = getgrnam(name);

	if (group == NULL) {
		snprintf(wrong, LISTEN_UNIX_WRONG, "there is no group '%.64s'", name);
		return false;
	}
	*gid = group->gr_gid;
	return true;
}

/* The mode comes from the umask: a chmod() by path could hit another file. */
static bool bind_path(int fd, const struct name *name, const struct listen_address *address,
    char wrong[LISTEN_UNIX_WRONG])
{
	gid_t gid = (gid_t)-1;
	mode_t before = 0;
	int error;

	if (address->group != NULL && !find_group(address->group, &gid, wrong))
		return false;
	if (!clear_the_way(name, wrong))
		return false;
	if (address->mode != 0)
		before = umask(~address->mode & 0777);
	error = bind(fd, (const struct sockaddr *)&name->sa, name->length) != 0 ? errno : 0;
	if (address->mode != 0)
		umask(before);
	if (error == 0 && address->group != NULL &&
	    lchown(name->sa.sun_path, (uid_t)-1, gid) != 0) {
		error = errno;
		unlink(name->sa.sun_path);
	}
	if (error != 0)
		snprintf(wrong, LISTEN_UNIX_WRONG, "%s", strerror(error));
	return error == 0;
}

static bool bind_abstract(int fd, const struct name *name, char wrong[LISTEN_UNIX_WRONG])
{
	char text[OCCUPANT_TEXT];
	int error;
	pid_t pid;

	if (bind(fd, (const struct sockaddr *)&name->sa, name->length) == 0)
		return true;
	error = errno;
	pid = error == EADDRINUSE ? server_of(name) : 0;
	if (pid > 0) {
		occupant_name(pid, text);
		snprintf(wrong, LISTEN_UNIX_WRONG, "%s serves it", text);
	} else {
		snprintf(wrong, LISTEN_UNIX_WRONG, "%s", strerror(error));
	}
	return false;
}

int listen_unix_open(const struct listen_address *address, char wrong[LISTEN_UNIX_WRONG])
{
	struct name name;
	bool bound;
	int fd;

	if (make_name(&name, address) != 0) {
		snprintf(wrong, LISTEN_UNIX_WRONG, "the name is longer than %zu bytes",
		    sizeof(name.sa.sun_path) - 1);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(wrong, LISTEN_UNIX_WRONG, "%s", strerror(errno));
		return -1;
	}
	bound = address->kind == ADDRESS_ABSTRACT ? bind_abstract(fd, &name, wrong)
	                                          : bind_path(fd, &name, address, wrong);
	if (!bound)
		goto fail;
	if (listen(fd, BACKLOG) != 0) {
		snprintf(wrong, LISTEN_UNIX_WRONG, "%s", strerror(errno));
		if (address->kind == ADDRESS_UNIX)
			unlink(address->path);
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}
