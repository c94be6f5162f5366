/* SPDX-License-Identifier: ISC */
/* Conditions of rows: one table row for each kind says how it is read, judged and explained. */
#include "config.h"

#include "routes/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes/array.h"
#include "routes/hours.h"

enum form { FORM_PLAIN, FORM_NOBODY, FORM_GROUP, FORM_UNIX };

struct value {
	enum form form;
	union {
		struct ports ports;
		unsigned number; /* enum command, enum protocol */
		char *text;      /* user, group of users, listener */
		struct prefix prefix;
		struct hours hours;
	};
};

struct kind {
	const char *keyword;
	const char *const *near; /* words that a value may be, for suggestions; NULL */
	const char *(*read)(struct value *value, const struct word *word);
	bool (*match)(const struct value *value, const struct query *query);
	void (*subject)(struct phrase *text, const struct query *query);
	const char *lacks, *has; /* between subject and values, when it does not hold */
	bool owns_text;
};

struct condition {
	const struct kind *kind;
	bool inverted;
	struct value *values;
	size_t count, size;
	struct phrase text; /* the values as they were read */
};

struct conditions {
	struct condition *list;
	size_t count, size;
	bool no_resolve;
	struct phrase text;
};

static const char no_memory[] = "out of memory";

/* --- ports ----------------------------------------------------------------------------------- */

static const char *read_ports(struct value *value, const struct word *word)
{
	return ports_parse(&value->ports, word->text);
}

static bool match_ports(const struct value *value, const struct query *query)
{
	return ports_contain(&value->ports, query->port);
}

static void say_port(struct phrase *text, const struct query *query)
{
	char port[16];

	snprintf(port, sizeof(port), "port %u", query->port);
	phrase_add(text, port);
}

/* --- user ------------------------------------------------------------------------------------ */

static const char *read_text(struct value *value, const struct word *word)
{
	if (word->text[0] == '\0')
		return "expected a name";
	value->text = strdup(word->text);
	return value->text ? NULL : no_memory;
}

static const char *read_user(struct value *value, const struct word *word)
{
	struct word name = *word;

	if (!word->quoted && strcmp(word->text, "-") == 0) {
		value->form = FORM_NOBODY;
	} else if (!word->quoted && word->text[0] == '@') {
		value->form = FORM_GROUP;
		name.text++;
	}
	return read_text(value, &name);
}

static bool match_user(const struct value *value, const struct query *query)
{
	if (value->form == FORM_NOBODY)
		return !query->user;
	if (value->form == FORM_GROUP)
		return query->belongs && query->belongs(query->member, value->text);
	return query->user && strcmp(query->user, value->text) == 0;
}

static void say_user(struct phrase *text, const struct query *query)
{
	phrase_add(text, "user ");
	phrase_add(text, query->user ? query->user : "-");
}

/* --- from ------------------------------------------------------------------------------------ */

static const char *read_from(struct value *value, const struct word *word)
{
	if (!word->quoted && strcmp(word->text, "unix") == 0) {
		value->form = FORM_UNIX;
		return NULL;
	}
	return prefix_parse(&value->prefix, word->text, strlen(word->text));
}

static bool match_from(const struct value *value, const struct query *query)
{
	if (value->form == FORM_UNIX || !query->from)
		return value->form == FORM_UNIX && !query->from;
	return prefix_contains(&value->prefix, query->from);
}

static void say_from(struct phrase *text, const struct query *query)
{
	char address[ADDRESS_TEXT];

	phrase_add(text, "from ");
	phrase_add(text, query->from ? address_format(query->from, address) : "unix");
}

/* --- listener -------------------------------------------------------------------------------- */

static bool match_listener(const struct value *value, const struct query *query)
{
	return query->listener && strcmp(query->listener, value->text) == 0;
}

static void say_listener(struct phrase *text, const struct query *query)
{
	phrase_add(text, "listener ");
	phrase_add(text, query->listener ? query->listener : "-");
}

/* --- command, protocol ----------------------------------------------------------------------- */

static const char *read_command(struct value *value, const struct word *word)
{
	for (unsigned i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(word->text, command_name((enum command)i)) == 0) {
			value->number = i;
			return NULL;
		}
	return "expected connect, bind, udp, http or resolve";
}

static bool match_command(const struct value *value, const struct query *query)
{
	return query->command == value->number;
}

static void say_command(struct phrase *text, const struct query *query)
{
	phrase_add(text, "command ");
	phrase_add(text, command_name(query->command));
}

static const char *read_protocol(struct value *value, const struct word *word)
{
	for (unsigned i = 0; i < PROTOCOL_COUNT; i++)
		if (strcmp(word->text, protocol_name((enum protocol)i)) == 0) {
			value->number = i;
			return NULL;
		}
	return "expected socks4, socks5 or http";
}

static bool match_protocol(const struct value *value, const struct query *query)
{
	return query->protocol == value->number;
}

static void say_protocol(struct phrase *text, const struct query *query)
{
	phrase_add(text, "protocol ");
	phrase_add(text, protocol_name(query->protocol));
}

/* --- time ------------------------------------------------------------------------------------ */

static const char *read_time(struct value *value, const struct word *word)
{
	return hours_parse(&value->hours, word->text);
}

static bool match_time(const struct value *value, const struct query *query)
{
	return hours_hold(&value->hours, query->minute);
}

static void say_time(struct phrase *text, const struct query *query)
{
	char time[HOURS_TEXT];

	phrase_add(text, "time ");
	phrase_add(text, hours_format(query->minute, time));
}

/* --- the kinds ------------------------------------------------------------------------------- */

static const char *const commands[] = {"connect", "bind", "udp", "http", "resolve", NULL};
static const char *const protocols[] = {"socks4", "socks5", "http", NULL};
static const char *const senders[] = {"unix", NULL};

#define IS .lacks = " is not ", .has = " is "
#define IN .lacks = " not in ", .has = " in "

static const struct kind kinds[] = {
    {"ports", NULL, read_ports, match_ports, say_port, IN},
    {"user", NULL, read_user, match_user, say_user, IS, .owns_text = true},
    {"from", senders, read_from, match_from, say_from, IN},
    {"listener", NULL, read_text, match_listener, say_listener, IS, .owns_text = true},
    {"command", commands, read_command, match_command, say_command, IS},
    {"protocol", protocols, read_protocol, match_protocol, say_protocol, IS},
    {"time", NULL, read_time, match_time, say_time, IN},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const struct kind *take_kind(struct reader *reader)
{
	for (size_t i = 0; i < KINDS; i++)
		if (reader_takes(reader, kinds[i].keyword))
			return &kinds[i];
	return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

static const char *read_value(struct condition *condition, struct reader *reader)
{
	const struct word *word = reader_word(reader);
	struct value *values =
	    array_grow(condition->values, condition->count, &condition->size, sizeof(*values));
	struct value value = {.form = FORM_PLAIN};
	const char *error;

	if (!values)
		return reader_fail(reader, NULL, no_memory);
	condition->values = values;
	error = condition->kind->read(&value, word);
	if (error)
		return reader_fail(reader, condition->kind->near, error);
	values[condition->count++] = value;
	phrase_add_word(&condition->text, word);
	reader->at++;
	return NULL;
}

static const char *read_values(struct condition *condition, struct reader *reader)
{
	const char *error = NULL;
	char what[READER_ERROR];

	while (!error && reader_word(reader) && !reader_keyword(reader))
		error = read_value(condition, reader);
	if (error || condition->count > 0)
		return error;
	snprintf(what, sizeof(what), "expected a value after `%s`", condition->kind->keyword);
	return reader_fail(reader, NULL, what);
}

static const char *add_condition(
    struct conditions *conditions, struct reader *reader, const struct kind *kind, bool inverted)
{
	struct condition *list =
	    array_grow(conditions->list, conditions->count, &conditions->size, sizeof(*list));

	if (!list)
		return reader_fail(reader, NULL, no_memory);
	conditions->list = list;
	list[conditions->count] = (struct condition){.kind = kind, .inverted = inverted};
	return read_values(&list[conditions->count++], reader);
}

static const char *read_one(struct conditions *conditions, struct reader *reader)
{
	bool inverted = reader_takes(reader, "not");
	const struct kind *kind = take_kind(reader);

	if (kind)
		return add_condition(conditions, reader, kind, inverted);
	if (inverted)
		return reader_fail(reader, NULL, "expected a condition after `not`");
	reader->at++;
	if (conditions->no_resolve) {
		reader->at--;
		return reader_fail(reader, NULL, "`no-resolve` is given twice");
	}
	conditions->no_resolve = true;
	return NULL;
}

static bool at_condition(const struct reader *reader)
{
	const char *keyword = reader_keyword(reader);

	if (!keyword)
		return false;
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(keyword, kinds[i].keyword) == 0)
			return true;
	return strcmp(keyword, "not") == 0 || strcmp(keyword, "no-resolve") == 0;
}

const char *conditions_read(struct conditions **out, struct reader *reader)
{
	struct conditions *conditions;
	const char *error = NULL;
	size_t start = reader->at;

	*out = NULL;
	if (!at_condition(reader))
		return NULL;
	conditions = calloc(1, sizeof(*conditions));
	if (!conditions)
		return reader_fail(reader, NULL, no_memory);
	while (!error && at_condition(reader))
		error = read_one(conditions, reader);
	for (size_t i = start; i < reader->at; i++)
		phrase_add_word(&conditions->text, &reader->words[i]);
	if (!error && conditions->text.failed)
		error = reader_fail(reader, NULL, no_memory);
	if (error)
		conditions_free(conditions);
	else
		*out = conditions;
	return error;
}

void conditions_free(struct conditions *conditions)
{
	if (!conditions)
		return;
	for (size_t i = 0; i < conditions->count; i++) {
		struct condition *condition = &conditions->list[i];

		for (size_t j = 0; condition->kind->owns_text && j < condition->count; j++)
			free(condition->values[j].text);
		free(condition->values);
		phrase_clear(&condition->text);
	}
	free(conditions->list);
	phrase_clear(&conditions->text);
	free(conditions);
}

/* --- judging --------------------------------------------------------------------------------- */

static bool holds(const struct condition *condition, const struct query *query)
{
	for (size_t i = 0; i < condition->count; i++)
		if (condition->kind->match(&condition->values[i], query))
			return !condition->inverted;
	return condition->inverted;
}

bool conditions_hold(const struct conditions *conditions, const struct query *query)
{
	if (!conditions)
		return true;
	for (size_t i = 0; i < conditions->count; i++)
		if (!holds(&conditions->list[i], query))
			return false;
	return true;
}

void conditions_explain(
    const struct conditions *conditions, const struct query *query, struct phrase *why)
{
	for (size_t i = 0; conditions && i < conditions->count; i++) {
		const struct condition *condition = &conditions->list[i];

		if (holds(condition, query))
			continue;
		condition->kind->subject(why, query);
		phrase_add(
		    why, condition->inverted ? condition->kind->has : condition->kind->lacks);
		phrase_add(why, phrase_string(&condition->text));
		return;
	}
}

const char *conditions_text(const struct conditions *conditions)
{
	return conditions ? phrase_string(&conditions->text) : "";
}

bool conditions_no_resolve(const struct conditions *conditions)
{
	return conditions && conditions->no_resolve;
}
