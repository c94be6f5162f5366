/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_TEXT_H
#define GATEWAY_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* The words that HTTP is made of (RFC 9110, 5.6), as stretches of text that stays where it is. */
struct span {
	const char *text;
	size_t length;
};

/* One of a string literal, also where only constants may stand. */
#define SPAN(literal) \
	{ \
		(literal), sizeof(literal) - 1 \
	}

/* May this octet stand in a token (RFC 9110, 5.6.2), in a field's value (5.5)? */
bool http_is_tchar(uint8_t c);
/* No control characters but HTAB. */
static inline bool http_is_text(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* Each but text wants at least one octet. */
bool span_is_token(struct span s);
bool span_is_number(struct span s); /* 1*DIGIT */
bool span_is_text(struct span s);

/* Octet by octet, as methods are compared. */
static inline bool span_equal(struct span s, const char *text)
{
	return s.length == strlen(text) && memcmp(s.text, text, s.length) == 0;
}
/* Without regard to the case of letters, as names of fields are compared.  Most differ in length:
 * that is seen here, at the caller's. */
static inline bool span_same(struct span one, struct span other)
{
	return one.length == other.length && strncasecmp(one.text, other.text, one.length) == 0;
}
static inline bool span_is(struct span s, const char *text)
{
	return span_same(s, (struct span){text, strlen(text)});
}
bool span_starts(struct span s, const char *text);

/* Without SP and HTAB on either side. */
struct span span_trim(struct span s);
/* What stands before the first `stop`, which is dropped; the rest stays.  False: there is none. */
bool span_cut(struct span *rest, char stop, struct span *first);
/* The first word, which a blank or the end closes; may be empty. */
struct span span_word(struct span *rest);
/*
 * The next member of a list (RFC 9110, 5.6.1), trimmed; empty ones are passed over.  Every comma
 * separates: what a quoted string or a comment holds is seen as members too, never overlooked.
 */
bool span_member(struct span *list, struct span *member);

#endif
