/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_ROWS_H
#define TESTS_UNIT_ROWS_H

/* Rows and queries written as text, for the tests of routes/. */
#include <stdio.h>
#include <string.h>

#include "routes/routes.h"

#define ROWS_WORDS 64

static inline bool rows_is_hex(char c)
{
	return c != '\0' && strchr("0123456789abcdef", c);
}

/* Take the escapes out of a quoted word, in place; returns what follows its closing quote. */
static inline char *rows_unquote(char *at)
{
	char *out = at;
	unsigned byte;

	for (; *at != '\0' && *at != '"'; at++) {
		if (at[0] == '\\' && at[1] == 'x' && rows_is_hex(at[2]) && rows_is_hex(at[3])) {
			sscanf(at + 2, "%2x", &byte);
			*out++ = (char)(byte ? byte : '?');
			at += 3;
		} else {
			at += at[0] == '\\' && at[1] != '\0';
			*out++ = *at;
		}
	}
	at += *at == '"';
	*out = '\0';
	return at;
}

/* Cut a row into words, which point into `line`. */
static inline size_t rows_split(char *line, struct word words[ROWS_WORDS])
{
	size_t count = 0;

	for (;;) {
		line += strspn(line, " ");
		if (*line == '\0' || count == ROWS_WORDS)
			return count;
		words[count].quoted = *line == '"';
		words[count].text = words[count].quoted ? ++line : line;
		if (words[count++].quoted) {
			line = rows_unquote(line);
		} else {
			line += strcspn(line, " ");
			if (*line != '\0')
				*line++ = '\0';
		}
	}
}

static inline const char *rows_add(
    struct routes *routes, const char *row, unsigned line, size_t *bad)
{
	struct word words[ROWS_WORDS];
	char copy[2048];

	snprintf(copy, sizeof(copy), "%s", row);
	return routes_add(
	    routes, words, rows_split(copy, words), (struct place){"test", line}, bad);
}

/* office and dmz get names, local and old get addresses, wan2 is a way out. */
static inline struct hops *rows_hops(void)
{
	static const struct {
		const char *name, *uri;
	} list[] = {
	    {"office", "socks5://gw.example:1080"},
	    {"dmz", "http://dmz.example:3128"},
	    {"local", "socks5://local.example"},
	    {"old", "socks4://old.example"},
	    {"wan2", "direct:"},
	};
	struct hops *hops = hops_new();

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct hop hop;

		if (hop_parse_uri(&hop, list[i].uri, NULL))
			return NULL;
		hop.resolve_local = hop.resolve_local || strcmp(list[i].name, "local") == 0;
		if (hops_add(hops, list[i].name, &hop, NULL, 0))
			return NULL;
	}
	return hops;
}

/* "192.0.2.1 2001:db8::1" as addresses; how many. */
static inline size_t rows_addresses(const char *text, struct in6_addr *addresses, size_t max)
{
	size_t count = 0;

	while (*text && count < max) {
		size_t length = strcspn(text, " ");

		if (!address_parse(&addresses[count++], text, length))
			return 0;
		text += length;
		text += strspn(text, " ");
	}
	return count;
}

#endif
