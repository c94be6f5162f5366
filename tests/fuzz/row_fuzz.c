/* SPDX-License-Identifier: ISC */
/*
 * Rows, one a line: what is taken is written back as a row that is written the same again; and
 * every word that is a host is looked up.
 */
#include "config.h"

#include <stdlib.h>

#include "tests/unit/rows.h"

#define ROW_TEXT 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_lines(struct routes *routes, struct access *access, char *text)
{
	struct word words[ROWS_WORDS];
	char *line, *rest = text;
	size_t bad;

	for (unsigned number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
		size_t count = rows_split(line, words);
		const char *error =
		    routes_add(routes, words, count, (struct place){"fuzz", number}, &bad);

		if (error && (bad > count || strlen(error) == 0))
			abort();
		error = access_add(
		    access, number % 2, words, count, (struct place){"fuzz", number}, &bad);
		if (error && (bad > count || strlen(error) == 0))
			abort();
	}
}

/* Each row, read again and written again. */
static void check_texts(const struct routes *routes)
{
	struct hops *hops = rows_hops();
	struct routes *copy = routes_new("copy", hops);
	struct word words[ROWS_WORDS];
	static char before[ROW_TEXT], after[ROW_TEXT], cut[ROW_TEXT];
	size_t bad;

	for (size_t i = 0; routes_row_text(routes, i, before, sizeof(before)); i++) {
		memcpy(cut, before, sizeof(cut));
		size_t count = rows_split(cut, words);

		if (count == ROWS_WORDS)
			continue; /* more than rows_split() keeps */
		if (routes_add(copy, words, count, (struct place){"copy", 1}, &bad))
			abort();
		routes_row_text(copy, i, after, sizeof(after));
		if (strcmp(before, after) != 0)
			abort();
	}
	routes_free(copy);
	hops_free(hops);
}

static void no_candidate(void *arg, const char *row, struct place place,
    const struct in6_addr *address, const char *lost)
{
	(void)place, (void)address, (void)lost;
	*(size_t *)arg += strlen(row);
}

static void ask(const struct routes *routes, const struct access *access, const struct host *host)
{
	static const struct in6_addr addresses[] = {
	    {.s6_addr = {0x20, 0x01}}, {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 10}}};
	size_t length = 0;
	struct routes_trace trace = {.candidate = no_candidate, .arg = &length};
	struct access_verdict verdict;
	struct route route;
	bool allowed[2];
	struct query query = {.host = host, .port = 25, .addresses = addresses, .address_count = 2};

	query.resolved = routes_find(routes, &query, &route, NULL, NULL) == ROUTES_NEED_ADDRESSES;
	if (routes_find(routes, &query, &route, allowed, &trace) == ROUTES_NEED_ADDRESSES)
		abort();
	access_judge(access, &query, NULL, &verdict);
	access_judge(access, &query, &addresses[1], &verdict);
}

static void ask_all(const struct routes *routes, const struct access *access, char *text)
{
	char *word, *rest = text;
	struct host host;

	while ((word = strsep(&rest, " \n/")) != NULL) {
		word += word[0] == '*';
		word += word[0] == '.';
		if (!host_parse(&host, word, strlen(word)))
			ask(routes, access, &host);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hops *hops = rows_hops();
	struct routes *routes = routes_new("fuzz", hops);
	struct access *access = access_new();
	char *text = calloc(1, size + 1), *copy = calloc(1, size + 1);

	if (!hops || !routes || !access || !text || !copy)
		abort();
	if (size > 0) {
		memcpy(text, data, size);
		memcpy(copy, data, size);
	}
	routes_set_order(routes, (enum routes_order)(size % 3));
	add_lines(routes, access, text);
	if (routes_finish(routes) < 0)
		abort();
	check_texts(routes);
	ask_all(routes, access, copy);
	routes_free(routes);
	access_free(access);
	hops_free(hops);
	free(text);
	free(copy);
	return 0;
}
