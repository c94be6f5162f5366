/* SPDX-License-Identifier: ISC */
/* Tokens, numbers and lists of HTTP (RFC 9110, 5.6). */
#include "config.h"

#include "gateway/http_text.h"

#include <string.h>
#include <strings.h>

/* Which octets may stand in a token, a bit for each: digits, letters and !#$%&'*+-.^_`|~ */
static const uint64_t tchars[4] = {UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe)};

bool http_is_tchar(uint8_t c)
{
	return tchars[c / 64] >> c % 64 & 1;
}

bool span_is_token(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (!http_is_tchar((uint8_t)s.text[i]))
			return false;
	return s.length > 0;
}

/* Is one of eight octets below SP, or DEL? */
static bool has_control(const char *text)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t octets, below, del;

	memcpy(&octets, text, sizeof(octets));
	below = (octets - each * 0x20) & ~octets;
	del = octets ^ each * 0x7f;
	del = (del - each) & ~del;
	return ((below | del) & each * 0x80) != 0;
}

bool span_is_text(struct span s)
{
	size_t i = 0;

	while (s.length - i >= 8 && !has_control(s.text + i))
		i += 8;
	while (i < s.length && http_is_text((uint8_t)s.text[i]))
		i++;
	return i == s.length;
}

bool span_is_number(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (s.text[i] < '0' || s.text[i] > '9')
			return false;
	return s.length > 0;
}

bool span_starts(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.length >= n && strncasecmp(s.text, text, n) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
	while (s.length > 0 && is_blank(s.text[0])) {
		s.text++;
		s.length--;
	}
	while (s.length > 0 && is_blank(s.text[s.length - 1]))
		s.length--;
	return s;
}

static struct span take(struct span *rest, size_t n, size_t dropped)
{
	struct span first = {rest->text, n};

	rest->text += n + dropped;
	rest->length -= n + dropped;
	return first;
}

bool span_cut(struct span *rest, char stop, struct span *first)
{
	const char *found = rest->length > 0 ? memchr(rest->text, stop, rest->length) : NULL;

	if (!found)
		return false;
	*first = take(rest, (size_t)(found - rest->text), 1);
	return true;
}

struct span span_word(struct span *rest)
{
	struct span word;
	size_t n = 0;

	while (n < rest->length && !is_blank(rest->text[n]))
		n++;
	word = take(rest, n, 0);
	*rest = span_trim(*rest);
	return word;
}

bool span_member(struct span *list, struct span *member)
{
	while (list->length > 0) {
		if (!span_cut(list, ',', member))
			*member = take(list, list->length, 0);
		*member = span_trim(*member);
		if (member->length > 0)
			return true;
	}
	return false;
}
