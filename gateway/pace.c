/* SPDX-License-Identifier: ISC */
/* A session's slices: taken from all that it shares with others, used when the last allows it. */
#include "config.h"

#include "gateway/pace.h"

#include <stdlib.h>

#include "gateway/loop.h"

#define MS_NS INT64_C(1000000)

struct pace {
	struct meter meter; /* first: the meter is the pace */
	struct account *account;
	struct bucket bucket; /* its own */
	struct share {
		struct holder *holder; /* NULL: the session itself */
		size_t rate;           /* 0: no limit */
	} shares[3];
};
#define SHARES(p) (sizeof(p)->shares / sizeof(p)->shares[0])

/* How much is worth taking at once where the slowest share rules. */
static size_t slice(const struct pace *p)
{
	size_t least = BUCKET_SLICE_MAX;

	for (size_t i = 0; i < SHARES(p); i++)
		if (p->shares[i].rate > 0 && bucket_slice(p->shares[i].rate) < least)
			least = bucket_slice(p->shares[i].rate);
	return least;
}

static int64_t take(struct pace *p, const struct share *share, size_t bytes)
{
	const int64_t now_ns = loop_now() * MS_NS;

	if (share->holder == NULL)
		return bucket_take(&p->bucket, share->rate, bytes, now_ns);
	return account_take(p->account, share->holder, share->rate, bytes, now_ns);
}

static void refill(struct meter *m)
{
	struct pace *p = (struct pace *)(void *)m;
	int64_t from_ns = 0;

	m->next = slice(p);
	for (size_t i = 0; i < SHARES(p); i++) {
		int64_t ns = p->shares[i].rate > 0 ? take(p, &p->shares[i], m->next + m->owed) : 0;

		if (ns > from_ns)
			from_ns = ns;
	}
	m->owed = 0;
	m->resume_ms = (from_ns + MS_NS - 1) / MS_NS;
}

bool pace_new(struct pace **pace, const struct pace_plan *plan)
{
	const struct limits *limits = plan->limits;
	const struct share shares[] = {{NULL, limits->bandwidth_per_session},
	    {plan->client, plan->client != NULL ? limits->bandwidth_per_client : 0},
	    {plan->user, plan->user != NULL ? limits->bandwidth_per_user : 0}};
	struct pace *p;
	size_t limited = 0;

	for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++)
		limited += shares[i].rate;
	*pace = NULL;
	if (limited == 0)
		return true;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return false;
	p->meter.refill = refill;
	p->account = plan->account;
	for (size_t i = 0; i < SHARES(p); i++)
		p->shares[i] = shares[i];
	*pace = p;
	return true;
}

void pace_free(struct pace *p)
{
	size_t unused;

	if (p == NULL)
		return;
	unused = p->meter.left + p->meter.next;
	for (size_t i = 0; i < SHARES(p); i++)
		if (p->shares[i].rate > 0 && p->shares[i].holder != NULL)
			account_give_back(
			    p->account, p->shares[i].holder, p->shares[i].rate, unused);
	free(p);
}

struct meter *pace_meter(struct pace *p)
{
	return p == NULL ? NULL : &p->meter;
}
