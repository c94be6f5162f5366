/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "gateway/timer.h"

void timer_init(struct timer *t, struct loop *loop, event_callback_fn fired, void *arg)
{
	event_assign(&t->event, loop->base, -1, 0, fired, arg);
	t->due = INT64_MAX;
}

void timer_by(struct timer *t, int64_t when)
{
	struct timeval tv;
	int64_t pause;

	if (when >= t->due)
		return;
	pause = when - loop_lately();
	if (pause < 1)
		pause = 1;
	tv.tv_sec = (time_t)(pause / 1000);
	tv.tv_usec = (suseconds_t)(pause % 1000 * 1000);
	event_add(&t->event, &tv);
	t->due = when;
}

void timer_fired(struct timer *t)
{
	t->due = INT64_MAX;
}

void timer_stop(struct timer *t)
{
	event_del(&t->event);
	t->due = INT64_MAX;
}
