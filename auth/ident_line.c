/* SPDX-License-Identifier: ISC */
/* The one line in each direction of the Identification Protocol (RFC 1413). */
#include "config.h"

#include "auth/ident.h"

#include <string.h>

struct text {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text text)
{
	while (text.at < text.end && is_blank(*text.at))
		text.at++;
	while (text.end > text.at && is_blank(text.end[-1]))
		text.end--;
	return text;
}

/* What comes before the separator, without the blanks around it; false if there is none. */
static bool take(struct text *rest, char separator, struct text *token)
{
	const char *found = memchr(rest->at, separator, (size_t)(rest->end - rest->at));

	if (found == NULL)
		return false;
	*token = trim((struct text){rest->at, found});
	rest->at = found + 1;
	return true;
}

static bool is_port(struct text token, uint16_t port)
{
	unsigned number = 0;

	if (token.at == token.end || token.end - token.at > 5)
		return false;
	for (; token.at < token.end; token.at++) {
		if (*token.at < '0' || *token.at > '9')
			return false;
		number = number * 10 + (unsigned)(*token.at - '0');
	}
	return number == port;
}

static bool has_controls(struct text text)
{
	for (; text.at < text.end; text.at++)
		if ((unsigned char)*text.at < ' ' || *text.at == 0x7f)
			return true;
	return false;
}

static bool is_answer(struct text *line, uint16_t theirs, uint16_t ours)
{
	static const char userid[] = "USERID";
	struct text port[2], kind, system;

	return take(line, ',', &port[0]) && take(line, ':', &port[1]) && is_port(port[0], theirs) &&
	    is_port(port[1], ours) && take(line, ':', &kind) &&
	    (size_t)(kind.end - kind.at) == sizeof(userid) - 1 &&
	    memcmp(kind.at, userid, sizeof(userid) - 1) == 0 && take(line, ':', &system) &&
	    system.at < system.end && !has_controls(system);
}

size_t ident_question(char out[IDENT_QUESTION_MAX], uint16_t theirs, uint16_t ours)
{
	return (size_t)snprintf(
	    out, IDENT_QUESTION_MAX, "%u , %u\r\n", (unsigned)theirs, (unsigned)ours);
}

enum ident_said ident_read(char user[AUTH_IDENT_USER_MAX + 1], const char *bytes, size_t length,
    uint16_t theirs, uint16_t ours)
{
	const size_t looked = length < IDENT_LINE_MAX ? length : IDENT_LINE_MAX;
	const char *end = looked > 0 ? memchr(bytes, '\n', looked) : NULL;
	struct text line = {bytes, end};
	size_t n;

	if (end == NULL)
		return length < IDENT_LINE_MAX ? IDENT_MORE : IDENT_NOBODY;
	if (line.end > line.at && line.end[-1] == '\r')
		line.end--;
	if (!is_answer(&line, theirs, ours))
		return IDENT_NOBODY;
	/* The rest of the line, colons too. */
	line = trim(line);
	n = (size_t)(line.end - line.at);
	if (n == 0 || n > AUTH_IDENT_USER_MAX || has_controls(line))
		return IDENT_NOBODY;
	memcpy(user, line.at, n);
	user[n] = '\0';
	return IDENT_USER;
}
