/* SPDX-License-Identifier: ISC */
/* Wrong logins are counted from the first one on; too many of them lock out for as long again. */
#include "config.h"

#include "gateway/backoff.h"

#include <assert.h>

#define DOUBLINGS 6 /* from the first delay to one over the longest */

static void expire(struct backoff *b, int64_t now_ms)
{
	if (now_ms < b->until_ms)
		return;
	b->failures = 0;
	b->locked = false;
}

enum backoff_verdict backoff_begin(struct backoff *b, const struct times *most, int64_t now_ms)
{
	expire(b, now_ms);
	if (b->locked)
		return BACKOFF_LOCKED;
	/* Each that is being checked may turn out wrong: else many at once would all be checked. */
	if (b->failures + b->pending >= most->number && b->pending > 0)
		return BACKOFF_WAIT;
	b->pending++;
	return BACKOFF_CHECK;
}

bool backoff_fail(struct backoff *b, const struct times *most, int64_t now_ms, int64_t *delay_ms)
{
	assert(b->pending > 0);
	b->pending--;
	expire(b, now_ms);
	if (b->failures == 0)
		b->until_ms = now_ms + most->in_ms;
	b->failures++;
	*delay_ms = BACKOFF_FIRST_MS
	    << (b->failures <= DOUBLINGS ? b->failures - 1 : (unsigned)DOUBLINGS);
	if (*delay_ms > BACKOFF_MAX_MS)
		*delay_ms = BACKOFF_MAX_MS;
	if (b->locked || b->failures < most->number)
		return false;
	b->locked = true;
	b->until_ms = now_ms + most->in_ms;
	return true;
}

void backoff_succeed(struct backoff *b)
{
	assert(b->pending > 0);
	b->pending--;
	b->failures = 0;
	b->locked = false;
}

void backoff_withdraw(struct backoff *b)
{
	assert(b->pending > 0);
	b->pending--;
}

bool backoff_is_idle(const struct backoff *b, int64_t now_ms)
{
	return b->pending == 0 && (b->failures == 0 || now_ms >= b->until_ms);
}
