/* SPDX-License-Identifier: ISC */
/*
 * Reads resolv.conf(5).  Ours, because the file is read once, before the gateway is confined, and
 * because c-ares 1.18 can be made to read out of bounds by a malformed one (CVE-2024-25629).
 */
#include "config.h"

#include "resolver/resolv_conf.h"

#include <ares.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resolver/name.h"
#include "resolver/resolver.h"
#include "resolver/text.h"

#define FILE_BYTES_MAX 65536
#define SERVERS_MAX 8
#define SERVER_TEXT (INET6_ADDRSTRLEN + 1 + IF_NAMESIZE + 8) /* ",[address]:53%zone" */
#define SEARCH_MAX 16
#define NDOTS_MAX 15 /* as in glibc */

struct found {
	char servers[SERVERS_MAX * SERVER_TEXT];
	size_t server_count, search_count;
	char search[SEARCH_MAX][RESOLVER_NAME_LENGTH + 1];
	unsigned ndots;
};

/* A link-local server is of no use without its zone, which c-ares takes since 1.34 at the latest.
 */
static bool zone_is_usable(const struct in6_addr *address, const char *zone)
{
	static const char signs[] = "abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return zone == NULL ||
	    (ARES_VERSION >= 0x012200 && IN6_IS_ADDR_LINKLOCAL(address) && zone[0] != '\0' &&
	        strlen(zone) < IF_NAMESIZE && zone[strspn(zone, signs)] == '\0');
}

static void nameserver(struct found *found, struct resolver_text *line)
{
	char text[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE], *zone, *end;
	struct in6_addr address;
	struct resolver_text word;
	size_t length;

	if (found->server_count == SERVERS_MAX || !resolver_text_word(line, &word))
		return;
	length = (size_t)(word.end - word.at);
	if (length >= sizeof(text) || memchr(word.at, '\0', length) != NULL)
		return;
	memcpy(text, word.at, length);
	text[length] = '\0';
	zone = strchr(text, '%');
	if (zone != NULL)
		*zone++ = '\0';
	end = found->servers + strlen(found->servers);
	if (inet_pton(AF_INET, text, &address) == 1 && zone == NULL)
		snprintf(end, SERVER_TEXT, "%s%s:53", found->server_count > 0 ? "," : "", text);
	else if (inet_pton(AF_INET6, text, &address) == 1 && zone_is_usable(&address, zone))
		snprintf(end, SERVER_TEXT, "%s[%s]:53%s%s", found->server_count > 0 ? "," : "",
		    text, zone == NULL ? "" : "%", zone == NULL ? "" : zone);
	else
		return;
	found->server_count++;
}

/* The last line that names any is the one that counts; `.` alone means none. */
static void search(struct found *found, struct resolver_text *line)
{
	struct resolver_text word;

	found->search_count = 0;
	while (found->search_count < SEARCH_MAX && resolver_text_word(line, &word))
		if (resolver_name_canonical(
		        found->search[found->search_count], word.at, (size_t)(word.end - word.at)))
			found->search_count++;
}

static void options(struct found *found, struct resolver_text *line)
{
	static const char ndots[] = "ndots:";
	struct resolver_text word;

	while (resolver_text_word(line, &word)) {
		unsigned value = 0;
		const char *p = word.at + strlen(ndots);

		if (word.end <= p || memcmp(word.at, ndots, strlen(ndots)) != 0)
			continue;
		while (p < word.end && *p >= '0' && *p <= '9' && value <= NDOTS_MAX)
			value = value * 10 + (unsigned)(*p++ - '0');
		if (value > NDOTS_MAX)
			value = NDOTS_MAX;
		else if (p != word.end)
			continue;
		found->ndots = value;
	}
}

static const struct {
	const char *name;
	void (*read)(struct found *found, struct resolver_text *line);
} directives[] = {
    {"nameserver", nameserver},
    {"search", search},
    {"domain", search},
    {"options", options},
};

static void read_line(struct found *found, struct resolver_text *line)
{
	struct resolver_text word;

	if (!resolver_text_word(line, &word))
		return;
	for (size_t i = 0; i < sizeof(directives) / sizeof(directives[0]); i++)
		if (resolver_text_is(&word, directives[i].name))
			directives[i].read(found, line);
}

static char **copy_search(const struct found *found)
{
	char **list = calloc(found->search_count + 1, sizeof(*list));

	for (size_t i = 0; list != NULL && i < found->search_count; i++) {
		list[i] = strdup(found->search[i]);
		if (list[i] != NULL)
			continue;
		while (i-- > 0)
			free(list[i]);
		free(list);
		return NULL;
	}
	return list;
}

int resolver_resolv_conf_parse(
    const char *text, size_t length, char **servers, char ***search_list, unsigned *ndots)
{
	struct resolver_text rest = {text, text + length}, line;
	struct found *found = calloc(1, sizeof(*found));

	if (found == NULL)
		return -1;
	found->ndots = 1;
	while (resolver_text_line(&rest, "#;", &line))
		read_line(found, &line);
	*servers = strdup(found->server_count > 0 ? found->servers : "127.0.0.1:53");
	*search_list = copy_search(found);
	*ndots = found->ndots;
	free(found);
	if (*servers != NULL && *search_list != NULL)
		return 0;
	free(*servers);
	free(*search_list);
	return -1;
}

int resolver_read_resolv_conf(
    const char *path, char **servers, char ***search_list, unsigned *ndots)
{
	char *text;
	size_t length;
	int result;

	if (resolver_text_read(path, FILE_BYTES_MAX, &text, &length) == -1)
		return -1;
	result = resolver_resolv_conf_parse(text, length, servers, search_list, ndots);
	free(text);
	return result;
}
