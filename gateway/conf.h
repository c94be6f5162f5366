/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_CONF_H
#define GATEWAY_CONF_H

#include <stdio.h>
#include <sys/types.h>

#include "auth/auth.h"
#include "gateway/arena.h"
#include "gateway/http_request.h"
#include "gateway/identity.h"
#include "gateway/log.h"
#include "gateway/target.h"
#include "gateway/unix_users.h"
#include "gateway/users.h"
#include "gateway/value.h"
#include "resolver/resolver.h"
#include "routes/routes.h"

/* The configuration: read once, never changed, shared by all workers. */

struct timeouts { /* milliseconds; 0 = off */
	int64_t handshake, auth, dial, connect, idle, half_close, keep_alive, close;
};

struct limits { /* 0 = off */
	unsigned sessions, sessions_per_client, sessions_per_user, handshakes_per_client;
	double rate_per_client; /* new connections a second */
	struct times auth_failures_per_client;
	size_t bandwidth_per_client, bandwidth_per_user, bandwidth_per_session; /* bytes a second */
	struct allotment quota_per_user;
};

enum address_kind { ADDRESS_TCP, ADDRESS_INTERFACE, ADDRESS_UNIX, ADDRESS_ABSTRACT, ADDRESS_FD };

/* One word after `address`, and what it stands for. */
struct listen_address {
	const char *text; /* as written */
	struct place place;
	enum address_kind kind;
	bool shorthand;             /* 1080, :1080: a family the kernel lacks is skipped */
	struct endpoint *endpoints; /* TCP: every address of the word, names resolved at load */
	size_t endpoint_count;
	const char *interface; /* INTERFACE */
	uint16_t port;         /* INTERFACE */
	const char *path;      /* UNIX; ABSTRACT without the @ */
	unsigned mode;         /* UNIX; 0 = as the umask says */
	const char *group;     /* UNIX; NULL */
	int fd;                /* FD; -1: none was passed on by that name */
};

struct client_rule { /* allow, deny */
	bool allow;
	bool addresses;    /* clients in the prefix */
	bool unix_clients; /* `unix`; with addresses: `all` */
	struct prefix prefix;
};

struct http_settings {
	bool via;
	const char *pseudonym; /* in Via, a token; NULL: the one that was made at the start */
	enum http_forwarded forwarded;
	struct ports *connect_ports; /* where CONNECT may lead */
	size_t connect_port_count;
	size_t max_head;
	bool log_query; /* the access log's urls keep what follows the `?` */
};

struct listener {
	const char *name;
	struct place place;
	struct listen_address *addresses;
	size_t address_count;
	unsigned protocols; /* bits 1 << PROTOCOL_… */
	unsigned commands;  /* bits 1 << COMMAND_… */
	struct identity_gate auth;
	struct client_rule *rules;
	size_t rule_count;
	const struct routes
	    *routes; /* NULL: everything direct (no route in the configuration at all) */
	struct timeouts timeouts;
	struct limits limits;
	int keepalive; /* of clients, and of targets unless the hop has its own; as in the conf */
	struct http_settings http;
};

struct conf {
	const char *path; /* of the main file, NULL: built in or from options */
	unsigned workers; /* resolved: at least 1 */
	const char *run_as_user, *run_as_group; /* NULL: nothing said */
	const char *chroot, *pid_file;
	struct log_target *logs;
	size_t log_count;
	bool access_log;
	bool access_json;
	const char *access_path; /* NULL: with access_log, standard error */
	struct timeouts timeouts;
	struct limits limits;
	int keepalive;    /* socket { keepalive }: seconds, KEEPALIVE_SYSTEM or KEEPALIVE_OFF */
	int64_t drain_ms; /* 0: none */
	const char *quota_path; /* NULL: there are no quotas */
	struct resolver_config resolver;
	const char *resolver_hosts_path; /* NULL: off */
	bool resolver_system;            /* servers come from /etc/resolv.conf */
	struct auth_block *auths;        /* those that the keeper is asked about */
	size_t auth_count;
	struct identity_block *identities; /* all of them */
	size_t identity_count;
	struct users *users;
	size_t user_count;
	struct unix_users *unix_users; /* NULL: nobody asks about them */
	struct listener *listeners;
	size_t listener_count;
	struct access *access; /* NULL: none */
	struct hops *hops;
	struct routes **tables;
	size_t table_count;
	struct directive *tree; /* as it was read, with includes in place: what is dumped */
	struct arena arena;     /* of all of this but hops, tables and access */
};

/* --- reading it (parse.c, conf*.c) ------------------------------------------------------------ */

/* What the command line says; the lists end in NULL. */
struct conf_options {
	const char *path;          /* -c, or NULL */
	const char *const *listen; /* --listen: makes a one-liner without a file */
	const char *const *via;
	const char *const *users;
	const char *const *allow;
	const char *auth; /* --auth */
	bool debug;       /* -d */
	bool daemon;      /* -D: a log to stderr or stdout becomes syslog */
	bool strict;      /* warnings count as errors */
	bool quiet;       /* errors only: the keeper has told the rest already */
	bool notes;       /* warnings, and reminders too: `check` */
	FILE *messages;   /* where errors and warnings are written, file:line:column with a caret */
};
/*
 * Read, check, lint and run `expect`.  NULL if there was any error; all of them have been written
 * to options->messages by then.  Nothing is bound, opened for writing or asked of the network but
 * the names of listeners' addresses.
 */
struct conf *conf_load(const struct conf_options *options);
void conf_free(struct conf *conf);
/* Give up tables, access, hops and users: the keeper, which forks children, has no use for them. */
void conf_forget_ways(struct conf *conf);
/* Write the effective configuration, passwords left out, so that it can be read again. */
void conf_dump(const struct conf *conf, FILE *out);

/* May this client (NULL: on a unix socket) use the listener?  Most specific rule, equal = deny. */
bool listener_allows(const struct listener *listener, const struct in6_addr *client);
/* May CONNECT, as HTTP says it, lead to this port? */
bool listener_connects(const struct listener *listener, uint16_t port);
const struct listener *conf_listener(const struct conf *conf, const char *name);
/* The `auth` and the `users` of that name; NULL: none. */
const struct identity_block *conf_identity(const struct conf *conf, const char *name);
const struct users *conf_users(const struct conf *conf, const char *name);

#endif
