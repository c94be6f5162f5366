/* SPDX-License-Identifier: ISC */
/* Passwords that stand alone in a file, and those that stand where they should not. */
#include "config.h"

#include "gateway/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where systemd puts the credential, or NULL; to be freed. */
static char *credential_path(const char *name)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (directory == NULL || strchr(name, '/') != NULL ||
	    asprintf(&path, "%s/%s", directory, name) < 0)
		return NULL;
	return path;
}

/* The first bytes of a file: their number, or -1 with errno. */
static ssize_t read_start(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;
	size_t used = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	while (used < size) {
		n = read(fd, bytes + used, size - used);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		used += n > 0 ? (size_t)n : 0;
	}
	error = errno;
	close(fd);
	errno = error;
	return n < 0 ? -1 : (ssize_t)used;
}

static const char *first_line(char *bytes, size_t length, char **password)
{
	char *end = memchr(bytes, '\n', length);
	size_t n = end != NULL ? (size_t)(end - bytes) : length;

	if (n > 0 && bytes[n - 1] == '\r')
		n--;
	if (n == 0)
		return "has no password in its first line";
	if (n > SECRET_MAX)
		return "has a first line of more than 255 bytes";
	if (memchr(bytes, '\0', n) != NULL)
		return "has a NUL byte in its password";
	*password = strndup(bytes, n);
	return *password != NULL ? NULL : "needs more memory than there is";
}

const char *secret_read(const char *path, char **password)
{
	static _Thread_local char text[160];
	const size_t skip = strlen(SECRET_CREDENTIAL);
	char bytes[SECRET_MAX + 3]; /* CR, LF */
	char *credential = NULL;
	const char *wrong;
	ssize_t n;

	if (strncmp(path, SECRET_CREDENTIAL, skip) == 0) {
		credential = credential_path(path + skip);
		if (credential == NULL)
			return "is not to be had: the service manager passed no credentials";
		path = credential;
	}
	n = read_start(path, bytes, sizeof bytes);
	if (n < 0) {
		snprintf(text, sizeof text, "cannot be read: %s", strerror(errno));
		wrong = text;
	} else {
		wrong = first_line(bytes, (size_t)n, password);
	}
	explicit_bzero(bytes, sizeof bytes);
	free(credential);
	return wrong;
}

bool secret_is_open(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_mode & S_IROTH) != 0;
}

bool secret_in_uri(const char *word)
{
	const char *user = strstr(word, "://"), *end, *at, *colon;

	if (user == NULL)
		return false;
	user += 3;
	end = user + strcspn(user, "/?#");
	at = memrchr(user, '@', (size_t)(end - user));
	colon = at != NULL ? memchr(user, ':', (size_t)(at - user)) : NULL;
	return colon != NULL && colon + 1 < at;
}
