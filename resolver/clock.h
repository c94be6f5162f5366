/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_CLOCK_H
#define RESOLVER_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds that never run backwards, from an unknown start. */
static inline int64_t resolver_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
