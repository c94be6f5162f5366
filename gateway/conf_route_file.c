/* SPDX-License-Identifier: ISC */
/*
 * Files of rows for a table: one row a line, without the word `route`, any number.  A line is read,
 * added and forgotten.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/conf_read.h"
#include "gateway/lex.h"

#define ROW_WORDS 256
#define ROW_BYTES 65536

struct route_file {
	struct reader *reader;
	struct routes *table;
	FILE *file;
	struct origin origin; /* its text is the line that is being read, with those it goes on */
	char *line;           /* and its size */
	size_t size;
	unsigned next_line;
	char out[2 * ROW_BYTES + 2];
	struct word words[ROW_WORDS];
	struct position at[ROW_WORDS];
	size_t count;
};

static void wrong(struct route_file *f, struct position at, const char *phrase)
{
	complain(f->reader->complaints, SEVERITY_ERROR, at, "%s", phrase);
}

static bool goes_on(const char *line, size_t length)
{
	size_t end = length;

	if (end > 0 && line[end - 1] == '\n')
		end--;
	if (end > 0 && line[end - 1] == '\r')
		end--;
	return end > 0 && end < length && line[end - 1] == '\\';
}

/* The next line, with the lines that continue it.  1; 0 at the end; -1 with errno. */
static int read_line(struct route_file *f)
{
	char *more = NULL;
	size_t more_size = 0, length;
	ssize_t n = getline(&f->line, &f->size, f->file);

	if (n < 0)
		return ferror(f->file) ? -1 : 0;
	length = (size_t)n;
	f->origin.first_line = f->next_line++;
	while (goes_on(f->line, length) && length < ROW_BYTES &&
	    (n = getline(&more, &more_size, f->file)) >= 0) {
		char *grown = realloc(f->line, length + (size_t)n + 1);

		if (grown == NULL)
			break;
		memcpy(grown + length, more, (size_t)n + 1);
		f->line = grown;
		f->size = (length += (size_t)n) + 1;
		f->next_line++;
	}
	free(more);
	f->origin.text = f->line;
	f->origin.length = length;
	return 1;
}

static void add_row(struct route_file *f)
{
	struct row row = {f->words, f->at, f->count};

	if (f->count > 0)
		conf_add_row(f->reader, f->table, &row);
	f->count = 0;
}

/* The rows of a line: more than one if there are semicolons. */
static void read_rows(struct route_file *f)
{
	struct lexer lexer;
	enum token token;
	bool bad = false;

	lexer_init(&lexer, &f->origin, f->reader->complaints, f->out);
	do {
		token = lexer_next(&lexer);
		if (token == TOKEN_WORD && f->count == ROW_WORDS) {
			wrong(f, lexer.at, "a row has at most 256 words");
			bad = true;
		} else if (token == TOKEN_WORD) {
			f->words[f->count] = lexer.word;
			f->at[f->count++] = lexer.at;
			bad |= lexer.bad;
		} else if (token == TOKEN_OPEN || token == TOKEN_CLOSE) {
			wrong(f, lexer.at, "a file of routes has no blocks");
			bad = true;
		} else if (bad) {
			f->count = 0;
			bad = false;
		} else {
			add_row(f);
		}
		if (bad)
			f->count = 0;
	} while (token != TOKEN_EOF);
}

static void read_lines(struct route_file *f, const struct directive *d)
{
	int more;

	while ((more = read_line(f)) > 0) {
		if (f->origin.length <= ROW_BYTES)
			read_rows(f);
		else
			wrong(f, (struct position){&f->origin, f->origin.first_line, 1},
			    "a row has at most 65536 bytes");
		if (f->reader->complaints->total[SEVERITY_ERROR] > COMPLAINTS_MAX)
			return;
	}
	if (more < 0)
		conf_error(
		    f->reader, d, 1, "cannot read '%s': %s", f->origin.name, strerror(errno));
}

void conf_read_route_file(struct reader *r, const struct directive *d, void *table)
{
	struct route_file *f;
	const char *path = parse_path(r->parser->arena, d->at[1], d->words[1].text);
	struct stat status;

	if (d->count > 2) {
		conf_later(r, d, 2);
		return;
	}
	if (r->sealed)
		return;
	f = calloc(1, sizeof *f);
	if (f == NULL || (f->file = fopen(path, "re")) == NULL) {
		conf_error(r, d, 1, "cannot read '%s': %s", path, strerror(errno));
		free(f);
		return;
	}
	f->reader = r;
	f->table = table;
	f->next_line = 1;
	f->origin.name = parse_name(r->parser->arena, d->at[1], d->words[1].text);
	f->origin.directory = "";
	f->origin.rank = r->parser->rank++;
	f->origin.others_read =
	    fstat(fileno(f->file), &status) == 0 && (status.st_mode & S_IROTH) != 0;
	read_lines(f, d);
	fclose(f->file);
	/* URIs may hold passwords. */
	if (f->line != NULL)
		explicit_bzero(f->line, f->size);
	free(f->line);
	explicit_bzero(f, sizeof *f);
	free(f);
}
