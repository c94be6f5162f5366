/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_METER_H
#define GATEWAY_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/reason.h"

/*
 * How much may pass just now, for those who move bytes; both ways together.  It is given out in
 * slices: who has used up one reads nothing until the next.  Where nothing is limited there is no
 * meter: NULL.
 */
struct meter {
	size_t left;        /* of the present slice */
	size_t next;        /* the one after it, … */
	int64_t resume_ms;  /* … from when on, loop_now() */
	size_t owed;        /* passed without having been asked for */
	uint64_t spent;     /* all that passed, for its owner */
	enum reason reason; /* not OK: nothing more may pass */
	/* Its owner's: sets `next` and `resume_ms`, or `reason`. */
	void (*refill)(struct meter *meter);
};

/* How much may be read now: SIZE_MAX without a meter; 0: nothing before resume_ms, or never. */
size_t meter_ask(struct meter *meter);
/* So much was read; what had to pass unasked, too. */
void meter_spend(struct meter *meter, size_t n);
/* Is it worth asking?  Else at resume_ms. */
bool meter_is_open(const struct meter *meter);

#endif
