/* SPDX-License-Identifier: ISC */
/*
 * A look-up: what has no need of a server first, then the names of the search list one after the
 * other, both kinds of each at once.  Everything is told from one deferred event, so that nobody
 * is called before resolver_ask() has returned.
 */
#include "config.h"

#include "resolver/resolver.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "resolver/cache.h"
#include "resolver/clock.h"
#include "resolver/hosts.h"
#include "resolver/name.h"
#include "resolver/questions.h"

/* Which kinds a family wants, and whose turn is first. */
static const struct preference {
	bool wants[RESOLVER_KINDS];
	enum resolver_kind first;
} preferences[] = {
    [RESOLVER_ANY] = {{true, true}, RESOLVER_AAAA}, /* RFC 6724, 2.1: precedence 40 and 35 */
    [RESOLVER_IPV4] = {{[RESOLVER_A] = true}, RESOLVER_A},
    [RESOLVER_IPV6] = {{[RESOLVER_AAAA] = true}, RESOLVER_AAAA},
    [RESOLVER_PREFER_IPV4] = {{true, true}, RESOLVER_A},
    [RESOLVER_PREFER_IPV6] = {{true, true}, RESOLVER_AAAA},
};

TAILQ_HEAD(lookups, lookup);

/* One kind of one look-up. */
struct half {
	struct resolver_waiter waiter;
	struct lookup *lookup;
	struct resolver_records *records;
};

struct lookup {
	TAILQ_ENTRY(lookup) link;
	struct lookups *list; /* the one it stands in */
	struct resolver *resolver;
	void (*done)(void *arg, const struct resolver_answer *answer);
	void *arg;
	const struct preference *preference;
	struct half halves[RESOLVER_KINDS];
	unsigned waiting; /* halves */
	size_t candidate; /* the next to try */
	enum resolver_status status;
	bool asked; /* a server */
	char name[];
};

struct resolver {
	struct resolver_questions *questions;
	struct resolver_cache *cache;
	const struct resolver_hosts *hosts;
	struct event deferred;
	struct lookups pending, ready; /* asked of servers; to be told */
	bool telling, freed;           /* freed while telling: run() lets go of the rest */
	char **search;
	size_t search_count;
	unsigned ndots;
	int64_t min_ttl_ms, max_ttl_ms, negative_ttl_ms;
	enum resolver_family family;
	uint64_t asked, cached;
};

static void wake(void *arg)
{
	struct resolver *r = arg;

	event_active(&r->deferred, EV_TIMEOUT, 0);
}

static void move(struct lookup *lookup, struct lookups *to)
{
	TAILQ_REMOVE(lookup->list, lookup, link);
	TAILQ_INSERT_TAIL(to, lookup, link);
	lookup->list = to;
}

static void discard(struct lookup *lookup)
{
	TAILQ_REMOVE(lookup->list, lookup, link);
	for (int kind = 0; kind < RESOLVER_KINDS; kind++) {
		resolver_questions_leave(&lookup->halves[kind].waiter);
		resolver_records_unref(lookup->halves[kind].records);
	}
	free(lookup);
}

static void take(struct half *half, struct resolver_records *records)
{
	enum resolver_status status = resolver_records_status(records);

	resolver_records_ref(records);
	resolver_records_unref(half->records);
	half->records = records;
	half->lookup->status = resolver_status_join(half->lookup->status, status);
}

static size_t loopback(enum resolver_kind kind, struct in6_addr out[RESOLVER_ADDRESSES_MAX])
{
	static const struct in6_addr addresses[] = {
	    [RESOLVER_A] = {{{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}}},
	    [RESOLVER_AAAA] = IN6ADDR_LOOPBACK_INIT,
	};

	out[0] = addresses[kind];
	return 1;
}

/*
 * What needs no server.  A name in the hosts file with an address of one kind only has no other;
 * if that kind is not wanted, the servers are asked.
 */
static bool is_known_here(struct lookup *lookup, const char *name)
{
	enum resolver_special special = resolver_name_special(name);
	struct in6_addr found[RESOLVER_ADDRESSES_MAX];
	struct resolver_records *records;
	bool known = special == RESOLVER_NEVER;
	size_t count;

	for (int kind = 0; kind < RESOLVER_KINDS; kind++) {
		if (!lookup->preference->wants[kind])
			continue;
		count = special == RESOLVER_LOOPBACK
		    ? loopback(kind, found)
		    : resolver_hosts_find(lookup->resolver->hosts, name, kind, found);
		if (count == 0)
			continue;
		known = true;
		records = resolver_records_new(RESOLVER_FOUND, found, count);
		take(&lookup->halves[kind], records);
		resolver_records_unref(records);
	}
	return known;
}

/* Both kinds at once, from the cache or from the servers. */
static void try_name(struct lookup *lookup, const char *name, int64_t now_ms)
{
	struct resolver *r = lookup->resolver;
	struct resolver_records *records;

	for (int kind = 0; kind < RESOLVER_KINDS; kind++) {
		struct half *half = &lookup->halves[kind];

		if (!lookup->preference->wants[kind])
			continue;
		records = resolver_cache_find(r->cache, name, kind, now_ms);
		if (records == NULL &&
		    resolver_questions_join(r->questions, name, kind, &half->waiter) == 0) {
			lookup->waiting++;
			lookup->asked = true;
			continue;
		}
		take(half, records);
	}
}

/* A name with enough dots is asked for as it is and no other way: nothing leaks to a domain. */
static size_t searches(const struct lookup *lookup)
{
	const struct resolver *r = lookup->resolver;

	return resolver_name_dots(lookup->name) < r->ndots ? r->search_count : 0;
}

/* The names to try, one with each call: below each domain of the search list, then as it is. */
static const char *next_name(struct lookup *lookup, char out[RESOLVER_NAME_LENGTH + 1])
{
	size_t length = strlen(lookup->name), count = searches(lookup);

	while (lookup->candidate < count) {
		const char *domain = lookup->resolver->search[lookup->candidate++];
		size_t rest = strlen(domain);

		if (length + 1 + rest > RESOLVER_NAME_LENGTH)
			continue;
		memcpy(out, lookup->name, length);
		out[length] = '.';
		memcpy(out + length + 1, domain, rest + 1);
		return out;
	}
	return lookup->candidate++ == count ? lookup->name : NULL;
}

/* Only the certainty that it is not there leads on to the next name. */
static bool is_settled(const struct lookup *lookup)
{
	return lookup->status != RESOLVER_NOT_FOUND && lookup->status != RESOLVER_NO_ADDRESS;
}

static void proceed(struct lookup *lookup)
{
	char buffer[RESOLVER_NAME_LENGTH + 1];
	const char *name;

	while (!is_settled(lookup) && (name = next_name(lookup, buffer)) != NULL) {
		if (is_known_here(lookup, name))
			continue;
		try_name(lookup, name, resolver_now_ms());
		if (lookup->waiting > 0)
			return;
	}
	lookup->resolver->cached += !lookup->asked;
	move(lookup, &lookup->resolver->ready);
	wake(lookup->resolver);
}

static void half_answered(struct resolver_waiter *waiter, struct resolver_records *records)
{
	struct half *half = (struct half *)(void *)((char *)waiter - offsetof(struct half, waiter));

	take(half, records);
	if (--half->lookup->waiting == 0)
		proceed(half->lookup);
}

struct lookup *resolver_ask(struct resolver *r, const char *name, enum resolver_family family,
    void (*done)(void *arg, const struct resolver_answer *answer), void *arg)
{
	size_t size = strlen(name) + 1;
	struct lookup *lookup = calloc(1, sizeof(*lookup) + size);

	if (lookup == NULL)
		return NULL;
	memcpy(lookup->name, name, size);
	lookup->resolver = r;
	lookup->done = done;
	lookup->arg = arg;
	lookup->preference = &preferences[family == RESOLVER_ANY ? r->family : family];
	lookup->status = RESOLVER_NOT_FOUND;
	for (int kind = 0; kind < RESOLVER_KINDS; kind++) {
		lookup->halves[kind].lookup = lookup;
		lookup->halves[kind].waiter.answered = half_answered;
	}
	lookup->list = &r->pending;
	TAILQ_INSERT_TAIL(lookup->list, lookup, link);
	r->asked++;
	if (!resolver_name_valid(name))
		lookup->candidate = SIZE_MAX;
	else if (searches(lookup) > 0)
		is_known_here(lookup, name);
	proceed(lookup);
	return lookup;
}

void resolver_cancel(struct lookup *lookup)
{
	if (lookup != NULL)
		discard(lookup);
}

/* The handle goes first: who is told may start anew, or free the resolver. */
static void tell(struct lookup *lookup)
{
	enum resolver_kind first = lookup->preference->first;
	enum resolver_kind second = first == RESOLVER_A ? RESOLVER_AAAA : RESOLVER_A;
	void (*done)(void *arg, const struct resolver_answer *answer) = lookup->done;
	void *arg = lookup->arg;
	struct in6_addr addresses[RESOLVER_ADDRESSES_MAX];
	struct resolver_answer answer = {
	    .status = lookup->status,
	    .addresses = addresses,
	    .cached = !lookup->asked,
	};

	answer.count = resolver_records_merge(
	    addresses, lookup->halves[first].records, lookup->halves[second].records);
	discard(lookup);
	done(arg, &answer);
}

static void run(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	(void)fd;
	(void)what;
	resolver_questions_run(r->questions);
	r->telling = true;
	while (!TAILQ_EMPTY(&r->ready))
		tell(TAILQ_FIRST(&r->ready));
	r->telling = false;
	if (r->freed)
		free(r);
}

static void learn(
    void *arg, const char *name, enum resolver_kind kind, struct resolver_records *records)
{
	struct resolver *r = arg;
	int64_t ttl_ms;

	switch (records->status) {
	case RESOLVER_FOUND:
		ttl_ms = records->ttl_ms < r->min_ttl_ms ? r->min_ttl_ms : records->ttl_ms;
		ttl_ms = ttl_ms > r->max_ttl_ms ? r->max_ttl_ms : ttl_ms;
		break;
	case RESOLVER_NOT_FOUND:
	case RESOLVER_NO_ADDRESS:
		ttl_ms = r->negative_ttl_ms;
		break;
	default:
		return; /* a failure may pass at any moment */
	}
	if (ttl_ms > 0)
		resolver_cache_put(r->cache, name, kind, records, resolver_now_ms() + ttl_ms);
}

static int copy_search(struct resolver *r, const char *const *search)
{
	size_t count = 0;

	while (search != NULL && search[count] != NULL)
		count++;
	r->search = calloc(count + 1, sizeof(*r->search));
	if (r->search == NULL)
		return -1;
	for (; r->search_count < count; r->search_count++) {
		r->search[r->search_count] = strdup(search[r->search_count]);
		if (r->search[r->search_count] == NULL)
			return -1;
	}
	return 0;
}

struct resolver *resolver_new(struct event_base *base, const struct resolver_config *config)
{
	struct resolver *r = calloc(1, sizeof(*r));
	struct resolver_questions_config questions = {
	    .resolver = config,
	    .wake = wake,
	    .learn = learn,
	    .arg = r,
	};
	int saved;

	if (r == NULL)
		return NULL;
	TAILQ_INIT(&r->pending);
	TAILQ_INIT(&r->ready);
	event_assign(&r->deferred, base, -1, 0, run, r);
	r->hosts = config->hosts;
	r->ndots = config->ndots;
	r->min_ttl_ms = config->min_ttl_ms;
	r->max_ttl_ms = config->max_ttl_ms;
	r->negative_ttl_ms = config->negative_ttl_ms;
	r->family = config->family;
	if (copy_search(r, config->search) == 0 &&
	    (r->cache = resolver_cache_new(config->cache_max)) != NULL &&
	    (r->questions = resolver_questions_new(base, &questions)) != NULL)
		return r;
	saved = errno;
	resolver_free(r);
	errno = saved;
	return NULL;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	while (!TAILQ_EMPTY(&r->pending))
		discard(TAILQ_FIRST(&r->pending));
	while (!TAILQ_EMPTY(&r->ready))
		discard(TAILQ_FIRST(&r->ready));
	resolver_questions_free(r->questions);
	resolver_cache_free(r->cache);
	event_del(&r->deferred);
	for (size_t i = 0; i < r->search_count; i++)
		free(r->search[i]);
	free(r->search);
	r->freed = true;
	if (!r->telling)
		free(r);
}

void resolver_count(const struct resolver *r, struct resolver_counters *counters)
{
	*counters = (struct resolver_counters){
	    .asked = r->asked,
	    .cached = r->cached,
	    .cache_names = resolver_cache_count(r->cache),
	};
	resolver_questions_count(r->questions, counters);
}
