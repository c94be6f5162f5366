/* SPDX-License-Identifier: ISC */
/* Memory that is given back all at once. */
#include "config.h"

#include "gateway/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 16384
#define ARENA_FIRST 4 /* elements of an array that arena_push() begins */

struct arena_block {
	struct arena_block *next;
	size_t size, used;
	_Alignas(max_align_t) char bytes[];
};

static _Noreturn void out_of_memory(void)
{
	fputs("hopgate: out of memory\n", stderr);
	exit(3);
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size < ARENA_BLOCK)
		size = ARENA_BLOCK;
	if (size > SIZE_MAX - sizeof *block || (block = calloc(1, sizeof *block + size)) == NULL)
		out_of_memory();
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	void *memory;

	if (size > SIZE_MAX - align)
		out_of_memory();
	size = (size + align - 1) / align * align;
	if (block == NULL || block->size - block->used < size)
		block = add_block(arena, size);
	memory = block->bytes + block->used;
	block->used += size;
	return memory;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text));
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list list;
	char *text, *copy;
	int length;

	va_start(list, format);
	length = vasprintf(&text, format, list);
	va_end(list);
	if (length < 0)
		out_of_memory();
	copy = arena_copy(arena, text, (size_t)length);
	free(text);
	return copy;
}

void *arena_push(struct arena *arena, void *array, size_t *count, size_t size)
{
	size_t n = *count;

	/* Full at 0, 4, 8, 16, …: the capacity needs no field of its own. */
	if (n == 0 || (n >= ARENA_FIRST && (n & (n - 1)) == 0)) {
		size_t room = n == 0 ? ARENA_FIRST : 2 * n;
		void *grown;

		if (room > SIZE_MAX / size)
			out_of_memory();
		grown = arena_alloc(arena, room * size);
		if (n > 0)
			memcpy(grown, array, n * size);
		array = grown;
	}
	*count = n + 1;
	return array;
}

void arena_clear(struct arena *arena)
{
	for (struct arena_block *block = arena->blocks, *next; block != NULL; block = next) {
		next = block->next;
		explicit_bzero(block->bytes, block->used);
		free(block);
	}
	arena->blocks = NULL;
}
