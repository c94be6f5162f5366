/* SPDX-License-Identifier: ISC */
/* A session's slices: taken from all that it shares with others, used when the last allows it. */
#include "config.h"

#include "gateway/pace.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	struct quota *quota;
	struct allotment allotment; /* 0: no limit */
	uint8_t user[QUOTA_USER];
	uint64_t counted; /* of what was spent */
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

/* What passed since the last time goes to the user's account. */
static uint64_t settle_quota(struct pace *p)
{
	uint64_t bytes = p->meter.spent - p->counted;

	p->counted = p->meter.spent;
	return quota_spend(p->quota, p->user, p->allotment.monthly, bytes, time(NULL));
}

static void refill(struct meter *m)
{
	struct pace *p = (struct pace *)(void *)m;
	size_t next = slice(p);
	int64_t from_ns = 0;

	if (p->allotment.bytes > 0) {
		uint64_t had = settle_quota(p);

		if (had >= p->allotment.bytes) {
			m->reason = REASON_QUOTA;
			return;
		}
		if (next > p->allotment.bytes - had)
			next = (size_t)(p->allotment.bytes - had);
	}
	for (size_t i = 0; i < SHARES(p); i++) {
		int64_t ns = p->shares[i].rate > 0 ? take(p, &p->shares[i], next + m->owed) : 0;

		if (ns > from_ns)
			from_ns = ns;
	}
	m->next = next;
	m->owed = 0;
	m->resume_ms = (from_ns + MS_NS - 1) / MS_NS;
}

bool pace_new(struct pace **pace, const struct pace_plan *plan)
{
	const struct share shares[] = {{NULL, plan->session_rate},
	    {plan->client_holder, plan->client_holder != NULL ? plan->client_rate : 0},
	    {plan->user_holder, plan->user_holder != NULL ? plan->user_rate : 0}};
	const bool counts = plan->user != NULL && plan->allotment.bytes > 0;
	struct pace *p;

	*pace = NULL;
	if (shares[0].rate == 0 && shares[1].rate == 0 && shares[2].rate == 0 && !counts)
		return true;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return false;
	p->meter.refill = refill;
	p->account = plan->account;
	p->quota = plan->quota;
	memcpy(p->shares, shares, sizeof shares);
	if (counts) {
		p->allotment = plan->allotment;
		quota_user(p->user, plan->user);
	}
	*pace = p;
	return true;
}

void pace_free(struct pace *p)
{
	size_t unused;

	if (p == NULL)
		return;
	if (p->allotment.bytes > 0)
		settle_quota(p);
	unused = p->meter.left + p->meter.next;
	for (size_t i = 0; i < SHARES(p); i++) {
		const struct share *share = &p->shares[i];

		if (share->rate == 0 || share->holder == NULL)
			continue;
		if (p->meter.owed > 0)
			take(p, share, p->meter.owed);
		account_give_back(p->account, share->holder, share->rate, unused);
	}
	free(p);
}

struct meter *pace_meter(struct pace *p)
{
	return p == NULL ? NULL : &p->meter;
}
