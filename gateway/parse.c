/* SPDX-License-Identifier: ISC */
/* A configuration as a tree of directives: blocks, includes, and the files they come from. */
#include "config.h"

#include "gateway/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/lex.h"

/* One text while it is read: the lexer and the token that it stands at. */
struct reading {
	struct parser *parser;
	struct lexer lexer;
	enum token token;
};

static struct directive *read_directives(struct reading *r, bool inner);

/* --- words and blocks ------------------------------------------------------------------------- */

static void advance(struct reading *r)
{
	r->token = lexer_next(&r->lexer);
}

static void wrong(struct reading *r, struct position at, const char *phrase)
{
	complain(r->parser->complaints, SEVERITY_ERROR, at, "%s", phrase);
}

static void add_word(struct arena *arena, struct directive *d, struct word word, struct position at)
{
	size_t count = d->count;

	d->words = arena_push(arena, d->words, &count, sizeof *d->words);
	d->at = arena_push(arena, d->at, &d->count, sizeof *d->at);
	d->words[count - 1] = word;
	d->at[count - 1] = at;
}

/* Past the end of a block that is nested too deep to be kept. */
static void skip_block(struct reading *r)
{
	size_t depth = 1;

	while (depth > 0 && r->token != TOKEN_EOF) {
		if (r->token == TOKEN_OPEN)
			depth++;
		else if (r->token == TOKEN_CLOSE)
			depth--;
		advance(r);
	}
}

/* At `{`; leaves the reader behind the `}`. */
static struct directive *read_block(struct reading *r, struct position *close)
{
	struct position open = r->lexer.at;
	struct directive *children;

	advance(r);
	if (r->parser->depth == PARSE_DEPTH) {
		wrong(r, open, "blocks are nested too deep, at most 32 are expected");
		skip_block(r);
		return NULL;
	}
	r->parser->depth++;
	children = read_directives(r, true);
	r->parser->depth--;
	*close = r->lexer.at;
	if (r->token == TOKEN_EOF) {
		wrong(r, open, "this block is not closed, expected '}'");
		return children;
	}
	advance(r);
	if (r->token == TOKEN_WORD || r->token == TOKEN_OPEN)
		wrong(r, r->lexer.at, "expected a newline or ';' after '}'");
	return children;
}

static struct directive *read_directive(struct reading *r)
{
	struct arena *arena = r->parser->arena;
	struct directive *d = arena_alloc(arena, sizeof *d);

	for (; r->token == TOKEN_WORD; advance(r)) {
		add_word(arena, d, r->lexer.word, r->lexer.at);
		d->bad |= r->lexer.bad;
	}
	if (r->token == TOKEN_OPEN) {
		d->block = true;
		d->children = read_block(r, &d->close);
	}
	return d;
}

static bool is_include(const struct directive *d)
{
	return !d->words[0].quoted && strcmp(d->words[0].text, "include") == 0;
}

static struct directive *include(struct parser *parser, const struct directive *d);

/* Until the end of the text or, inside a block, its `}`. */
static struct directive *read_directives(struct reading *r, bool inner)
{
	struct directive *first = NULL, **tail = &first;
	struct position ignored;

	while (r->token != TOKEN_EOF && !(inner && r->token == TOKEN_CLOSE)) {
		switch (r->token) {
		case TOKEN_WORD:
			*tail = read_directive(r);
			if (is_include(*tail))
				*tail = include(r->parser, *tail);
			while (*tail != NULL)
				tail = &(*tail)->next;
			break;
		case TOKEN_OPEN:
			wrong(r, r->lexer.at, "'{' must stand on the line of its directive");
			read_block(r, &ignored);
			break;
		case TOKEN_CLOSE:
			wrong(r, r->lexer.at, "'}' closes nothing");
			/* fall through */
		default:
			advance(r);
		}
	}
	return first;
}

static struct directive *read_origin(struct parser *parser, const struct origin *origin)
{
	struct reading r = {.parser = parser};

	lexer_init(&r.lexer, origin, parser->complaints,
	    arena_alloc(parser->arena, lexer_room(origin->length)));
	advance(&r);
	return read_directives(&r, false);
}

/* --- files ------------------------------------------------------------------------------------ */

/* The part of a path up to its last slash; "" if there is none. */
static const char *directory(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_copy(arena, path, slash != NULL ? (size_t)(slash - path) + 1 : 0);
}

/* Absolute, because a daemon does not stay where it was started. */
static const char *from_here(struct arena *arena, const char *path)
{
	char *here;
	const char *whole = path;

	if (path[0] == '/' || (here = get_current_dir_name()) == NULL)
		return path;
	whole = arena_print(arena, "%s/%s", strcmp(here, "/") == 0 ? "" : here, path);
	free(here);
	return whole;
}

static struct origin *new_origin(struct parser *parser, const char *name)
{
	struct origin *origin = arena_alloc(parser->arena, sizeof *origin);

	origin->name = arena_string(parser->arena, name);
	origin->directory = directory(parser->arena, name);
	if (!parser->sealed)
		origin->directory = from_here(parser->arena, origin->directory);
	origin->first_line = 1;
	origin->rank = parser->rank++;
	return origin;
}

/* Everything that a descriptor gives, in the arena.  0, or -1 with errno. */
static int read_all(struct arena *arena, int fd, struct origin *origin)
{
	size_t size = 0, used = 0;
	char *text = NULL;
	ssize_t n;

	do {
		if (used == size) {
			char *grown = arena_alloc(arena, size = size > 0 ? 2 * size : 8192);

			if (text != NULL)
				memcpy(grown, text, used);
			text = grown;
		}
		n = read(fd, text + used, size - used);
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			used += (size_t)n;
		if (used > PARSE_SIZE) {
			errno = EFBIG;
			return -1;
		}
	} while (n != 0);
	origin->text = text;
	origin->length = used;
	return 0;
}

/* 0, or -1 with errno. */
static int open_origin(struct parser *parser, struct origin *origin, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result, error;
	struct stat status;

	if (fd < 0)
		return -1;
	if ((result = fstat(fd, &status)) == 0) {
		origin->others_read = S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0;
		result = read_all(parser->arena, fd, origin);
	}
	error = errno;
	close(fd);
	errno = error;
	return result;
}

/* `said`: the word that named the file, or a position without a line. */
static struct directive *read_file(struct parser *parser, const char *path, struct position said)
{
	struct origin *origin = new_origin(parser, path);

	errno = EPERM;
	if (!parser->sealed && open_origin(parser, origin, path) == 0)
		return read_origin(parser, origin);
	if (said.origin == NULL)
		said.origin = origin;
	complain(parser->complaints, SEVERITY_ERROR, said, "cannot read '%s': %s", path,
	    strerror(errno));
	return NULL;
}

struct directive *parse_file(struct parser *parser, const char *path)
{
	return read_file(parser, path, (struct position){0});
}

struct directive *parse_text(
    struct parser *parser, const char *name, const char *text, size_t length)
{
	struct origin *origin = new_origin(parser, name);

	origin->text = arena_copy(parser->arena, text, length);
	origin->length = length;
	return read_origin(parser, origin);
}

/* --- include ---------------------------------------------------------------------------------- */

/* The directory as a pattern that matches only itself. */
static const char *pattern_of(struct arena *arena, const char *directory_name, const char *word)
{
	char *pattern = arena_alloc(arena, 2 * strlen(directory_name) + strlen(word) + 1);
	char *p = pattern;

	for (const char *d = directory_name; *d != '\0'; d++) {
		if (strchr("*?[\\", *d) != NULL)
			*p++ = '\\';
		*p++ = *d;
	}
	strcpy(p, word);
	return pattern;
}

static struct directive *read_matches(
    struct parser *parser, const char *pattern, struct position at)
{
	struct directive *first = NULL, **tail = &first;
	glob_t found;
	int result = parser->sealed ? GLOB_NOMATCH : glob(pattern, 0, NULL, &found);

	if (result == GLOB_NOMATCH)
		return NULL;
	if (result != 0) {
		complain(parser->complaints, SEVERITY_ERROR, at,
		    "cannot read the directory of '%s'", pattern);
		return NULL;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		*tail = read_file(parser, found.gl_pathv[i], at);
		while (*tail != NULL)
			tail = &(*tail)->next;
	}
	globfree(&found);
	return first;
}

static struct directive *include(struct parser *parser, const struct directive *d)
{
	struct directive *list;
	const char *word, *near;

	if (d->bad)
		return NULL;
	if (d->count != 2 || d->block) {
		complain(parser->complaints, SEVERITY_ERROR, d->at[0],
		    "'include' takes one word: PATH or a pattern like conf.d/*.conf");
		return NULL;
	}
	if (parser->nested == PARSE_INCLUDES) {
		complain(parser->complaints, SEVERITY_ERROR, d->at[1],
		    "includes are nested too deep, at most %d are expected; does a file include "
		    "itself?",
		    PARSE_INCLUDES);
		return NULL;
	}
	word = d->words[1].text;
	near = word[0] == '/' ? "" : directory(parser->arena, d->at[1].origin->name);
	parser->nested++;
	if (strpbrk(word, "*?[") != NULL)
		list = read_matches(parser, pattern_of(parser->arena, near, word), d->at[1]);
	else
		list = read_file(parser, arena_print(parser->arena, "%s%s", near, word), d->at[1]);
	parser->nested--;
	return list;
}

/* --- by hand ---------------------------------------------------------------------------------- */

void parse_add_word(
    struct parser *parser, struct directive *directive, const char *option, const char *word)
{
	struct position at = {0};
	const char *copy = arena_string(parser->arena, word);

	if (option != NULL) {
		struct origin *origin = new_origin(parser, option);

		origin->text = copy;
		origin->length = strlen(copy);
		origin->argv = true;
		at = (struct position){origin, 1, 1};
	}
	add_word(parser->arena, directive, (struct word){copy, false}, at);
}

struct directive *parse_make(struct parser *parser, const char *name)
{
	struct directive *d = arena_alloc(parser->arena, sizeof *d);

	parse_add_word(parser, d, NULL, name);
	return d;
}

const char *parse_path(struct arena *arena, struct position at, const char *path)
{
	if (path[0] == '/' || at.origin == NULL)
		return path;
	return arena_print(arena, "%s%s", at.origin->directory, path);
}

const char *parse_name(struct arena *arena, struct position at, const char *path)
{
	if (path[0] == '/' || at.origin == NULL)
		return path;
	return arena_print(arena, "%s%s", directory(arena, at.origin->name), path);
}
