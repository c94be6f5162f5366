/* SPDX-License-Identifier: ISC */
/*
 * Single flight, the queue behind it, and asking again.  c-ares may answer from within a call to
 * it, and must not be destroyed from within an answer: answers are only noted, the loop does the
 * rest.
 */
#include "config.h"

#include "resolver/questions.h"

#include <stdlib.h>
#include <string.h>

#include "resolver/clock.h"
#include "resolver/engine.h"
#include "resolver/hash.h"

#define BUCKETS 512 /* a power of two */

TAILQ_HEAD(waiters, resolver_waiter);
TAILQ_HEAD(line, resolver_question);

struct resolver_question {
	TAILQ_ENTRY(resolver_question) link; /* in `queued` or `answered` */
	struct resolver_question *next;      /* in its bucket */
	struct resolver_asking asking;
	struct resolver_questions *questions;
	struct waiters waiters;
	struct resolver_records *records;
	int64_t since_ms; /* when it was queued, then when it was first sent */
	int failures;
	bool sent;
	char name[];
};

struct resolver_questions {
	struct resolver_questions_config config;
	struct resolver_engine *engine;
	struct resolver_hash_key key;
	struct resolver_question *buckets[BUCKETS];
	struct line queued, answered;
	size_t in_flight;
	int tries;
	int64_t timeout_ms, budget_ms;
	uint64_t queries, failed, timeouts;
};

struct resolver_questions *resolver_questions_new(
    struct event_base *base, const struct resolver_questions_config *config)
{
	struct resolver_questions *questions = calloc(1, sizeof(*questions));

	if (questions == NULL)
		return NULL;
	questions->config = *config;
	questions->config.resolver = NULL;
	if (resolver_hash_key_make(&questions->key) == -1)
		goto fail;
	questions->engine = resolver_engine_new(base, config->resolver);
	if (questions->engine == NULL)
		goto fail;
	questions->tries = config->resolver->tries;
	questions->timeout_ms = config->resolver->timeout_ms;
	questions->budget_ms = questions->timeout_ms * questions->tries *
	    (int64_t)resolver_engine_server_count(questions->engine);
	TAILQ_INIT(&questions->queued);
	TAILQ_INIT(&questions->answered);
	return questions;

fail:
	free(questions);
	return NULL;
}

static struct resolver_question **place(
    struct resolver_questions *questions, const char *name, enum resolver_kind kind)
{
	uint64_t hash = resolver_hash(&questions->key, name, strlen(name)) + kind;
	struct resolver_question **at = &questions->buckets[hash & (BUCKETS - 1)];

	while (*at != NULL && ((*at)->asking.kind != kind || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static void forget(struct resolver_questions *questions, struct resolver_question *question)
{
	*place(questions, question->name, question->asking.kind) = question->next;
}

static void discard(struct resolver_question *question)
{
	resolver_records_unref(question->records);
	free(question);
}

void resolver_questions_free(struct resolver_questions *questions)
{
	struct resolver_question *question, *next;

	if (questions == NULL)
		return;
	resolver_engine_free(questions->engine);
	for (size_t i = 0; i < BUCKETS; i++)
		for (question = questions->buckets[i]; question != NULL; question = next) {
			next = question->next;
			discard(question);
		}
	free(questions);
}

static void answered(struct resolver_asking *asking, struct resolver_records *records)
{
	struct resolver_question *question = (struct resolver_question *)(void *)((char *)asking -
	    offsetof(struct resolver_question, asking));
	struct resolver_questions *questions = question->questions;

	question->records = records;
	TAILQ_INSERT_TAIL(&questions->answered, question, link);
	questions->config.wake(questions->config.arg);
}

static struct resolver_question *make(
    struct resolver_questions *questions, const char *name, enum resolver_kind kind)
{
	size_t size = strlen(name) + 1;
	struct resolver_question *question = calloc(1, sizeof(*question) + size);

	if (question == NULL)
		return NULL;
	memcpy(question->name, name, size);
	question->questions = questions;
	question->asking.kind = kind;
	question->asking.answered = answered;
	question->since_ms = resolver_now_ms();
	TAILQ_INIT(&question->waiters);
	TAILQ_INSERT_TAIL(&questions->queued, question, link);
	questions->config.wake(questions->config.arg);
	return question;
}

int resolver_questions_join(struct resolver_questions *questions, const char *name,
    enum resolver_kind kind, struct resolver_waiter *waiter)
{
	struct resolver_question **at = place(questions, name, kind);

	if (*at == NULL)
		*at = make(questions, name, kind);
	if (*at == NULL)
		return -1;
	waiter->question = *at;
	TAILQ_INSERT_TAIL(&(*at)->waiters, waiter, link);
	return 0;
}

void resolver_questions_leave(struct resolver_waiter *waiter)
{
	struct resolver_question *question = waiter->question;

	if (question == NULL)
		return;
	waiter->question = NULL;
	TAILQ_REMOVE(&question->waiters, waiter, link);
	if (!question->sent && TAILQ_EMPTY(&question->waiters)) {
		TAILQ_REMOVE(&question->questions->queued, question, link);
		forget(question->questions, question);
		discard(question);
	}
}

static void send_out(struct resolver_questions *questions, struct resolver_question *question)
{
	questions->queries++;
	resolver_engine_ask(questions->engine, question->name, &question->asking);
}

/*
 * c-ares is told to try once and the rounds are counted here, by time: c-ares doubles its timeout
 * with each of its own tries, or since 1.32 starts from what it measured, so that neither ends
 * when the configuration says.
 */
static bool deserves_another_round(const struct resolver_questions *questions,
    const struct resolver_question *question, int64_t now_ms)
{
	int64_t spent_ms = now_ms - question->since_ms;

	switch (resolver_records_status(question->records)) {
	case RESOLVER_FAILED:
	case RESOLVER_TIMEOUT:
		return question->failures < questions->tries &&
		    spent_ms + questions->timeout_ms / 2 < questions->budget_ms;
	default:
		return false;
	}
}

/* Who hears of it may ask the same again at once: then it is a new question. */
static void tell(struct resolver_questions *questions, struct resolver_question *question)
{
	struct resolver_waiter *waiter;

	forget(questions, question);
	if (question->records != NULL)
		questions->config.learn(questions->config.arg, question->name,
		    question->asking.kind, question->records);
	while ((waiter = TAILQ_FIRST(&question->waiters)) != NULL) {
		TAILQ_REMOVE(&question->waiters, waiter, link);
		waiter->question = NULL;
		waiter->answered(waiter, question->records);
	}
	discard(question);
}

static void settle(
    struct resolver_questions *questions, struct resolver_question *question, int64_t now_ms)
{
	enum resolver_status status = resolver_records_status(question->records);

	question->failures += status == RESOLVER_FAILED;
	if (deserves_another_round(questions, question, now_ms)) {
		resolver_records_unref(question->records);
		question->records = NULL;
		send_out(questions, question);
		return;
	}
	questions->in_flight--;
	questions->failed += status == RESOLVER_FAILED;
	questions->timeouts += status == RESOLVER_TIMEOUT;
	tell(questions, question);
}

static void start(
    struct resolver_questions *questions, struct resolver_question *question, int64_t now_ms)
{
	question->sent = true;
	if (now_ms - question->since_ms > questions->budget_ms) {
		questions->timeouts++;
		question->records = resolver_records_new(RESOLVER_TIMEOUT, NULL, 0);
		tell(questions, question);
		return;
	}
	question->since_ms = now_ms;
	questions->in_flight++;
	send_out(questions, question);
}

void resolver_questions_run(struct resolver_questions *questions)
{
	struct resolver_question *question;
	int64_t now_ms = resolver_now_ms();

	while ((question = TAILQ_FIRST(&questions->answered)) != NULL) {
		TAILQ_REMOVE(&questions->answered, question, link);
		settle(questions, question, now_ms);
	}
	while (questions->in_flight < RESOLVER_IN_FLIGHT &&
	    (question = TAILQ_FIRST(&questions->queued)) != NULL) {
		TAILQ_REMOVE(&questions->queued, question, link);
		start(questions, question, now_ms);
	}
}

size_t resolver_questions_in_flight(const struct resolver_questions *questions)
{
	return questions->in_flight;
}

void resolver_questions_count(
    const struct resolver_questions *questions, struct resolver_counters *counters)
{
	counters->queries += questions->queries;
	counters->failed += questions->failed;
	counters->timeouts += questions->timeouts;
	counters->in_flight += questions->in_flight;
}
