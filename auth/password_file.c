/* SPDX-License-Identifier: ISC */
/* A file of users and hashed passwords: verifying one, and looking at all of them. */
#include "config.h"

#include "auth/password_file.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/apr1.h"

struct reader {
	FILE *file;
	unsigned number; /* of the line */
	char line[PASSWORD_LINE_MAX + 1];
};

/* 1 a line, 0 the end, -1 a line that is too long or holds a NUL: it was skipped. */
static int next_line(struct reader *r)
{
	bool whole = true;
	size_t n = 0;
	int c;

	while ((c = getc(r->file)) != EOF && c != '\n') {
		if (c == '\0' || n == PASSWORD_LINE_MAX)
			whole = false;
		else
			r->line[n++] = (char)c;
	}
	r->line[n] = '\0';
	if (c == EOF && n == 0 && whole)
		return 0;
	r->number++;
	return whole ? 1 : -1;
}

/* --- verifying ------------------------------------------------------------------------------- */

static bool matches(const char *password, const char *hash)
{
	struct crypt_data *data;
	const char *computed;
	bool same = false;

	if (apr1_is_formed(hash))
		return apr1_matches(password, hash);
	data = calloc(1, sizeof(*data)); /* 32 KiB */
	if (data == NULL)
		return false;
	computed = crypt_rn(password, hash, data, sizeof(*data));
	if (computed != NULL && strlen(computed) == strlen(hash))
		same = CRYPTO_memcmp(computed, hash, strlen(hash)) == 0;
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return same;
}

/* What a walk over the file finds for one user. */
struct search {
	const char *user;
	unsigned found;         /* lines that name the user */
	unsigned strength;      /* of the user's hash; 0: locked or faulty */
	unsigned best_strength; /* of any user's hash */
	char hash[PASSWORD_LINE_MAX + 1];
	char best[PASSWORD_LINE_MAX + 1];
};

static void look_at(struct search *s, char *line)
{
	struct password_line entry;
	const char *wrong = password_line_parse(&entry, line);

	if (entry.user == NULL)
		return;
	if (wrong != NULL)
		entry.strength = 0;
	if (entry.strength > s->best_strength) {
		s->best_strength = entry.strength;
		strcpy(s->best, entry.hash);
	}
	if (entry.user_length != strlen(s->user) ||
	    memcmp(entry.user, s->user, entry.user_length) != 0)
		return;
	s->found++;
	s->strength = entry.strength;
	strcpy(s->hash, entry.hash);
}

/*
 * Unknown and locked users cost a hash of the strongest kind in the file: the time tells nobody
 * who exists.  Two lines for one user let nobody in.
 */
static enum auth_verify judge(const struct search *s, const struct inquiry *inquiry)
{
	const char *password = inquiry->question->password;

	if (s->found == 1 && s->strength > 0)
		return matches(password, s->hash) ? AUTH_VERIFY_RIGHT : AUTH_VERIFY_WRONG;
	if (s->found == 0 && !inquiry->last)
		return AUTH_VERIFY_UNKNOWN;
	if (s->best_strength > 0)
		matches(password, s->best);
	if (s->found > 1)
		return AUTH_VERIFY_FAILED;
	return s->found == 1 ? AUTH_VERIFY_WRONG : AUTH_VERIFY_UNKNOWN;
}

enum auth_verify password_file_verify(struct inquiry *inquiry)
{
	struct reader reader = {.file = fopen(inquiry->block->path, "re")};
	struct search search = {.user = inquiry->question->user};
	enum auth_verify result;
	int got;

	if (reader.file == NULL)
		return AUTH_VERIFY_FAILED;
	while ((got = next_line(&reader)) != 0)
		if (got > 0)
			look_at(&search, reader.line);
	result = ferror(reader.file) ? AUTH_VERIFY_FAILED : judge(&search, inquiry);
	fclose(reader.file);
	OPENSSL_cleanse(&reader, sizeof(reader));
	OPENSSL_cleanse(&search, sizeof(search));
	return result;
}

/* --- looking at all of it -------------------------------------------------------------------- */

struct name {
	unsigned line;
	char *user;
};

struct check {
	void (*complain)(void *arg, unsigned line, bool error, const char *text);
	void *arg;
	struct name *names;
	size_t count, room;
};

static int remember(struct check *c, const struct password_line *entry, unsigned line)
{
	struct name *name;

	if (c->count == c->room) {
		size_t room = c->room > 0 ? 2 * c->room : 64;
		struct name *grown = reallocarray(c->names, room, sizeof(*grown));

		if (grown == NULL)
			return -1;
		c->names = grown;
		c->room = room;
	}
	name = &c->names[c->count];
	name->line = line;
	name->user = strndup(entry->user, entry->user_length);
	if (name->user == NULL)
		return -1;
	c->count++;
	return 0;
}

static int check_line(struct check *c, struct reader *reader, int got)
{
	struct password_line entry;
	const char *wrong;

	if (got < 0) {
		c->complain(c->arg, reader->number, true,
		    "the line is longer than 1024 bytes or holds a NUL");
		return 0;
	}
	wrong = password_line_parse(&entry, reader->line);
	if (wrong != NULL)
		c->complain(c->arg, reader->number, true, wrong);
	else if (entry.warning != NULL)
		c->complain(c->arg, reader->number, false, entry.warning);
	return entry.user != NULL ? remember(c, &entry, reader->number) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	int order = strcmp(x->user, y->user);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static void complain_of_doubles(struct check *c)
{
	char text[64];

	if (c->count > 0)
		qsort(c->names, c->count, sizeof(*c->names), compare);
	for (size_t i = 1; i < c->count; i++) {
		if (strcmp(c->names[i].user, c->names[i - 1].user) != 0)
			continue;
		snprintf(
		    text, sizeof(text), "the user stands in line %u already", c->names[i - 1].line);
		c->complain(c->arg, c->names[i].line, true, text);
	}
}

long password_file_check(
    FILE *file, void (*complain)(void *arg, unsigned line, bool error, const char *text), void *arg)
{
	struct reader reader = {.file = file};
	struct check c = {.complain = complain, .arg = arg};
	int got, failed = 0;

	while (failed == 0 && (got = next_line(&reader)) != 0)
		failed = check_line(&c, &reader, got);
	if (ferror(file))
		failed = -1;
	if (failed == 0)
		complain_of_doubles(&c);
	for (size_t i = 0; i < c.count; i++)
		free(c.names[i].user);
	free(c.names);
	OPENSSL_cleanse(&reader, sizeof(reader));
	return failed == 0 ? (long)c.count : -1;
}

/* Reading by its group is how a service gets at it; whoever may write it may log in. */
static void check_mode(const struct stat *st,
    void (*complain)(void *arg, unsigned line, bool error, const char *text), void *arg)
{
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		complain(arg, 0, true, "others than its owner can write the file");
	else if ((st->st_mode & S_IROTH) != 0)
		complain(arg, 0, true, "everybody can read the file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		complain(arg, 0, false, "the file belongs to another user, who can let anybody in");
}

long auth_password_file_check(const char *path,
    void (*complain)(void *arg, unsigned line, bool error, const char *text), void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait at a FIFO */
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	long count = -1;
	struct stat st;
	int error;

	if (file != NULL && fstat(fd, &st) == 0) {
		if (S_ISREG(st.st_mode)) {
			check_mode(&st, complain, arg);
			count = password_file_check(file, complain, arg);
		} else {
			errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		}
	}
	error = errno;
	if (file != NULL)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	errno = error;
	return count;
}
