/* SPDX-License-Identifier: ISC */
/*
 * Figures of the routing table: routes_bench [ROWS [LOOKUPS]] loads half names, half prefixes and
 * asks for random keys, half of which no row but `default` knows.  Prints one line of key=value.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "routes/routes.h"

#define KEYS 65536 /* hosts that are asked for in turn; made before, so that it is not measured */

static uint64_t seed = 1;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * UINT64_C(0x2545f4914f6cdd1d);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* The name or prefix of row i; `hit` false: one like it that is in no row. */
static void write_key(char *out, size_t size, unsigned i, bool prefix, bool hit)
{
	static const char *const domains[] = {"com", "net", "org", "de", "co.uk", "example"};
	uint64_t value = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	unsigned length;

	value ^= value >> 29;
	if (!prefix) {
		snprintf(out, size, "%s%x%s.%s", i % 3 ? "www.host" : "h",
		    (unsigned)(value & 0xffffff) | i << 24, hit ? "" : "x",
		    domains[value >> 32 & 3]);
	} else if (i % 4 < 2) {
		length = 16 + (unsigned)(value >> 40) % 17;
		value &= UINT64_MAX << (32 - length);
		snprintf(out, size, "%u.%u.%u.%u/%u", hit ? (unsigned)(value >> 24 & 127) : 240,
		    (unsigned)(value >> 16 & 255), (unsigned)(value >> 8 & 255),
		    (unsigned)(value & 255), length);
	} else {
		length = 32 + (unsigned)(value >> 40) % 33;
		value = (hit ? UINT64_C(0x2001) : UINT64_C(0x3ffe)) << 48 | value >> 16;
		value &= UINT64_MAX << (64 - length);
		snprintf(out, size, "%x:%x:%x:%x::/%u", (unsigned)(value >> 48),
		    (unsigned)(value >> 32 & 65535), (unsigned)(value >> 16 & 65535),
		    (unsigned)(value & 65535), length);
	}
}

static void add(struct routes *routes, char *line, unsigned number)
{
	struct word words[8];
	size_t count = 0, bad;
	const char *error;

	for (char *at = strtok(line, " "); at; at = strtok(NULL, " "))
		words[count++] = (struct word){.text = at};
	error = routes_add(routes, words, count, (struct place){"bench", number}, &bad);
	if (error) {
		fprintf(stderr, "routes_bench: row %u, word %zu: %s\n", number, bad, error);
		exit(1);
	}
}

static struct routes *load(struct hops *hops, unsigned rows)
{
	static const char *const next[] = {"direct", "via office dmz", "ports 443 via office",
	    "reject", "via socks5://192.0.2.1:1080"};
	struct routes *routes = routes_new("bench", hops);
	char line[256];

	for (unsigned i = 0; i < rows; i++) {
		line[0] = '.';
		write_key(line + (i % 2 == 0), 128, i, i % 2, true);
		size_t end = strlen(line);

		snprintf(line + end, sizeof(line) - end, " %s", next[i % 5]);
		add(routes, line, i + 1);
	}
	snprintf(line, sizeof(line), "default via dmz");
	add(routes, line, rows + 1);
	if (routes_finish(routes) < 0)
		exit(1);
	return routes;
}

static void make_keys(struct host *keys, unsigned rows)
{
	for (size_t i = 0; i < KEYS; i++) {
		unsigned row = (unsigned)(next_random() % rows);
		char text[128];

		write_key(text, sizeof(text), row, row % 2, next_random() & 1 << 20);
		text[strcspn(text, "/")] = '\0';
		if (host_parse(&keys[i], text, strlen(text)))
			exit(1);
	}
}

static double look_up(const struct routes *routes, const struct host *keys, unsigned lookups)
{
	static const struct in6_addr from;
	struct query query = {.port = 443, .from = &from, .listener = "main", .resolved = true};
	struct route route;
	double start = now();

	for (unsigned i = 0; i < lookups; i++) {
		query.host = &keys[i % KEYS];
		if (routes_find(routes, &query, &route, NULL, NULL) != ROUTES_FOUND)
			exit(1);
	}
	return (now() - start) / lookups * 1e9;
}

static void name_hops(struct hops *hops)
{
	static const char *const names[] = {"office", "dmz"};

	for (size_t i = 0; i < 2; i++) {
		struct hop hop;
		const char *error = hop_parse_uri(&hop, "socks5://192.0.2.9:1080", NULL);

		if (error || hops_add(hops, names[i], &hop, NULL, 0))
			exit(1);
	}
}

int main(int argc, char **argv)
{
	unsigned rows = argc > 1 ? (unsigned)atoi(argv[1]) : 1000000;
	unsigned lookups = argc > 2 ? (unsigned)atoi(argv[2]) : 5000000;
	struct host *keys = malloc(KEYS * sizeof(*keys));
	struct hops *hops = hops_new();
	double start, loaded, before, after;
	struct rusage usage;
	struct routes *routes;

	if (!keys || !hops || rows == 0 || lookups == 0)
		return 2;
	make_keys(keys, rows);
	name_hops(hops);
	before = resident_mib();
	start = now();
	routes = load(hops, rows);
	loaded = now() - start;
	after = resident_mib();
	getrusage(RUSAGE_SELF, &usage);
	printf("rows=%zu load_s=%.3f rss_mib=%.1f peak_mib=%.1f ", routes_count(routes), loaded,
	    after - before, (double)usage.ru_maxrss / 1024 - before);
	printf("lookup_ns=%.0f\n", look_up(routes, keys, lookups));
	routes_free(routes);
	hops_free(hops);
	free(keys);
	return 0;
}
