/* SPDX-License-Identifier: ISC */
/* Sets of users: their names in one piece of memory, found by hash. */
#include "config.h"

#include "gateway/users.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST 256
#define SLOTS_FIRST 16

/* FNV-1a: the names are the administrator's own. */
static size_t hash(const char *name, size_t length)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)name[i]) * UINT64_C(1099511628211);
	return (size_t)(sum ^ sum >> 32);
}

/* Where the name is, or the free slot where it would be; slot_count is a power of two. */
static uint32_t *find(const struct users *users, const char *name, size_t length)
{
	size_t at = hash(name, length) & (users->slot_count - 1);

	while (users->slots[at] != 0) {
		const char *other = users->text + users->slots[at] - 1;

		if (strncmp(other, name, length) == 0 && other[length] == '\0')
			break;
		at = (at + 1) & (users->slot_count - 1);
	}
	return &users->slots[at];
}

/* At most half full. */
static bool grow_slots(struct users *users)
{
	struct users wider = *users;

	if (users->slot_count > 2 * users->count)
		return true;
	wider.slot_count = users->slot_count > 0 ? 2 * users->slot_count : SLOTS_FIRST;
	wider.slots = calloc(wider.slot_count, sizeof *wider.slots);
	if (wider.slots == NULL)
		return false;
	for (size_t at = 0; at < users->length; at += strlen(users->text + at) + 1)
		*find(&wider, users->text + at, strlen(users->text + at)) = (uint32_t)at + 1;
	free(users->slots);
	*users = wider;
	return true;
}

static bool grow_text(struct users *users, size_t more)
{
	size_t size = users->size > 0 ? users->size : TEXT_FIRST;
	char *text;

	while (size < users->length + more)
		size *= 2;
	if (size == users->size)
		return true;
	if (size > UINT32_MAX || (text = realloc(users->text, size)) == NULL)
		return false;
	users->text = text;
	users->size = size;
	return true;
}

bool users_add(struct users *users, const char *name, size_t length)
{
	uint32_t *slot;

	if (!grow_slots(users) || !grow_text(users, length + 1))
		return false;
	slot = find(users, name, length);
	if (*slot != 0)
		return true;
	*slot = (uint32_t)users->length + 1;
	memcpy(users->text + users->length, name, length);
	users->text[users->length + length] = '\0';
	users->length += length + 1;
	users->count++;
	return true;
}

bool users_have(const struct users *users, const char *name)
{
	return users->count > 0 && *find(users, name, strlen(name)) != 0;
}

void users_clear(struct users *users)
{
	free(users->text);
	free(users->slots);
	*users = (struct users){.name = users->name};
}

const char *users_wrong(const char *name, size_t length)
{
	if (length == 0)
		return "is empty";
	if (length > USER_NAME_MAX)
		return "is longer than 255 bytes";
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return "holds control characters";
	return NULL;
}

bool member_belongs(const void *arg, const char *group)
{
	const struct member *member = arg;

	if (member->user == NULL)
		return false;
	for (size_t i = 0; i < member->proven_count; i++)
		if (strcmp(member->proven[i], group) == 0)
			return true;
	for (size_t i = 0; i < member->set_count; i++)
		if (strcmp(member->sets[i].name, group) == 0)
			return users_have(&member->sets[i], member->user);
	return false;
}

unsigned member_sessions(const struct member *member, unsigned otherwise)
{
	for (size_t i = 0; i < member->set_count && member->user != NULL; i++)
		if (member->sets[i].has_sessions && users_have(&member->sets[i], member->user))
			return member->sets[i].sessions;
	return otherwise;
}

size_t member_bandwidth(const struct member *member, size_t otherwise)
{
	for (size_t i = 0; i < member->set_count && member->user != NULL; i++)
		if (member->sets[i].has_bandwidth && users_have(&member->sets[i], member->user))
			return member->sets[i].bandwidth;
	return otherwise;
}

struct allotment member_quota(const struct member *member, struct allotment otherwise)
{
	for (size_t i = 0; i < member->set_count && member->user != NULL; i++)
		if (member->sets[i].has_quota && users_have(&member->sets[i], member->user))
			return member->sets[i].quota;
	return otherwise;
}
