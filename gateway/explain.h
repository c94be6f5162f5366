/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_EXPLAIN_H
#define GATEWAY_EXPLAIN_H

#include <stdio.h>

#include "gateway/question.h"

/*
 * What would happen to a request, and why.  The first line is the decision; then access, the rows
 * that were candidates and why they lost, the hops, and where names are resolved.
 * Returns what plan_make() said.
 */
enum plan_result explain(const struct conf *conf, const struct question *question, FILE *out);

#endif
