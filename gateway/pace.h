/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PACE_H
#define GATEWAY_PACE_H

#include "gateway/account.h"
#include "gateway/meter.h"
#include "gateway/quota.h"

/*
 * How fast one session may go, as its own bandwidth, its client's and its user's allow together;
 * and how far, as the user's quota allows.
 */
struct pace;

struct pace_plan {
	struct account *account;
	struct quota *quota;
	size_t session_rate;          /* 0: no limit */
	struct holder *client_holder; /* of account_enter() */
	size_t client_rate;           /* 0: no limit */
	struct holder *user_holder;   /* of account_login() */
	size_t user_rate;             /* 0: no limit */
	const char *user;             /* NULL: nobody */
	struct allotment allotment;   /* the user's; 0: no limit */
};

/* *pace NULL: nothing is limited.  False: out of memory. */
bool pace_new(struct pace **pace, const struct pace_plan *plan);
/* Before its holders go; what it has not used is given back. */
void pace_free(struct pace *pace);
struct meter *pace_meter(struct pace *pace); /* NULL for NULL */

#endif
