/* SPDX-License-Identifier: ISC */
/*
 * The effective configuration as text that can be read again: what was written, with includes in
 * place, paths made absolute, and the defaults of what was not.
 */
#include "config.h"

#include <string.h>

#include "gateway/conf_read.h"
#include "gateway/secret.h"
#include "gateway/value.h"

static void indent(FILE *out, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		fputs("    ", out);
}

static void write_quoted(FILE *out, const char *text)
{
	static const char from[] = "\"\\\n\r\t", to[] = "\"\\nrt";

	fputc('"', out);
	for (const char *p = text; *p != '\0'; p++) {
		const char *found = strchr(from, *p);

		if (found != NULL)
			fprintf(out, "\\%c", to[found - from]);
		else if ((unsigned char)*p < ' ' || *p == 0x7f)
			fprintf(out, "\\x%02x", (unsigned char)*p);
		else
			fputc(*p, out);
	}
	fputc('"', out);
}

static bool needs_quotes(const struct word *word)
{
	const char *text = word->text;

	if (word->quoted || text[0] == '\0' || text[0] == '#' ||
	    text[strcspn(text, " \t;{}\"'")] != '\0' || text[strlen(text) - 1] == '\\')
		return true;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* A URI without its password. */
static void write_uri(FILE *out, const char *text)
{
	const char *user = strstr(text, "://") + 3, *colon = strchr(user, ':');
	const char *end = user + strcspn(user, "/?#");
	const char *at = memrchr(user, '@', (size_t)(end - user));

	fprintf(out, "%.*s%s", (int)(colon - text), text, at);
}

static bool is_path(const struct directive *d, size_t index)
{
	const struct rule *rule = d->rule;

	if (rule == NULL || index == 0 || rule->path != index || d->at[index].origin == NULL)
		return false;
	if (index == 2)
		return value_is(&d->words[1], "file");
	return !value_is(&d->words[1], "off") &&
	    strncmp(d->words[1].text, SECRET_CREDENTIAL, strlen(SECRET_CREDENTIAL)) != 0;
}

static void write_word(FILE *out, const struct directive *d, size_t index)
{
	static const char unix_prefix[] = "unix:";
	const size_t skip = sizeof unix_prefix - 1;
	struct word word = d->words[index];
	char path[4096];

	if (secret_in_uri(word.text)) {
		write_uri(out, word.text);
		return;
	}
	if (is_path(d, index) && word.text[0] != '/') {
		snprintf(path, sizeof path, "%s%s", d->at[index].origin->directory, word.text);
		word.text = path;
	} else if (strncmp(word.text, unix_prefix, skip) == 0 && d->at[index].origin != NULL &&
	    word.text[skip] != '/' && word.text[skip] != '@') {
		snprintf(path, sizeof path, "%s%s%s", unix_prefix, d->at[index].origin->directory,
		    word.text + skip);
		word.text = path;
	}
	if (needs_quotes(&word))
		write_quoted(out, word.text);
	else
		fputs(word.text, out);
}

static void write_list(
    FILE *out, const struct rule *rules, const struct directive *list, unsigned depth);

/* A rule's default, with those of its block. */
static void write_standard(FILE *out, const struct rule *rule, unsigned depth)
{
	if (rule->standard == NULL &&
	    (rule->block == NULL || rule->read != NULL || (rule->flags & RULE_INHERITS)))
		return;
	indent(out, depth);
	fputs(rule->name, out);
	if (rule->standard != NULL && *rule->standard != '\0')
		fprintf(out, " %s", rule->standard);
	if (rule->block != NULL) {
		fputs(" {\n", out);
		write_list(out, rule->block, NULL, depth + 1);
		indent(out, depth);
		fputc('}', out);
	}
	fputc('\n', out);
}

static void write_directive(FILE *out, const struct directive *d, unsigned depth)
{
	bool inherits = d->rule != NULL && (d->rule->flags & RULE_INHERITS);

	indent(out, depth);
	for (size_t i = 0; i < d->count; i++) {
		if (i > 0)
			fputc(' ', out);
		write_word(out, d, i);
	}
	if (d->block) {
		fputs(" {\n", out);
		write_list(out, d->rule != NULL && !inherits ? d->rule->block : NULL, d->children,
		    depth + 1);
		indent(out, depth);
		fputc('}', out);
	}
	fputc('\n', out);
}

/* `rules` NULL: without defaults. */
static void write_list(
    FILE *out, const struct rule *rules, const struct directive *list, unsigned depth)
{
	for (const struct rule *rule = rules; rule != NULL && rule->name != NULL; rule++)
		if (schema_given(list, rule->name) == NULL)
			write_standard(out, rule, depth);
	for (const struct directive *d = list; d != NULL; d = d->next)
		write_directive(out, d, depth);
}

void conf_dump(const struct conf *conf, FILE *out)
{
	fputs("# hopgate " PACKAGE_VERSION ": the effective configuration\n", out);
	write_list(out, conf_rules, conf->tree, 0);
}
