/* SPDX-License-Identifier: ISC */
/* What a configuration says about names: the resolver. */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

#define SYSTEM_FILE "/etc/resolv.conf"
#define TIMEOUT_MAX_MS 60000

/* ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT in the form that the resolver takes; NULL: neither. */
static const char *server_text(struct arena *arena, const char *text)
{
	const char *colon = strrchr(text, ':');
	char address[ADDRESS_TEXT];
	unsigned long port = 53;
	struct in6_addr parsed;
	size_t length = strlen(text);

	if (text[0] == '[' || (colon != NULL && strchr(text, ':') == colon)) {
		if (colon == NULL || (text[0] == '[' && colon > text && colon[-1] != ']')) {
			if (text[length - 1] != ']')
				return NULL;
		} else {
			if (!value_number(colon + 1, 1, 65535, &port))
				return NULL;
			length = (size_t)(colon - text);
		}
	}
	if (text[0] == '[') {
		text++;
		length -= 2;
	}
	if (!address_parse(&parsed, text, length))
		return NULL;
	address_format(&parsed, address);
	return arena_print(arena, address_is_ipv4(&parsed) ? "%s:%lu" : "[%s]:%lu", address, port);
}

static void read_servers(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct arena *arena = r->parser->arena;
	const char *list = NULL;

	for (size_t i = 1; i < d->count; i++) {
		const char *server;

		if (value_is(&d->words[i], "via")) {
			conf_later(r, d, i);
			break;
		}
		server = server_text(arena, d->words[i].text);
		if (server == NULL)
			conf_error(r, d, i,
			    "'%s' is not a server, expected 192.0.2.1, 192.0.2.1:53 or "
			    "[2001:db8::1]:53",
			    d->words[i].text);
		else if (list == NULL)
			list = server;
		else
			list = arena_print(arena, "%s,%s", list, server);
	}
	conf->resolver.servers = list;
}

static void read_hosts(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	conf->resolver_hosts_path = value_is(&d->words[1], "off")
	    ? NULL
	    : parse_path(r->parser->arena, d->at[1], d->words[1].text);
	/* The default may be missing; what somebody has written may not. */
	if (conf->resolver_hosts_path != NULL && d->at[1].origin != NULL && !r->sealed &&
	    access(conf->resolver_hosts_path, R_OK) != 0)
		conf_error(
		    r, d, 1, "cannot read '%s': %s", conf->resolver_hosts_path, strerror(errno));
}

static void read_search(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	const char **list = arena_alloc(r->parser->arena, d->count * sizeof *list);

	for (size_t i = 1; i < d->count; i++) {
		const char *text = d->words[i].text, *wrong;
		struct host host;

		wrong = host_parse(&host, text, strlen(text));
		if (wrong == NULL && !host.named)
			wrong = "an address is not a domain";
		if (wrong != NULL)
			conf_error(r, d, i, "'%s': %s", text, wrong);
		else
			list[i - 1] = arena_string(r->parser->arena, host.name);
	}
	conf->resolver.search = list;
}

/* --- values ----------------------------------------------------------------------------------- */

static const char *read_timeout(const struct word *word, void *field)
{
	int64_t ms;
	const char *wrong = value_duration(word, &ms);

	if (wrong == NULL && ms > TIMEOUT_MAX_MS)
		wrong = "is too long for one try, expected at most 1m";
	if (wrong == NULL)
		*(int *)field = (int)ms;
	return wrong;
}

static const char *read_tries(const struct word *word, void *field)
{
	unsigned long number;

	if (!value_number(word->text, 1, 10, &number))
		return "is not a number of tries, expected 1 to 10";
	*(int *)field = (int)number;
	return NULL;
}

/* resolv.conf(5) has a use for 0: never search first. */
static const char *read_ndots(const struct word *word, void *field)
{
	unsigned long number;

	if (!value_number(word->text, 0, 15, &number))
		return "is not a number of dots, expected 0 to 15";
	*(unsigned *)field = (unsigned)number;
	return NULL;
}

static const char *read_cache(const struct word *word, void *field)
{
	unsigned names = 0;
	const char *wrong = value_count_or_off(word, &names);

	if (wrong == NULL)
		*(size_t *)field = names;
	return wrong;
}

static const char *const families[] = {[RESOLVER_ANY] = "any",
    [RESOLVER_IPV4] = "ipv4",
    [RESOLVER_IPV6] = "ipv6",
    [RESOLVER_PREFER_IPV4] = "prefer-ipv4",
    [RESOLVER_PREFER_IPV6] = "prefer-ipv6",
    NULL};

#define FIELD(field) offsetof(struct conf, resolver.field)

const struct rule conf_resolver_rules[] = {{.name = "servers",
                                               .usage = "ADDRESS[:PORT] …",
                                               .min = 1,
                                               .max = RULE_MANY,
                                               .read = read_servers},
    {.name = "hosts",
        .usage = "PATH | off",
        .path = 1,
        .min = 1,
        .max = 1,
        .read = read_hosts,
        .standard = "/etc/hosts"},
    {.name = "search", .usage = "DOMAIN …", .min = 1, .max = RULE_MANY, .read = read_search},
    {.name = "ndots",
        .usage = "NUMBER",
        .min = 1,
        .max = 1,
        .value = read_ndots,
        .offset = FIELD(ndots)},
    {.name = "timeout",
        .usage = "DURATION",
        .min = 1,
        .max = 1,
        .value = read_timeout,
        .offset = FIELD(timeout_ms),
        .standard = "2s"},
    {.name = "tries",
        .usage = "NUMBER",
        .min = 1,
        .max = 1,
        .value = read_tries,
        .offset = FIELD(tries),
        .standard = "2"},
    {.name = "cache",
        .usage = "NUMBER | off",
        .min = 1,
        .max = 1,
        .value = read_cache,
        .offset = FIELD(cache_max),
        .standard = "100000"},
    {.name = "min-ttl",
        .usage = "DURATION | off",
        .min = 1,
        .max = 1,
        .value = value_duration_or_off,
        .offset = FIELD(min_ttl_ms),
        .standard = "5s"},
    {.name = "max-ttl",
        .usage = "DURATION",
        .min = 1,
        .max = 1,
        .value = value_duration,
        .offset = FIELD(max_ttl_ms),
        .standard = "1h"},
    {.name = "negative-ttl",
        .usage = "DURATION | off",
        .min = 1,
        .max = 1,
        .value = value_duration_or_off,
        .offset = FIELD(negative_ttl_ms),
        .standard = "30s"},
    {.name = "family",
        .usage = "any | ipv4 | ipv6 | prefer-ipv4 | prefer-ipv6",
        .min = 1,
        .max = 1,
        .choices = families,
        .offset = FIELD(family),
        .standard = "any"},
    {.name = "nat64", .flags = RULE_LATER}, {.name = "zone", .flags = RULE_LATER}, {0}};

/* A list that the resolver library has allocated, as the configuration's own. */
static const char *const *take_list(struct arena *arena, char **list)
{
	const char **own = NULL;
	size_t count = 0;

	for (char **s = list; s != NULL && *s != NULL; s++) {
		own = arena_push(arena, own, &count, sizeof *own);
		own[count - 1] = arena_string(arena, *s);
		free(*s);
	}
	free(list);
	return arena_push(arena, own, &count, sizeof *own);
}

/* Without `servers` the system's are asked, and its search list and ndots go with them. */
static void read_system(struct reader *r, const struct directive *block, struct conf *conf)
{
	struct arena *arena = r->parser->arena;
	char *servers, **search;
	const char *const *list;
	unsigned ndots;

	conf->resolver_system = true;
	conf->resolver.servers = "127.0.0.1:53";
	if (r->sealed)
		return;
	if (resolver_read_resolv_conf(SYSTEM_FILE, &servers, &search, &ndots) != 0) {
		complain(r->complaints, SEVERITY_WARNING, block->at[0],
		    "cannot read " SYSTEM_FILE ": %s; 127.0.0.1:53 will be asked", strerror(errno));
		return;
	}
	conf->resolver.servers = arena_string(arena, servers);
	free(servers);
	list = take_list(arena, search);
	if (conf->resolver.search == NULL)
		conf->resolver.search = list;
	if (schema_given(block->children, "ndots") == NULL)
		conf->resolver.ndots = ndots;
}

void conf_read_resolver(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	if (d->count > 1) {
		conf_error(r, d, 1, "a named 'resolver' is not in this version of hopgate");
		return;
	}
	conf->resolver.ndots = 1;
	schema_read(r, conf_resolver_rules, d->children, conf);
	if (conf->resolver.servers == NULL)
		read_system(r, d, conf);
}
