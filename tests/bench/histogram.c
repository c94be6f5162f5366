/* SPDX-License-Identifier: ISC */
/* Times: exact below 64 ns, then 64 steps for each power of two. */
#include "config.h"

#include "tests/bench/pxbench.h"

void histogram_add(struct histogram *h, uint64_t ns)
{
	size_t step = ns;

	if (ns >= 64) {
		int power = 63 - __builtin_clzll(ns);
		step = (size_t)((power - 5) << 6) + ((ns >> (power - 6)) & 63);
	}
	h->steps[MIN(step, HISTOGRAM_STEPS - 1)]++;
	h->count++;
	h->sum += ns;
	if (ns > h->max)
		h->max = ns;
}

void histogram_merge(struct histogram *a, const struct histogram *b)
{
	a->count += b->count;
	a->sum += b->sum;
	if (b->max > a->max)
		a->max = b->max;
	for (size_t i = 0; i < HISTOGRAM_STEPS; i++)
		a->steps[i] += b->steps[i];
}

/* The middle of a step. */
static uint64_t middle(size_t step)
{
	if (step < 64)
		return step;
	uint64_t half = (uint64_t)1 << ((step >> 6) - 1);
	return ((64 + (step & 63)) << ((step >> 6) - 1)) + (half >> 1);
}

double histogram_us(const struct histogram *h, double quantile)
{
	uint64_t rank = (uint64_t)(quantile * (double)h->count + 0.999999), seen = 0;

	for (size_t i = 0; h->count && i < HISTOGRAM_STEPS; i++) {
		seen += h->steps[i];
		if (seen >= rank)
			return (double)MIN(middle(i), h->max) / 1e3;
	}
	return 0;
}
