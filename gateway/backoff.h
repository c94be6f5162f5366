/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_BACKOFF_H
#define GATEWAY_BACKOFF_H

#include "gateway/value.h"

/*
 * How long somebody has to wait who guesses passwords.  Pure; its user keeps one of these, all zero
 * at first, for each from whom logins come.  Times are milliseconds of a clock that never goes
 * back; `most` is how many wrong logins there may be in how much time, counted from the first.
 */
struct backoff {
	unsigned failures; /* that count at present */
	unsigned pending;  /* checks under way */
	bool locked;
	int64_t until_ms; /* the lock, or how long these failures count */
};

#define BACKOFF_FIRST_MS 100 /* what the answer to a wrong login is put off, doubling … */
#define BACKOFF_MAX_MS 5000  /* … up to this */

enum backoff_verdict {
	BACKOFF_CHECK, /* let it be checked, then say what came of it */
	BACKOFF_WAIT,  /* as many as may fail are being checked already: ask again later */
	BACKOFF_LOCKED /* it is wrong, whatever it is */
};

/* A login came.  After BACKOFF_CHECK one of the three below follows. */
enum backoff_verdict backoff_begin(
    struct backoff *backoff, const struct times *most, int64_t now_ms);
/* It was wrong, or its sender did not wait for the answer.  How long that is to be put off; true if
 * now there is a lock that was not before. */
bool backoff_fail(
    struct backoff *backoff, const struct times *most, int64_t now_ms, int64_t *delay_ms);
/* It was right: what failed before is forgiven. */
void backoff_succeed(struct backoff *backoff);
/* Nobody knows. */
void backoff_withdraw(struct backoff *backoff);

/* Nothing would be lost by forgetting it. */
bool backoff_is_idle(const struct backoff *backoff, int64_t now_ms);

#endif
