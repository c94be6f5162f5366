/* SPDX-License-Identifier: ISC */
/* A configuration from the options of a command line, or from nothing. */
#include "config.h"

#include <string.h>

#include "gateway/conf_read.h"

static void append(struct directive **list, struct directive *d)
{
	while (*list != NULL)
		list = &(*list)->next;
	*list = d;
}

/* `NAME WORD …` with each value of an option as a word; NULL without any. */
static struct directive *words_of(
    struct parser *parser, const char *name, const char *option, const char *const *values)
{
	struct directive *d;

	if (values == NULL || *values == NULL)
		return NULL;
	d = parse_make(parser, name);
	for (; *values != NULL; values++)
		parse_add_word(parser, d, option, *values);
	return d;
}

static struct directive *block_of(struct parser *parser, const char *name, const char *title)
{
	struct directive *d = parse_make(parser, name);

	parse_add_word(parser, d, NULL, title);
	d->block = true;
	return d;
}

/* Each file is one `auth`; a listener asks them in turn. */
static void add_users(struct parser *parser, const struct conf_options *options,
    struct directive **tree, struct directive *auth)
{
	unsigned number = 0;

	for (const char *const *file = options->users; file != NULL && *file != NULL; file++) {
		const char *name =
		    arena_print(parser->arena, number > 0 ? "users%u" : "users", number + 1);
		struct directive *block = block_of(parser, "auth", name);
		struct directive *path = parse_make(parser, "password-file");

		parse_add_word(parser, path, "--users", *file);
		append(&block->children, path);
		append(tree, block);
		parse_add_word(parser, auth, NULL, name);
		number++;
	}
}

static struct directive *make_listen(
    struct parser *parser, const struct conf_options *options, struct directive **tree)
{
	struct directive *listen = block_of(parser, "listen", "main");
	struct directive *auth = parse_make(parser, "auth"), *address;

	address = words_of(parser, "address", "--listen", options->listen);
	if (address == NULL) {
		address = parse_make(parser, "address");
		parse_add_word(parser, address, NULL, "1080");
	}
	append(&listen->children, address);
	add_users(parser, options, tree, auth);
	if (options->auth != NULL)
		parse_add_word(parser, auth, "--auth", options->auth);
	if (auth->count > 1)
		append(&listen->children, auth);
	append(&listen->children, words_of(parser, "allow", "--allow", options->allow));
	return listen;
}

struct directive *conf_default_listen(struct parser *parser)
{
	static const struct conf_options none = {0};
	struct directive *tree = NULL;

	return make_listen(parser, &none, &tree);
}

struct directive *conf_from_options(struct parser *parser, const struct conf_options *options)
{
	static const char *const start[] = {"default", "via", NULL};
	struct directive *tree = NULL, *listen = make_listen(parser, options, &tree);

	append(&tree, listen);
	if (options->via != NULL && options->via[0] != NULL) {
		struct directive *route = words_of(parser, "route", NULL, start);

		for (const char *const *uri = options->via; *uri != NULL; uri++)
			parse_add_word(parser, route, "--via", *uri);
		append(&tree, route);
	}
	/* Who starts it by hand sees what it does. */
	append(&tree, words_of(parser, "access-log", NULL, (const char *const[]){"stderr", NULL}));
	return tree;
}
