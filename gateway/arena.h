/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_ARENA_H
#define GATEWAY_ARENA_H

#include <stddef.h>

/*
 * Memory that is given back all at once: what belongs to one configuration.  It is zeroed when it
 * is handed out and wiped when it is given back.  A program that cannot get the few kilobytes that
 * a configuration needs ends with a message; nothing here returns NULL.
 */
struct arena_block;

struct arena { /* all zero = empty */
	struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t size);
/* `length` bytes and a NUL. */
char *arena_copy(struct arena *arena, const char *text, size_t length);
char *arena_string(struct arena *arena, const char *text);
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * One more element at the end of an array that only this function has grown; *count says how many
 * there are.  Returns the array, which may have moved; the new element is zero.
 */
void *arena_push(struct arena *arena, void *array, size_t *count, size_t size);
/* Wipe and give back everything. */
void arena_clear(struct arena *arena);

#endif
