/* SPDX-License-Identifier: ISC */
/* The words of a configuration. */
#include "config.h"

#include "gateway/lex.h"

#include <ctype.h>
#include <string.h>

void lexer_init(
    struct lexer *lexer, const struct origin *origin, struct complaints *complaints, char *out)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";

	*lexer = (struct lexer){.origin = origin,
	    .complaints = complaints,
	    .next = origin->text,
	    .end = origin->text + origin->length,
	    .line_start = origin->text,
	    .line = origin->first_line,
	    .out = out};
	if (origin->length >= 3 && memcmp(origin->text, byte_order_mark, 3) == 0)
		lexer->line_start = lexer->next += 3;
}

static struct position position(const struct lexer *l, const char *p)
{
	return (struct position){l->origin, l->line, (unsigned)(p - l->line_start) + 1};
}

/* Complaints about what a word is made of; one for each word will do. */
static void wrong(struct lexer *l, const char *p, const char *phrase)
{
	if (!l->bad)
		complain(l->complaints, SEVERITY_ERROR, position(l, p), "%s", phrase);
	l->bad = true;
}

/* The length of the newline at p, or 0. */
static size_t newline(const struct lexer *l, const char *p)
{
	if (*p == '\n')
		return 1;
	return *p == '\r' && l->end - p > 1 && p[1] == '\n' ? 2 : 0;
}

static void next_line(struct lexer *l, size_t skip)
{
	l->next += skip;
	l->line++;
	l->line_start = l->next;
}

/* Blanks, continued lines and comments. */
static void skip_blanks(struct lexer *l)
{
	while (l->next < l->end) {
		char c = *l->next;

		if (c == ' ' || c == '\t') {
			l->next++;
		} else if (c == '\\' && l->end - l->next > 1 && newline(l, l->next + 1) > 0) {
			next_line(l, 1 + newline(l, l->next + 1));
		} else if (c == '#') {
			const char *end = memchr(l->next, '\n', (size_t)(l->end - l->next));

			l->next = end != NULL ? end : l->end;
		} else {
			return;
		}
	}
}

/* Bytes that end a bare word or cannot be in it. */
static const bool special[256] = {['\0'] = true,
    [' '] = true,
    ['\t'] = true,
    ['\n'] = true,
    ['\r'] = true,
    [';'] = true,
    ['{'] = true,
    ['}'] = true,
    ['"'] = true,
    ['\''] = true,
    ['\\'] = true};

static bool continues(const struct lexer *l, const char *p)
{
	return *p == '\\' && l->end - p > 1 && newline(l, p + 1) > 0;
}

static enum token bare_word(struct lexer *l)
{
	const char *p = l->next, *start = p;

	for (; p < l->end; p++) {
		if (!special[(unsigned char)*p] || (*p == '\\' && !continues(l, p)))
			continue;
		if (*p == '"' || *p == '\'')
			wrong(l, p, "a quote inside a word, quote the whole word instead");
		else if (*p == '\0')
			wrong(l, p, "a NUL byte, expected text");
		else if (*p != '\r' || newline(l, p) > 0)
			break;
		else
			wrong(l, p, "a carriage return without a newline");
	}
	memcpy(l->out, start, (size_t)(p - start));
	l->word = (struct word){l->out, false};
	l->out += p - start;
	*l->out++ = '\0';
	l->next = p;
	return TOKEN_WORD;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* At a backslash inside "…": writes what it stands for, returns how long it is. */
static size_t escape(struct lexer *l, const char *p)
{
	static const char from[] = "\"\\nrt", to[] = "\"\\\n\r\t";
	size_t left = (size_t)(l->end - p);
	const char *found;

	if (left > 1 && p[1] != '\0' && (found = strchr(from, p[1])) != NULL) {
		*l->out++ = to[found - from];
		return 2;
	}
	if (left > 3 && p[1] == 'x' && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
		int byte = hex_digit(p[2]) * 16 + hex_digit(p[3]);

		if (byte == 0)
			wrong(l, p, "a NUL byte, expected text");
		else
			*l->out++ = (char)byte;
		return 4;
	}
	wrong(l, p, "unknown escape, expected \\\" \\\\ \\n \\r \\t or \\xHH");
	return 1;
}

/* An open quote ends with its line, so that one mistake is not read as many. */
static enum token quoted_word(struct lexer *l)
{
	const char quote = *l->next, *open = l->next, *p = open + 1;

	l->word = (struct word){l->out, true};
	while (p < l->end && *p != quote && newline(l, p) == 0) {
		if (*p == '\0')
			wrong(l, p, "a NUL byte, expected text");
		if (*p == '\\' && quote == '"')
			p += escape(l, p);
		else
			*l->out++ = *p++;
	}
	*l->out++ = '\0';
	if (p == l->end || *p != quote) {
		wrong(l, open, "this quote is not closed on its line");
		l->next = p;
		return TOKEN_WORD;
	}
	l->next = ++p;
	if (p < l->end && (!special[(unsigned char)*p] || *p == '"' || *p == '\''))
		wrong(l, p, "expected a blank after the closing quote");
	return TOKEN_WORD;
}

enum token lexer_next(struct lexer *l)
{
	size_t skip;

	skip_blanks(l);
	l->at = position(l, l->next);
	l->bad = false;
	if (l->next == l->end)
		return TOKEN_EOF;
	if ((skip = newline(l, l->next)) > 0) {
		next_line(l, skip);
		return TOKEN_END;
	}
	switch (*l->next) {
	case ';':
		l->next++;
		return TOKEN_END;
	case '{':
		l->next++;
		return TOKEN_OPEN;
	case '}':
		l->next++;
		return TOKEN_CLOSE;
	case '"':
	case '\'':
		return quoted_word(l);
	default:
		return bare_word(l);
	}
}
