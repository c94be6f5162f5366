/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_QUOTA_RECORD_H
#define GATEWAY_QUOTA_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much a user has had, as a record of a file that only grows: of several of one user and kind
 * of period the last counts.  All are of one length and carry a sum, so that a file that was cut
 * anywhere loses what was written last and nothing else.
 */
#define QUOTA_RECORD 40 /* mark 4, user 16, period 4, bytes 8, sum 8; numbers are big endian */
#define QUOTA_USER 16   /* the first bytes of the name's SHA-256: names are of any length */

struct quota_record {
	uint8_t user[QUOTA_USER];
	bool monthly;    /* else daily */
	uint32_t period; /* which day or month, local time: quota_period() */
	uint64_t bytes;
};

/* The day since 1970, or the month since year 0, at that time. */
uint32_t quota_period(bool monthly, int64_t seconds);
void quota_user(uint8_t user[QUOTA_USER], const char *name);

void quota_record_write(uint8_t out[QUOTA_RECORD], const struct quota_record *record);
/* False: it is none. */
bool quota_record_read(struct quota_record *record, const uint8_t bytes[QUOTA_RECORD]);

#endif
