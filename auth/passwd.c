/* SPDX-License-Identifier: ISC */
/* Setting a password: the new file takes the old one's place in one step. */
#include "config.h"

#include "auth/password_file.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES 10

struct change {
	const char *user, *hash;
	char path[PATH_MAX];          /* of the file itself: a symbolic link stays one */
	char temporary[PATH_MAX + 8]; /* beside it; "" once it is gone */
	FILE *old, *new;              /* old NULL: there is none */
	char wrong[128];
};

static const char *fail(struct change *c, const char *what)
{
	snprintf(c->wrong, sizeof(c->wrong), "%s: %s", what, strerror(errno));
	return c->wrong;
}

static const char *check_words(const char *user, const char *password)
{
	const char *wrong = password_user_check(user);

	if (wrong != NULL)
		return wrong;
	if (password[0] == '\0')
		return "the password is empty";
	if (strlen(password) > PASSWORD_MAX)
		return "the password is longer than 255 bytes, which SOCKS cannot carry";
	return NULL;
}

/* yescrypt with libcrypt's own cost and salt; to be wiped and freed.  NULL with errno. */
static struct crypt_data *make_hash(const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (data == NULL)
		return NULL;
	if (crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) != NULL &&
	    crypt_rn(password, setting, data, sizeof(*data)) != NULL)
		return data;
	free(data);
	return NULL;
}

/* The file that the path leads to, locked against others who set a password. */
static const char *open_old(struct change *c, const char *path)
{
	struct stat opened, named;
	int fd;

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (realpath(path, c->path) == NULL) {
			if (errno != ENOENT || strlen(path) >= sizeof(c->path))
				return fail(c, "the path cannot be followed");
			strcpy(c->path, path);
			return NULL;
		}
		fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			return fail(c, "the file cannot be read");
		c->old = fdopen(fd, "r");
		if (c->old == NULL || flock(fd, LOCK_EX) != 0 || fstat(fd, &opened) != 0)
			return fail(c, "the file cannot be locked");
		if (!S_ISREG(opened.st_mode))
			return "it is not a file";
		/* Who held the lock before has put another file there. */
		if (stat(c->path, &named) == 0 && named.st_ino == opened.st_ino &&
		    named.st_dev == opened.st_dev)
			return NULL;
		fclose(c->old);
		c->old = NULL;
	}
	return "others keep changing the file";
}

static const char *open_new(struct change *c)
{
	struct stat st;
	int fd;

	snprintf(c->temporary, sizeof(c->temporary), "%s.XXXXXX", c->path);
	fd = mkostemp(c->temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0) {
		c->temporary[0] = '\0';
		return fail(c, "the directory cannot be written");
	}
	c->new = fdopen(fd, "w");
	if (c->new == NULL)
		return fail(c, "the new file cannot be written");
	if (c->old == NULL)
		return NULL;
	if (fstat(fileno(c->old), &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0 ||
	    fchmod(fd, st.st_mode & 07777) != 0)
		return fail(c, "the file's owner and mode cannot be kept");
	return NULL;
}

static bool is_of(const char *line, const char *user)
{
	size_t length = strlen(user);

	return strncmp(line, user, length) == 0 && line[length] == ':';
}

/* The user's first line gets the new hash and keeps what follows it; more of them go. */
static void copy_lines(struct change *c)
{
	char *line = NULL;
	size_t room = 0;
	bool done = false;
	ssize_t n;

	while (c->old != NULL && (n = getline(&line, &room, c->old)) > 0) {
		if (!is_of(line, c->user)) {
			fwrite(line, 1, (size_t)n, c->new);
			if (line[n - 1] != '\n')
				putc('\n', c->new);
		} else if (!done) {
			const char *rest = strchr(line + strlen(c->user) + 1, ':');

			fprintf(c->new, "%s:%s%.*s\n", c->user, c->hash,
			    rest != NULL ? (int)strcspn(rest, "\r\n") : 0,
			    rest != NULL ? rest : "");
			done = true;
		}
	}
	if (!done)
		fprintf(c->new, "%s:%s\n", c->user, c->hash);
	if (line != NULL)
		OPENSSL_cleanse(line, room);
	free(line);
}

static const char *replace(struct change *c)
{
	int directory;

	if (fflush(c->new) != 0 || ferror(c->new) || (c->old != NULL && ferror(c->old)) ||
	    fsync(fileno(c->new)) != 0)
		return fail(c, "the new file cannot be written");
	if (rename(c->temporary, c->path) != 0)
		return fail(c, "the new file cannot take the old one's place");
	c->temporary[0] = '\0';
	directory = open(dirname(c->path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0) {
		fsync(directory);
		close(directory);
	}
	return NULL;
}

const char *auth_password_file_set(const char *path, const char *user, const char *password)
{
	static struct change c; /* its text is returned */
	const char *wrong = check_words(user, password);
	struct crypt_data *data;

	if (wrong != NULL)
		return wrong;
	c = (struct change){.user = user};
	data = make_hash(password);
	if (data == NULL)
		return fail(&c, "no hash can be computed");
	c.hash = data->output;
	wrong = open_old(&c, path);
	if (wrong == NULL)
		wrong = open_new(&c);
	if (wrong == NULL) {
		copy_lines(&c);
		wrong = replace(&c);
	}
	if (c.temporary[0] != '\0')
		unlink(c.temporary);
	if (c.new != NULL)
		fclose(c.new);
	if (c.old != NULL)
		fclose(c.old);
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return wrong;
}
