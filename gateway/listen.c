/* SPDX-License-Identifier: ISC */
/* From the addresses of the configuration to listening sockets, or to a line that says why not. */
#include "config.h"

#include "gateway/listen.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/listen_inherit.h"
#include "gateway/listen_tcp.h"
#include "gateway/listen_unix.h"
#include "gateway/log.h"
#include "gateway/occupant.h"

#define LOW_PORTS 1024 /* the usual net.ipv4.ip_unprivileged_port_start */

/* What is being bound, and where it goes. */
struct binding {
	struct bound_set *set;
	unsigned workers;
	size_t listener;
	int keepalive; /* of that listener */
	const struct listen_address *address;
	size_t bound; /* sockets of this address so far */
};

/* --- words ----------------------------------------------------------------------------------- */

/* "127.0.0.1:1080", "0.0.0.0%eth0:1080": as ss(8) writes them. */
static void describe(char out[TARGET_TEXT], const struct endpoint *endpoint, const char *interface)
{
	char text[TARGET_TEXT], scope[IF_NAMESIZE];
	const char *colon;

	endpoint_format(endpoint, text);
	if (interface == NULL && endpoint->scope != 0)
		interface = if_indextoname(endpoint->scope, scope);
	colon = strrchr(text, ':');
	if (interface == NULL || colon == NULL)
		memcpy(out, text, TARGET_TEXT);
	else
		snprintf(
		    out, TARGET_TEXT, "%.*s%%%.15s%s", (int)(colon - text), text, interface, colon);
}

static void complain(const struct binding *b, const char *where, const char *wrong)
{
	const struct place *place = &b->address->place;

	if (place->file != NULL)
		log_error("%s:%u: cannot listen on %s: %s", place->file, place->line, where, wrong);
	else
		log_error("cannot listen on %s: %s", where, wrong);
}

static void complain_tcp(
    const struct binding *b, const struct endpoint *endpoint, const char *interface, int error)
{
	char where[TARGET_TEXT], owner[OCCUPANT_TEXT], wrong[256];

	describe(where, endpoint, interface);
	if (error == EADDRINUSE && occupant_find(endpoint, owner))
		snprintf(wrong, sizeof(wrong), "%s listens there", owner);
	else if (error == EACCES && endpoint->port < LOW_PORTS)
		snprintf(wrong, sizeof(wrong),
		    "%s (ports below %d are for root and holders of CAP_NET_BIND_SERVICE)",
		    strerror(error), LOW_PORTS);
	else if (error == EADDRNOTAVAIL)
		snprintf(wrong, sizeof(wrong), "this machine does not have the address");
	else if (error == ENODEV)
		snprintf(wrong, sizeof(wrong), "there is no such interface");
	else
		snprintf(wrong, sizeof(wrong), "%s", strerror(error));
	complain(b, where, wrong);
}

/* --- one address ----------------------------------------------------------------------------- */

/* Takes over fd, also if there is no memory for it: then it is closed and NULL comes back. */
static struct bound *keep(struct binding *b, int fd)
{
	struct bound *grown =
	    reallocarray(b->set->sockets, b->set->count + 1, sizeof(*b->set->sockets));

	if (grown == NULL) {
		close(fd);
		complain(b, b->address->text, strerror(ENOMEM));
		return NULL;
	}
	b->set->sockets = grown;
	grown += b->set->count++;
	*grown = (struct bound){.fd = fd, .listener = b->listener};
	b->bound++;
	return grown;
}

static int keep_clones(struct binding *b, const int *fds, const char *interface)
{
	struct sockaddr_storage sa;
	socklen_t length = sizeof(sa);
	struct endpoint endpoint;
	char text[TARGET_TEXT];
	int failed = 0;

	getsockname(fds[0], (struct sockaddr *)&sa, &length);
	endpoint_from_sockaddr(&endpoint, (struct sockaddr *)&sa);
	describe(text, &endpoint, interface);
	for (unsigned i = 0; i < b->workers; i++) {
		struct bound *bound = keep(b, fds[i]);

		if (bound == NULL) {
			failed = -1;
			continue;
		}
		bound->worker = i;
		memcpy(bound->address, text, sizeof(text));
	}
	return failed;
}

/* 0, or -1 with errno for the caller to judge. */
static int open_clones(struct binding *b, const struct endpoint *endpoint, const char *interface)
{
	int *fds = calloc(b->workers, sizeof(*fds)), result, error;

	if (fds == NULL)
		return -1;
	result = listen_tcp_open(endpoint, interface, b->keepalive, fds, b->workers);
	if (result == 0)
		result = keep_clones(b, fds, interface);
	error = errno;
	free(fds);
	errno = error;
	return result;
}

/* What a kernel without a family, or with it switched off, says. */
static bool lacks_family(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

static int bind_tcp(struct binding *b)
{
	const struct listen_address *a = b->address;
	int result = 0, error = EADDRNOTAVAIL;

	for (size_t i = 0; i < a->endpoint_count; i++) {
		if (open_clones(b, &a->endpoints[i], NULL) == 0)
			continue;
		error = errno;
		if (a->shorthand && lacks_family(error))
			continue;
		complain_tcp(b, &a->endpoints[i], NULL, error);
		result = -1;
	}
	if (result == 0 && b->bound == 0) {
		complain(b, a->text, strerror(error));
		result = -1;
	}
	return result;
}

/* Without the right to bind to a device: each address that it has now. */
static int bind_addresses_of(struct binding *b, const char *interface)
{
	struct ifaddrs *list, *entry;
	struct endpoint endpoint;
	int result = 0;

	if (getifaddrs(&list) != 0) {
		complain(b, b->address->text, strerror(errno));
		return -1;
	}
	for (entry = list; entry != NULL; entry = entry->ifa_next) {
		if (strcmp(entry->ifa_name, interface) != 0 || entry->ifa_addr == NULL ||
		    !endpoint_from_sockaddr(&endpoint, entry->ifa_addr))
			continue;
		endpoint.port = b->address->port;
		if (open_clones(b, &endpoint, NULL) != 0) {
			complain_tcp(b, &endpoint, NULL, errno);
			result = -1;
		}
	}
	freeifaddrs(list);
	if (result == 0 && b->bound == 0) {
		complain(b, b->address->text, "the interface has no address");
		result = -1;
	}
	return result;
}

static int bind_interface(struct binding *b)
{
	const char *interface = b->address->interface;
	const struct endpoint any[] = {
	    {.address = address_from_ipv4(INADDR_ANY), .port = b->address->port},
	    {.address = in6addr_any, .port = b->address->port}};

	for (size_t i = 0; i < 2; i++) {
		if (open_clones(b, &any[i], interface) == 0)
			continue;
		if (errno == EPERM || errno == ENOPROTOOPT)
			return bind_addresses_of(b, interface);
		if (lacks_family(errno))
			continue;
		complain_tcp(b, &any[i], interface, errno);
		return -1;
	}
	return 0;
}

static int bind_unix(struct binding *b)
{
	const struct listen_address *a = b->address;
	char wrong[LISTEN_UNIX_WRONG];
	struct bound *bound;
	struct stat st;
	int fd = listen_unix_open(a, wrong);

	if (fd < 0) {
		complain(b, a->text, wrong);
		return -1;
	}
	bound = keep(b, fd);
	if (bound == NULL)
		return -1;
	bound->shared = true;
	snprintf(bound->address, sizeof(bound->address), "unix:%s%s",
	    a->kind == ADDRESS_ABSTRACT ? "@" : "", a->path);
	if (a->kind == ADDRESS_UNIX && lstat(a->path, &st) == 0) {
		bound->path = a->path;
		bound->device = st.st_dev;
		bound->inode = st.st_ino;
	}
	return 0;
}

static int bind_inherited(struct binding *b)
{
	struct sockaddr_storage sa = {0};
	socklen_t length = sizeof(sa);
	struct endpoint endpoint;
	struct sockaddr_un un;
	struct bound *bound;
	const char *wrong;
	int fd = listen_inherit(b->address, &wrong);

	if (fd < 0) {
		complain(b, b->address->text, wrong);
		return -1;
	}
	bound = keep(b, fd);
	if (bound == NULL)
		return -1;
	bound->shared = true;
	getsockname(fd, (struct sockaddr *)&sa, &length);
	memcpy(&un, &sa, sizeof(un));
	if (endpoint_from_sockaddr(&endpoint, (struct sockaddr *)&sa)) {
		describe(bound->address, &endpoint, NULL);
		listen_tcp_prepare(fd, b->keepalive);
	} else if (un.sun_path[0] == '\0') {
		snprintf(bound->address, sizeof(bound->address), "unix:@%.106s", un.sun_path + 1);
	} else {
		snprintf(bound->address, sizeof(bound->address), "unix:%.107s", un.sun_path);
	}
	return 0;
}

/* --- all of them ----------------------------------------------------------------------------- */

static int (*const binders[])(struct binding *b) = {
    [ADDRESS_TCP] = bind_tcp,
    [ADDRESS_INTERFACE] = bind_interface,
    [ADDRESS_UNIX] = bind_unix,
    [ADDRESS_ABSTRACT] = bind_unix,
    [ADDRESS_FD] = bind_inherited,
};

int listen_bind(const struct conf *conf, struct bound_set *set)
{
	int result = 0;

	*set = (struct bound_set){0};
	for (size_t i = 0; i < conf->listener_count; i++) {
		for (size_t j = 0; j < conf->listeners[i].address_count; j++) {
			struct binding b = {.set = set,
			    .workers = conf->workers,
			    .listener = i,
			    .keepalive = conf->listeners[i].keepalive,
			    .address = &conf->listeners[i].addresses[j]};

			if (binders[b.address->kind](&b) != 0)
				result = -1;
		}
	}
	if (result != 0)
		listen_close(set);
	return result;
}

static void remove_path(const struct bound *bound)
{
	struct stat st;

	if (bound->path != NULL && lstat(bound->path, &st) == 0 && st.st_dev == bound->device &&
	    st.st_ino == bound->inode)
		unlink(bound->path);
}

void listen_close(struct bound_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		remove_path(&set->sockets[i]);
		close(set->sockets[i].fd);
	}
	free(set->sockets);
	*set = (struct bound_set){0};
}

/* --- telling --------------------------------------------------------------------------------- */

static void format_protocols(char *out, size_t size, const struct listener *listener)
{
	size_t n = 0;

	out[0] = '\0';
	for (enum protocol p = 0; p < PROTOCOL_COUNT && n < size; p++)
		if (listener->protocols & (1u << p))
			n += (size_t)snprintf(
			    out + n, size - n, "%s%s", n > 0 ? " " : "", protocol_name(p));
}

/* How curl and a browser get there, for the first address that both can use. */
static void point_at(const struct listener *listener, const struct bound *bound)
{
	const char *user = identity_demands_password(&listener->auth) ? " --proxy-user NAME" : "";
	bool socks = listener->protocols & (1u << PROTOCOL_SOCKS5);
	bool http = listener->protocols & (1u << PROTOCOL_HTTP);
	struct sockaddr_storage sa;
	socklen_t length = sizeof(sa);
	struct endpoint endpoint;
	char text[TARGET_TEXT], *colon;

	if (!socks && !http)
		return;
	getsockname(bound->fd, (struct sockaddr *)&sa, &length);
	endpoint_from_sockaddr(&endpoint, (struct sockaddr *)&sa);
	if (IN6_IS_ADDR_UNSPECIFIED(&endpoint.address))
		endpoint.address = in6addr_loopback;
	else if (memcmp(&endpoint.address, &(struct in6_addr){.s6_addr = {[10] = 0xff, 0xff}},
	             sizeof(endpoint.address)) == 0)
		endpoint.address = address_from_ipv4(htonl(INADDR_LOOPBACK));
	endpoint_format(&endpoint, text);
	colon = strrchr(text, ':');
	log_notice("try it: curl --proxy %s://%s%s https://example.com/ - in a browser: %s proxy "
	           "%.*s, port %s",
	    socks ? "socks5h" : "http", text, user, socks ? "SOCKS v5" : "HTTP",
	    (int)(colon - text), text, colon + 1);
}

static bool is_tcp(int fd)
{
	int domain = 0;
	socklen_t length = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
	    (domain == AF_INET || domain == AF_INET6);
}

void listen_announce(const struct conf *conf, const struct bound_set *set, int ready_fd)
{
	const struct bound *first = NULL;
	char protocols[64];

	for (size_t i = 0; i < set->count; i++) {
		const struct bound *bound = &set->sockets[i];
		const struct listener *listener = &conf->listeners[bound->listener];

		if (bound->worker != 0)
			continue;
		format_protocols(protocols, sizeof(protocols), listener);
		log_notice("listening on %s (%s, %s)", bound->address, listener->name, protocols);
		if (ready_fd >= 0)
			dprintf(ready_fd, "listening on %s (%s, %s)\n", bound->address,
			    listener->name, protocols);
		if (first == NULL && is_tcp(bound->fd))
			first = bound;
	}
	if (ready_fd >= 0)
		close(ready_fd);
	if (first != NULL)
		point_at(&conf->listeners[first->listener], first);
}
