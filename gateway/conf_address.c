/* SPDX-License-Identifier: ISC */
/* Where a listener listens: the words after `address`, and what they stand for. */
#include "config.h"

#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/conf_read.h"
#include "gateway/value.h"

#define UNIX_PATH_MAX (sizeof((struct sockaddr_un *)0)->sun_path - 1)
#define FIRST_PASSED_FD 3 /* sd_listen_fds(3) */

static const char expected[] =
    "expected 1080, :1080, HOST:1080, [IPV6]:1080, %interface:1080, unix:/PATH or fd:NAME";

/* A word while it is read. */
struct word_reading {
	struct reader *reader;
	const struct directive *directive;
	size_t index;
	const char *text;
	struct listen_address *address;
};

static void wrong(const struct word_reading *w, const char *phrase)
{
	conf_error(w->reader, w->directive, w->index, "'%s' %s", w->text, phrase);
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->scope == b->scope &&
	    memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/* A name may have an address twice. */
static void add_endpoint(const struct word_reading *w, const struct endpoint *endpoint)
{
	struct listen_address *a = w->address;

	for (size_t i = 0; i < a->endpoint_count; i++)
		if (same_endpoint(&a->endpoints[i], endpoint))
			return;

	a->endpoints = arena_push(
	    w->reader->parser->arena, a->endpoints, &a->endpoint_count, sizeof *a->endpoints);
	a->endpoints[a->endpoint_count - 1] = *endpoint;
}

/* Port 0 is a port here: the system chooses one. */
static bool read_port(const struct word_reading *w, const char *text, uint16_t *port)
{
	unsigned long number;

	if (!value_number(text, 0, UINT16_MAX, &number)) {
		wrong(w, "has no good port, expected 0 to 65535 after the colon");
		return false;
	}
	*port = (uint16_t)number;
	return true;
}

/* 1080: the loopback, both families.  :1080 and *:1080: every address, both families. */
static bool read_shorthand(const struct word_reading *w)
{
	static const struct in6_addr any6 = IN6ADDR_ANY_INIT, loopback6 = IN6ADDR_LOOPBACK_INIT;
	const char *port = w->text + strcspn(w->text, "0123456789");
	bool loopback = port == w->text;
	struct endpoint endpoint = {0};

	if (!read_port(w, port, &endpoint.port))
		return false;
	w->address->shorthand = true;
	endpoint.address = address_from_ipv4(htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY));
	add_endpoint(w, &endpoint);
	endpoint.address = loopback ? loopback6 : any6;
	add_endpoint(w, &endpoint);
	return true;
}

/* [2001:db8::1]:1080, [fe80::1%eth0]:1080 */
static bool read_ipv6(const struct word_reading *w)
{
	const char *close = strchr(w->text, ']'), *start = w->text + 1;
	const char *scope = close != NULL ? memchr(start, '%', (size_t)(close - start)) : NULL;
	struct endpoint endpoint = {0};
	char name[IF_NAMESIZE];

	if (close == NULL || close[1] != ':' ||
	    !address_parse(
	        &endpoint.address, start, (size_t)((scope != NULL ? scope : close) - start)) ||
	    address_is_ipv4(&endpoint.address)) {
		wrong(w, "is not an address, expected [2001:db8::1]:1080");
		return false;
	}
	if (scope != NULL) {
		size_t length = (size_t)(close - scope - 1);

		if (length == 0 || length >= sizeof name) {
			wrong(w, "names no interface after its '%'");
			return false;
		}
		memcpy(name, scope + 1, length);
		name[length] = '\0';
		endpoint.scope = w->reader->sealed ? 1 : if_nametoindex(name);
		if (endpoint.scope == 0) {
			wrong(w, "names an interface that does not exist");
			return false;
		}
	}
	if (!read_port(w, close + 2, &endpoint.port))
		return false;
	add_endpoint(w, &endpoint);
	return true;
}

/* Every address that a name has, as the system resolves it. */
static bool resolve(const struct word_reading *w, const char *name, uint16_t port)
{
	const struct addrinfo hints = {
	    .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *list;
	int error;

	if (w->reader->sealed)
		return true;
	error = getaddrinfo(name, NULL, &hints, &list);
	if (error != 0) {
		conf_error(w->reader, w->directive, w->index, "cannot resolve '%s': %s", name,
		    gai_strerror(error));
		return false;
	}
	for (const struct addrinfo *i = list; i != NULL; i = i->ai_next) {
		struct endpoint endpoint;

		if (!endpoint_from_sockaddr(&endpoint, i->ai_addr))
			continue;
		endpoint.port = port;
		add_endpoint(w, &endpoint);
	}
	freeaddrinfo(list);
	return true;
}

/* 192.0.2.1:1080, proxy.example:1080 */
static bool read_host(const struct word_reading *w)
{
	const char *colon = strchr(w->text, ':'), *reason;
	struct endpoint endpoint = {0};
	struct host host;

	if (colon == NULL) {
		wrong(w, "has no port, expected HOST:1080");
		return false;
	}
	if (strchr(colon + 1, ':') != NULL) {
		wrong(w, "is not clear, expected an IPv6 address in brackets: [2001:db8::1]:1080");
		return false;
	}
	reason = host_parse(&host, w->text, (size_t)(colon - w->text));
	if (reason != NULL) {
		conf_error(w->reader, w->directive, w->index, "'%s' is not an address: %s; %s",
		    w->text, reason, expected);
		return false;
	}
	if (!read_port(w, colon + 1, &endpoint.port))
		return false;
	if (host.named)
		return resolve(w, host.name, endpoint.port);
	endpoint.address = host.address;
	add_endpoint(w, &endpoint);
	return true;
}

static bool read_interface(const struct word_reading *w)
{
	const char *colon = strchr(w->text, ':');
	size_t length = colon != NULL ? (size_t)(colon - w->text - 1) : 0;

	if (length == 0 || length >= IF_NAMESIZE) {
		wrong(w, "is not an interface, expected %ppp0:1080");
		return false;
	}
	w->address->kind = ADDRESS_INTERFACE;
	w->address->interface = arena_copy(w->reader->parser->arena, w->text + 1, length);
	return read_port(w, colon + 1, &w->address->port);
}

static bool read_unix(const struct word_reading *w)
{
	const char *path = w->text + strlen("unix:");
	bool abstract = path[0] == '@';

	if (abstract)
		path++;
	else
		path = parse_path(w->reader->parser->arena, w->directive->at[w->index], path);
	if (path[0] == '\0' || strlen(path) > UNIX_PATH_MAX) {
		wrong(w, "is not the path of a socket, expected unix:/PATH of at most 107 bytes");
		return false;
	}
	w->address->kind = abstract ? ADDRESS_ABSTRACT : ADDRESS_UNIX;
	w->address->path = path;
	return true;
}

/* The descriptor to which the service manager gave this name; -1 if it passed none to us. */
static int passed_fd(const char *name)
{
	const char *list = getenv("LISTEN_FDNAMES"), *pid = getenv("LISTEN_PID");
	size_t length = strlen(name);

	if (pid == NULL || strtol(pid, NULL, 10) != (long)getpid())
		return -1;
	for (int fd = FIRST_PASSED_FD; list != NULL; fd++) {
		size_t n = strcspn(list, ":");

		if (n == length && memcmp(list, name, n) == 0)
			return fd;
		list = list[n] == ':' ? list + n + 1 : NULL;
	}
	return -1;
}

static bool read_fd(const struct word_reading *w)
{
	const char *name = w->text + strlen("fd:");
	unsigned long number;

	w->address->kind = ADDRESS_FD;
	if (value_number(name, FIRST_PASSED_FD, 65535, &number)) {
		w->address->fd = (int)number;
		return true;
	}
	if (name[0] == '\0' || strspn(name, "0123456789") == strlen(name)) {
		wrong(w, "is not a descriptor, expected fd:NAME or fd:3");
		return false;
	}
	w->address->fd = passed_fd(name);
	return true;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool read_word(const struct word_reading *w)
{
	const char *text = w->text;

	w->address->kind = ADDRESS_TCP;
	if (begins(text, "udp:")) {
		conf_later(w->reader, w->directive, w->index);
		return false;
	}
	if (begins(text, "unix:"))
		return read_unix(w);
	if (begins(text, "fd:"))
		return read_fd(w);
	if (text[0] == '%')
		return read_interface(w);
	if (text[0] == '[')
		return read_ipv6(w);
	if (text[0] == ':' || begins(text, "*:") || text[strspn(text, "0123456789")] == '\0')
		return read_shorthand(w);
	return read_host(w);
}

/* --- given twice ------------------------------------------------------------------------------ */

static bool same_place(const struct listen_address *a, const struct listen_address *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == ADDRESS_UNIX || a->kind == ADDRESS_ABSTRACT)
		return strcmp(a->path, b->path) == 0;
	if (a->kind == ADDRESS_FD)
		return a->fd >= 0 && a->fd == b->fd;
	if (a->kind == ADDRESS_INTERFACE)
		return a->port != 0 && a->port == b->port &&
		    strcmp(a->interface, b->interface) == 0;
	for (size_t i = 0; i < a->endpoint_count; i++)
		for (size_t j = 0; j < b->endpoint_count; j++)
			if (a->endpoints[i].port != 0 &&
			    same_endpoint(&a->endpoints[i], &b->endpoints[j]))
				return true;
	return false;
}

static const struct listen_address *find_same(
    const struct listener *listener, const struct listen_address *address)
{
	for (size_t i = 0; i < listener->address_count; i++)
		if (same_place(&listener->addresses[i], address))
			return &listener->addresses[i];
	return NULL;
}

/* Nobody can bind what is bound already: better said here, with both places. */
static void check_twice(const struct word_reading *w, const struct listener *listener)
{
	const struct conf *conf = w->reader->conf;
	const struct listen_address *first = find_same(listener, w->address);

	for (size_t i = 0; i < conf->listener_count && first == NULL; i++)
		first = find_same(&conf->listeners[i], w->address);
	if (first != NULL)
		conf_error(w->reader, w->directive, w->index,
		    "'%s' is listened on already, by '%s' at %s:%u", w->text, first->text,
		    first->place.file, first->place.line);
}

/* --- the block of a unix socket --------------------------------------------------------------- */

struct unix_block {
	unsigned mode;
	const char *group;
};

static const char *value_mode(const struct word *word, void *field)
{
	char *end;
	unsigned long mode = strtoul(word->text, &end, 8);

	if (word->text[0] < '0' || word->text[0] > '7' || *end != '\0' || mode > 0777 || mode == 0)
		return "is not a mode, expected 600 to 777 in octal";
	*(unsigned *)field = (unsigned)mode;
	return NULL;
}

static void read_group(struct reader *r, const struct directive *d, void *object)
{
	struct unix_block *block = object;

	block->group = d->words[1].text;
	if (!r->sealed && getgrnam(block->group) == NULL)
		conf_error(r, d, 1, "no group '%s' on this system", block->group);
}

const struct rule conf_address_rules[] = {{.name = "mode",
                                              .usage = "OCTAL",
                                              .min = 1,
                                              .max = 1,
                                              .value = value_mode,
                                              .offset = offsetof(struct unix_block, mode)},
    {.name = "group", .usage = "GROUP", .min = 1, .max = 1, .read = read_group}, {0}};

void conf_read_address(struct reader *r, const struct directive *d, void *object)
{
	struct listener *listener = object;
	struct unix_block block = {0};
	bool used = !d->block;

	schema_read(r, conf_address_rules, d->children, &block);
	for (size_t i = 1; i < d->count; i++) {
		struct listen_address address = {
		    .text = d->words[i].text, .place = conf_place(d->at[i]), .fd = -1};
		struct word_reading w = {r, d, i, address.text, &address};

		if (!read_word(&w))
			continue;
		check_twice(&w, listener);
		if (address.kind == ADDRESS_UNIX) {
			address.mode = block.mode;
			address.group = block.group;
			used = true;
		}
		listener->addresses = arena_push(r->parser->arena, listener->addresses,
		    &listener->address_count, sizeof *listener->addresses);
		listener->addresses[listener->address_count - 1] = address;
	}
	if (!used)
		conf_error(r, d, 0, "only a 'unix:' address with a path takes a block");
}
