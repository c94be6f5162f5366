/* SPDX-License-Identifier: ISC */
/* One word of a configuration as a value: durations, sizes, rates, counts, switches. */
#include "config.h"

#include "gateway/value.h"

#include <string.h>

#define COUNT_MAX 1000000000ul
#define DURATION_MAX ((int64_t)10 * 365 * 24 * 3600 * 1000)
#define SIZE_LIMIT ((size_t)1 << 40)

static const char zero[] = "could mean none or no limit, write 'off' for no limit";

bool value_is(const struct word *word, const char *keyword)
{
	return !word->quoted && strcmp(word->text, keyword) == 0;
}

/* The digits at *text, which moves behind them; false if there are none or too many. */
static bool digits(const char **text, unsigned long max, unsigned long *number)
{
	const char *p = *text;

	for (*number = 0; *p >= '0' && *p <= '9'; p++) {
		unsigned long digit = (unsigned long)(*p - '0');

		if (*number > (max - digit) / 10)
			return false;
		*number = *number * 10 + digit;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

bool value_number(const char *text, unsigned long min, unsigned long max, unsigned long *number)
{
	return digits(&text, max, number) && *text == '\0' && *number >= min;
}

/* From the longest, so that `1h30m` is well formed and `30m1h` is not. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};

/* The unit at *text, at or after *unit; both move behind it.  0: none. */
static int64_t unit_ms(const char **text, size_t *unit)
{
	size_t length = strspn(*text, "dhms");

	for (; units[*unit].name != NULL; ++*unit) {
		const char *name = units[*unit].name;

		if (strlen(name) == length && memcmp(name, *text, length) == 0) {
			*text += length;
			return units[(*unit)++].ms;
		}
	}
	return 0;
}

static const char *read_duration(const char *text, const char *wrong, int64_t *field)
{
	int64_t sum = 0;
	size_t unit = 0;

	do {
		unsigned long number;
		int64_t ms;

		if (!digits(&text, (unsigned long)DURATION_MAX, &number))
			return wrong;
		ms = unit_ms(&text, &unit);
		if (ms == 0)
			return wrong;
		if ((int64_t)number > (DURATION_MAX - sum) / ms)
			return "is too long, expected at most ten years";
		sum += (int64_t)number * ms;
	} while (*text != '\0');
	*field = sum;
	return NULL;
}

static bool is_zero(const char *text)
{
	return text[strspn(text, "0")] == '\0' && text[0] != '\0';
}

const char *value_duration(const struct word *word, void *field)
{
	static const char wrong[] = "is not a duration, expected 500ms, 10s, 2m, 1h30m or 7d";
	const char *reason = read_duration(word->text, wrong, field);

	if (reason == NULL && *(int64_t *)field == 0)
		return "is no time at all, expected 500ms, 10s, 2m, 1h30m or 7d";
	return reason;
}

const char *value_duration_or_off(const struct word *word, void *field)
{
	static const char wrong[] = "is not a duration, expected 500ms, 10s, 2m, 1h30m, 7d or off";
	const char *reason;

	if (value_is(word, "off")) {
		*(int64_t *)field = 0;
		return NULL;
	}
	if (is_zero(word->text))
		return zero;
	reason = read_duration(word->text, wrong, field);
	return reason == NULL && *(int64_t *)field == 0 ? zero : reason;
}

const char *value_count(const struct word *word, void *field)
{
	unsigned long number;

	if (!value_number(word->text, 1, COUNT_MAX, &number))
		return "is not a number, expected 1 to 1000000000";
	*(unsigned *)field = (unsigned)number;
	return NULL;
}

const char *value_count_or_off(const struct word *word, void *field)
{
	if (value_is(word, "off")) {
		*(unsigned *)field = 0;
		return NULL;
	}
	if (is_zero(word->text))
		return zero;
	return value_count(word, field) == NULL
	    ? NULL
	    : "is not a number, expected 1 to 1000000000 or off";
}

const char *value_times_or_off(const struct word *word, void *field)
{
	static const char wrong[] = "is not a rate, expected 50/s, 10/m, 100/h or off";
	static const struct {
		const char *text;
		int64_t ms;
	} periods[] = {{"/s", 1000}, {"/m", 60000}, {"/h", 3600000}};
	struct times *times = field;
	const char *text = word->text;
	unsigned long number;

	if (value_is(word, "off")) {
		*times = (struct times){0};
		return NULL;
	}
	if (is_zero(text))
		return zero;
	if (!digits(&text, COUNT_MAX, &number))
		return wrong;
	for (size_t i = 0; i < sizeof periods / sizeof periods[0]; i++) {
		if (strcmp(text, periods[i].text) != 0)
			continue;
		*times = (struct times){.number = (unsigned)number, .in_ms = periods[i].ms};
		return number == 0 ? zero : NULL;
	}
	return wrong;
}

const char *value_rate_or_off(const struct word *word, void *field)
{
	struct times times = {0};
	const char *reason = value_times_or_off(word, &times);

	if (reason == NULL)
		*(double *)field =
		    times.number == 0 ? 0 : (double)times.number * 1000 / (double)times.in_ms;
	return reason;
}

/* The size at *text, which moves behind it.  True also of one that is too large. */
static bool size(const char **text, size_t *field)
{
	static const char letters[] = "kmg";
	const char *letter;
	unsigned long number;
	unsigned shift = 0;

	if (!digits(text, SIZE_LIMIT, &number) || number == 0)
		return false;
	if (**text != '\0' && (letter = strchr(letters, **text)) != NULL) {
		shift = 10 * (unsigned)(letter - letters + 1);
		++*text;
	}
	*field = number > SIZE_LIMIT >> shift ? SIZE_LIMIT + 1 : number << shift;
	return true;
}

const char *value_size(const struct word *word, void *field)
{
	const char *text = word->text;
	size_t bytes;

	if (!size(&text, &bytes) || *text != '\0')
		return "is not a size, expected 4096, 64k, 10m or 2g";
	if (bytes > SIZE_LIMIT)
		return "is too large, expected at most 1024g";
	*(size_t *)field = bytes;
	return NULL;
}

const char *value_allotment_or_off(const struct word *word, void *field)
{
	struct allotment *allotment = field;
	const char *text = word->text;
	size_t bytes;

	*allotment = (struct allotment){0};
	if (value_is(word, "off"))
		return NULL;
	if (is_zero(text))
		return zero;
	if (!size(&text, &bytes) || (strcmp(text, "/day") != 0 && strcmp(text, "/month") != 0))
		return "is not a quota, expected 500m/day, 50g/month or off";
	if (bytes > SIZE_LIMIT)
		return "is too large, expected at most 1024g/day or 1024g/month";
	*allotment = (struct allotment){.bytes = bytes, .monthly = strcmp(text, "/month") == 0};
	return NULL;
}

const char *value_bandwidth_or_off(const struct word *word, void *field)
{
	const char *text = word->text;
	size_t bytes;

	if (value_is(word, "off")) {
		*(size_t *)field = 0;
		return NULL;
	}
	if (is_zero(text) || strcmp(text, "0/s") == 0)
		return zero;
	if (!size(&text, &bytes) || strcmp(text, "/s") != 0)
		return "is not a bandwidth, expected 4096/s, 64k/s, 10m/s or off";
	if (bytes > SIZE_LIMIT)
		return "is too large, expected at most 1024g/s";
	*(size_t *)field = bytes;
	return NULL;
}

const char *value_switch(const struct word *word, void *field)
{
	if (!value_is(word, "on") && !value_is(word, "off"))
		return "is not a switch, expected on or off";
	*(bool *)field = value_is(word, "on");
	return NULL;
}
