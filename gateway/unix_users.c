/* SPDX-License-Identifier: ISC */
/* The system's users and groups, asked once. */
#include "config.h"

#include "gateway/unix_users.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unix_user {
	uid_t uid;
	gid_t gid;
	size_t order; /* of two names of a uid the system's first counts */
	char *name;
};

struct unix_users {
	struct unix_user *list; /* by uid */
	size_t count, size;
};

static bool add_user(struct unix_users *users, const struct passwd *entry)
{
	struct unix_user *user;

	if (users->count == users->size) {
		size_t size = users->size > 0 ? 2 * users->size : 64;

		user = reallocarray(users->list, size, sizeof *user);
		if (user == NULL)
			return false;
		users->list = user;
		users->size = size;
	}
	user = &users->list[users->count];
	*user = (struct unix_user){.uid = entry->pw_uid,
	    .gid = entry->pw_gid,
	    .order = users->count,
	    .name = strdup(entry->pw_name)};
	users->count += user->name != NULL;
	return user->name != NULL;
}

static int by_uid(const void *a, const void *b)
{
	const struct unix_user *one = a, *other = b;

	if (one->uid != other->uid)
		return one->uid < other->uid ? -1 : 1;
	return one->order < other->order ? -1 : one->order > other->order;
}

struct unix_users *unix_users_new(void)
{
	struct unix_users *users = calloc(1, sizeof *users);
	const struct passwd *entry;
	bool good = users != NULL;

	setpwent();
	while (good && (entry = getpwent()) != NULL)
		good = add_user(users, entry);
	endpwent();
	if (!good) {
		unix_users_free(users);
		return NULL;
	}
	if (users->count > 0)
		qsort(users->list, users->count, sizeof *users->list, by_uid);
	return users;
}

void unix_users_free(struct unix_users *users)
{
	if (users == NULL)
		return;
	for (size_t i = 0; i < users->count; i++)
		free(users->list[i].name);
	free(users->list);
	free(users);
}

const char *unix_users_name(const struct unix_users *users, uid_t uid)
{
	size_t first = 0, last = users != NULL ? users->count : 0, end = last;

	while (first < last) {
		size_t middle = first + (last - first) / 2;

		if (users->list[middle].uid < uid)
			first = middle + 1;
		else
			last = middle;
	}
	return first < end && users->list[first].uid == uid ? users->list[first].name : NULL;
}

const char *unix_users_text(const struct unix_users *users, uid_t uid, char out[UNIX_USER_TEXT])
{
	const char *name = unix_users_name(users, uid);

	if (uid == (uid_t)-1 || name != NULL)
		return name;
	snprintf(out, UNIX_USER_TEXT, "uid:%ju", (uintmax_t)uid);
	return out;
}

bool unix_users_of(const struct unix_users *users, const char *group,
    void (*add)(void *arg, const char *user), void *arg)
{
	const struct group *entry = getgrnam(group);

	if (entry == NULL)
		return false;
	for (char **member = entry->gr_mem; *member != NULL; member++)
		add(arg, *member);
	for (size_t i = 0; users != NULL && i < users->count; i++)
		if (users->list[i].gid == entry->gr_gid)
			add(arg, users->list[i].name);
	return true;
}
