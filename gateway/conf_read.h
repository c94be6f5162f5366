/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CONF_READ_H
#define GATEWAY_CONF_READ_H

#include "gateway/conf.h"
#include "gateway/schema.h"

/*
 * Between the files that read a configuration, and their tests.  A reading goes: tree of
 * directives, form of each (schema.c), meaning of each (conf_*.c, by phase), references between
 * them, lint, `expect`.
 */
struct reader {
	struct conf *conf;
	struct parser *parser;
	struct complaints *complaints;
	const struct directive *tree;
	const char **listeners; /* the names of all, before any is read */
	size_t listener_count;
	struct way *ways; /* hops and chains by name (conf_ways.h) */
	size_t way_count;
	bool ways_checked;
	struct expectation *expectations;
	size_t expectation_count;
	bool sealed; /* a text that is not trusted: no file is opened, no name looked up */
	bool daemon;
	bool debug;
};

/* Phases of the top level: what others refer to comes first. */
enum { PHASE_PARTS, PHASE_ROUTES, PHASE_LISTENERS, PHASE_EXPECT };

/* The tables of the blocks. */
extern const struct rule conf_rules[];          /* conf.c */
extern const struct rule conf_timeouts_rules[]; /* conf_process.c */
extern const struct rule conf_limits_rules[], conf_listen_limits_rules[], conf_socket_rules[];
extern const struct rule conf_resolver_rules[];                    /* conf_resolver.c */
extern const struct rule conf_auth_rules[];                        /* conf_auth.c */
extern const struct rule conf_users_rules[];                       /* conf_users.c */
extern const struct rule conf_hop_rules[];                         /* conf_hop.c */
extern const struct rule conf_routes_rules[], conf_access_rules[]; /* conf_route.c */
extern const struct rule conf_listen_rules[];                      /* conf_listen.c */
extern const struct rule conf_address_rules[];                     /* conf_address.c */
extern const struct rule conf_http_rules[];                        /* conf_http.c */

/* Readers of directives of the top level; `conf` is the struct conf. */
void conf_read_workers(struct reader *r, const struct directive *d, void *conf);
void conf_read_run_as(struct reader *r, const struct directive *d, void *conf);
void conf_read_chroot(struct reader *r, const struct directive *d, void *conf);
void conf_read_pid_file(struct reader *r, const struct directive *d, void *conf);
void conf_read_quota_file(struct reader *r, const struct directive *d, void *conf);
void conf_read_log(struct reader *r, const struct directive *d, void *conf);
void conf_read_access_log(struct reader *r, const struct directive *d, void *conf);
void conf_read_resolver(struct reader *r, const struct directive *d, void *conf);
void conf_read_auth(struct reader *r, const struct directive *d, void *conf);
void conf_read_users(struct reader *r, const struct directive *d, void *conf);
void conf_read_hop(struct reader *r, const struct directive *d, void *conf);
void conf_read_chain(struct reader *r, const struct directive *d, void *conf);
void conf_read_access(struct reader *r, const struct directive *d, void *conf);
void conf_read_routes(struct reader *r, const struct directive *d, void *conf);
void conf_read_route(struct reader *r, const struct directive *d, void *conf);
void conf_read_listen(struct reader *r, const struct directive *d, void *conf);
void conf_read_expect(struct reader *r, const struct directive *d, void *conf);
/* … of any block with a quota: the object is a struct allotment … */
void conf_read_quota(struct reader *r, const struct directive *d, void *allotment);
/* … and of a listener. */
void conf_read_address(struct reader *r, const struct directive *d, void *listener);
void conf_read_gate(struct reader *r, const struct directive *d, void *listener);

/* --- helpers (conf_word.c) -------------------------------------------------------------------- */

/* An error at word `index` of a directive. */
void conf_error(struct reader *r, const struct directive *d, size_t index, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void conf_later(struct reader *r, const struct directive *d, size_t index);
/* The same place for those who know no columns; its file name lives as long as the tree. */
struct place conf_place(struct position at);
/* May words[1] name something?  Letters, digits, - _ . and not `none`. */
bool conf_name(struct reader *r, const struct directive *d);
/* Has an earlier directive taken words[1]?  If so, an error that names both places. */
bool conf_taken(struct reader *r, const struct directive *d);
/* A reference to a top-level `kind` that does not exist. */
void conf_missing(struct reader *r, const struct word *word, struct position at, const char *kind);
/* `@NAME` in a row; a name that nobody has is an error.  Returns false then. */
bool conf_group(struct reader *r, const char *name, struct position at);
/* The system's users; NULL if nobody may ask, or after an error at word 1. */
struct unix_users *conf_unix_users(struct reader *r, const struct directive *d);
/* Words index … as an array that ends in NULL. */
const char *const *conf_words(struct reader *r, const struct directive *d, size_t index);

/* --- the rest --------------------------------------------------------------------------------- */

/* A URI with a password must not stand where others can read it: complains and returns false. */
bool conf_uri_hidden(struct reader *r, const struct word *word, struct position at);
/* How the query of a hop's URI is read; the second one opens no file. */
const char *conf_hop_query(struct hop *hop, const char *name, const char *value);
const char *conf_hop_query_sealed(struct hop *hop, const char *name, const char *value);
/* One row of a table, from the configuration or a route file (conf_route.c). */
struct row {
	const struct word *words;
	const struct position *at;
	size_t count;
};
void conf_add_row(struct reader *r, struct routes *table, const struct row *row);
/* Stream a file of rows into a table (conf_route_file.c). */
void conf_read_route_file(struct reader *r, const struct directive *d, void *table);
/* The table of that name, "" for the unnamed one; NULL if there is none. */
struct routes *conf_table(const struct reader *r, const char *name);
/* The same, made if there is none; NULL: out of memory. */
struct routes *conf_make_table(struct reader *r, const char *name);
/* Build the tries of all tables. */
void conf_finish_routes(struct reader *r);
/* Run what `expect` said (conf_expect.c). */
void conf_run_expectations(struct reader *r);
/* Warnings and reminders about a configuration without errors (lint.c). */
void lint(struct reader *r);

/* The tree that the options of a one-liner stand for (conf_options.c). */
struct directive *conf_from_options(struct parser *parser, const struct conf_options *options);
/* The listener of a configuration that has none. */
struct directive *conf_default_listen(struct parser *parser);

/* conf_load() of a text; `sealed` as above. */
struct conf *conf_load_text(
    const struct conf_options *options, const char *text, size_t length, bool sealed);

#endif
