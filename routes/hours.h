/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_HOURS_H
#define ROUTES_HOURS_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_MINUTES (24 * 60)

/* Days of the week and the minutes of each, which may run into the next day. */
struct hours {
	uint8_t days;         /* bit 0 = Monday */
	uint16_t from, until; /* minutes; from > until: past midnight; until is not part of it */
};

/* "mon-fri/08:00-18:00", "sat,sun", "fri/22:00-06:00".  NULL or what is wrong. */
const char *hours_parse(struct hours *hours, const char *text);
/* minute of the week, Monday 00:00 = 0 */
bool hours_hold(const struct hours *hours, unsigned minute);
/* "tue 09:05"; returns out. */
#define HOURS_TEXT 16
char *hours_format(unsigned minute, char out[HOURS_TEXT]);

#endif
