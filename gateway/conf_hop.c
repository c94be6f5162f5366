/* SPDX-License-Identifier: ISC */
/* What a configuration says about hops and chains: `hop NAME { … }`, `chain NAME HOP …`. */
#include "config.h"

#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/conf_ways.h"
#include "gateway/secret.h"
#include "gateway/value.h"

/* A hop while its block is read; the values of the table know only its first member. */
struct hop_block {
	struct hop hop;
	const struct directive *uri, *user, *password, *name_resolution, *via;
};

static const char out_of_memory[] = "needs more memory than there is";

/* --- values, in blocks and in the query of a URI ---------------------------------------------- */

static const char *keep(char **field, const char *text)
{
	free(*field);
	*field = strdup(text);
	return *field != NULL ? NULL : out_of_memory;
}

static const char *value_user(const struct word *word, void *field)
{
	struct hop *hop = field;

	if (hop->user != NULL)
		return "is a second user, the URI names one";
	if (word->text[0] == '\0' || strlen(word->text) > SECRET_MAX)
		return "is not a user name, expected 1 to 255 bytes";
	if (hop->protocol == HOP_HTTP && strchr(word->text, ':') != NULL)
		return "cannot log in over HTTP: the name holds a colon"; /* RFC 7617, 2 */
	return keep(&hop->user, word->text);
}

static const char *value_password_file(const struct word *word, void *field)
{
	struct hop *hop = field;
	char *password;
	const char *wrong;

	if (hop->password != NULL)
		return "is a second password, the URI has one";
	wrong = secret_read(word->text, &password);
	if (wrong == NULL)
		hop->password = password;
	return wrong;
}

static const char *value_name_resolution(const struct word *word, void *field)
{
	struct hop *hop = field;

	if (!value_is(word, "remote") && !value_is(word, "local"))
		return "is unknown here, expected remote or local";
	if (hop->protocol == HOP_SOCKS4 && value_is(word, "remote"))
		return "cannot be: SOCKS4 has no names, use socks4a";
	hop->resolve_local = value_is(word, "local");
	return NULL;
}

static const char *value_mark(const struct word *word, void *field)
{
	struct hop *hop = field;
	char *end;
	unsigned long mark;

	if (word->text[0] < '0' || word->text[0] > '9')
		return "is not a mark, expected 1 to 4294967295 or 0x1 to 0xffffffff";
	mark = strtoul(word->text, &end, strncmp(word->text, "0x", 2) == 0 ? 16 : 10);
	if (*end != '\0' || mark == 0 || mark > UINT32_MAX)
		return "is not a mark, expected 1 to 4294967295 or 0x1 to 0xffffffff";
	hop->mark = (uint32_t)mark;
	return NULL;
}

static const char *const families[] = {[FAMILY_ANY] = "any",
    [FAMILY_IPV4] = "ipv4",
    [FAMILY_IPV6] = "ipv6",
    [FAMILY_PREFER_IPV4] = "prefer-ipv4",
    [FAMILY_PREFER_IPV6] = "prefer-ipv6",
    NULL};

static const char *value_family(const struct word *word, void *field)
{
	struct hop *hop = field;

	for (int i = 0; families[i] != NULL; i++)
		if (value_is(word, families[i])) {
			hop->family = (enum family)i;
			return NULL;
		}
	return "is not a family, expected any, ipv4, ipv6, prefer-ipv4 or prefer-ipv6";
}

static const char *value_interface(const struct word *word, void *field)
{
	struct hop *hop = field;

	if (word->text[0] == '\0' || strlen(word->text) >= IF_NAMESIZE)
		return "is not the name of an interface, expected 1 to 15 bytes";
	return keep(&hop->interface, word->text);
}

/* 192.0.2.1, 192.0.2.1-192.0.2.9, %eth0 or listener. */
static const char *read_source(const struct word *word, struct source *source)
{
	static const char wrong[] =
	    "is not a source, expected an address, a range A-B, %interface or listener";
	const char *text = word->text, *dash = strchr(text, '-');

	if (value_is(word, "listener")) {
		source->kind = SOURCE_LISTENER;
		return NULL;
	}
	if (text[0] == '%') {
		if (text[1] == '\0' || strlen(text + 1) >= sizeof source->interface)
			return wrong;
		source->kind = SOURCE_INTERFACE;
		strcpy(source->interface, text + 1);
		return NULL;
	}
	source->kind = dash != NULL ? SOURCE_RANGE : SOURCE_ADDRESS;
	if (!address_parse(
	        &source->first, text, dash != NULL ? (size_t)(dash - text) : strlen(text)))
		return wrong;
	if (dash == NULL)
		return NULL;
	if (!address_parse(&source->last, dash + 1, strlen(dash + 1)))
		return wrong;
	if (address_is_ipv4(&source->first) != address_is_ipv4(&source->last) ||
	    memcmp(&source->first, &source->last, sizeof source->first) > 0)
		return "is not a range, expected the lower address first and one family";
	return NULL;
}

static const char *value_source(const struct word *word, void *field)
{
	struct hop *hop = field;
	struct source source = {0}, *grown;
	const char *wrong = read_source(word, &source);

	if (wrong != NULL)
		return wrong;
	grown = reallocarray(hop->sources, hop->source_count + 1, sizeof *grown);
	if (grown == NULL)
		return out_of_memory;
	hop->sources = grown;
	hop->sources[hop->source_count++] = source;
	return NULL;
}

/* --- the block -------------------------------------------------------------------------------- */

/* A URI's text is never repeated: it may hold a password. */
static void read_uri(struct reader *r, const struct directive *d, void *object)
{
	struct hop_block *block = object;
	const char *wrong;

	block->uri = d;
	conf_uri_hidden(r, &d->words[1], d->at[1]);
	wrong = hop_parse_uri(
	    &block->hop, d->words[1].text, r->sealed ? conf_hop_query_sealed : conf_hop_query);
	if (wrong != NULL) {
		conf_error(r, d, 1, "%s", wrong);
		block->uri = NULL;
	}
}

static void read_value(struct reader *r, const struct directive *d, struct hop *hop)
{
	const char *wrong = d->rule->value(&d->words[1], hop);

	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", d->words[1].text, wrong);
}

static void read_user(struct reader *r, const struct directive *d, void *object)
{
	struct hop_block *block = object;

	block->user = d;
	if (block->hop.password != NULL)
		conf_error(r, d, 1, "a URI with a password does not stand beside 'user'");
	else
		read_value(r, d, &block->hop);
}

static void read_password_file(struct reader *r, const struct directive *d, void *object)
{
	struct hop_block *block = object;
	struct word path = d->words[1];
	const char *wrong;

	block->password = d;
	if (strncmp(path.text, SECRET_CREDENTIAL, strlen(SECRET_CREDENTIAL)) != 0)
		path.text = parse_path(r->parser->arena, d->at[1], path.text);
	if (r->sealed)
		return;
	wrong = value_password_file(&path, &block->hop);
	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", path.text, wrong);
	else if (secret_is_open(path.text))
		complain(r->complaints, SEVERITY_WARNING, d->at[1],
		    "everybody can read '%s', expected mode 0600", path.text);
}

static void read_name_resolution(struct reader *r, const struct directive *d, void *object)
{
	struct hop_block *block = object;

	block->name_resolution = d;
	read_value(r, d, &block->hop);
}

static void read_via(struct reader *r, const struct directive *d, void *object)
{
	struct hop_block *block = object;

	block->via = d;
	for (size_t i = 1; i < d->count; i++)
		conf_uri_hidden(r, &d->words[i], d->at[i]);
}

static const struct rule timeouts_rules[] = {{.name = "connect",
                                                 .usage = "DURATION",
                                                 .min = 1,
                                                 .max = 1,
                                                 .value = value_duration,
                                                 .offset = offsetof(struct hop, connect_ms)},
    {0}};

/* The URI comes first: others depend on its protocol. */
const struct rule conf_hop_rules[] = {
    {.name = "uri", .usage = "URI", .min = 1, .max = 1, .read = read_uri},
    {.name = "user",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .phase = 1,
        .value = value_user,
        .read = read_user},
    {.name = "password-file",
        .usage = "PATH | credential:NAME",
        .path = 1,
        .min = 1,
        .max = 1,
        .phase = 1,
        .value = value_password_file,
        .read = read_password_file},
    {.name = "name-resolution",
        .usage = "remote | local",
        .min = 1,
        .max = 1,
        .phase = 1,
        .value = value_name_resolution,
        .read = read_name_resolution},
    {.name = "family",
        .usage = "any | ipv4 | ipv6 | prefer-ipv4 | prefer-ipv6",
        .min = 1,
        .max = 1,
        .phase = 1,
        .value = value_family},
    {.name = "mark", .usage = "NUMBER", .min = 1, .max = 1, .phase = 1, .value = value_mark},
    {.name = "source",
        .usage = "ADDRESS | A-B | %INTERFACE | listener …",
        .min = 1,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .phase = 1,
        .value = value_source},
    {.name = "interface",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .phase = 1,
        .value = value_interface},
    {.name = "timeouts", .flags = RULE_BLOCK | RULE_INHERITS, .phase = 1, .block = timeouts_rules},
    {.name = "socket",
        .flags = RULE_BLOCK | RULE_INHERITS,
        .phase = 1,
        .block = conf_socket_rules,
        .offset = offsetof(struct hop, keepalive)},
    {.name = "via", .usage = "HOP …", .min = 1, .max = RULE_MANY, .phase = 1, .read = read_via},
    {.name = "tls", .flags = RULE_LATER}, {.name = "resolver", .flags = RULE_LATER},
    {.name = "proxy-protocol", .flags = RULE_LATER}, {.name = "pipeline", .flags = RULE_LATER},
    {.name = "warm", .flags = RULE_LATER}, {.name = "limits", .flags = RULE_LATER},
    {.name = "log", .flags = RULE_LATER}, {.name = "health", .flags = RULE_LATER}, {0}};

/* --- queries of URIs -------------------------------------------------------------------------- */

const char *conf_hop_query(struct hop *hop, const char *name, const char *value)
{
	static _Thread_local char text[256];
	const struct rule *rule = schema_find(conf_hop_rules, name);
	struct guess guess = {.word = name};
	char hint[GUESS_TEXT];
	const char *wrong;

	if (rule != NULL && rule->value != NULL) {
		wrong = rule->value(&(struct word){value, false}, hop);
		if (wrong == NULL)
			return NULL;
		snprintf(text, sizeof text, "in the query, %s '%s' %s", rule->name, value, wrong);
	} else if (rule != NULL && (rule->flags & RULE_LATER)) {
		snprintf(text, sizeof text, "'%s' is not in this version of hopgate", rule->name);
	} else {
		for (rule = conf_hop_rules; rule->name != NULL; rule++)
			if (rule->value != NULL)
				guess_try(&guess, rule->name);
		snprintf(text, sizeof text, "'%s' is no directive for a query%s", name,
		    guess_text(&guess, hint));
	}
	return text;
}

const char *conf_hop_query_sealed(struct hop *hop, const char *name, const char *value)
{
	if (strcmp(name, "password-file") == 0)
		return "no file is read here";
	return conf_hop_query(hop, name, value);
}

/* --- hops and chains -------------------------------------------------------------------------- */

bool conf_uri_hidden(struct reader *r, const struct word *word, struct position at)
{
	const char *seen = NULL;

	if (at.origin == NULL || !secret_in_uri(word->text))
		return true;
	if (at.origin->argv)
		seen = "on a command line";
	else if (at.origin->others_read)
		seen = "in a file that everybody can read";
	if (seen != NULL)
		complain(r->complaints, SEVERITY_ERROR, at,
		    "a password %s is no secret, expected ?password-file=PATH in the URI%s", seen,
		    at.origin->argv ? "" : ", or mode 0600");
	return seen == NULL;
}

/* What is said must have a meaning for a hop of that kind. */
static void check_block(struct reader *r, const struct hop_block *block)
{
	const struct hop *hop = &block->hop;
	const struct directive *login = block->user != NULL ? block->user : block->password;

	if (block->uri == NULL)
		return;
	if (hop->protocol == HOP_DIRECT && login != NULL)
		conf_error(r, login, 0, "a 'direct:' hop has nobody to log in to");
	else if (block->password != NULL && hop->user == NULL)
		conf_error(r, block->password, 0, "a password needs a user, expected: user NAME");
	else if (block->password != NULL &&
	    (hop->protocol == HOP_SOCKS4 || hop->protocol == HOP_SOCKS4A))
		conf_error(r, block->password, 0, "SOCKS4 has a user, but no password");
	if (hop->protocol == HOP_DIRECT && block->name_resolution != NULL)
		conf_error(
		    r, block->name_resolution, 0, "a 'direct:' hop always resolves names here");
	if (hop->protocol == HOP_DIRECT && block->via != NULL)
		conf_error(r, block->via, 0, "a 'direct:' hop has nothing before it");
}

/* Only what is good is defined: what leads there is not wrong as well. */
static void define(struct reader *r, const struct directive *d, const char *wrong)
{
	if (wrong == NULL)
		conf_way(r, d->words[1].text)->defined = true;
	else if (!conf_taken(r, d))
		conf_error(r, d, 1, "%s", wrong);
}

void conf_read_hop(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct hop_block block = {0};
	unsigned errors = r->complaints->total[SEVERITY_ERROR];
	const struct directive *via;

	if (!conf_name(r, d))
		return;
	schema_read(r, conf_hop_rules, d->children, &block);
	check_block(r, &block);
	via = block.via;
	if (schema_lacks(d->children, "uri"))
		conf_error(r, d, 0, "'hop' needs a URI, expected: uri socks5://HOST:PORT");
	else if (r->complaints->total[SEVERITY_ERROR] == errors && block.uri != NULL)
		define(r, d,
		    hops_add(conf->hops, d->words[1].text, &block.hop,
		        via != NULL ? conf_words(r, via, 1) : NULL,
		        via != NULL ? via->count - 1 : 0));
	hop_clear(&block.hop);
}

void conf_read_chain(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;

	if (!conf_name(r, d))
		return;
	for (size_t i = 2; i < d->count; i++)
		conf_uri_hidden(r, &d->words[i], d->at[i]);
	define(
	    r, d, hops_add_chain(conf->hops, d->words[1].text, conf_words(r, d, 2), d->count - 2));
}
