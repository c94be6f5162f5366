/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_BELONGS_H
#define TESTS_UNIT_BELONGS_H

#include <stdbool.h>
#include <string.h>

/* For struct query: whose `member` is the name of the one group of its user, or NULL. */
static inline bool belongs(const void *member, const char *group)
{
	return member != NULL && strcmp(member, group) == 0;
}

#endif
