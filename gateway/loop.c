/* SPDX-License-Identifier: ISC */
/* The clock of a worker. */
#include "config.h"

#include "gateway/loop.h"

#include <time.h>

static int64_t milliseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t loop_now(void)
{
	return milliseconds(CLOCK_MONOTONIC);
}

int64_t loop_lately(void)
{
	return milliseconds(CLOCK_MONOTONIC_COARSE);
}
