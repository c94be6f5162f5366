/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CONF_WAYS_H
#define GATEWAY_CONF_WAYS_H

#include "gateway/conf_read.h"

/* Hops and chains by name while a configuration is read: what is wrong with them, who uses them. */
struct way {
	const char *name;
	const struct directive *directive;
	bool used;    /* a row leads there */
	bool first;   /* a row begins with it */
	bool defined; /* its directive was good */
	bool broken;  /* it leads nowhere, which has been complained about */
};

/* The names that are given at the top level, before anything refers to them (conf_ways.c). */
void conf_collect_names(struct reader *r);
/* The hop or chain of that name; NULL if there is none. */
struct way *conf_way(const struct reader *r, const char *name);
/* A row or a hop leads this way: for lint. */
void conf_use_way(struct reader *r, const char *name);
/* Do the words of hops and chains lead somewhere?  Once all are defined; does nothing twice. */
void conf_check_ways(struct reader *r);
/* Is any of the words from `first` a way that has been complained about? */
bool conf_is_broken(struct reader *r, const struct word *words, size_t first, size_t count);

#endif
