/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_PATTERN_H
#define ROUTES_PATTERN_H

#include "routes/reader.h"
#include "routes/routes.h"

/* The first word of a row: which destinations it is for. */
enum pattern_kind {
	PATTERN_NAME,  /* `name`: that name only */
	PATTERN_BELOW, /* `*.name`: what is below it */
	PATTERN_ZONE,  /* `.name`: it and what is below */
	PATTERN_PREFIX,
	PATTERN_IPV4,
	PATTERN_IPV6,
	PATTERN_ANY
};

struct pattern {
	enum pattern_kind kind;
	char name[HOST_NAME_LENGTH + 1]; /* NAME, BELOW, ZONE; without `*` and dot */
	struct prefix prefix;            /* PREFIX */
};

/* Read the word at the cursor; `any` is the word for every destination.  NULL or what is wrong. */
const char *pattern_read(struct pattern *pattern, struct reader *reader, const char *any);
/* "any" or "default" is up to the caller again; `out` holds PATTERN_TEXT bytes. */
#define PATTERN_TEXT (HOST_NAME_LENGTH + 3)
char *pattern_format(const struct pattern *pattern, const char *any, char out[PATTERN_TEXT]);

bool pattern_is_name(enum pattern_kind kind);
enum destination pattern_destination(enum pattern_kind kind);
/* PATTERN_ANY matches everything. */
bool pattern_matches_name(const struct pattern *pattern, const char *name);
bool pattern_matches_address(const struct pattern *pattern, const struct in6_addr *address);

#endif
