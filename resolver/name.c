/* SPDX-License-Identifier: ISC */
/* What is a host name, and which of them have a meaning of their own. */
#include "config.h"

#include "resolver/name.h"

#include <string.h>

#define LABEL_LENGTH 63 /* RFC 1035, 2.3.4 */

static bool is_allowed(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A parser of addresses somewhere behind us would take it for IPv4. */
static bool is_number(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
	return label[strspn(label, "0123456789")] == '\0';
}

bool resolver_name_valid(const char *name)
{
	const char *label = name, *p;

	for (p = name; *p != '\0'; p++) {
		if (*p == '.') {
			if (p == label || p - label > LABEL_LENGTH)
				return false;
			label = p + 1;
		} else if (!is_allowed(*p)) {
			return false;
		}
	}
	return p > label && p - label <= LABEL_LENGTH && p - name <= RESOLVER_NAME_LENGTH &&
	    !is_number(label);
}

bool resolver_name_canonical(char out[RESOLVER_NAME_LENGTH + 1], const char *text, size_t length)
{
	if (length > 1 && text[length - 1] == '.')
		length--;
	if (length > RESOLVER_NAME_LENGTH || memchr(text, '\0', length) != NULL)
		return false;
	for (size_t i = 0; i < length; i++)
		out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
	out[length] = '\0';
	return resolver_name_valid(out);
}

unsigned resolver_name_dots(const char *name)
{
	unsigned dots = 0;

	for (; *name != '\0'; name++)
		dots += *name == '.';
	return dots;
}

static const struct {
	const char *label;
	enum resolver_special special;
} specials[] = {
    {"localhost", RESOLVER_LOOPBACK},
    {"onion", RESOLVER_NEVER},
    {"invalid", RESOLVER_NEVER},
};

enum resolver_special resolver_name_special(const char *name)
{
	const char *dot = strrchr(name, '.'), *last = dot == NULL ? name : dot + 1;

	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (strcmp(last, specials[i].label) == 0)
			return specials[i].special;
	return RESOLVER_ORDINARY;
}
