/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "tests/unit/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct event_base *base;
struct auth_checks *checks;
struct auth_link *link_;
int lost;
struct outcome outcomes[CHECKS_MAX];

static void link_lost(void *arg)
{
	(void)arg;
	lost++;
}

void add_link(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(auth_checks_serve(checks, ends[0]), 0);
	link_ = auth_link_new(base, ends[1], link_lost, NULL);
	assert_non_null(link_);
}

void open_desk(const struct auth_block *blocks, size_t count)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	memset(outcomes, 0, sizeof(outcomes));
	lost = 0;
	base = event_base_new();
	checks = auth_checks_new(base, blocks, count);
	assert_non_null(checks);
	add_link();
}

void close_desk(void)
{
	auth_link_free(link_);
	auth_checks_free(checks);
	event_base_free(base);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

void done(void *arg, const struct auth_answer *answer)
{
	struct outcome *o = arg;

	o->check = NULL;
	o->calls++;
	o->result = answer->result;
	o->block = answer->block;
	strcpy(o->user, answer->user);
}

struct auth_check *ask_bytes(struct outcome *o, const struct auth_question *question)
{
	o->check = auth_link_ask(link_, question, done, o);
	assert_int_equal(o->calls, 0); /* never before it returns */
	return o->check;
}

static struct auth_check *ask(struct outcome *o, const uint16_t *blocks, size_t count,
    int64_t deadline_ms, const char *texts[2])
{
	return ask_bytes(o,
	    &(struct auth_question){.blocks = blocks,
	        .block_count = count,
	        .user = texts[0],
	        .user_length = strlen(texts[0]),
	        .password = texts[1],
	        .password_length = strlen(texts[1]),
	        .rhost = "192.0.2.7",
	        .deadline_ms = deadline_ms});
}

struct auth_check *ask_one(
    struct outcome *o, uint16_t block, int64_t deadline_ms, const char *user, const char *password)
{
	return ask(o, &block, 1, deadline_ms, (const char *[]){user, password});
}

struct auth_check *ask_two(struct outcome *o, uint16_t first, uint16_t second, int64_t deadline_ms,
    const char *user, const char *password)
{
	const uint16_t blocks[] = {first, second};

	return ask(o, blocks, 2, deadline_ms, (const char *[]){user, password});
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void turn_for(int ms)
{
	const struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	int64_t end = now_ms() + ms;

	do { /* an exit that was asked for before may come first */
		event_base_loopexit(base, &tv);
		event_base_dispatch(base);
	} while (now_ms() < end);
}

void run_until(const struct outcome *first, size_t count)
{
	const struct timeval tick = {.tv_usec = 10000};
	int64_t end = now_ms() + 20000;

	for (size_t i = 0; i < count;) {
		if (first[i].calls > 0) {
			i++;
			continue;
		}
		assert_true(now_ms() < end);
		event_base_loopexit(base, &tick);
		event_base_loop(base, EVLOOP_ONCE);
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(first[i].calls, 1);
}

size_t children(pid_t *first)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char path[300], state;
	size_t count = 0;
	FILE *file;
	int parent;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		file = atoi(entry->d_name) > 0 ? fopen(path, "re") : NULL;
		if (file == NULL)
			continue;
		if (fscanf(file, "%*d (%*[^)]) %c %d", &state, &parent) == 2 &&
		    parent == getpid() && state != 'Z') {
			count++;
			if (first != NULL)
				*first = atoi(entry->d_name);
		}
		fclose(file);
	}
	closedir(dir);
	return count;
}

void wait_for_children(size_t count)
{
	int64_t end = now_ms() + 5000;

	while (children(NULL) < count) {
		assert_true(now_ms() < end);
		turn_for(10);
	}
}

void wait_for_at_most(size_t count)
{
	int64_t end = now_ms() + 5000;

	while (children(NULL) > count) {
		assert_true(now_ms() < end);
		turn_for(10);
	}
}

void read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

int remove_directory(const char *path)
{
	char name[PATH_MAX + 256];
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(name);
	}
	closedir(dir);
	return rmdir(path);
}
