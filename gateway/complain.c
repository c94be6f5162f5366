/* SPDX-License-Identifier: ISC */
/* What is wrong in a configuration, and where. */
#include "config.h"

#include "gateway/complain.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SHOWN 160 /* bytes of a line that are repeated under a complaint */

struct complaint {
	struct position at;
	enum severity severity;
	size_t order;
	const char *phrase;
	const char *quote; /* the line and the caret, or "" */
};

static const char *const severity_names[] = {
    [SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"};

struct line {
	const char *text;
	size_t length;
};

static struct line find_line(struct position at)
{
	const struct origin *origin = at.origin;
	const char *end = origin->text + origin->length, *text = origin->text, *newline;

	for (unsigned n = origin->first_line; n < at.line; n++) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (newline == NULL)
			return (struct line){end, 0};
		text = newline + 1;
	}
	newline = memchr(text, '\n', (size_t)(end - text));
	if (newline != NULL)
		end = newline;
	if (end > text && end[-1] == '\r')
		end--;
	return (struct line){text, (size_t)(end - text)};
}

/*
 * A line that is repeated must not show the password of a URI: each of its bytes becomes a star.  A
 * mistake in the URI may be what the complaint is about, so all up to the last @ is taken for it.
 */
static void hide_passwords(char *text)
{
	for (char *p = text; (p = strstr(p, "://")) != NULL;) {
		char *user = p + 3, *end = user + strcspn(user, " \t"), *colon, *at;

		p = end;
		at = memrchr(user, '@', (size_t)(end - user));
		colon = memchr(user, ':', (size_t)(end - user));
		if (at != NULL && colon != NULL && colon < at)
			memset(colon + 1, '*', (size_t)(at - colon - 1));
	}
}

/* What stands in a file does not command the terminal. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			*text = '?';
}

static char *copy_line(struct arena *arena, struct line line)
{
	char *text = arena_copy(arena, line.text, line.length);

	for (size_t i = 0; i < line.length; i++)
		if (text[i] == '\0')
			text[i] = '?';
	make_printable(text);
	hide_passwords(text);
	return text;
}

/* The line and, below it, the caret: tabs stay tabs, so that the caret stands where it should. */
static const char *quote_line(struct arena *arena, struct position at)
{
	struct line line = find_line(at);
	const char *shown = copy_line(arena, line);
	size_t column = at.column > 0 ? at.column - 1 : 0, blanks = 0;
	char blank[LINE_SHOWN + 1];

	if (column > line.length)
		column = line.length;
	if (column >= LINE_SHOWN) {
		shown += column - LINE_SHOWN / 2;
		column = LINE_SHOWN / 2;
	}
	/* Only the first byte of a UTF-8 character moves the caret. */
	for (size_t i = 0; i < column; i++)
		if (((unsigned char)shown[i] & 0xc0) != 0x80)
			blank[blanks++] = shown[i] == '\t' ? '\t' : ' ';
	blank[blanks] = '\0';
	return arena_print(arena, "%6u | %.*s\n       | %s^\n", at.line, LINE_SHOWN, shown, blank);
}

void complain(struct complaints *complaints, enum severity severity, struct position at,
    const char *format, ...)
{
	struct complaint *c;
	va_list list;
	char *phrase;

	complaints->total[severity]++;
	if (complaints->count == COMPLAINTS_MAX)
		return;
	va_start(list, format);
	if (vasprintf(&phrase, format, list) < 0)
		phrase = NULL;
	va_end(list);
	if (phrase != NULL)
		make_printable(phrase);
	complaints->list = arena_push(
	    &complaints->arena, complaints->list, &complaints->count, sizeof *complaints->list);
	c = &complaints->list[complaints->count - 1];
	c->at = at;
	c->severity = severity;
	c->order = complaints->count;
	c->phrase = arena_string(&complaints->arena, phrase != NULL ? phrase : "out of memory");
	c->quote = at.line > 0 && at.origin->text != NULL ? quote_line(&complaints->arena, at) : "";
	/* The origin may be gone when complaints are written. */
	if (at.origin != NULL) {
		struct origin *origin = arena_alloc(&complaints->arena, sizeof *origin);

		origin->name = arena_string(&complaints->arena, at.origin->name);
		origin->rank = at.origin->rank;
		c->at.origin = origin;
	}
	free(phrase);
}

static int compare(const void *a, const void *b)
{
	const struct complaint *x = a, *y = b;
	unsigned rank_x = x->at.origin != NULL ? x->at.origin->rank : 0;
	unsigned rank_y = y->at.origin != NULL ? y->at.origin->rank : 0;

	if (rank_x != rank_y)
		return rank_x < rank_y ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void print(const struct complaint *c, FILE *out)
{
	const char *name = c->at.origin != NULL ? c->at.origin->name : "hopgate";

	fputs(name, out);
	if (c->at.line > 0)
		fprintf(out, ":%u", c->at.line);
	if (c->at.column > 0)
		fprintf(out, ":%u", c->at.column);
	fprintf(out, ": %s: %s\n%s", severity_names[c->severity], c->phrase, c->quote);
}

void complaints_print(struct complaints *complaints, enum severity least, FILE *out)
{
	unsigned all = 0;

	if (complaints->count > 0)
		qsort(complaints->list, complaints->count, sizeof *complaints->list, compare);
	for (size_t i = 0; i < complaints->count; i++)
		if (complaints->list[i].severity <= least)
			print(&complaints->list[i], out);
	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		all += complaints->total[i];
	if (all > complaints->count)
		fprintf(out, "hopgate: and %zu more\n", all - complaints->count);
	fflush(out);
	complaints_clear(complaints);
}

void complaints_clear(struct complaints *complaints)
{
	arena_clear(&complaints->arena);
	*complaints = (struct complaints){0};
}

/* --- did you mean ----------------------------------------------------------------------------- */

#define GUESS_WORD 32 /* longer words are not guessed at */

/* Edits from one word to the other: letters put in, left out, changed, or two swapped. */
static size_t edits(const char *a, const char *b)
{
	size_t before[GUESS_WORD + 1], last[GUESS_WORD + 1], row[GUESS_WORD + 1];
	size_t n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		memcpy(before, last, sizeof before);
		memcpy(last, row, sizeof last);
	}
	return last[n];
}

void guess_try(struct guess *guess, const char *candidate)
{
	size_t length = strlen(guess->word), distance;

	if (length < 2 || length > GUESS_WORD || strlen(candidate) > GUESS_WORD)
		return;
	distance = edits(guess->word, candidate);
	if (distance > 1 + length / 5 || (guess->nearest != NULL && distance >= guess->distance))
		return;
	guess->nearest = candidate;
	guess->distance = distance;
}

char *guess_text(const struct guess *guess, char out[GUESS_TEXT])
{
	out[0] = '\0';
	if (guess->nearest != NULL)
		snprintf(out, GUESS_TEXT, "; did you mean '%s'?", guess->nearest);
	return out;
}
