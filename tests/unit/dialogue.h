/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_DIALOGUE_H
#define TESTS_UNIT_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/http_exchange.h"
#include "tests/unit/rig.h"

#define HEARD_MAX (1 << 20)

/* One request and its response between two peers that say what they are told, cut anywhere. */

/* The other end of a connection: says a text, a piece at a time, and keeps what it hears. */
struct speaker {
	struct stream *stream;
	const char *text;
	size_t length, said, piece;
	bool ends; /* after the last byte */
	char heard[HEARD_MAX];
	size_t got;
	bool ended, reset;
};

enum { PLAIN, CLIENT = 1, ORIGIN = 2, BOTH = 3 }; /* sides with a layer */
extern const int dialogue_sides[4];

struct dialogue {
	struct rig rig;
	int layers;
	struct speaker client, origin;
	struct stream *ours[2];
	struct buffer in, out;
	struct http_request request;
	enum http_framing framing; /* of the request's content */
	uint64_t length;
	struct http_coder asked;
	struct http_exchange_plan plan;
	struct http_exchange *exchange;
	struct http_outcome outcome;
	int calls;
};

#define HEAD "GET / HTTP/1.1\r\nHost: o\r\n\r\n"

/* cmocka's fixtures; *state is one of dialogue_sides at first, then the dialogue. */
int dialogue_setup(void **state);
int dialogue_teardown(void **state);

void dialogue_say(struct speaker *p, const char *text, size_t length);
void dialogue_done(void *arg, const struct http_outcome *outcome);
/* HEAD goes to the origin; what `in` holds comes after it. */
void dialogue_begin(struct dialogue *s);
/* The origin's answer. */
void dialogue_answer(struct dialogue *s, const char *text);
/* Until the exchange is over, and all that was said has arrived. */
void dialogue_end(struct dialogue *s);
void dialogue_assert_content(const struct dialogue *s, const char *content);
/* The content of the last message, all of it and nothing behind it. */
void dialogue_assert_chunks(struct dialogue *s, const char *content);

#define TEST_AT(name, i, how) \
	{ \
#name ", " how, test_##name, dialogue_setup, dialogue_teardown, \
		    (void *)(uintptr_t)&dialogue_sides[i] \
	}
#define TEST(name) \
	TEST_AT(name, 0, "plain"), TEST_AT(name, 1, "layer on the client"), \
	    TEST_AT(name, 2, "layer on the origin"), TEST_AT(name, 3, "layers on both")

#endif
