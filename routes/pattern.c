/* SPDX-License-Identifier: ISC */
/* Destinations as rows name them. */
#include "config.h"

#include "routes/pattern.h"

#include <stdio.h>
#include <string.h>

static const char expected[] =
    "expected a name, `.name`, `*.name`, an address, a prefix, ipv4 or ipv6";

/* What host_parse() would call a bad byte has a better name where people write rows. */
static const char *explain(const char *word, const char *error)
{
	const char *colon = strchr(word, ':');

	if (strchr(word, '*'))
		return "`*` stands only in front, before a dot: `*.name`";
	if (colon && strchr(colon + 1, ':') == NULL)
		return "a port is a condition: NAME ports PORT";
	return error;
}

static const char *read_name(struct pattern *pattern, struct reader *reader, const char *text)
{
	struct host host;
	const char *error = host_parse(&host, text, strlen(text));

	if (!error && !host.named)
		error = "expected a name after the dot";
	if (error)
		return reader_fail(reader, NULL, explain(text, error));
	memcpy(pattern->name, host.name, sizeof(pattern->name));
	return NULL;
}

static const char *read_prefix(struct pattern *pattern, struct reader *reader, const char *text)
{
	const char *error = prefix_parse(&pattern->prefix, text, strlen(text));
	char meant[ADDRESS_TEXT + 4], what[READER_ERROR];

	if (!error)
		return NULL;
	if (error != prefix_host_bits)
		return reader_fail(reader, NULL, explain(text, error));
	prefix_format(&pattern->prefix, meant);
	snprintf(what, sizeof(what), "%s; did you mean '%s'?", error, meant);
	return reader_fail(reader, NULL, what);
}

/* A name or a whole address. */
static const char *read_host(
    struct pattern *pattern, struct reader *reader, const char *text, const char *const *keywords)
{
	struct host host;
	const char *error = host_parse(&host, text, strlen(text));

	if (error)
		return reader_fail(reader, keywords, explain(text, error));
	if (host.named) {
		pattern->kind = PATTERN_NAME;
		memcpy(pattern->name, host.name, sizeof(pattern->name));
	} else {
		pattern->kind = PATTERN_PREFIX;
		pattern->prefix = (struct prefix){.address = host.address, .length = 128};
	}
	return NULL;
}

/* `default` belongs to routes and `any` to access: neither is a host elsewhere, unless quoted. */
static bool is_any(const struct word *word)
{
	if (strcmp(word->text, "*") == 0)
		return true;
	return !word->quoted &&
	    (strcmp(word->text, "default") == 0 || strcmp(word->text, "any") == 0);
}

static const char *read_word(struct pattern *pattern, struct reader *reader, const char *any)
{
	const char *const keywords[] = {any, "ipv4", "ipv6", NULL};
	const char *text = reader_word(reader)->text;
	char what[READER_ERROR];

	if (is_any(reader_word(reader))) {
		snprintf(what, sizeof(what), "every destination is written `%s`", any);
		return reader_fail(reader, NULL, what);
	}
	if (text[0] == '.') {
		pattern->kind = PATTERN_ZONE;
		return read_name(pattern, reader, text + 1);
	}
	if (text[0] == '*' && text[1] == '.') {
		pattern->kind = PATTERN_BELOW;
		return read_name(pattern, reader, text + 2);
	}
	if (strchr(text, '/')) {
		pattern->kind = PATTERN_PREFIX;
		return read_prefix(pattern, reader, text);
	}
	return read_host(pattern, reader, text, keywords);
}

const char *pattern_read(struct pattern *pattern, struct reader *reader, const char *any)
{
	const char *error = NULL;
	char what[READER_ERROR];

	pattern->name[0] = '\0';
	if (!reader_word(reader)) {
		snprintf(what, sizeof(what), "%s or %s", expected, any);
		return reader_fail(reader, NULL, what);
	}
	if (reader_takes(reader, any)) {
		pattern->kind = PATTERN_ANY;
		return NULL;
	}
	if (reader_takes(reader, "ipv4")) {
		pattern->kind = PATTERN_IPV4;
		return NULL;
	}
	if (reader_takes(reader, "ipv6")) {
		pattern->kind = PATTERN_IPV6;
		return NULL;
	}
	if (reader_keyword(reader)) {
		snprintf(what, sizeof(what), "%s or %s first; a name like this is quoted", expected,
		    any);
		return reader_fail(reader, NULL, what);
	}
	error = read_word(pattern, reader, any);
	if (!error)
		reader->at++;
	return error;
}

static bool is_among(const char *name, const char *const *list)
{
	while (*list && strcmp(name, *list) != 0)
		list++;
	return *list != NULL;
}

/* Then a name has to be quoted. */
static bool is_keyword(const char *name)
{
	static const char *const first[] = {"default", "any", "ipv4", "ipv6", NULL};

	return is_among(name, first) || is_among(name, reader_route_keywords);
}

char *pattern_format(const struct pattern *pattern, const char *any, char out[PATTERN_TEXT])
{
	const char *quote = is_keyword(pattern->name) ? "\"" : "";

	switch (pattern->kind) {
	case PATTERN_NAME:
		snprintf(out, PATTERN_TEXT, "%s%s%s", quote, pattern->name, quote);
		break;
	case PATTERN_BELOW:
		snprintf(out, PATTERN_TEXT, "*.%s", pattern->name);
		break;
	case PATTERN_ZONE:
		snprintf(out, PATTERN_TEXT, ".%s", pattern->name);
		break;
	case PATTERN_PREFIX:
		prefix_format(&pattern->prefix, out);
		break;
	case PATTERN_IPV4:
		snprintf(out, PATTERN_TEXT, "ipv4");
		break;
	case PATTERN_IPV6:
		snprintf(out, PATTERN_TEXT, "ipv6");
		break;
	case PATTERN_ANY:
		snprintf(out, PATTERN_TEXT, "%s", any);
		break;
	}
	return out;
}

bool pattern_is_name(enum pattern_kind kind)
{
	return kind <= PATTERN_ZONE;
}

enum destination pattern_destination(enum pattern_kind kind)
{
	static const enum destination destinations[] = {
	    [PATTERN_NAME] = DESTINATION_NAME,
	    [PATTERN_BELOW] = DESTINATION_NAME,
	    [PATTERN_ZONE] = DESTINATION_NAME,
	    [PATTERN_PREFIX] = DESTINATION_ADDRESS,
	    [PATTERN_IPV4] = DESTINATION_FAMILY,
	    [PATTERN_IPV6] = DESTINATION_FAMILY,
	    [PATTERN_ANY] = DESTINATION_ANY,
	};

	return destinations[kind];
}

/* Does `name` end in a dot and `zone`? */
static bool is_below(const char *name, const char *zone)
{
	size_t length = strlen(name), end = strlen(zone);

	return length > end && name[length - end - 1] == '.' &&
	    strcmp(name + length - end, zone) == 0;
}

bool pattern_matches_name(const struct pattern *pattern, const char *name)
{
	switch (pattern->kind) {
	case PATTERN_NAME:
		return strcmp(pattern->name, name) == 0;
	case PATTERN_BELOW:
		return is_below(name, pattern->name);
	case PATTERN_ZONE:
		return strcmp(pattern->name, name) == 0 || is_below(name, pattern->name);
	case PATTERN_ANY:
		return true;
	default:
		return false;
	}
}

bool pattern_matches_address(const struct pattern *pattern, const struct in6_addr *address)
{
	struct in6_addr ipv4;

	switch (pattern->kind) {
	case PATTERN_PREFIX:
		return prefix_covers(&pattern->prefix, address);
	case PATTERN_IPV4:
		return address_is_ipv4(address) || address_embedded_ipv4(address, &ipv4);
	case PATTERN_IPV6:
		return !address_is_ipv4(address);
	case PATTERN_ANY:
		return true;
	default:
		return false;
	}
}
