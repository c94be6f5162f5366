/* SPDX-License-Identifier: ISC */
/* A hash table of users, and the file that it is kept in. */
#include "config.h"

#include "gateway/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/log.h"

#define BUCKETS 4096
#define BLOCK 256 /* records read or written at once */

struct entry {
	struct entry *next;
	struct quota_record record;
	bool changed;
};

struct quota {
	pthread_mutex_t mutex;
	int fd;
	struct entry *buckets[BUCKETS];
};

/* --- the table ------------------------------------------------------------------------------- */

static struct entry *find(struct quota *q, const uint8_t user[QUOTA_USER], bool monthly)
{
	struct entry **bucket = &q->buckets[(user[0] << 8 | user[1]) % BUCKETS];
	struct entry *e;

	for (e = *bucket; e != NULL; e = e->next)
		if (e->record.monthly == monthly && memcmp(e->record.user, user, QUOTA_USER) == 0)
			return e;
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return NULL;
	memcpy(e->record.user, user, QUOTA_USER);
	e->record.monthly = monthly;
	e->next = *bucket;
	*bucket = e;
	return e;
}

uint64_t quota_spend(
    struct quota *q, const uint8_t user[QUOTA_USER], bool monthly, uint64_t bytes, int64_t now_s)
{
	const uint32_t period = quota_period(monthly, now_s);
	uint64_t spent = UINT64_MAX; /* who cannot be counted gets nothing */
	struct entry *e;

	pthread_mutex_lock(&q->mutex);
	e = find(q, user, monthly);
	if (e != NULL) {
		if (e->record.period != period)
			e->record.bytes = 0;
		e->changed |= bytes > 0;
		e->record.period = period;
		e->record.bytes += bytes;
		spent = e->record.bytes;
	}
	pthread_mutex_unlock(&q->mutex);
	return spent;
}

/* --- the file -------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

/* A write that was cut short would shift all that follow. */
static int append(int fd, const uint8_t *bytes, size_t length)
{
	off_t end = lseek(fd, 0, SEEK_END);
	int error;

	if (end < 0)
		return -1;
	if (write_all(fd, bytes, length) == 0)
		return 0;
	error = errno;
	if (ftruncate(fd, end) != 0)
		return -1;
	errno = error;
	return -1;
}

struct batch {
	uint8_t *bytes;
	size_t length, size;
};

static bool batch_add(struct batch *b, const struct quota_record *record)
{
	if (b->length == b->size) {
		size_t size = b->size == 0 ? 64 * QUOTA_RECORD : 2 * b->size;
		uint8_t *bytes = realloc(b->bytes, size);

		if (bytes == NULL)
			return false;
		b->bytes = bytes;
		b->size = size;
	}
	quota_record_write(b->bytes + b->length, record);
	b->length += QUOTA_RECORD;
	return true;
}

/* Those that changed, or all that count at `now_s`; false: memory is out. */
static bool collect(struct quota *q, struct batch *b, int64_t now_s)
{
	const uint32_t periods[] = {quota_period(false, now_s), quota_period(true, now_s)};

	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = q->buckets[i]; e != NULL; e = e->next) {
			const struct quota_record *r = &e->record;

			if (now_s > 0 ? r->period < periods[r->monthly] : !e->changed)
				continue;
			if (!batch_add(b, r))
				return false;
			e->changed = false;
		}
	return true;
}

static void change_all(struct quota *q)
{
	pthread_mutex_lock(&q->mutex);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = q->buckets[i]; e != NULL; e = e->next)
			e->changed = true;
	pthread_mutex_unlock(&q->mutex);
}

/* A disk takes its time: nobody waits for it meanwhile. */
int quota_write(struct quota *q)
{
	struct batch batch = {0};
	int error = 0;

	if (q->fd < 0)
		return 0;
	pthread_mutex_lock(&q->mutex);
	if (!collect(q, &batch, 0))
		error = ENOMEM;
	pthread_mutex_unlock(&q->mutex);
	if (error == 0 && batch.length > 0 && append(q->fd, batch.bytes, batch.length) != 0)
		error = errno;
	free(batch.bytes);
	if (error == 0)
		return 0;
	change_all(q);
	errno = error;
	return -1;
}

/* Records that follow a broken one are good again, for all are of one length. */
static int load(struct quota *q, int fd)
{
	uint8_t bytes[BLOCK * QUOTA_RECORD];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, bytes, sizeof bytes, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n < QUOTA_RECORD)
			break;
		n -= n % QUOTA_RECORD;
		for (ssize_t i = 0; i < n; i += QUOTA_RECORD) {
			struct quota_record record;
			struct entry *e;

			if (!quota_record_read(&record, bytes + i))
				continue;
			e = find(q, record.user, record.monthly);
			if (e == NULL)
				return -1;
			e->record = record;
		}
		at += n;
	}
	/* What was cut would shift all that follow. */
	return ftruncate(fd, at);
}

/* --- life ------------------------------------------------------------------------------------ */

static void release(struct quota *q)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry *next;

		for (struct entry *e = q->buckets[i]; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	}
	pthread_mutex_destroy(&q->mutex);
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}

struct quota *quota_new(int fd)
{
	struct quota *q = calloc(1, sizeof *q);
	int error;

	if (q == NULL) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	q->fd = fd;
	pthread_mutex_init(&q->mutex, NULL);
	if (fd < 0 || load(q, fd) == 0)
		return q;
	error = errno;
	release(q);
	errno = error;
	return NULL;
}

void quota_free(struct quota *q)
{
	if (q == NULL)
		return;
	quota_write(q);
	release(q);
}

/* Another file with what still counts; on the disk before it takes the place of the first. */
static int rewrite(struct quota *q, const char *path, int64_t now_s)
{
	const int flags = O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	char beside[PATH_MAX];
	struct batch batch = {0};
	int fd = -1, error;

	if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(beside);
	if (!collect(q, &batch, now_s))
		goto fail;
	fd = open(beside, flags, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 ||
	    write_all(fd, batch.bytes, batch.length) != 0 || fsync(fd) != 0 ||
	    rename(beside, path) != 0)
		goto fail;
	free(batch.bytes);
	return fd;
fail:
	error = errno;
	free(batch.bytes);
	if (fd >= 0) {
		close(fd);
		unlink(beside);
	}
	errno = error;
	return -1;
}

/* A file that nobody else has; -1 with errno. */
static int open_alone(const char *path)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int fd = open(path, flags, 0600), error;
	struct stat status;

	if (fd < 0)
		return -1;
	errno = EINVAL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

int quota_open(const char *path, int64_t now_s)
{
	int old = open_alone(path), fd = -1;
	struct quota *q = old < 0 ? NULL : quota_new(old);

	if (q != NULL)
		fd = rewrite(q, path, now_s);
	if (fd < 0)
		log_error("quota file %s: %s", path,
		    errno == EWOULDBLOCK ? "another hopgate uses it" : strerror(errno));
	if (q != NULL)
		release(q);
	return fd;
}
