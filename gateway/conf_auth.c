/* SPDX-License-Identifier: ISC */
/* What a configuration says about who may log in: `auth NAME { … }`. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

#define CHECKS_MAX 1024 /* under way at once */

/* One block, as it is read. */
struct reading {
	struct identity_block identity;
	struct auth_block check;
};

/* --- what passwords are held against ---------------------------------------------------------- */

/* What is wrong with the lines of a password file; never shows a line, it holds a secret. */
struct complainer {
	struct reader *reader;
	struct origin file;
};

static void complain_line(void *arg, unsigned line, bool error, const char *text)
{
	struct complainer *c = arg;

	complain(c->reader->complaints, error ? SEVERITY_ERROR : SEVERITY_WARNING,
	    (struct position){&c->file, line, 0}, "%s", text);
}

static void read_password_file(struct reader *r, const struct directive *d, void *object)
{
	struct reading *reading = object;
	struct auth_block *check = &reading->check;
	struct complainer c = {.reader = r};

	check->kind = AUTH_PASSWORD_FILE;
	check->path = parse_path(r->parser->arena, d->at[1], d->words[1].text);
	if (r->sealed)
		return;
	c.file.name = check->path;
	c.file.rank = r->parser->rank++;
	if (auth_password_file_check(check->path, complain_line, &c) < 0)
		conf_error(r, d, 1, "cannot read '%s': %s", check->path, strerror(errno));
}

static bool is_service(const char *name)
{
	for (const char *p = name; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("-_.", *p) == NULL)
			return false;
	return name[0] != '\0' && name[0] != '.';
}

static void read_pam(struct reader *r, const struct directive *d, void *object)
{
	struct reading *reading = object;
	const char *service = d->words[1].text;

	reading->check.kind = AUTH_PAM;
	reading->check.service = service;
	if (!is_service(service))
		conf_error(r, d, 1, "'%s' is not the name of a PAM service", service);
	else if (!r->sealed && !auth_pam_knows(service, NULL))
		complain(r->complaints, SEVERITY_WARNING, d->at[1],
		    "there is no PAM service '%s': everybody is refused", service);
}

static void read_exec(struct reader *r, const struct directive *d, void *object)
{
	struct reading *reading = object;
	const char **command = arena_alloc(r->parser->arena, d->count * sizeof *command);
	struct stat status;

	command[0] = parse_path(r->parser->arena, d->at[1], d->words[1].text);
	for (size_t i = 2; i < d->count; i++)
		command[i - 1] = d->words[i].text;
	reading->check.kind = AUTH_EXEC;
	reading->check.command = command;
	if (r->sealed)
		return;
	if (stat(command[0], &status) != 0)
		conf_error(r, d, 1, "cannot run '%s': %s", command[0], strerror(errno));
	else if (!S_ISREG(status.st_mode) || access(command[0], X_OK) != 0)
		conf_error(r, d, 1, "cannot run '%s': it is no program", command[0]);
}

static void read_checks(struct reader *r, const struct directive *d, void *object)
{
	struct reading *reading = object;
	unsigned long number;

	if (value_number(d->words[1].text, 1, CHECKS_MAX, &number))
		reading->check.checks = (unsigned)number;
	else
		conf_error(r, d, 1, "'%s' is not a number of checks, expected 1 to %d",
		    d->words[1].text, CHECKS_MAX);
}

/* --- what tells without a password ------------------------------------------------------------ */

static void read_source(struct reader *r, const struct directive *d, void *object)
{
	struct reading *reading = object;
	struct identity_block *identity = &reading->identity;

	for (size_t i = 1; i < d->count; i++) {
		const char *text = d->words[i].text, *wrong;
		struct prefix prefix;

		wrong = prefix_parse(&prefix, text, strlen(text));
		if (wrong != NULL) {
			conf_error(
			    r, d, i, "'%s': %s; expected 10.0.0.0/8 or an address", text, wrong);
			continue;
		}
		identity->prefixes = arena_push(r->parser->arena, identity->prefixes,
		    &identity->prefix_count, sizeof *identity->prefixes);
		identity->prefixes[identity->prefix_count - 1] = prefix;
	}
}

static void read_user(struct reader *r, const struct directive *d, void *object)
{
	struct reading *reading = object;
	const struct word *word = &d->words[1];
	const char *wrong = users_wrong(word->text, strlen(word->text));

	if (wrong == NULL && !word->quoted && (word->text[0] == '@' || value_is(word, "-")))
		wrong = "is not a user's name";
	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", word->text, wrong);
	reading->identity.user = word->text;
}

/* What it says about itself is seen from its name alone. */
static void read_nothing(struct reader *r, const struct directive *d, void *object)
{
	(void)r;
	(void)d;
	(void)object;
}

/* --- the block -------------------------------------------------------------------------------- */

static const struct kind {
	const char *name;
	enum identity_kind identity;
	const char *options[3]; /* that may stand beside it */
	const char *needs;      /* … and one that must */
} kinds[] = {
    {"password-file", IDENTITY_PASSWORD, {"cache"}, NULL},
    {"pam", IDENTITY_PASSWORD, {"checks", "cache"}, NULL},
    {"exec", IDENTITY_PASSWORD, {"checks", "cache"}, NULL},
    {"unix-peer", IDENTITY_UNIX_PEER, {NULL}, NULL},
    {"source", IDENTITY_SOURCE, {"user"}, "user"},
    {"ident", IDENTITY_IDENT, {"required"}, NULL},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static const struct kind *kind_of(const struct directive *d)
{
	for (size_t i = 0; i < KINDS; i++)
		if (d->rule != NULL && strcmp(d->rule->name, kinds[i].name) == 0)
			return &kinds[i];
	return NULL;
}

static bool is_option_of(const struct kind *kind, const char *name)
{
	for (size_t i = 0; i < 3 && kind->options[i] != NULL; i++)
		if (strcmp(kind->options[i], name) == 0)
			return true;
	return false;
}

/* The one kind of a block; NULL after an error. */
static const struct kind *find_kind(struct reader *r, const struct directive *auth)
{
	const struct directive *first = NULL;
	const struct kind *kind = NULL;
	bool wrong = false;

	for (const struct directive *d = auth->children; d != NULL; d = d->next) {
		wrong |= d->rule == NULL;
		if (kind_of(d) == NULL)
			continue;
		if (kind != NULL) {
			conf_error(r, d, 0, "'%s' beside '%s' at %s:%u:%u: an 'auth' has one kind",
			    d->words[0].text, kind->name, conf_place(first->at[0]).file,
			    first->at[0].line, first->at[0].column);
			return NULL;
		}
		kind = kind_of(d);
		first = d;
	}
	if (kind == NULL && !wrong)
		conf_error(r, auth, 0,
		    "'auth' says nothing, expected: password-file, pam, exec, unix-peer, "
		    "source or ident");
	return kind;
}

static bool check_options(struct reader *r, const struct directive *auth, const struct kind *kind)
{
	for (const struct directive *d = auth->children; d != NULL; d = d->next)
		if (d->rule != NULL && kind_of(d) == NULL && !is_option_of(kind, d->rule->name)) {
			conf_error(
			    r, d, 0, "'%s' does not belong to '%s'", d->rule->name, kind->name);
			return false;
		}
	if (kind->needs != NULL && schema_lacks(auth->children, kind->needs)) {
		conf_error(r, auth, 0, "'%s' needs '%s' beside it", kind->name, kind->needs);
		return false;
	}
	return true;
}

#define LATER(word) \
	{ \
		.name = word, .flags = RULE_LATER \
	}

const struct rule conf_auth_rules[] = {{.name = "password-file",
                                           .usage = "PATH",
                                           .path = 1,
                                           .min = 1,
                                           .max = 1,
                                           .read = read_password_file},
    {.name = "pam", .usage = "SERVICE", .min = 1, .max = 1, .read = read_pam},
    {.name = "exec",
        .usage = "PATH [ARGUMENT …]",
        .path = 1,
        .min = 1,
        .max = RULE_MANY,
        .read = read_exec},
    {.name = "checks", .usage = "NUMBER", .min = 1, .max = 1, .read = read_checks},
    {.name = "cache",
        .usage = "DURATION | off",
        .min = 1,
        .max = 1,
        .value = value_duration_or_off,
        .offset = offsetof(struct reading, check.cache_ms)},
    {.name = "unix-peer", .read = read_nothing},
    {.name = "source",
        .usage = "PREFIX | ADDRESS …",
        .min = 1,
        .max = RULE_MANY,
        .read = read_source},
    {.name = "user", .usage = "NAME", .min = 1, .max = 1, .read = read_user},
    {.name = "ident", .read = read_nothing},
    {.name = "required",
        .usage = "on | off",
        .min = 1,
        .max = 1,
        .value = value_switch,
        .offset = offsetof(struct reading, identity.required)},
    LATER("tls-client-certificate"), LATER("user-from"), {0}};

/* The system's users are asked about once. */
struct unix_users *conf_unix_users(struct reader *r, const struct directive *d)
{
	if (r->conf->unix_users == NULL && !r->sealed) {
		r->conf->unix_users = unix_users_new();
		if (r->conf->unix_users == NULL)
			conf_error(r, d, 0, "out of memory");
	}
	return r->conf->unix_users;
}

void conf_read_auth(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct reading reading = {
	    .identity = {.name = d->words[1].text, .required = true},
	    .check = {.name = d->words[1].text, .checks = AUTH_CHECKS, .cache_ms = AUTH_CACHE_MS},
	};
	const struct kind *kind;

	if (!conf_name(r, d) || conf_taken(r, d))
		return;
	schema_read(r, conf_auth_rules, d->children, &reading);
	kind = find_kind(r, d);
	if (kind != NULL && check_options(r, d, kind)) {
		reading.identity.kind = kind->identity;
		if (kind->identity == IDENTITY_UNIX_PEER)
			conf_unix_users(r, d);
	}
	if (reading.identity.kind == IDENTITY_PASSWORD) {
		reading.identity.check = (uint16_t)conf->auth_count;
		conf->auths = arena_push(
		    r->parser->arena, conf->auths, &conf->auth_count, sizeof *conf->auths);
		conf->auths[conf->auth_count - 1] = reading.check;
	}
	conf->identities = arena_push(
	    r->parser->arena, conf->identities, &conf->identity_count, sizeof *conf->identities);
	conf->identities[conf->identity_count - 1] = reading.identity;
}
