/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PACE_H
#define GATEWAY_PACE_H

#include "gateway/account.h"
#include "gateway/meter.h"

/*
 * How fast one session may go: as its own bandwidth, its client's and its user's allow together.
 */
struct pace;

struct pace_plan {
	struct account *account;
	const struct limits *limits;
	struct holder *client, *user; /* of account_enter() and account_login(); NULL: no limit */
};

/* *pace NULL: nothing is limited.  False: out of memory. */
bool pace_new(struct pace **pace, const struct pace_plan *plan);
/* Before its holders go; what it has not used is given back. */
void pace_free(struct pace *pace);
struct meter *pace_meter(struct pace *pace); /* NULL for NULL */

#endif
