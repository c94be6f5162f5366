/* SPDX-License-Identifier: ISC */
/* The configuration as a whole: where it comes from, its top level, the order of its reading. */
#include "config.h"

#include "gateway/conf.h"

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/conf_ways.h"
#include "gateway/value.h"

#define DEFAULT_FILE SYSCONFDIR "/hopgate/hopgate.conf"

#define LATER(word) \
	{ \
		.name = word, .flags = RULE_LATER | RULE_LIST \
	}

const struct rule conf_rules[] = {{.name = "workers",
                                      .usage = "auto | NUMBER",
                                      .min = 1,
                                      .max = 1,
                                      .read = conf_read_workers,
                                      .standard = "auto"},
    {.name = "run-as", .usage = "USER [GROUP]", .min = 1, .max = 2, .read = conf_read_run_as},
    {.name = "chroot", .usage = "DIRECTORY", .min = 1, .max = 1, .read = conf_read_chroot},
    {.name = "pid-file",
        .usage = "PATH",
        .path = 1,
        .min = 1,
        .max = 1,
        .read = conf_read_pid_file},
    {.name = "quota-file",
        .usage = "PATH",
        .path = 1,
        .min = 1,
        .max = 1,
        .read = conf_read_quota_file},
    {.name = "log",
        .usage = "stderr | stdout | syslog [FACILITY] | file PATH [LEVEL]",
        .path = 2,
        .min = 1,
        .max = 3,
        .flags = RULE_LIST,
        .read = conf_read_log,
        .standard = "stderr info"},
    {.name = "access-log",
        .usage = "off | stderr [FORMAT] | file PATH [FORMAT]",
        .path = 2,
        .min = 1,
        .max = 3,
        .read = conf_read_access_log,
        .standard = "off"},
    {.name = "drain-timeout",
        .usage = "DURATION | off",
        .min = 1,
        .max = 1,
        .value = value_duration_or_off,
        .offset = offsetof(struct conf, drain_ms),
        .standard = "off"},
    {.name = "timeouts",
        .flags = RULE_BLOCK,
        .block = conf_timeouts_rules,
        .offset = offsetof(struct conf, timeouts)},
    {.name = "limits",
        .flags = RULE_BLOCK,
        .block = conf_limits_rules,
        .offset = offsetof(struct conf, limits)},
    {.name = "socket",
        .flags = RULE_BLOCK,
        .block = conf_socket_rules,
        .offset = offsetof(struct conf, keepalive)},
    {.name = "resolver",
        .max = 1,
        .flags = RULE_BLOCK,
        .block = conf_resolver_rules,
        .read = conf_read_resolver,
        .standard = ""},
    {.name = "auth",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .flags = RULE_LIST | RULE_BLOCK,
        .block = conf_auth_rules,
        .read = conf_read_auth},
    {.name = "users",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .flags = RULE_LIST | RULE_BLOCK,
        .block = conf_users_rules,
        .read = conf_read_users},
    {.name = "hop",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .flags = RULE_LIST | RULE_BLOCK,
        .block = conf_hop_rules,
        .read = conf_read_hop},
    {.name = "chain",
        .usage = "NAME HOP …",
        .min = 2,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .read = conf_read_chain},
    {.name = "access",
        .flags = RULE_BLOCK,
        .phase = PHASE_ROUTES,
        .block = conf_access_rules,
        .read = conf_read_access},
    {.name = "routes",
        .usage = "[NAME]",
        .max = 1,
        .flags = RULE_LIST | RULE_BLOCK,
        .phase = PHASE_ROUTES,
        .block = conf_routes_rules,
        .read = conf_read_routes},
    {.name = "route",
        .usage = "DESTINATION [CONDITION …] direct | via HOP … | reject [TEXT]",
        .min = 2,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .phase = PHASE_ROUTES,
        .read = conf_read_route},
    {.name = "listen",
        .usage = "NAME",
        .min = 1,
        .max = 1,
        .flags = RULE_LIST | RULE_BLOCK,
        .phase = PHASE_LISTENERS,
        .block = conf_listen_rules,
        .read = conf_read_listen},
    {.name = "expect",
        .usage = "HOST:PORT [CONDITION …] direct | via HOP … | reject",
        .min = 2,
        .max = RULE_MANY,
        .flags = RULE_LIST,
        .phase = PHASE_EXPECT,
        .read = conf_read_expect},
    LATER("admin"), LATER("control"), LATER("group"), LATER("dial"), LATER("log-client-names"),
    {0}};

/* --- reading ---------------------------------------------------------------------------------- */

/* Paths mean the same with a chroot, but the path of a socket is not ours to look up. */
static void check_chroot(struct reader *r)
{
	const struct directive *chroot = schema_given(r->tree, "chroot");
	const struct hop *hop;

	for (size_t i = 0; chroot != NULL && (hop = hops_each(r->conf->hops, i)) != NULL; i++)
		if (hop->unix_path != NULL)
			conf_error(r, chroot, 0,
			    "the hop '%s' is a unix socket: 'chroot' beside one is not in this "
			    "version of hopgate",
			    hop->name);
}

static void read_tree(struct reader *r)
{
	struct complaints *complaints = r->complaints;

	schema_check(complaints, conf_rules, (struct directive *)r->tree, NULL);
	conf_collect_names(r);
	hops_directive(r->conf->hops, r->sealed ? conf_hop_query_sealed : conf_hop_query);
	schema_read(r, conf_rules, r->tree, r->conf);
	conf_check_ways(r);
	check_chroot(r);
	conf_finish_routes(r);
	if (complaints->total[SEVERITY_ERROR] > 0)
		return;
	lint(r);
	conf_run_expectations(r);
}

/* A configuration that says nothing about listeners has the one of no configuration at all. */
static void add_listener(struct parser *parser, struct directive **tree)
{
	if (schema_given(*tree, "listen") != NULL)
		return;
	while (*tree != NULL)
		tree = &(*tree)->next;
	*tree = conf_default_listen(parser);
}

static struct conf *new_conf(void)
{
	struct conf *conf = calloc(1, sizeof *conf);

	if (conf != NULL && (conf->hops = hops_new()) == NULL) {
		free(conf);
		conf = NULL;
	}
	return conf;
}

/* Where the text comes from, in this order: -c, options, the file of the system, nothing. */
static struct directive *read_sources(
    struct parser *parser, const struct conf_options *options, struct conf *conf)
{
	bool one_liner = options->listen != NULL || options->via != NULL ||
	    options->users != NULL || options->allow != NULL || options->auth != NULL;

	conf->path = options->path;
	if (conf->path == NULL && !one_liner && access(DEFAULT_FILE, F_OK) == 0)
		conf->path = DEFAULT_FILE;
	return conf->path != NULL ? parse_file(parser, conf->path)
	                          : conf_from_options(parser, options);
}

/* What is read in memory, for those who bring a text: fuzzers, tests. */
struct text {
	const char *bytes;
	size_t length;
	bool sealed;
};

static struct conf *load(const struct conf_options *options, const struct text *text)
{
	struct complaints complaints = {0};
	struct conf *conf = new_conf();
	struct parser parser = {.complaints = &complaints};
	struct reader r = {.conf = conf,
	    .parser = &parser,
	    .complaints = &complaints,
	    .daemon = options->daemon,
	    .debug = options->debug};
	enum severity least = options->quiet ? SEVERITY_ERROR : SEVERITY_WARNING;
	bool good;

	if (conf == NULL)
		return NULL;
	parser.arena = &conf->arena;
	parser.sealed = r.sealed = text != NULL && text->sealed;
	conf->tree = text != NULL ? parse_text(&parser, "text", text->bytes, text->length)
	                          : read_sources(&parser, options, conf);
	add_listener(&parser, &conf->tree);
	r.tree = conf->tree;
	read_tree(&r);

	good = complaints.total[SEVERITY_ERROR] == 0 &&
	    (!options->strict || complaints.total[SEVERITY_WARNING] == 0);
	complaints_print(&complaints, options->notes ? SEVERITY_NOTE : least, options->messages);
	if (!good) {
		conf_free(conf);
		conf = NULL;
	}
	return conf;
}

struct conf *conf_load(const struct conf_options *options)
{
	return load(options, NULL);
}

struct conf *conf_load_text(
    const struct conf_options *options, const char *text, size_t length, bool sealed)
{
	const struct text given = {text, length, sealed};

	return load(options, &given);
}

void conf_forget_ways(struct conf *conf)
{
	for (size_t i = 0; i < conf->table_count; i++)
		routes_free(conf->tables[i]);
	access_free(conf->access);
	hops_free(conf->hops);
	for (size_t i = 0; i < conf->user_count; i++)
		users_clear(&conf->users[i]);
	unix_users_free(conf->unix_users);
	conf->table_count = 0;
	conf->access = NULL;
	conf->hops = NULL;
	conf->unix_users = NULL;
	for (size_t i = 0; i < conf->listener_count; i++)
		conf->listeners[i].routes = NULL;
	malloc_trim(0);
}

void conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	conf_forget_ways(conf);
	arena_clear(&conf->arena);
	free(conf);
}

const struct identity_block *conf_identity(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->identity_count; i++)
		if (strcmp(conf->identities[i].name, name) == 0)
			return &conf->identities[i];
	return NULL;
}

const struct users *conf_users(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->user_count; i++)
		if (strcmp(conf->users[i].name, name) == 0)
			return &conf->users[i];
	return NULL;
}

const struct listener *conf_listener(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->listener_count; i++)
		if (strcmp(conf->listeners[i].name, name) == 0)
			return &conf->listeners[i];
	return NULL;
}
