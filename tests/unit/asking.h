/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_ASKING_H
#define TESTS_UNIT_ASKING_H

#include <event2/event.h>
#include <sys/types.h>

#include "auth/auth.h"

/* A worker and a keeper on one loop, with real children. */

#define CHECKS_MAX 1400
#define FOREVER_MS 60000

extern struct event_base *base;
extern struct auth_checks *checks;
extern struct auth_link *link_; /* the last that was added */
extern int lost;

/* What became of each check. */
extern struct outcome {
	struct auth_check *check;
	int calls;
	enum auth_result result;
	uint16_t block;
	char user[256];
} outcomes[CHECKS_MAX];

/* Forgets all outcomes. */
void open_desk(const struct auth_block *blocks, size_t count);
void close_desk(void);
void add_link(void);

void done(void *arg, const struct auth_answer *answer);
struct auth_check *ask_bytes(struct outcome *o, const struct auth_question *question);
struct auth_check *ask_one(
    struct outcome *o, uint16_t block, int64_t deadline_ms, const char *user, const char *password);
struct auth_check *ask_two(struct outcome *o, uint16_t first, uint16_t second, int64_t deadline_ms,
    const char *user, const char *password);

int64_t now_ms(void);
void turn_for(int ms);
/* Run the loop until `count` checks have their result, or at most some seconds. */
void run_until(const struct outcome *first, size_t count);

/* The children of this process, and what children that have gone left behind; zombies do not
 * count. */
size_t children(pid_t *first);
void wait_for_children(size_t count);
void wait_for_at_most(size_t count);

/* At most size-1 bytes of a file, as a string. */
void read_text(const char *path, char *text, size_t size);
/* With the files in it. */
int remove_directory(const char *path);

#endif
