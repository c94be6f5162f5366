/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_URI_H
#define ROUTES_URI_H

#include <stdbool.h>
#include <stddef.h>

#define URI_MAX 4096

/* A piece of the URI's text; data NULL: it is not there. */
struct uri_part {
	const char *data;
	size_t length;
};

/* RFC 3986, 3: SCHEME:[//[USER[:PASSWORD]@]HOST[:PORT]]PATH[?QUERY], nothing decoded. */
struct uri {
	struct uri_part scheme, user, password, host, port, path, query;
	bool authority; /* the two slashes are there */
};

/* NULL, or what is wrong. */
const char *uri_split(struct uri *uri, const char *text);
/*
 * Percent-decode into *out, which the caller frees.  NULL, or what is wrong: a bad escape, NUL and
 * control bytes, more than `max` bytes, no memory.
 */
const char *uri_decode(struct uri_part part, size_t max, char **out);
/* Cut the next NAME=VALUE off the query; false at its end.  value->data is NULL without a `=`. */
bool uri_next_pair(struct uri_part *query, struct uri_part *name, struct uri_part *value);

#endif
