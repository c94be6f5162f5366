/* SPDX-License-Identifier: ISC */
/*
 * c-ares on an event base.  It is only the engine for A and AAAA: it must not open a hosts file,
 * read resolv.conf, search, sort, cache or look at the environment; all that is switched off here.
 */
#include "config.h"

#include "resolver/engine.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if ARES_VERSION < 0x011600
typedef struct ares_channeldata ares_channel_t;
#endif

#define EDNS_SIZE 1232 /* never in fragments: DNS flag day 2020 */

/* A socket of c-ares. */
struct watch {
	struct watch *next;
	struct resolver_engine *engine;
	struct event event;
};

struct resolver_engine {
	struct event_base *base;
	ares_channel_t *channel;
	struct watch *watches;
	struct event timer;
	size_t server_count;
};

/* The next moment at which c-ares must be called although no socket is ready. */
static void arm(struct resolver_engine *engine)
{
	struct timeval left, *next = ares_timeout(engine->channel, NULL, &left);

	if (next == NULL)
		evtimer_del(&engine->timer);
	else
		evtimer_add(&engine->timer, next);
}

static void time_passed(evutil_socket_t fd, short what, void *arg)
{
	struct resolver_engine *engine = arg;

	(void)fd;
	(void)what;
	ares_process_fd(engine->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(engine);
}

static void socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct watch *watch = arg;
	struct resolver_engine *engine = watch->engine; /* the watch may end in the next call */

	ares_process_fd(engine->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm(engine);
}

/* Called by c-ares when it wants to know something else of a socket, and before it closes one. */
static void wants_changed(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver_engine *engine = arg;
	struct watch **at = &engine->watches, *watch;
	short wants = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	while (*at != NULL && event_get_fd(&(*at)->event) != fd)
		at = &(*at)->next;
	watch = *at;
	if (watch != NULL) {
		event_del(&watch->event);
		if (wants == 0) {
			*at = watch->next;
			free(watch);
			return;
		}
	} else {
		/* Without memory nobody listens, and the question ends by its timeout. */
		if (wants == 0 || (watch = calloc(1, sizeof(*watch))) == NULL)
			return;
		watch->engine = engine;
		watch->next = engine->watches;
		engine->watches = watch;
	}
	event_assign(
	    &watch->event, engine->base, fd, (short)(wants | EV_PERSIST), socket_ready, watch);
	event_add(&watch->event, NULL);
}

static int open_channel(struct resolver_engine *engine, const struct resolver_config *config)
{
	static char dns_only[] = "b", no_file[] = "/dev/null";
	struct in_addr nowhere = {htonl(INADDR_LOOPBACK)};
	struct ares_options options = {
	    .flags = ARES_FLAG_EDNS | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
	    .ednspsz = EDNS_SIZE,
	    .timeout = config->timeout_ms,
	    .tries = 1,
	    .lookups = dns_only,
	    .servers = &nowhere,
	    .nservers = 1,
	    .sock_state_cb = wants_changed,
	    .sock_state_cb_data = engine,
	    .resolvconf_path = no_file,
	};
	/* A search list, sort list or dots of zero count as given, so that none is looked for. */
	int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS |
	    ARES_OPT_NDOTS | ARES_OPT_SORTLIST | ARES_OPT_NOROTATE | ARES_OPT_RESOLVCONF;

#ifdef ARES_OPT_UDP_MAX_QUERIES
	options.udp_max_queries = 32; /* a new source port now and then, also under load */
	mask |= ARES_OPT_UDP_MAX_QUERIES;
#endif
#ifdef ARES_OPT_MAXTIMEOUTMS
	options.maxtimeout = config->timeout_ms;
	mask |= ARES_OPT_MAXTIMEOUTMS;
#endif
#ifdef ARES_OPT_QUERY_CACHE
	options.qcache_max_ttl = 0;
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	switch (ares_init_options(&engine->channel, &options, mask)) {
	case ARES_SUCCESS:
		break;
	case ARES_ENOMEM:
		errno = ENOMEM;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int set_servers(struct resolver_engine *engine, const char *servers)
{
	if (servers == NULL || servers[0] == '\0' ||
	    ares_set_servers_ports_csv(engine->channel, servers) != 0) {
		errno = EINVAL;
		return -1;
	}
	for (engine->server_count = 1; *servers != '\0'; servers++)
		engine->server_count += *servers == ',' && servers[1] != '\0';
	return 0;
}

struct resolver_engine *resolver_engine_new(
    struct event_base *base, const struct resolver_config *config)
{
	struct resolver_engine *engine = calloc(1, sizeof(*engine));
	int saved;

	if (engine == NULL)
		return NULL;
	engine->base = base;
	if (open_channel(engine, config) == -1)
		goto fail;
	evtimer_assign(&engine->timer, base, time_passed, engine);
	if (set_servers(engine, config->servers) == 0)
		return engine;
	saved = errno;
	ares_destroy(engine->channel);
	errno = saved;
fail:
	free(engine);
	return NULL;
}

void resolver_engine_free(struct resolver_engine *engine)
{
	if (engine == NULL)
		return;
	ares_destroy(engine->channel);
	event_del(&engine->timer);
	free(engine);
}

size_t resolver_engine_server_count(const struct resolver_engine *engine)
{
	return engine->server_count;
}

/* c-ares below 1.34 says that no server could be reached where one said SERVFAIL or REFUSED. */
static enum resolver_status status_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return RESOLVER_FOUND;
	case ARES_ENODATA:
		return RESOLVER_NO_ADDRESS;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return RESOLVER_NOT_FOUND;
	case ARES_ETIMEOUT:
		return RESOLVER_TIMEOUT;
	default:
		return RESOLVER_FAILED;
	}
}

/*
 * An answer to a question about one kind may hold the other: not asked for, not taken.  Nor is an
 * IPv4 address in an AAAA record, which would slip past who asked for IPv6 only.
 */
static bool take_address(
    struct in6_addr *out, const struct ares_addrinfo_node *node, enum resolver_kind kind)
{
	if (kind == RESOLVER_A && node->ai_family == AF_INET) {
		memset(out, 0, sizeof(*out));
		out->s6_addr[10] = out->s6_addr[11] = 0xff;
		memcpy(&out->s6_addr[12],
		    &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr, 4);
		return true;
	}
	if (kind == RESOLVER_AAAA && node->ai_family == AF_INET6) {
		*out = ((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
		return !IN6_IS_ADDR_V4MAPPED(out);
	}
	return false;
}

/* The shortest life of the chain; more than 31 bits is none (RFC 2181, 8). */
static int64_t ttl_of(const struct ares_addrinfo *info)
{
	int64_t ttl = INT32_MAX;

	for (const struct ares_addrinfo_cname *cname = info->cnames; cname; cname = cname->next)
		ttl = cname->ttl < ttl ? cname->ttl : ttl;
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
	return ttl < 0 ? 0 : ttl * 1000;
}

static struct resolver_records *records_of(
    int status, const struct ares_addrinfo *info, enum resolver_kind kind)
{
	struct in6_addr addresses[RESOLVER_ADDRESSES_MAX];
	const struct ares_addrinfo_node *node;
	struct resolver_records *records;
	size_t count = 0;

	if (status != ARES_SUCCESS)
		return resolver_records_new(status_of(status), NULL, 0);
	for (node = info->nodes; node != NULL && count < RESOLVER_ADDRESSES_MAX;
	     node = node->ai_next)
		count += take_address(&addresses[count], node, kind);
	records = resolver_records_new(
	    count == 0 ? RESOLVER_NO_ADDRESS : RESOLVER_FOUND, addresses, count);
	if (records != NULL)
		records->ttl_ms = ttl_of(info);
	return records;
}

static void finished(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolver_asking *asking = arg;
	struct resolver_records *records;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	records = records_of(status, info, asking->kind);
	if (info != NULL)
		ares_freeaddrinfo(info);
	asking->answered(asking, records);
}

/*
 * That a port is closed is told to the next call on the socket.  If that is the sending of another
 * question, c-ares 1.18 moves only this one to the next server and the first waits for its timeout:
 * so receive before sending.
 */
static void hear_errors(struct resolver_engine *engine)
{
	const struct watch *watch;

	for (size_t i = 0;; i++) {
		size_t skip = i; /* counted anew: the last call may have closed sockets */

		for (watch = engine->watches; watch != NULL && skip > 0; watch = watch->next)
			skip--;
		if (watch == NULL)
			return;
		ares_process_fd(engine->channel, event_get_fd(&watch->event), ARES_SOCKET_BAD);
	}
}

void resolver_engine_ask(
    struct resolver_engine *engine, const char *name, struct resolver_asking *asking)
{
	struct ares_addrinfo_hints hints = {
	    .ai_flags = ARES_AI_NOSORT,
	    .ai_family = asking->kind == RESOLVER_A ? AF_INET : AF_INET6,
	};

	hear_errors(engine);
	ares_getaddrinfo(engine->channel, name, NULL, &hints, finished, asking);
	/* One that is armed is due sooner: everything has the same time. */
	if (!evtimer_pending(&engine->timer, NULL))
		arm(engine);
}

/*
 * c-ares below 1.19.1 takes its query ids from rand() where it cannot open /dev/urandom, as in a
 * chroot (CVE-2023-31147), and nobody else would seed it.
 */
int resolver_library_init(void)
{
	unsigned seed;

	if (getentropy(&seed, sizeof(seed)) == -1)
		return -1;
	srand(seed);
	return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS ? 0 : -1;
}

void resolver_library_cleanup(void)
{
	ares_library_cleanup();
}

const char *resolver_library_version(void)
{
	return ares_version(NULL);
}
