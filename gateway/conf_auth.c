/* SPDX-License-Identifier: ISC */
/* What a configuration says about who may log in: `auth NAME { … }`. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "gateway/conf_read.h"

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
	struct auth_block *auth = object;
	struct complainer c = {.reader = r};

	auth->kind = AUTH_PASSWORD_FILE;
	auth->path = parse_path(r->parser->arena, d->at[1], d->words[1].text);
	if (r->sealed)
		return;
	c.file.name = auth->path;
	c.file.rank = r->parser->rank++;
	if (auth_password_file_check(auth->path, complain_line, &c) < 0)
		conf_error(r, d, 1, "cannot read '%s': %s", auth->path, strerror(errno));
}

const struct rule conf_auth_rules[] = {{.name = "password-file",
                                           .usage = "PATH",
                                           .path = 1,
                                           .min = 1,
                                           .max = 1,
                                           .read = read_password_file},
    {.name = "pam", .flags = RULE_LATER}, {.name = "checks", .flags = RULE_LATER},
    {.name = "cache", .flags = RULE_LATER}, {.name = "unix-peer", .flags = RULE_LATER},
    {.name = "tls-client-certificate", .flags = RULE_LATER},
    {.name = "user-from", .flags = RULE_LATER}, {.name = "ident", .flags = RULE_LATER},
    {.name = "required", .flags = RULE_LATER}, {.name = "source", .flags = RULE_LATER},
    {.name = "user", .flags = RULE_LATER}, {0}};

void conf_read_auth(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct auth_block auth = {.name = d->words[1].text};

	if (!conf_name(r, d) || conf_taken(r, d))
		return;
	schema_read(r, conf_auth_rules, d->children, &auth);
	if (auth.path == NULL && d->children == NULL)
		conf_error(r, d, 0, "'auth' says nothing, expected: password-file PATH");
	conf->auths =
	    arena_push(r->parser->arena, conf->auths, &conf->auth_count, sizeof *conf->auths);
	conf->auths[conf->auth_count - 1] = auth;
}
