/* SPDX-License-Identifier: ISC */
/* A hash table of connections by all that must be equal, and a list of them in order of use. */
#include "config.h"

#include "gateway/http_pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include <event2/event_struct.h>

#include "resolver/resolver.h"

#define SWEEP_MS 500 /* pause between two looks for those that have been idle too long */

/* What is compared, without gaps. */
struct spelling {
	size_t length;
	uint64_t hash;
	uint8_t bytes[sizeof(struct http_pool_key) + HOPS_MAX * sizeof(struct hop *) +
	    RESOLVER_ADDRESSES_MAX * sizeof(struct in6_addr)];
};

struct entry {
	TAILQ_ENTRY(entry) use;
	struct entry *next; /* in its bucket, the one used last comes first */
	struct http_pool *pool;
	struct http_kept kept;
	uint64_t owner;
	int64_t due; /* loop_lately() */
	uint64_t hash;
	size_t length;
	uint8_t key[];
};

struct http_pool {
	struct loop *loop;
	unsigned max, max_each, count;
	TAILQ_HEAD(entry_list, entry) uses; /* the one unused longest comes first */
	uint64_t seed;
	int64_t swept, due; /* the last sweep and the next; INT64_MAX: none */
	struct event timer;
	size_t mask;
	struct entry *buckets[];
};

/* --- keys ------------------------------------------------------------------------------------ */

static void add(struct spelling *s, const void *bytes, size_t n)
{
	memcpy(s->bytes + s->length, bytes, n);
	s->length += n;
}

/* FNV-1a by words instead of bytes; the hosts are named by strangers, hence the seed. */
static uint64_t hash(uint64_t seed, const uint8_t *bytes, size_t n)
{
	uint64_t sum = UINT64_C(14695981039346656037) ^ seed, word;

	for (size_t i = 0; i < n; i += sizeof word) {
		word = 0;
		memcpy(&word, bytes + i, n - i < sizeof word ? n - i : sizeof word);
		sum = (sum ^ word) * UINT64_C(1099511628211);
		sum ^= sum >> 29;
	}
	sum *= seed | 1;
	return sum ^ sum >> 32;
}

static void spell(struct spelling *s, const struct http_pool *pool, const struct http_pool_key *key)
{
	const struct host *host = &key->target.host;

	assert(key->hop_count <= HOPS_MAX && key->address_count <= RESOLVER_ADDRESSES_MAX);
	s->length = 0;
	add(s, &key->conf, sizeof key->conf);
	add(s, &key->row.file, sizeof key->row.file);
	add(s, &key->row.line, sizeof key->row.line);
	add(s, &key->owner, sizeof key->owner);
	add(s, &key->hop_count, sizeof key->hop_count);
	if (key->hop_count > 0)
		add(s, key->hops, key->hop_count * sizeof(struct hop *));
	add(s, &key->address_count, sizeof key->address_count);
	if (key->address_count > 0)
		add(s, key->addresses, key->address_count * sizeof *key->addresses);
	add(s, &key->arrived.port, sizeof key->arrived.port);
	if (key->arrived.port != 0) {
		add(s, &key->arrived.address, sizeof key->arrived.address);
		add(s, &key->arrived.scope, sizeof key->arrived.scope);
	}
	add(s, &key->target.port, sizeof key->target.port);
	add(s, &host->named, sizeof host->named);
	if (host->named)
		add(s, host->name, strlen(host->name));
	else
		add(s, &host->address, sizeof host->address);
	s->hash = hash(pool->seed, s->bytes, s->length);
}

static bool same(const struct entry *e, const struct spelling *s)
{
	return e->hash == s->hash && e->length == s->length &&
	    memcmp(e->key, s->bytes, s->length) == 0;
}

/* --- entries --------------------------------------------------------------------------------- */

static struct entry **bucket(struct http_pool *pool, uint64_t sum)
{
	return &pool->buckets[sum & pool->mask];
}

/* The connection is left. */
static void remove_entry(struct entry *e)
{
	struct http_pool *pool = e->pool;
	struct entry **at = bucket(pool, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	TAILQ_REMOVE(&pool->uses, e, use);
	pool->count--;
	free(e);
}

static void close_entry(struct entry *e)
{
	struct stream *stream = e->kept.stream;

	remove_entry(e);
	stream_free(stream);
}

/* Nothing was asked: it is the origin's end, a late reset, or something that nobody waits for. */
static void disturbed(void *arg, int events)
{
	(void)events;
	close_entry(arg);
}

/* --- time ------------------------------------------------------------------------------------ */

/* The timer is never put off: after most connections that were used it would not have to fire. */
static void remind(struct http_pool *pool, int64_t when)
{
	int64_t now = loop_lately(), pause;
	struct timeval tv;

	if (when < pool->swept + SWEEP_MS)
		when = pool->swept + SWEEP_MS;
	if (when >= pool->due)
		return;
	pool->due = when;
	pause = when > now ? when - now : 0;
	tv.tv_sec = (time_t)(pause / 1000);
	tv.tv_usec = (suseconds_t)(pause % 1000 * 1000);
	event_add(&pool->timer, &tv);
}

static void sweep(evutil_socket_t fd, short what, void *arg)
{
	struct http_pool *pool = arg;
	int64_t first = INT64_MAX;
	struct entry *e, *next;

	(void)fd;
	(void)what;
	pool->swept = loop_lately();
	pool->due = INT64_MAX;
	for (e = TAILQ_FIRST(&pool->uses); e != NULL; e = next) {
		next = TAILQ_NEXT(e, use);
		if (e->due <= pool->swept)
			close_entry(e);
		else if (e->due < first)
			first = e->due;
	}
	remind(pool, first);
}

/* --- life ------------------------------------------------------------------------------------ */

struct http_pool *http_pool_new(const struct http_pool_plan *plan)
{
	struct http_pool *pool;
	size_t buckets = 1;

	while (buckets < plan->max)
		buckets *= 2;
	pool = calloc(1, sizeof *pool + buckets * sizeof *pool->buckets);
	if (pool == NULL)
		return NULL;
	pool->loop = plan->loop;
	pool->max = plan->max;
	pool->max_each = plan->max_each;
	pool->mask = buckets - 1;
	pool->swept = loop_lately();
	pool->due = INT64_MAX;
	TAILQ_INIT(&pool->uses);
	if (getrandom(&pool->seed, sizeof pool->seed, 0) != sizeof pool->seed)
		pool->seed = (uintptr_t)pool;
	event_assign(&pool->timer, pool->loop->base, -1, 0, sweep, pool);
	return pool;
}

void http_pool_free(struct http_pool *pool)
{
	struct entry *e;

	if (pool == NULL)
		return;
	while ((e = TAILQ_FIRST(&pool->uses)) != NULL)
		close_entry(e);
	event_del(&pool->timer);
	free(pool);
}

unsigned http_pool_count(const struct http_pool *pool)
{
	return pool->count;
}

/* --- taking and giving ----------------------------------------------------------------------- */

static bool reaches(const struct entry *e, const struct in6_addr *addresses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(&e->kept.peer.address, &addresses[i], sizeof addresses[i]) == 0)
			return true;
	return count == 0;
}

bool http_pool_take(struct http_pool *pool, const struct http_pool_key *key,
    const struct in6_addr *addresses, size_t address_count, struct http_kept *kept)
{
	int64_t now = loop_lately();
	struct spelling s;
	struct entry *e;

	if (pool->count == 0)
		return false;
	spell(&s, pool, key);
	e = *bucket(pool, s.hash);
	while (e != NULL && !(same(e, &s) && e->due > now && reaches(e, addresses, address_count)))
		e = e->next;
	if (e == NULL)
		return false;
	*kept = e->kept;
	remove_entry(e);
	stream_handler(kept->stream, NULL, NULL);
	return true;
}

/* How many there are with this key, and the one unused longest. */
static unsigned count_equal(struct http_pool *pool, const struct spelling *s, struct entry **oldest)
{
	unsigned n = 0;

	for (struct entry *e = *bucket(pool, s->hash); e != NULL; e = e->next) {
		if (same(e, s)) {
			*oldest = e;
			n++;
		}
	}
	return n;
}

void http_pool_yield(struct http_pool *pool, const struct http_pool_key *key)
{
	struct entry *oldest;
	struct spelling s;

	if (pool->count == 0)
		return;
	spell(&s, pool, key);
	if (count_equal(pool, &s, &oldest) > 0)
		close_entry(oldest);
}

/* Room for one more with this key.  False: there can be none. */
static bool make_room(struct http_pool *pool, const struct spelling *s)
{
	struct entry *oldest = NULL;

	if (pool->max == 0 || pool->max_each == 0)
		return false;
	if (count_equal(pool, s, &oldest) >= pool->max_each)
		close_entry(oldest);
	else if (pool->count >= pool->max)
		close_entry(TAILQ_FIRST(&pool->uses));
	return true;
}

void http_pool_give(struct http_pool *pool, const struct http_pool_key *key,
    const struct http_kept *kept, int64_t idle_ms)
{
	struct entry *e = NULL, **at;
	struct spelling s;

	spell(&s, pool, key);
	if (make_room(pool, &s))
		e = malloc(sizeof *e + s.length);
	if (e == NULL) {
		stream_free(kept->stream);
		return;
	}
	e->pool = pool;
	e->kept = *kept;
	e->owner = key->owner;
	e->due = loop_lately() + idle_ms;
	e->hash = s.hash;
	e->length = s.length;
	memcpy(e->key, s.bytes, s.length);
	at = bucket(pool, s.hash);
	e->next = *at;
	*at = e;
	TAILQ_INSERT_TAIL(&pool->uses, e, use);
	pool->count++;
	stream_handler(kept->stream, disturbed, e);
	stream_want(kept->stream, STREAM_READ);
	remind(pool, e->due);
}

void http_pool_forget(struct http_pool *pool, uint64_t owner)
{
	struct entry *next;

	for (struct entry *e = TAILQ_FIRST(&pool->uses); e != NULL; e = next) {
		next = TAILQ_NEXT(e, use);
		if (e->owner == owner)
			close_entry(e);
	}
}
