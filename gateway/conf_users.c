/* SPDX-License-Identifier: ISC */
/* What a configuration says about sets of users, `users NAME { … }`, and where they are meant. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

/* --- names ------------------------------------------------------------------------------------ */

static void add_name(
    struct reader *r, struct users *users, struct position at, const char *name, size_t length)
{
	const char *wrong = users_wrong(name, length);

	if (wrong != NULL)
		complain(r->complaints, SEVERITY_ERROR, at, "a user's name %s", wrong);
	else if (!users_add(users, name, length))
		complain(r->complaints, SEVERITY_ERROR, at, "not enough memory for the users");
}

/* A misspelt keyword would let somebody in. */
static void suspect(struct reader *r, const struct directive *d)
{
	struct guess guess = {.word = d->words[0].text};
	char hint[GUESS_TEXT];

	if (d->words[0].quoted || d->count == 1)
		return;
	for (const struct rule *rule = conf_users_rules; rule->name != NULL; rule++)
		if (!(rule->flags & RULE_ANY))
			guess_try(&guess, rule->name);
	if (*guess_text(&guess, hint) != '\0')
		complain(r->complaints, SEVERITY_WARNING, d->at[0],
		    "'%s' is taken for a user's name%s", d->words[0].text, hint);
}

static void read_names(struct reader *r, const struct directive *d, void *users)
{
	suspect(r, d);
	for (size_t i = 0; i < d->count; i++) {
		const struct word *word = &d->words[i];

		if (!word->quoted && (word->text[0] == '@' || value_is(word, "-")))
			conf_error(r, d, i, "'%s' is not a user's name", word->text);
		else
			add_name(r, users, d->at[i], word->text, strlen(word->text));
	}
}

/* --- a file of names --- */

/* One name a line, up to a colon: a file of passwords has such lines, too. */
static void read_line(
    struct reader *r, struct users *users, struct position at, const char *line, size_t length)
{
	size_t end = length;

	while (end > 0 && strchr(" \t\r\n", line[end - 1]) != NULL)
		end--;
	if (end == 0 || line[0] == '#')
		return;
	for (size_t i = 0; i < end; i++)
		if (line[i] == ':')
			end = i;
	add_name(r, users, at, line, end);
}

static void read_file(struct reader *r, const struct directive *d, void *users)
{
	const char *path = parse_path(r->parser->arena, d->at[1], d->words[1].text);
	struct origin origin = {
	    .name = parse_name(r->parser->arena, d->at[1], d->words[1].text), .directory = ""};
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	FILE *file;

	if (r->sealed)
		return;
	file = fopen(path, "re");
	if (file == NULL) {
		conf_error(r, d, 1, "cannot read '%s': %s", path, strerror(errno));
		return;
	}
	origin.rank = r->parser->rank++;
	for (unsigned number = 1; (n = getline(&line, &size, file)) >= 0; number++)
		read_line(r, users, (struct position){&origin, number, 0}, line, (size_t)n);
	if (ferror(file))
		conf_error(r, d, 1, "cannot read '%s': %s", path, strerror(errno));
	fclose(file);
	/* It may hold more than names. */
	if (line != NULL)
		explicit_bzero(line, size);
	free(line);
}

/* --- groups of the system --------------------------------------------------------------------- */

struct group_reader {
	struct reader *reader;
	struct users *users;
	struct position at;
};

static void add_member(void *arg, const char *name)
{
	const struct group_reader *g = arg;

	add_name(g->reader, g->users, g->at, name, strlen(name));
}

static void read_unix_group(struct reader *r, const struct directive *d, void *users)
{
	const struct unix_users *system = conf_unix_users(r, d);

	for (size_t i = 1; i < d->count && system != NULL; i++) {
		struct group_reader g = {r, users, d->at[i]};

		if (!unix_users_of(system, d->words[i].text, add_member, &g))
			conf_error(r, d, i, "the system has no group '%s'", d->words[i].text);
	}
}

/* --- limits ----------------------------------------------------------------------------------- */

static void read_sessions(struct reader *r, const struct directive *d, void *object)
{
	struct users *users = object;
	const char *wrong = value_count_or_off(&d->words[1], &users->sessions);

	users->has_sessions = true;
	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", d->words[1].text, wrong);
}

static void read_bandwidth(struct reader *r, const struct directive *d, void *object)
{
	struct users *users = object;
	const char *wrong = value_bandwidth_or_off(&d->words[1], &users->bandwidth);

	users->has_bandwidth = true;
	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", d->words[1].text, wrong);
}

static void read_quota(struct reader *r, const struct directive *d, void *object)
{
	struct users *users = object;

	users->has_quota = true;
	conf_read_quota(r, d, &users->quota);
}

static const struct rule limits_rules[] = {
    {.name = "sessions", .usage = "NUMBER | off", .min = 1, .max = 1, .read = read_sessions},
    {.name = "bandwidth", .usage = "BANDWIDTH | off", .min = 1, .max = 1, .read = read_bandwidth},
    {.name = "quota",
        .usage = "SIZE/day | SIZE/month | off",
        .min = 1,
        .max = 1,
        .read = read_quota},
    {0}};

/* --- the block -------------------------------------------------------------------------------- */

const struct rule conf_users_rules[] = {{.name = "file",
                                            .usage = "PATH",
                                            .path = 1,
                                            .min = 1,
                                            .max = 1,
                                            .flags = RULE_LIST,
                                            .read = read_file},
    {.name = "unix-group",
        .usage = "GROUP …",
        .min = 1,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .read = read_unix_group},
    {.name = "limits", .flags = RULE_BLOCK | RULE_INHERITS, .block = limits_rules},
    {.name = "USER",
        .usage = "…",
        .max = RULE_MANY,
        .flags = RULE_LIST | RULE_ANY,
        .read = read_names},
    {0}};

void conf_read_users(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct users *users;
	bool said = false;

	if (!conf_name(r, d) || conf_taken(r, d))
		return;
	conf->users =
	    arena_push(r->parser->arena, conf->users, &conf->user_count, sizeof *conf->users);
	users = &conf->users[conf->user_count - 1];
	users->name = d->words[1].text;
	schema_read(r, conf_users_rules, d->children, users);
	for (const struct directive *c = d->children; c != NULL; c = c->next)
		said |= strcmp(c->words[0].text, "limits") != 0 || c->words[0].quoted;
	if (!said)
		conf_error(r, d, 0, "'users' names nobody, expected: NAME …, file or unix-group");
}

bool conf_group(struct reader *r, const char *name, struct position at)
{
	struct guess guess = {.word = name};
	char hint[GUESS_TEXT];
	bool named = conf_identity(r->conf, name) != NULL;

	for (size_t i = 0; i < r->conf->user_count; i++)
		if (strcmp(r->conf->users[i].name, name) == 0)
			named = r->conf->users[i].named = true;
	if (named)
		return true;
	for (const struct directive *d = r->tree; d != NULL; d = d->next)
		if (d->count > 1 &&
		    (strcmp(d->words[0].text, "auth") == 0 ||
		        strcmp(d->words[0].text, "users") == 0))
			guess_try(&guess, d->words[1].text);
	complain(r->complaints, SEVERITY_ERROR, at, "no 'auth' and no 'users' is named '%s'%s",
	    name, guess_text(&guess, hint));
	return false;
}
