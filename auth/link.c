/* SPDX-License-Identifier: ISC */
/* The worker's side: asks the keeper and waits, each check with its own deadline. */
#include "config.h"

#include "auth/auth.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth/cache.h"
#include "auth/message.h"

#define READ_BATCH 64
#define KEPT_MAX 4096 /* answers, of each link */

struct auth_check {
	TAILQ_ENTRY(auth_check) entry;
	struct auth_link *link;
	uint32_t id;
	struct event *timer; /* the deadline, or at once when the result is known */
	struct auth_answer answer;
	char user[MESSAGE_TEXT_MAX + 1]; /* of the answer */
	bool answered;
	bool keyed; /* it may be kept */
	struct cache_key key;
	uint8_t *unsent; /* NULL once the keeper has it */
	size_t unsent_length;
	void (*done)(void *arg, const struct auth_answer *answer);
	void *arg;
};

TAILQ_HEAD(auth_check_list, auth_check);

struct auth_link {
	struct event_base *base;
	int fd; /* -1: lost */
	struct event *readable, *writable;
	struct auth_check_list checks; /* the oldest first */
	uint32_t last_id;
	struct cache *cache;
	void (*lost)(void *arg);
	void *arg;
};

static void forget_unsent(struct auth_check *check)
{
	if (check->unsent != NULL)
		OPENSSL_cleanse(check->unsent, check->unsent_length);
	free(check->unsent);
	check->unsent = NULL;
}

static void drop(struct auth_check *check)
{
	TAILQ_REMOVE(&check->link->checks, check, entry);
	event_free(check->timer);
	forget_unsent(check);
	free(check);
}

static void cancel(struct auth_check *check)
{
	const struct message message = {.kind = MESSAGE_CANCEL, .id = check->id};
	uint8_t bytes[MESSAGE_MAX];

	/* If it cannot be sent now, the keeper's deadline does the same a little later. */
	if (!check->answered && check->link->fd >= 0 && check->unsent == NULL)
		send(check->link->fd, bytes, message_write(bytes, &message),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The result is known, or will never be. */
static void time_up(evutil_socket_t fd, short events, void *arg)
{
	struct auth_check *check = arg;
	struct auth_check told = *check;

	(void)fd;
	(void)events;
	cancel(check);
	drop(check);
	told.answer.user = told.user;
	told.done(told.arg, &told.answer);
}

/* --- sending --------------------------------------------------------------------------------- */

/* 0: sent; -1 with errno. */
static int send_check(struct auth_check *check)
{
	ssize_t n;

	do
		n = send(check->link->fd, check->unsent, check->unsent_length,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	forget_unsent(check);
	return 0;
}

/* The keeper was busy: now it takes more.  A link that is lost shows on the reading side. */
static void send_more(evutil_socket_t fd, short events, void *arg)
{
	struct auth_link *link = arg;
	struct auth_check *check;

	(void)fd;
	(void)events;
	TAILQ_FOREACH(check, &link->checks, entry)
	if (check->unsent != NULL && send_check(check) != 0)
		return;
	event_del(link->writable);
}

static bool is_text(const char *text, size_t length)
{
	return length <= MESSAGE_TEXT_MAX && memchr(text, '\0', length) == NULL;
}

/* False: *result is known without asking. */
static bool make_message(
    struct message *message, const struct auth_question *question, enum auth_result *result)
{
	const char *rhost = question->rhost != NULL ? question->rhost : "";
	size_t rhost_length = strlen(rhost);

	assert(rhost_length <= MESSAGE_RHOST_MAX);
	*result = AUTH_UNAVAILABLE;
	if (question->block_count > AUTH_BLOCKS_MAX)
		return false;
	if (!is_text(question->user, question->user_length) ||
	    !is_text(question->password, question->password_length)) {
		*result = AUTH_WRONG;
		return false;
	}
	*message = (struct message){.kind = MESSAGE_ASK,
	    .block_count = (uint16_t)question->block_count,
	    .user_length = (uint16_t)question->user_length,
	    .password_length = (uint16_t)question->password_length,
	    .rhost_length = (uint16_t)rhost_length};
	message->deadline_ms =
	    question->deadline_ms < INT32_MAX ? (uint32_t)question->deadline_ms : INT32_MAX;
	memcpy(
	    message->blocks, question->blocks, question->block_count * sizeof(question->blocks[0]));
	memcpy(message->user, question->user, question->user_length);
	memcpy(message->password, question->password, question->password_length);
	memcpy(message->rhost, rhost, rhost_length);
	return true;
}

static void start_timer(struct auth_check *check, int64_t ms)
{
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	event_add(check->timer, &tv);
}

/* It is told from the loop, not from here: whoever is told may free the link. */
static void know(struct auth_check *check)
{
	check->answered = true;
	event_active(check->timer, EV_TIMEOUT, 0);
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void admit(struct auth_check *check, uint16_t block, const char *user)
{
	check->answer.result = AUTH_ACCEPTED;
	check->answer.block = block;
	strcpy(check->user, user);
	know(check);
}

/* Whether the keeper said yes to the same a moment ago. */
static bool recall(struct auth_check *check, const struct message *question)
{
	struct cache *cache = check->link->cache;
	struct cached found;

	check->keyed = cache_key(cache, question, &check->key);
	if (!check->keyed || !cache_find(cache, &check->key, now(), &found))
		return false;
	admit(check, found.block, found.user);
	return true;
}

static int ask(struct auth_check *check, const struct auth_question *question)
{
	struct message message;

	if (!make_message(&message, question, &check->answer.result)) {
		know(check);
		return 0;
	}
	if (recall(check, &message)) {
		OPENSSL_cleanse(&message, sizeof(message));
		return 0;
	}
	message.id = check->id;
	check->unsent = malloc(MESSAGE_MAX);
	if (check->unsent != NULL)
		check->unsent_length = message_write(check->unsent, &message);
	OPENSSL_cleanse(&message, sizeof(message));
	if (check->unsent == NULL)
		return -1;
	start_timer(check, question->deadline_ms > 0 ? question->deadline_ms : 0);
	/* In order: behind others that wait, or when the socket is full, it waits too. */
	if (event_pending(check->link->writable, EV_WRITE, NULL) || send_check(check) != 0)
		event_add(check->link->writable, NULL);
	return 0;
}

struct auth_check *auth_link_ask(struct auth_link *link, const struct auth_question *question,
    void (*done)(void *arg, const struct auth_answer *answer), void *arg)
{
	struct auth_check *check;

	if (link->fd < 0)
		return NULL;
	check = calloc(1, sizeof(*check));
	if (check == NULL)
		return NULL;
	check->link = link;
	check->id = ++link->last_id;
	check->done = done;
	check->arg = arg;
	check->timer = event_new(link->base, -1, 0, time_up, check);
	if (check->timer == NULL) {
		free(check);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&link->checks, check, entry);
	if (ask(check, question) == 0)
		return check;
	drop(check);
	return NULL;
}

void auth_check_free(struct auth_check *check)
{
	if (check == NULL)
		return;
	cancel(check);
	drop(check);
}

/* --- answers --------------------------------------------------------------------------------- */

static void lose(struct auth_link *link)
{
	struct auth_check *check;

	event_del(link->readable);
	event_del(link->writable);
	close(link->fd);
	link->fd = -1;
	TAILQ_FOREACH(check, &link->checks, entry)
	start_timer(check, 0);
	link->lost(link->arg);
}

/* For all that ask the same: a browser opens its connections at once. */
static void keep(const struct auth_check *first, const struct message *answer)
{
	struct auth_link *link = first->link;
	struct auth_check *check;

	cache_put(link->cache, &first->key, answer, now());
	TAILQ_FOREACH(check, &link->checks, entry)
	if (check->keyed && !check->answered &&
	    memcmp(check->key.digest, first->key.digest, CACHE_DIGEST) == 0) {
		cancel(check);
		forget_unsent(check);
		admit(check, answer->block, answer->user);
	}
}

static void take_answer(struct auth_link *link, const struct message *message)
{
	struct auth_check *check;

	TAILQ_FOREACH(check, &link->checks, entry)
	if (check->id == message->id)
		break;
	if (check == NULL || check->answered) /* cancelled meanwhile */
		return;
	if (message->result == AUTH_ACCEPTED && message->user_length > 0) {
		admit(check, message->block, message->user);
		if (message->keep_ms > 0 && check->keyed)
			keep(check, message);
		return;
	}
	check->answer.result = message->result == AUTH_WRONG ? AUTH_WRONG : AUTH_UNAVAILABLE;
	know(check);
}

static void read_answers(evutil_socket_t fd, short events, void *arg)
{
	struct auth_link *link = arg;
	uint8_t bytes[MESSAGE_MAX];
	struct message message;
	ssize_t n = 1;

	(void)events;
	for (int i = 0; i < READ_BATCH && n > 0; i++) {
		n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n <= 0 || !message_read(&message, bytes, (size_t)n))
			continue;
		if (message.kind == MESSAGE_ANSWER)
			take_answer(link, &message);
		else if (message.kind == MESSAGE_FORGET)
			cache_forget(link->cache, message.block);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		lose(link);
}

/* --- its life -------------------------------------------------------------------------------- */

struct auth_link *auth_link_new(struct event_base *base, int fd, void (*lost)(void *arg), void *arg)
{
	struct auth_link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		close(fd);
		return NULL;
	}
	*link = (struct auth_link){.base = base, .fd = fd, .lost = lost, .arg = arg};
	TAILQ_INIT(&link->checks);
	link->readable = event_new(base, fd, EV_READ | EV_PERSIST, read_answers, link);
	link->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, send_more, link);
	link->cache = cache_new(KEPT_MAX);
	if (link->readable != NULL && link->writable != NULL && link->cache != NULL &&
	    event_add(link->readable, NULL) == 0)
		return link;
	auth_link_free(link);
	return NULL;
}

void auth_link_free(struct auth_link *link)
{
	struct auth_check *check;

	if (link == NULL)
		return;
	while ((check = TAILQ_FIRST(&link->checks)) != NULL)
		drop(check);
	if (link->readable != NULL)
		event_free(link->readable);
	if (link->writable != NULL)
		event_free(link->writable);
	if (link->fd >= 0)
		close(link->fd);
	cache_free(link->cache);
	free(link);
}
