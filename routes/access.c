/* SPDX-License-Identifier: ISC */
/* The access list: the first row that holds decides. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes/array.h"
#include "routes/condition.h"
#include "routes/pattern.h"
#include "routes/reader.h"
#include "routes/routes.h"

struct access_row {
	bool pass;
	struct place place;
	struct pattern pattern;
	struct conditions *conditions;
};

struct access {
	struct access_row *rows;
	size_t count, size;
	struct reader reader;
};

struct access *access_new(void)
{
	return calloc(1, sizeof(struct access));
}

void access_free(struct access *access)
{
	if (!access)
		return;
	for (size_t i = 0; i < access->count; i++)
		conditions_free(access->rows[i].conditions);
	free(access->rows);
	free(access);
}

static const char *read_row(struct access_row *row, struct reader *reader)
{
	const char *error = pattern_read(&row->pattern, reader, "any");

	if (!error)
		error = conditions_read(&row->conditions, reader);
	if (!error && reader_word(reader))
		error = reader_fail(reader, NULL,
		    "expected a condition: ports, user, from, listener, command, protocol or time");
	return error;
}

const char *access_add(struct access *access, bool pass, const struct word *words,
    size_t word_count, struct place place, size_t *bad)
{
	struct access_row row = {.pass = pass, .place = place};
	struct access_row *rows =
	    array_grow(access->rows, access->count, &access->size, sizeof(*rows));
	struct reader *reader = &access->reader;
	const char *error;

	*bad = word_count;
	if (!rows)
		return "out of memory";
	access->rows = rows;
	reader->words = words;
	reader->count = word_count;
	reader->at = 0;
	reader->keywords = reader_access_keywords;
	error = read_row(&row, reader);
	if (error) {
		*bad = reader->at;
		conditions_free(row.conditions);
		return error;
	}
	rows[access->count++] = row;
	return NULL;
}

/* --- judging --------------------------------------------------------------------------------- */

static bool is_address_row(const struct access_row *row)
{
	enum destination destination = pattern_destination(row->pattern.kind);

	return destination == DESTINATION_ADDRESS || destination == DESTINATION_FAMILY;
}

static bool matches(
    const struct access_row *row, const struct query *query, const struct in6_addr *address)
{
	const struct host *host = query->host;

	if (!host->named)
		address = &host->address;
	if (address && pattern_matches_address(&row->pattern, address))
		return true;
	return host->named && pattern_matches_name(&row->pattern, host->name);
}

static void write_row(const struct access_row *row, char *out, size_t size)
{
	const char *conditions = conditions_text(row->conditions);
	char pattern[PATTERN_TEXT];

	pattern_format(&row->pattern, "any", pattern);
	snprintf(out, size, "%s %s%s%s", row->pass ? "pass" : "block", pattern,
	    *conditions ? " " : "", conditions);
}

void access_judge(const struct access *access, const struct query *query,
    const struct in6_addr *address, struct access_verdict *verdict)
{
	bool by_name = query->host->named && !address, may_pass = false;

	*verdict = (struct access_verdict){.pass = !access};
	for (size_t i = 0; access && i < access->count; i++) {
		const struct access_row *row = &access->rows[i];
		bool match = matches(row, query, address);

		if (!match && !(by_name && row->pass && is_address_row(row)))
			continue;
		if (!conditions_hold(row->conditions, query))
			continue;
		if (!match) {
			may_pass = true;
			continue;
		}
		verdict->pass = row->pass;
		verdict->place = row->place;
		verdict->opens_door = row->pass && row->pattern.kind == PATTERN_PREFIX;
		write_row(row, verdict->row, sizeof(verdict->row));
		break;
	}
	verdict->depends = access && !verdict->pass && may_pass;
}
