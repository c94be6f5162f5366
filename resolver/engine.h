/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_ENGINE_H
#define RESOLVER_ENGINE_H

#include "resolver/records.h"

/*
 * c-ares on an event base: asks the servers about one name and kind.  Everything that differs
 * between releases of c-ares stays in here.
 */
struct resolver_engine;

/* NULL with errno; EINVAL: config->servers. */
struct resolver_engine *resolver_engine_new(
    struct event_base *base, const struct resolver_config *config);
/* What is under way is dropped without a call.  Never from within `answered`. */
void resolver_engine_free(struct resolver_engine *engine);
size_t resolver_engine_server_count(const struct resolver_engine *engine);

/* The asker's, who keeps it until the answer has come or the engine is freed. */
struct resolver_asking {
	enum resolver_kind kind;
	/* Once, even before resolver_engine_ask() returns; the records are the asker's. */
	void (*answered)(struct resolver_asking *asking, struct resolver_records *records);
};

/* Asks each server once, in turn, until one answers; takes at most its timeout for each. */
void resolver_engine_ask(
    struct resolver_engine *engine, const char *name, struct resolver_asking *asking);

#endif
