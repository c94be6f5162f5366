/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_FEEDING_H
#define TESTS_FUZZ_FEEDING_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/handshake.h"
#include "tests/fuzz/promise.h"

/*
 * Feeds one input to a handshake as one segment, cut in two and in small pieces.  What it promises
 * must hold: one verdict however the bytes are cut, a final end, bounded words of ours, no byte
 * read that is not there.
 *
 * The input: one octet of options, two for the place of the cut, then what the peer says.
 */
#define FEEDING_PREFIX 3
#define FEEDING_PIECES 2048 /* octets; more are fed in larger pieces */
#define OUT_MAX 65536

enum { OPTION_METHODS = 3, OPTION_RIGHT = 4, OPTION_END = 8, OPTION_LOGIN = 16, OPTION_HOST = 96 };

struct feeding {
	void (*server)(struct handshake *h, const uint8_t *methods, size_t method_count);
	void (*client)(struct handshake *h, const struct request *request,
	    const struct credentials *credentials);
	uint8_t options;
	const uint8_t *bytes;
	size_t length, max;
};

struct fed {
	struct handshake h;
	struct buffer in, out;
	enum hs hs;
	size_t given;
};

static inline void start_server(const struct feeding *f, struct handshake *h)
{
	static const uint8_t methods[][2] = {{METHOD_NO_AUTH}, {METHOD_PASSWORD},
	    {METHOD_PASSWORD, METHOD_NO_AUTH}, {METHOD_NO_AUTH, METHOD_PASSWORD}};
	unsigned choice = f->options & OPTION_METHODS;

	f->server(h, methods[choice], choice < 2 ? 1 : 2);
}

static inline void start_client(const struct feeding *f, struct handshake *h)
{
	static const char *const hosts[] = {
	    "192.0.2.1", "2001:db8::1", "www.example.com", "0.0.0.5"};
	const char *host = hosts[(f->options & OPTION_HOST) >> 5];
	struct request request = {.command = f->options & OPTION_METHODS, .target.port = 443};
	struct credentials credentials = {
	    .user_length = 4, .user = "user", .password_length = 4, .password = "pass"};

	PROMISE(!host_parse(&request.target.host, host, strlen(host)));
	f->client(h, &request, f->options & OPTION_LOGIN ? &credentials : NULL);
}

/* An allocation of exactly what is held, so that the sanitizer sees a byte read too many. */
static inline void give(struct fed *fed, const uint8_t *bytes, size_t n)
{
	size_t held = buffer_length(&fed->in);
	uint8_t *exact = malloc(held + n);

	PROMISE(exact);
	if (held > 0)
		memcpy(exact, buffer_bytes(&fed->in), held);
	memcpy(exact + held, bytes, n);
	free(fed->in.data);
	fed->in.data = exact;
	fed->in.start = 0;
	fed->in.end = fed->in.size = held + n;
}

static inline void call(const struct feeding *f, struct fed *fed)
{
	size_t said = buffer_length(&fed->out), had = buffer_length(&fed->in);

	fed->hs = fed->h.ops->feed(&fed->h, &fed->in, &fed->out);
	if (fed->hs == HS_ASK) {
		const struct credentials *c = &fed->h.credentials;

		PROMISE(f->server && !fed->h.authenticated);
		PROMISE(c->user_length > 0 && strlen(c->user) == c->user_length);
		PROMISE(c->password_length > 0 && strlen(c->password) == c->password_length);
		fed->h.ops->verdict(
		    &fed->h, f->options & OPTION_RIGHT, REASON_AUTH_FAILED, &fed->out);
		fed->hs = fed->h.ops->feed(&fed->h, &fed->in, &fed->out);
		PROMISE(fed->hs != HS_ASK);
		PROMISE(fed->h.authenticated == !!(f->options & OPTION_RIGHT));
	}
	PROMISE(buffer_length(&fed->out) - said <= HANDSHAKE_SAYS_MAX);
	PROMISE(buffer_length(&fed->in) <= had);
}

/* Up to a place in the input, as the ceiling allows. */
static inline void feed_to(const struct feeding *f, struct fed *fed, size_t place)
{
	do {
		size_t room = f->max - buffer_length(&fed->in), n = place - fed->given;

		if (n > room)
			n = room;
		/* Full and still waiting would be waiting for ever. */
		PROMISE(n > 0 || place == fed->given);
		if (n > 0)
			give(fed, f->bytes + fed->given, n);
		fed->given += n;
		call(f, fed);
	} while (fed->hs == HS_MORE && fed->given < place);
}

static inline void feed_pieces(const struct feeding *f, struct fed *fed, size_t piece, size_t cut)
{
	memset(fed, 0, sizeof(*fed));
	buffer_init(&fed->in, NULL, f->max);
	buffer_init(&fed->out, NULL, OUT_MAX);
	if (f->server)
		start_server(f, &fed->h);
	else
		start_client(f, &fed->h);
	fed->hs = HS_MORE;
	if (cut > 0)
		feed_to(f, fed, cut);
	while (fed->hs == HS_MORE && fed->given < f->length) {
		size_t rest = f->length - fed->given;

		feed_to(f, fed, fed->given + (rest < piece ? rest : piece));
	}
	if (f->length == 0)
		call(f, fed);
	if (f->options & OPTION_END) {
		handshake_end(&fed->h, &fed->in);
		fed->hs = fed->h.ops->feed(&fed->h, &fed->in, &fed->out);
		PROMISE(fed->hs == HS_DONE || fed->hs == HS_FAIL);
	}
}

static inline void check_final(const struct feeding *f, struct fed *fed)
{
	size_t said = buffer_length(&fed->out), had = buffer_length(&fed->in);
	struct endpoint end = {.address = address_from_ipv4(1), .port = 1};

	if (fed->hs == HS_DONE || fed->hs == HS_FAIL) {
		PROMISE(fed->h.ops->feed(&fed->h, &fed->in, &fed->out) == fed->hs);
		PROMISE(buffer_length(&fed->out) == said && buffer_length(&fed->in) == had);
	}
	if (!f->server)
		return;
	fed->h.ops->answer(
	    &fed->h, fed->hs == HS_DONE ? REASON_OK : REASON_LIMIT, &end, NULL, &fed->out);
	PROMISE(buffer_length(&fed->out) - said <= HANDSHAKE_SAYS_MAX);
	/* After HS_FAIL the last word was said, else there is one. */
	PROMISE((buffer_length(&fed->out) == said) == (fed->hs == HS_FAIL));
}

static inline void check_same(const struct feeding *f, const struct fed *a, const struct fed *b)
{
	char one[TARGET_TEXT], other[TARGET_TEXT];

	PROMISE(a->hs == b->hs && a->h.reason == b->h.reason && a->h.detail == b->h.detail);
	PROMISE(buffer_length(&a->out) == buffer_length(&b->out));
	if (buffer_length(&a->out) > 0)
		PROMISE(memcmp(buffer_bytes(&a->out), buffer_bytes(&b->out),
		            buffer_length(&a->out)) == 0);
	if (a->hs != HS_DONE)
		return;
	PROMISE(buffer_length(&a->in) + f->length - a->given ==
	    buffer_length(&b->in) + f->length - b->given);
	PROMISE(a->h.request.command == b->h.request.command);
	PROMISE(strcmp(target_format(&a->h.request.target, one),
	            target_format(&b->h.request.target, other)) == 0);
	PROMISE(
	    strcmp(endpoint_format(&a->h.bound, one), endpoint_format(&b->h.bound, other)) == 0);
}

static inline void stop(struct fed *fed)
{
	buffer_clear(&fed->in);
	buffer_clear(&fed->out);
	handshake_clear(&fed->h);
}

static inline int feed_all_ways(struct feeding *f, const uint8_t *data, size_t size)
{
	struct fed whole, cut, pieces;
	size_t place;

	if (size < FEEDING_PREFIX)
		return 0;
	f->options = data[0];
	f->bytes = data + FEEDING_PREFIX;
	f->length = size - FEEDING_PREFIX;
	f->max = f->server ? SERVER_HANDSHAKE_MAX : CLIENT_HANDSHAKE_MAX;
	place = f->length > 0 ? (size_t)(data[1] << 8 | data[2]) % f->length : 0;
	feed_pieces(f, &whole, f->length, 0);
	feed_pieces(f, &cut, f->length, place);
	feed_pieces(f, &pieces, 1 + f->length / FEEDING_PIECES * 64, 0);
	check_same(f, &whole, &cut);
	check_same(f, &whole, &pieces);
	check_final(f, &whole);
	stop(&whole);
	stop(&cut);
	stop(&pieces);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
