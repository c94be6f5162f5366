/* SPDX-License-Identifier: ISC */
/* Hops: cleared and compared. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "routes/routes.h"

static void free_secret(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void hop_clear(struct hop *hop)
{
	free(hop->name);
	free(hop->unix_path);
	free_secret(hop->user);
	free_secret(hop->password);
	free(hop->sources);
	free(hop->interface);
	*hop = (struct hop){.protocol = HOP_DIRECT};
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_source(const struct source *a, const struct source *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case SOURCE_RANGE:
		if (memcmp(&a->last, &b->last, sizeof(a->last)) != 0)
			return false;
		/* fallthrough */
	case SOURCE_ADDRESS:
		return memcmp(&a->first, &b->first, sizeof(a->first)) == 0;
	case SOURCE_INTERFACE:
		return strcmp(a->interface, b->interface) == 0;
	case SOURCE_LISTENER:
		break;
	}
	return true;
}

static bool same_sources(const struct hop *a, const struct hop *b)
{
	if (a->source_count != b->source_count)
		return false;
	for (size_t i = 0; i < a->source_count; i++)
		if (!same_source(&a->sources[i], &b->sources[i]))
			return false;
	return true;
}

bool hop_equal(const struct hop *a, const struct hop *b)
{
	return a->protocol == b->protocol && host_equal(&a->host, &b->host) && a->port == b->port &&
	    same_string(a->unix_path, b->unix_path) && same_string(a->user, b->user) &&
	    same_string(a->password, b->password) && a->resolve_local == b->resolve_local &&
	    a->family == b->family && same_sources(a, b) &&
	    same_string(a->interface, b->interface) && a->mark == b->mark &&
	    a->connect_ms == b->connect_ms && a->keepalive == b->keepalive;
}
