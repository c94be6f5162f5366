/* SPDX-License-Identifier: ISC */
/* Times of the week. */
#include "config.h"

#include "routes/hours.h"

#include <stdio.h>
#include <string.h>

#define DAYS 7

static const char day_names[DAYS][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
static const char expected_days[] = "expected days such as mon-fri or sat,sun";
static const char expected_times[] = "expected times such as 08:00-18:00 after the days";

/* Step over a day's name; its number, or -1. */
static int read_day(const char **at)
{
	for (int day = 0; day < DAYS; day++)
		if (strncmp(*at, day_names[day], 3) == 0) {
			*at += 3;
			return day;
		}
	return -1;
}

/* DAY or DAY-DAY, which may run over Sunday. */
static bool read_day_range(const char **at, uint8_t *days)
{
	int day = read_day(at), last = day;

	if (day >= 0 && **at == '-') {
		(*at)++;
		last = read_day(at);
	}
	if (day < 0 || last < 0)
		return false;
	for (;; day = (day + 1) % DAYS) {
		*days |= (uint8_t)(1 << day);
		if (day == last)
			return true;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HH:MM up to 24:00; -1 if it is not. */
static int read_minutes(const char *at)
{
	int hour, minute;

	if (!is_digit(at[0]) || !is_digit(at[1]) || at[2] != ':' || !is_digit(at[3]) ||
	    !is_digit(at[4]))
		return -1;
	hour = (at[0] - '0') * 10 + at[1] - '0';
	minute = (at[3] - '0') * 10 + at[4] - '0';
	if (minute > 59 || hour > 24 || (hour == 24 && minute > 0))
		return -1;
	return hour * 60 + minute;
}

static const char *read_times(struct hours *hours, const char *at)
{
	int from, until;

	if (strlen(at) != strlen("08:00-18:00") || at[5] != '-')
		return expected_times;
	from = read_minutes(at);
	until = read_minutes(at + 6);
	if (from < 0 || until < 0 || from == DAY_MINUTES)
		return expected_times;
	if (from == until)
		return "the time ends when it starts";
	hours->from = (uint16_t)from;
	hours->until = (uint16_t)until;
	return NULL;
}

const char *hours_parse(struct hours *hours, const char *text)
{
	*hours = (struct hours){.until = DAY_MINUTES};
	for (;;) {
		if (!read_day_range(&text, &hours->days))
			return expected_days;
		if (*text != ',')
			break;
		text++;
	}
	if (*text == '/')
		return read_times(hours, text + 1);
	return *text == '\0' ? NULL : expected_days;
}

bool hours_hold(const struct hours *hours, unsigned minute)
{
	unsigned day = minute / DAY_MINUTES % DAYS, yesterday = (day + DAYS - 1) % DAYS;
	unsigned time = minute % DAY_MINUTES;

	if (hours->from < hours->until)
		return (hours->days >> day & 1) && time >= hours->from && time < hours->until;
	return ((hours->days >> day & 1) && time >= hours->from) ||
	    ((hours->days >> yesterday & 1) && time < hours->until);
}

char *hours_format(unsigned minute, char out[HOURS_TEXT])
{
	unsigned time = minute % DAY_MINUTES;

	snprintf(out, HOURS_TEXT, "%s %02u:%02u", day_names[minute / DAY_MINUTES % DAYS], time / 60,
	    time % 60);
	return out;
}
