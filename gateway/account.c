/* SPDX-License-Identifier: ISC */
/* What clients and users hold: shards of small hash tables, each under its own mutex. */
#include "config.h"

#include "gateway/account.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARDS 64
#define BUCKETS 256 /* in a shard */
#define MS_NS INT64_C(1000000)
#define SWEEP_EVERY 1024 /* entries looked at for each that may be forgotten */

struct holder {
	struct holder *next;
	uint64_t hash;
	unsigned sessions;
	unsigned handshakes;
	double tokens;      /* new connections that may still come at once */
	double rate, burst; /* how fast they come back, and how many there can be */
	int64_t refilled_ms;
	struct backoff backoff; /* one from whom logins come */
	struct bucket bucket;   /* of its sessions together */
	size_t length;
	unsigned char key[];
};

struct shard {
	pthread_mutex_t mutex;
	struct holder *buckets[BUCKETS];
	size_t count, sweep_at;
};

struct account {
	uint64_t seed;
	struct shard shards[SHARDS];
};

struct account *account_new(void)
{
	struct account *account = calloc(1, sizeof *account);

	if (account == NULL)
		return NULL;
	if (getrandom(&account->seed, sizeof account->seed, 0) != sizeof account->seed)
		account->seed = (uintptr_t)account;
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_init(&account->shards[i].mutex, NULL);
		account->shards[i].sweep_at = SWEEP_EVERY;
	}
	return account;
}

void account_free(struct account *account)
{
	if (account == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		for (size_t b = 0; b < BUCKETS; b++) {
			struct holder *next;

			for (struct holder *h = account->shards[i].buckets[b]; h != NULL;
			     h = next) {
				next = h->next;
				free(h);
			}
		}
		pthread_mutex_destroy(&account->shards[i].mutex);
	}
	free(account);
}

/* FNV-1a over the key, finished by a multiplication with the seed: keys are addresses and names. */
static uint64_t hash_key(uint64_t seed, const unsigned char *key, size_t length)
{
	uint64_t hash = UINT64_C(14695981039346656037) ^ seed;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ key[i]) * UINT64_C(1099511628211);
	hash ^= hash >> 32;
	hash *= seed | 1;
	return hash ^ hash >> 29;
}

static struct shard *shard_of(struct account *account, uint64_t hash)
{
	return &account->shards[hash % SHARDS];
}

static struct holder **bucket_of(struct shard *shard, uint64_t hash)
{
	return &shard->buckets[hash / SHARDS % BUCKETS];
}

static void refill(struct holder *h, int64_t now_ms)
{
	h->tokens += (double)(now_ms - h->refilled_ms) * h->rate / 1000;
	if (h->tokens > h->burst)
		h->tokens = h->burst;
	h->refilled_ms = now_ms;
}

/* Nothing would be lost by forgetting it. */
static bool idle(struct holder *h, int64_t now_ms)
{
	if (h->sessions > 0 || h->handshakes > 0 || !backoff_is_idle(&h->backoff, now_ms) ||
	    h->bucket.next_ns > now_ms * MS_NS)
		return false;
	refill(h, now_ms);
	return h->tokens >= h->burst;
}

/* Forget those that only waited for their tokens; called when a shard has grown. */
static void sweep(struct shard *shard, int64_t now_ms)
{
	for (size_t b = 0; b < BUCKETS; b++) {
		struct holder **at = &shard->buckets[b];

		while (*at != NULL) {
			struct holder *h = *at;

			if (!idle(h, now_ms)) {
				at = &h->next;
				continue;
			}
			*at = h->next;
			free(h);
			shard->count--;
		}
	}
	shard->sweep_at = shard->count * 2 + SWEEP_EVERY;
}

struct key {
	unsigned char bytes[1 + 255]; /* what kind, and who */
	size_t length;
	uint64_t hash;
};

/* The entry of a key, made if there is none; the shard is locked.  NULL: out of memory. */
static struct holder *find(struct shard *shard, const struct key *key, int64_t now_ms)
{
	struct holder **bucket = bucket_of(shard, key->hash);
	struct holder *h;

	for (h = *bucket; h != NULL; h = h->next)
		if (h->hash == key->hash && h->length == key->length &&
		    memcmp(h->key, key->bytes, key->length) == 0)
			return h;
	if (shard->count >= shard->sweep_at)
		sweep(shard, now_ms);
	h = calloc(1, sizeof *h + key->length);
	if (h == NULL)
		return NULL;
	h->hash = key->hash;
	h->length = key->length;
	memcpy(h->key, key->bytes, key->length);
	h->refilled_ms = now_ms;
	h->next = *bucket;
	*bucket = h;
	shard->count++;
	return h;
}

/* The shard is locked: drop an entry that says nothing any more. */
static void forget(struct shard *shard, struct holder *h)
{
	struct holder **at = bucket_of(shard, h->hash);

	if (h->sessions > 0 || h->handshakes > 0 || h->rate > 0 || h->bucket.next_ns > 0)
		return;
	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	free(h);
	shard->count--;
}

static struct key make_key(
    const struct account *account, unsigned char kind, const void *who, size_t length)
{
	struct key key = {.bytes = {kind}, .length = 1 + length};

	memcpy(key.bytes + 1, who, length);
	key.hash = hash_key(account->seed, key.bytes, key.length);
	return key;
}

static struct key address_key(
    const struct account *account, unsigned char kind, const struct in6_addr *address)
{
	return make_key(account, kind, address, address_is_ipv4(address) ? 16 : 8);
}

static struct key client_key(const struct account *account, const struct in6_addr *address)
{
	return address != NULL ? address_key(account, 'c', address) : make_key(account, 'u', "", 0);
}

/* One more connection a second costs one token; a second's worth may come at once. */
static bool take_token(struct holder *h, double rate, int64_t now_ms)
{
	if (rate <= 0)
		return true;
	if (h->rate <= 0)
		h->tokens = rate < 1 ? 1 : rate;
	h->rate = rate;
	h->burst = rate < 1 ? 1 : rate;
	refill(h, now_ms);
	if (h->tokens < 1)
		return false;
	h->tokens -= 1;
	return true;
}

enum reason account_enter(struct account *account, const struct limits *limits,
    const struct in6_addr *address, int64_t now_ms, struct holder **holder)
{
	struct key key;
	struct shard *shard;
	struct holder *h;
	enum reason reason = REASON_LIMIT;

	*holder = NULL;
	if (limits->sessions_per_client == 0 && limits->handshakes_per_client == 0 &&
	    limits->rate_per_client <= 0 && limits->bandwidth_per_client == 0)
		return REASON_OK;
	key = client_key(account, address);
	shard = shard_of(account, key.hash);
	pthread_mutex_lock(&shard->mutex);
	h = find(shard, &key, now_ms);
	if (h == NULL) {
		reason = REASON_RESOURCES;
	} else if ((limits->sessions_per_client == 0 ||
	               h->sessions < limits->sessions_per_client) &&
	    (limits->handshakes_per_client == 0 || h->handshakes < limits->handshakes_per_client) &&
	    take_token(h, limits->rate_per_client, now_ms)) {
		h->sessions++;
		h->handshakes++;
		*holder = h;
		reason = REASON_OK;
	} else {
		forget(shard, h);
	}
	pthread_mutex_unlock(&shard->mutex);
	return reason;
}

void account_served(struct account *account, struct holder *holder)
{
	struct shard *shard;

	if (holder == NULL)
		return;
	shard = shard_of(account, holder->hash);
	pthread_mutex_lock(&shard->mutex);
	holder->handshakes--;
	pthread_mutex_unlock(&shard->mutex);
}

void account_leave(struct account *account, struct holder *holder, bool served)
{
	struct shard *shard;

	if (holder == NULL)
		return;
	shard = shard_of(account, holder->hash);
	pthread_mutex_lock(&shard->mutex);
	holder->sessions--;
	if (!served)
		holder->handshakes--;
	forget(shard, holder);
	pthread_mutex_unlock(&shard->mutex);
}

enum reason account_login(
    struct account *account, const struct limits *limits, const char *user, struct holder **holder)
{
	struct key key;
	struct shard *shard;
	struct holder *h;
	enum reason reason = REASON_LIMIT;

	*holder = NULL;
	if (limits->sessions_per_user == 0 && limits->bandwidth_per_user == 0)
		return REASON_OK;
	key = make_key(account, 'n', user, strnlen(user, sizeof key.bytes - 1));
	shard = shard_of(account, key.hash);
	pthread_mutex_lock(&shard->mutex);
	h = find(shard, &key, 0);
	if (h == NULL) {
		reason = REASON_RESOURCES;
	} else if (limits->sessions_per_user == 0 || h->sessions < limits->sessions_per_user) {
		h->sessions++;
		*holder = h;
		reason = REASON_OK;
	}
	pthread_mutex_unlock(&shard->mutex);
	return reason;
}

/* --- bandwidth -------------------------------------------------------------------------------- */

int64_t account_take(
    struct account *account, struct holder *holder, uint64_t rate, uint64_t bytes, int64_t now_ns)
{
	struct shard *shard = shard_of(account, holder->hash);
	int64_t from_ns;

	pthread_mutex_lock(&shard->mutex);
	from_ns = bucket_take(&holder->bucket, rate, bytes, now_ns);
	pthread_mutex_unlock(&shard->mutex);
	return from_ns;
}

void account_give_back(
    struct account *account, struct holder *holder, uint64_t rate, uint64_t bytes)
{
	struct shard *shard = shard_of(account, holder->hash);

	pthread_mutex_lock(&shard->mutex);
	bucket_give_back(&holder->bucket, rate, bytes);
	pthread_mutex_unlock(&shard->mutex);
}

/* --- logins ----------------------------------------------------------------------------------- */

enum backoff_verdict account_attempt(
    struct account *account, const struct login *login, struct holder **holder)
{
	struct key key = login->address != NULL
	    ? address_key(account, 'a', login->address)
	    : make_key(account, 'i', &login->uid, sizeof login->uid);
	struct shard *shard = shard_of(account, key.hash);
	enum backoff_verdict verdict = BACKOFF_CHECK;
	struct holder *h;

	*holder = NULL;
	if (login->most->number == 0)
		return BACKOFF_CHECK;
	pthread_mutex_lock(&shard->mutex);
	h = find(shard, &key, login->now_ms);
	if (h != NULL)
		verdict = backoff_begin(&h->backoff, login->most, login->now_ms);
	if (verdict == BACKOFF_CHECK)
		*holder = h;
	pthread_mutex_unlock(&shard->mutex);
	return verdict;
}

bool account_failed(
    struct account *account, struct holder *holder, const struct login *login, int64_t *delay_ms)
{
	struct shard *shard;
	bool locked;

	*delay_ms = 0;
	if (holder == NULL)
		return false;
	shard = shard_of(account, holder->hash);
	pthread_mutex_lock(&shard->mutex);
	locked = backoff_fail(&holder->backoff, login->most, login->now_ms, delay_ms);
	pthread_mutex_unlock(&shard->mutex);
	return locked;
}

void account_attempted(struct account *account, struct holder *holder, bool right)
{
	struct shard *shard;

	if (holder == NULL)
		return;
	shard = shard_of(account, holder->hash);
	pthread_mutex_lock(&shard->mutex);
	if (right)
		backoff_succeed(&holder->backoff);
	else
		backoff_withdraw(&holder->backoff);
	if (holder->backoff.pending == 0 && holder->backoff.failures == 0)
		forget(shard, holder);
	pthread_mutex_unlock(&shard->mutex);
}
