/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ROUTES_H
#define ROUTES_ROUTES_H

/*
 * Which way a request goes: canonical names and addresses, hops, the routing table and the access
 * list.  Pure: no I/O but what the caller hands in, no clock, no log.  Errors are texts for people.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- names and addresses (host.c, address.c, prefix.c) --------------------------------------- */

#define HOST_NAME_LENGTH 253 /* RFC 1035, 2.3.4, without the final dot */
#define ADDRESS_TEXT INET6_ADDRSTRLEN

/*
 * Every address is a struct in6_addr; an IPv4 address is its v4-mapped form, so that the two
 * spellings of one address are one value.
 */
struct host {
	bool named;
	struct in6_addr address;         /* unless named */
	char name[HOST_NAME_LENGTH + 1]; /* if named: lower case, A-labels, no final dot */
};

/*
 * The one parser of names and literals.  Accepts an IPv4 dotted quad, an IPv6 literal with or
 * without brackets, or a host name (letters, digits, - and _; labels <= 63).  Returns NULL, or
 * what is wrong: other spellings of IPv4 (0x7f.1, 127.1, 2130706433), zones, NUL, 8-bit and
 * control bytes, empty labels.  `text` need not end in NUL.
 */
const char *host_parse(struct host *host, const char *text, size_t length);
void host_from_address(struct host *host, const struct in6_addr *address);
bool host_equal(const struct host *a, const struct host *b);
/* "name", "192.0.2.1" or "2001:db8::1" (no brackets); returns out. */
char *host_format(const struct host *host, char out[HOST_NAME_LENGTH + 1]);

bool address_parse(struct in6_addr *address, const char *text, size_t length);
char *address_format(const struct in6_addr *address, char out[ADDRESS_TEXT]);
bool address_is_ipv4(const struct in6_addr *address);
struct in6_addr address_from_ipv4(uint32_t network_order);
/*
 * The IPv4 address inside a NAT64 (64:ff9b::/96), 6to4 (2002::/16) or IPv4-compatible (::/96, but
 * not :: and ::1) address, in v4-mapped form.  False if there is none or it is IPv4 already.
 */
bool address_embedded_ipv4(const struct in6_addr *address, struct in6_addr *ipv4);

struct prefix {
	struct in6_addr address;
	unsigned length; /* 0..128, of the in6_addr: an IPv4 /8 is 104 */
};
/* "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "[2001:db8::]/32".  NULL or what is wrong. */
const char *prefix_parse(struct prefix *prefix, const char *text, size_t length);
/* The text for bits behind the length: *prefix is then the prefix that must have been meant. */
extern const char prefix_host_bits[];
/* As it is parsed; a whole address without its length. */
char *prefix_format(const struct prefix *prefix, char out[ADDRESS_TEXT + 4]);
/* The address as it is, for the senders of connections: anybody may own a 2002:a00::/24. */
bool prefix_contains(const struct prefix *prefix, const struct in6_addr *address);
/* Embedded IPv4 counts: 10.0.0.0/8 covers 64:ff9b::10.1.2.3. */
bool prefix_covers(const struct prefix *prefix, const struct in6_addr *address);

/* --- ports (ports.c) ------------------------------------------------------------------------- */

struct ports {
	uint16_t first, last;
};
/* "443", "465-587".  NULL or what is wrong. */
const char *ports_parse(struct ports *ports, const char *text);
bool ports_contain(const struct ports *ports, uint16_t port);

/* --- what is asked --------------------------------------------------------------------------- */

enum protocol { PROTOCOL_SOCKS4, PROTOCOL_SOCKS5, PROTOCOL_HTTP, PROTOCOL_COUNT };
enum command {
	COMMAND_CONNECT,
	COMMAND_BIND,
	COMMAND_UDP,
	COMMAND_HTTP,
	COMMAND_RESOLVE,
	COMMAND_COUNT
};
enum family { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6, FAMILY_PREFER_IPV4, FAMILY_PREFER_IPV6 };

const char *protocol_name(enum protocol protocol); /* "socks4", "socks5", "http" */
const char *command_name(enum command command);    /* "connect", "bind", "udp", … */

struct query {
	const struct host *host;
	uint16_t port;
	enum command command;
	enum protocol protocol;
	const char *user; /* NULL: nobody logged in */
	/* Does the user belong to the group that a row calls `@group`?  NULL: to none. */
	bool (*belongs)(const void *member, const char *group);
	const void *member;
	const struct in6_addr *from; /* NULL: a client on a unix socket */
	const char *listener;
	unsigned minute; /* of the week, local time, Monday 00:00 = 0 */
	/* For a named host, once it has been looked up (count 0 = it has no answer). */
	bool resolved;
	const struct in6_addr *addresses;
	size_t address_count;
};

/* --- hops (hop.c, hop_uri.c, hops.c)
 * ---------------------------------------------------------------------------- */

#define HOPS_MAX 16

enum hop_protocol { HOP_DIRECT, HOP_SOCKS, HOP_SOCKS4, HOP_SOCKS4A, HOP_SOCKS5, HOP_HTTP };

enum source_kind { SOURCE_ADDRESS, SOURCE_RANGE, SOURCE_INTERFACE, SOURCE_LISTENER };
struct source {
	enum source_kind kind;
	struct in6_addr first, last; /* ADDRESS: first; RANGE: both ends */
	char interface[16];          /* INTERFACE: its addresses at the time of use */
};

/* Instead of a time after which a silent peer is lost. */
enum { KEEPALIVE_UNSAID = 0, KEEPALIVE_SYSTEM = -1, KEEPALIVE_OFF = -2 };

struct hop {
	char *name; /* for people: the hop's name, or the URI without password */
	enum hop_protocol protocol;
	struct host host; /* unless unix_path or HOP_DIRECT */
	uint16_t port;
	char *unix_path;       /* socks5+unix:///PATH */
	char *user, *password; /* NULL: none */
	bool resolve_local;    /* name-resolution local; always true for HOP_SOCKS4 */
	enum family family;
	struct source *sources;
	size_t source_count;
	char *interface;    /* SO_BINDTODEVICE, or NULL */
	uint32_t mark;      /* SO_MARK, 0 = none */
	int64_t connect_ms; /* timeouts { connect } of this hop; 0 = the default */
	int keepalive;      /* socket { keepalive } of this hop: seconds or KEEPALIVE_… */
};

struct hops; /* the namespace of hops and chains, and the inline hops; owns them all */

struct hops *hops_new(void);
void hops_free(struct hops *hops);
/*
 * Parse a hop URI into *hop, freshly zeroed: scheme, userinfo (percent-decoded), host, port, path
 * and the query's hop directives, each handed to `directive` (NULL: a query is an error), which
 * returns NULL or what is wrong.  NULL, or what is wrong.  On error nothing is left allocated.
 */
const char *hop_parse_uri(struct hop *hop, const char *uri,
    const char *(*directive)(struct hop *hop, const char *name, const char *value));
void hop_clear(struct hop *hop);
/* The hop as a URI, without password and query; false if it was cut to `size`. */
bool hop_uri_text(const struct hop *hop, char *out, size_t size);
/* Two hops that are the same way: protocol, address, credentials, source, mark, interface. */
bool hop_equal(const struct hop *a, const struct hop *b);
/*
 * Names for `via`.  hops_add takes over what *hop holds, but on error; `via` are words that always
 * come before it (hops behind hops), looked at when the hop is used.  Both return NULL or what is
 * wrong: a name taken or reserved (`direct`, `reject`).
 */
const char *hops_add(
    struct hops *hops, const char *name, struct hop *hop, const char *const *via, size_t via_count);
const char *hops_add_chain(
    struct hops *hops, const char *name, const char *const *via, size_t via_count);
/* How inline URIs read their query; see hop_parse_uri(). */
void hops_directive(
    struct hops *hops, const char *(*directive)(struct hop *, const char *, const char *));
/*
 * Expand `via` words (hop, chain or URI) to hops in travel order.  Returns NULL and the list, which
 * `hops` owns and shares between equal lists; or what is wrong and *bad = the word's index: unknown
 * name, loop, more than 16, a direct hop that does not stand first.  The text of an error is valid
 * until the next call.
 */
const char *hops_expand(struct hops *hops, const char *const *via, size_t via_count,
    const struct hop *const **list, size_t *count, size_t *bad);
/* Each named or inline hop once, in the order they were added; NULL after the last. */
const struct hop *hops_each(const struct hops *hops, size_t index);

/* --- the table (table.c, choose.c) --------------------------------------------------------------
 */

enum next { NEXT_DIRECT, NEXT_VIA, NEXT_REJECT };
enum routes_order { ORDER_SPECIFIC, ORDER_FIRST, ORDER_NAMES_FIRST };
enum destination { DESTINATION_NAME, DESTINATION_ADDRESS, DESTINATION_FAMILY, DESTINATION_ANY };

/* Where a row stands; `file` outlives the table. */
struct place {
	const char *file;
	unsigned line;
};

/* What a row says; pointers live as long as the table. */
struct route {
	struct place place;
	enum destination destination; /* ADDRESS: an explicit prefix, which opens own doors */
	enum next next;
	const char *text;              /* NEXT_REJECT: for the client, or NULL */
	const struct hop *const *hops; /* NEXT_VIA, travel order */
	size_t hop_count;
};

struct routes;

struct routes *routes_new(const char *name, struct hops *hops);
void routes_free(struct routes *routes);
const char *routes_name(const struct routes *routes);
void routes_set_order(struct routes *routes, enum routes_order order);
void routes_set_resolve(struct routes *routes, bool on); /* resolve-for-routing */

/* A word of a row: quoted words are never keywords. */
struct word {
	const char *text;
	bool quoted;
};
/*
 * Add the row DEST [CONDITION …] NEXT.  NULL, or what is wrong (valid until the next call) and
 * *bad = the index of the word (word_count if something is missing at the end).
 */
const char *routes_add(struct routes *routes, const struct word *words, size_t word_count,
    struct place place, size_t *bad);
/* After the last row: builds the tries.  Nothing can be added afterwards.  0, or -1 (ENOMEM). */
int routes_finish(struct routes *routes);
size_t routes_count(const struct routes *routes);
/* Each row in file order, without the word `route`, so that it can be read again but for passwords
 * in URIs, which are left out; false after the last. */
bool routes_row_text(const struct routes *routes, size_t index, char *out, size_t size);
/* Would a lookup for routing ever be made for names that a hop resolves?  For lint. */
bool routes_may_resolve(const struct routes *routes);
/*
 * A row that never decides, since the row `by` before it takes all of its requests: for lint.
 * Begin with *index = 0; false after the last.
 */
bool routes_shadowed(
    const struct routes *routes, size_t *index, struct place *row, struct place *by);

enum routes_result { ROUTES_FOUND, ROUTES_NONE, ROUTES_NEED_ADDRESSES };
/*
 * Told of each candidate row, best first: the row in words, its place, and why it lost (NULL: it
 * won).  `address` is the resolved address it was a candidate for, or NULL.  Not told anything if
 * the answer is ROUTES_NEED_ADDRESSES.
 */
struct routes_trace {
	void (*candidate)(void *arg, const char *row, struct place place,
	    const struct in6_addr *address, const char *lost);
	void *arg;
};
/*
 * Pure.  ROUTES_FOUND: *route.  If the query was resolved, allowed[i] says which of its addresses
 * may be dialled, should the row not be for a hop that gets the name (allowed may be NULL; else
 * address_count bools).  ROUTES_NEED_ADDRESSES: look the name up and ask again with `resolved`.
 * ROUTES_NONE: no row matches, which rejects.  `trace` may be NULL.
 *
 * Rows with `no-resolve` hold for literals only, whether the name was looked up or not.  localhost
 * and what is below it goes through a hop only by a row of names.
 */
enum routes_result routes_find(const struct routes *routes, const struct query *query,
    struct route *route, bool *allowed, const struct routes_trace *trace);
/* How many nodes of the tries routes_find() reads. */
size_t routes_visited(const struct routes *routes, const struct query *query);

/* --- access (access.c) ------------------------------------------------------------------------ */

struct access;

struct access *access_new(void);
void access_free(struct access *access);
/* Add `pass|block DEST [CONDITION …]`; as routes_add(). */
const char *access_add(struct access *access, bool pass, const struct word *words,
    size_t word_count, struct place place, size_t *bad);

struct access_verdict {
	bool pass;
	struct place place; /* of the row that decided; line 0: the end of the block */
	bool opens_door;    /* `pass` by an address row other than any, ipv4, ipv6 */
	bool depends;       /* a name was blocked, but an earlier address row may pass it:
	                       judge again when an address is known */
	char row[512];      /* in words, "" at the end of the block */
};
/*
 * The first row that holds.  `access` NULL passes.  If address is NULL, the host of the query is
 * judged: a name by name rows (address rows then do not hold, except `any`), a literal by address
 * rows.  Else that address of a named host is judged, by rows of both kinds.
 */
void access_judge(const struct access *access, const struct query *query,
    const struct in6_addr *address, struct access_verdict *verdict);

#endif
