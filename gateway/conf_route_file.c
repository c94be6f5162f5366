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
	struct origin origin; /* its text is the row that is being read */
	char *line;           /* of the file, and the size of its memory */
	size_t size;
	bool too_long;
	char row[ROW_BYTES];
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

/* Put a line behind those that it continues, as far as there is room. */
static void append_line(struct route_file *f, const char *line, size_t length)
{
	if (f->origin.length + length > ROW_BYTES) {
		f->too_long = true;
		return;
	}
	memcpy(f->row + f->origin.length, line, length);
	f->origin.length += length;
}

/* The next row's text, a line and those that it goes on in.  1; 0 at the end; -1 with errno. */
static int read_text(struct route_file *f)
{
	ssize_t n;

	f->origin.length = 0;
	f->origin.first_line = f->next_line;
	f->too_long = false;
	while ((n = getline(&f->line, &f->size, f->file)) >= 0) {
		f->next_line++;
		append_line(f, f->line, (size_t)n);
		if (!goes_on(f->line, (size_t)n))
			return 1;
	}
	if (ferror(f->file))
		return -1;
	return f->next_line > f->origin.first_line;
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

	while ((more = read_text(f)) > 0) {
		if (!f->too_long)
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
	f->origin.text = f->row;
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
