/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_VALUE_H
#define GATEWAY_VALUE_H

#include <stdbool.h>

#include "routes/routes.h"

/*
 * One word of a configuration as a value.  Each reader fills *field, of the type that is named,
 * and returns NULL; or what is wrong, as a phrase that follows the word: "is not a duration, …".
 * Keywords like `off` do not count when quoted.  A bare 0 is refused: it could mean two things.
 */

/* 500ms 10s 2m 1h30m 7d: int64_t milliseconds, more than 0; off: 0. */
const char *value_duration(const struct word *word, void *field);
const char *value_duration_or_off(const struct word *word, void *field);
/* 1 … 1000000000: unsigned; off: 0. */
const char *value_count(const struct word *word, void *field);
const char *value_count_or_off(const struct word *word, void *field);
/* 50/s 10/m 100/h: double, a second; off: 0. */
const char *value_rate_or_off(const struct word *word, void *field);
/* The same, as it is written; off: number 0. */
struct times {
	unsigned number;
	int64_t in_ms;
};
const char *value_times_or_off(const struct word *word, void *field);
/* 4096 64k 10m 2g (1024): size_t bytes, more than 0. */
const char *value_size(const struct word *word, void *field);
/* 10m/s: size_t bytes a second; off: 0. */
const char *value_bandwidth_or_off(const struct word *word, void *field);
/* 50g/month 1g/day; off: bytes 0. */
struct allotment {
	uint64_t bytes;
	bool monthly; /* else daily */
};
const char *value_allotment_or_off(const struct word *word, void *field);
/* on off: bool. */
const char *value_switch(const struct word *word, void *field);

/* The word as a keyword: not quoted, and this text. */
bool value_is(const struct word *word, const char *keyword);
/* Digits only, in the range; true if so. */
bool value_number(const char *text, unsigned long min, unsigned long max, unsigned long *number);

#endif
