/* SPDX-License-Identifier: ISC */
/* What a configuration says about listeners: `listen NAME { … }`, and who may use them. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

#define COMMANDS_BUILT (1u << COMMAND_CONNECT | 1u << COMMAND_HTTP)

static void read_protocols(struct reader *r, const struct directive *d, void *object)
{
	struct listener *listener = object;
	const char *names[PROTOCOL_COUNT + 1] = {NULL};

	for (int i = 0; i < PROTOCOL_COUNT; i++)
		names[i] = protocol_name((enum protocol)i);
	for (size_t i = 1; i < d->count; i++) {
		int protocol = schema_choose(r->complaints, d, i, names);

		if (protocol >= 0)
			listener->protocols |= 1u << protocol;
	}
}

static void read_commands(struct reader *r, const struct directive *d, void *object)
{
	struct listener *listener = object;
	const char *names[COMMAND_COUNT + 1] = {NULL};

	for (int i = 0; i < COMMAND_COUNT; i++)
		names[i] = command_name((enum command)i);
	for (size_t i = 1; i < d->count; i++) {
		int command = schema_choose(r->complaints, d, i, names);

		if (command < 0)
			continue;
		if (!(COMMANDS_BUILT & 1u << command))
			conf_later(r, d, i);
		listener->commands |= 1u << command;
	}
}

static void read_clients(struct reader *r, const struct directive *d, void *object)
{
	struct listener *listener = object;

	for (size_t i = 1; i < d->count; i++) {
		struct client_rule rule = {.allow = strcmp(d->words[0].text, "allow") == 0};
		const char *text = d->words[i].text, *wrong = NULL;

		if (value_is(&d->words[i], "all"))
			rule.addresses = rule.unix_clients = true;
		else if (value_is(&d->words[i], "unix"))
			rule.unix_clients = true;
		else
			wrong = prefix_parse(&rule.prefix, text, strlen(text));
		rule.addresses |= !rule.unix_clients;
		if (wrong != NULL) {
			conf_error(r, d, i,
			    "'%s': %s; expected 10.0.0.0/8, an address, all or unix", text, wrong);
			continue;
		}
		listener->rules = arena_push(r->parser->arena, listener->rules,
		    &listener->rule_count, sizeof *listener->rules);
		listener->rules[listener->rule_count - 1] = rule;
	}
}

static void read_routes(struct reader *r, const struct directive *d, void *object)
{
	struct listener *listener = object;

	listener->routes = conf_table(r, d->words[1].text);
	if (listener->routes == NULL || d->words[1].text[0] == '\0')
		conf_missing(r, &d->words[1], d->at[1], "routes");
}

#define LATER(word) \
	{ \
		.name = word, .flags = RULE_LATER \
	}

const struct rule conf_listen_rules[] = {{.name = "address",
                                             .usage = "ADDRESS …",
                                             .min = 1,
                                             .max = RULE_MANY,
                                             .flags = RULE_LIST | RULE_MAY_BLOCK,
                                             .read = conf_read_address,
                                             .block = conf_address_rules},
    {.name = "protocols",
        .usage = "socks4 | socks5 | http …",
        .min = 1,
        .max = RULE_MANY,
        .read = read_protocols,
        .standard = "socks4 socks5 http"},
    {.name = "auth",
        .usage = "NAME[+NAME …] | none …",
        .min = 1,
        .max = RULE_MANY,
        .read = conf_read_gate},
    {.name = "allow",
        .usage = "PREFIX | ADDRESS | all | unix …",
        .min = 1,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .read = read_clients},
    {.name = "deny",
        .usage = "PREFIX | ADDRESS | all | unix …",
        .min = 1,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .read = read_clients},
    {.name = "commands",
        .usage = "connect | bind | udp | http | resolve …",
        .min = 1,
        .max = RULE_MANY,
        .read = read_commands,
        .standard = "connect http"},
    {.name = "routes", .usage = "NAME", .min = 1, .max = 1, .read = read_routes},
    {.name = "timeouts",
        .flags = RULE_BLOCK | RULE_INHERITS,
        .block = conf_timeouts_rules,
        .offset = offsetof(struct listener, timeouts)},
    {.name = "limits",
        .flags = RULE_BLOCK | RULE_INHERITS,
        .block = conf_listen_limits_rules,
        .offset = offsetof(struct listener, limits)},
    {.name = "socket",
        .flags = RULE_BLOCK | RULE_INHERITS,
        .block = conf_socket_rules,
        .offset = offsetof(struct listener, keepalive)},
    {.name = "http",
        .flags = RULE_BLOCK,
        .block = conf_http_rules,
        .offset = offsetof(struct listener, http)},
    LATER("tls"), LATER("proxy-protocol"), LATER("bind"), LATER("udp"), LATER("forward"),
    LATER("exec"), LATER("transparent"), LATER("serve"), LATER("wrap"), LATER("unwrap"),
    LATER("http-header"), LATER("capture"), LATER("access-program"), LATER("on-end"),
    LATER("status-dir"), LATER("resolver"), LATER("log"), {0}};

/* --- an open proxy by accident ---------------------------------------------------------------- */

static bool is_loopback(const struct in6_addr *address)
{
	static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;

	if (address_is_ipv4(address))
		return address->s6_addr[12] == 127;
	return memcmp(address, &loopback, sizeof loopback) == 0;
}

/* Can another machine reach it?  What an inherited descriptor is bound to is not known yet. */
static bool is_reachable(const struct listener *listener)
{
	for (size_t i = 0; i < listener->address_count; i++) {
		const struct listen_address *a = &listener->addresses[i];

		if (a->kind == ADDRESS_FD ||
		    (a->kind == ADDRESS_INTERFACE && strcmp(a->interface, "lo") != 0))
			return true;
		for (size_t j = 0; j < a->endpoint_count; j++)
			if (!is_loopback(&a->endpoints[j].address))
				return true;
	}
	return false;
}

/* A prefix of no bits, of IPv6 or of IPv4. */
static bool is_everything(const struct client_rule *rule)
{
	return rule->addresses &&
	    (rule->prefix.length == 0 ||
	        (rule->prefix.length == 96 && address_is_ipv4(&rule->prefix.address)));
}

static bool is_narrow(const struct listener *listener)
{
	bool allows = false;

	for (size_t i = 0; i < listener->rule_count; i++) {
		if (!listener->rules[i].allow)
			continue;
		if (is_everything(&listener->rules[i]))
			return false;
		allows = true;
	}
	return allows;
}

/* Does a word other than `none` take whoever comes? */
static bool takes_everybody(const struct identity_choice *choice)
{
	for (size_t i = 0; i < choice->part_count; i++) {
		const struct identity_block *block = choice->parts[i];
		bool open = block->kind == IDENTITY_IDENT && !block->required;

		for (size_t j = 0; block->kind == IDENTITY_SOURCE && j < block->prefix_count; j++)
			open |= is_everything(
			    &(struct client_rule){.addresses = true, .prefix = block->prefixes[j]});
		if (!open)
			return false;
	}
	return choice->part_count > 0;
}

/* The index of the first such word, where nobody says `none` out loud; 0: there is none. */
static size_t open_choice(const struct directive *auth, const struct listener *listener)
{
	size_t found = 0;

	for (size_t i = 0; i < listener->auth.choice_count; i++) {
		if (listener->auth.choices[i].part_count == 0)
			return 0;
		if (found == 0 && takes_everybody(&listener->auth.choices[i]))
			found = i + 1;
	}
	return auth->count == listener->auth.choice_count + 1 ? found : 0;
}

static void guard(struct reader *r, const struct directive *d, const struct listener *listener)
{
	const struct directive *auth = schema_given(d->children, "auth");
	size_t open = auth != NULL ? open_choice(auth, listener) : 0;

	if (!is_reachable(listener) || is_narrow(listener))
		return;
	if (open > 0)
		conf_error(r, auth, open,
		    "others can reach this listener and '%s' lets everybody in, "
		    "expected 'none' beside it to have an open proxy",
		    auth->words[open].text);
	else if (auth == NULL)
		conf_error(r, d, 1,
		    "others can reach this listener and nobody has to log in, "
		    "expected %s to have an open proxy",
		    d->at[1].line > 0 ? "'auth NAME', 'allow PREFIX', or 'auth none'"
		                      : "--users FILE, --allow CIDR, or --auth none");
}

/* TLS comes later: till then a password is as safe as the network that it crosses. */
static void remind(struct reader *r, const struct directive *d, const struct listener *listener)
{
	if (identity_takes_password(&listener->auth) && is_reachable(listener) && d->at[1].line > 0)
		complain(r->complaints, SEVERITY_NOTE, d->at[1],
		    "passwords reach '%s' unencrypted: whoever sees the traffic can read them",
		    listener->name);
}

void conf_read_listen(struct reader *r, const struct directive *d, void *object)
{
	struct conf *conf = object;
	struct listener listener = {.name = d->words[1].text,
	    .place = conf_place(d->at[0]),
	    .timeouts = conf->timeouts,
	    .limits = conf->limits,
	    .keepalive = conf->keepalive};

	if (!conf_name(r, d) || conf_taken(r, d))
		return;
	if (conf->table_count > 0)
		listener.routes = conf_make_table(r, "");
	schema_read(r, conf_listen_rules, d->children, &listener);
	if (schema_lacks(d->children, "address"))
		conf_error(r, d, 0, "'listen' needs an address, expected: address 1080");
	guard(r, d, &listener);
	remind(r, d, &listener);
	conf->listeners = arena_push(
	    r->parser->arena, conf->listeners, &conf->listener_count, sizeof *conf->listeners);
	conf->listeners[conf->listener_count - 1] = listener;
}

/* --- who may use it --------------------------------------------------------------------------- */

/* An `allow` means the address as it is; a `deny` also means it inside another. */
static bool holds(const struct client_rule *rule, const struct in6_addr *client)
{
	if (client == NULL)
		return rule->unix_clients;
	if (!rule->addresses)
		return false;
	return rule->unix_clients || prefix_contains(&rule->prefix, client) ||
	    (!rule->allow && prefix_covers(&rule->prefix, client));
}

/* `all` is less than `unix`, and than any prefix. */
static unsigned rank(const struct client_rule *rule)
{
	return rule->addresses && rule->unix_clients ? 0 : 1 + rule->prefix.length;
}

bool listener_allows(const struct listener *listener, const struct in6_addr *client)
{
	const struct client_rule *best = NULL;
	bool others = true; /* allowed, unless somebody is by name */

	for (size_t i = 0; i < listener->rule_count; i++) {
		const struct client_rule *rule = &listener->rules[i];

		others &= !rule->allow;
		if (holds(rule, client) &&
		    (best == NULL || rank(rule) > rank(best) ||
		        (rank(rule) == rank(best) && !rule->allow)))
			best = rule;
	}
	return best != NULL ? best->allow : others;
}
