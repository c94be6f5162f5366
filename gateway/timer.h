/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_TIMER_H
#define GATEWAY_TIMER_H

#include <event2/event_struct.h>

#include "gateway/loop.h"

/*
 * Wakes its user up in time.  What is put off with every byte that moves is not set anew each time:
 * the user looks at the clock when it fires, and sets it again.
 */
struct timer {
	struct event event;
	int64_t due; /* loop_lately(); INT64_MAX: it is not set */
};

void timer_init(struct timer *t, struct loop *loop, event_callback_fn fired, void *arg);
/* Fire at `when`, unless it will be earlier anyway. */
void timer_by(struct timer *t, int64_t when);
/* To be called first by what it calls: it is not set any more. */
void timer_fired(struct timer *t);
void timer_stop(struct timer *t);

#endif
