/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_RESOLVER_H
#define RESOLVER_RESOLVER_H

/*
 * Names to addresses, asynchronously, on one event base.  hosts, localhost, search list, cache,
 * single flight, at most 256 questions under way and the order of addresses are ours; c-ares asks.
 * Takes canonical host names only (lower case, no final dot), never literals.  IPv4 addresses come
 * in v4-mapped form.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct resolver;
struct lookup;

#define RESOLVER_ADDRESSES_MAX 64
#define RESOLVER_IN_FLIGHT 256

enum resolver_status {
	RESOLVER_FOUND,
	RESOLVER_NOT_FOUND,  /* NXDOMAIN */
	RESOLVER_NO_ADDRESS, /* the name exists, but not with an address of that family */
	RESOLVER_FAILED,     /* SERVFAIL, REFUSED, no server reachable, a malformed answer */
	RESOLVER_TIMEOUT     /* no answer in time */
};

enum resolver_family {
	RESOLVER_ANY,
	RESOLVER_IPV4,
	RESOLVER_IPV6,
	RESOLVER_PREFER_IPV4,
	RESOLVER_PREFER_IPV6
};

struct resolver_hosts; /* a hosts file in memory, immutable, shared by workers */

/* Everything is copied by resolver_new() but `hosts`, which must outlive the resolver. */
struct resolver_config {
	const char *servers;       /* "127.0.0.1:53,[::1]:53"; asked in this order */
	const char *const *search; /* canonical domains, NULL-terminated; NULL: none */
	unsigned ndots;            /* a name with fewer dots is searched first, any other never */
	int timeout_ms;            /* of one try at one server, at least 1 */
	int tries;                 /* at each server, at least 1 */
	size_t cache_max;          /* names; 0 = no cache */
	/* What was found lives as long as the servers say, within min and max; 0: not kept. */
	int64_t min_ttl_ms, max_ttl_ms, negative_ttl_ms;
	enum resolver_family family;        /* what RESOLVER_ANY means; ANY itself: IPv6 first */
	const struct resolver_hosts *hosts; /* NULL: none */
};

/* Once for the process, before threads and before a chroot: 0 or -1. */
int resolver_library_init(void);
void resolver_library_cleanup(void);
/* "1.18.1" */
const char *resolver_library_version(void);

/* NULL with *error a text for people. */
struct resolver_hosts *resolver_hosts_load(const char *path, const char **error);
void resolver_hosts_free(struct resolver_hosts *hosts);
/*
 * What resolv.conf says: servers as resolver_config.servers takes them (127.0.0.1:53 if it names
 * none), its search list (never NULL, but ended by one) and ndots.  0, or -1 with errno; the
 * strings and the list are the caller's to free.
 */
int resolver_read_resolv_conf(const char *path, char **servers, char ***search, unsigned *ndots);

/* NULL with errno; EINVAL: config->servers. */
struct resolver *resolver_new(struct event_base *base, const struct resolver_config *config);
/* Pending look-ups are dropped without a call; their handles are freed.  Also from done(). */
void resolver_free(struct resolver *r);

struct resolver_answer {
	enum resolver_status status;
	const struct in6_addr *addresses; /* in the order to be tried; valid during the call */
	size_t count;
	bool cached; /* no question was asked */
};

/*
 * Ask.  done() comes once, from the loop, never before this returns; the handle is gone by then.
 * resolver_cancel() forgets the caller, the question runs on and fills the cache.  NULL: out of
 * memory.
 *
 * localhost and what is below it are loopback, onion and invalid do not exist (RFC 6761, RFC 7686),
 * what is no canonical name is not found: no server hears of them.  A name in the hosts file has
 * the addresses that it has there.  An address of one family is enough although the question for
 * the other failed.  Each question ends within servers x tries x timeout of being sent, and is sent
 * within that time or not at all.
 */
struct lookup *resolver_ask(struct resolver *r, const char *name, enum resolver_family family,
    void (*done)(void *arg, const struct resolver_answer *answer), void *arg);
void resolver_cancel(struct lookup *lookup);

struct resolver_counters {
	uint64_t asked, cached, queries, failed, timeouts;
	size_t cache_names, in_flight;
};
void resolver_count(const struct resolver *r, struct resolver_counters *counters);

#endif
