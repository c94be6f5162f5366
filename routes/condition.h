/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_CONDITION_H
#define ROUTES_CONDITION_H

#include "routes/reader.h"
#include "routes/routes.h"
#include "routes/phrase.h"

/* What a row demands beside its destination; NULL: nothing. */
struct conditions;

/*
 * Read conditions up to the first word that is none of their keywords or the end.  *conditions is
 * NULL if there are none.  NULL or what is wrong.
 */
const char *conditions_read(struct conditions **conditions, struct reader *reader);
void conditions_free(struct conditions *conditions);

bool conditions_hold(const struct conditions *conditions, const struct query *query);
/* Add to `why` the first that does not hold, as in "port 80 not in 25 465-587". */
void conditions_explain(
    const struct conditions *conditions, const struct query *query, struct phrase *why);
/* As they were read; "" if there are none. */
const char *conditions_text(const struct conditions *conditions);
bool conditions_no_resolve(const struct conditions *conditions);

#endif
