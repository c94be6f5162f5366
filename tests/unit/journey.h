/* SPDX-License-Identifier: ISC */
#ifndef TESTS_JOURNEY_H
#define TESTS_JOURNEY_H

#include "gateway/dial.h"
#include "tests/unit/fake_hop.h"

/* A dial through hops that a script plays.  Every test runs plain and with a layer at each hop. */
struct journey {
	struct rig rig;
	struct fake_hop fake;
	struct hop hops[HOPS_MAX]; /* the first is where the fake listens */
	const struct hop *list[HOPS_MAX];
	struct request request; /* CONNECT target.test:80 */
	struct dial_plan plan;
	struct dial *dial;
	int calls;
	struct dial_outcome outcome;
	struct resolver_hosts *hosts; /* of the test */
	char got[4096];               /* by journey_read() */
	size_t length, wanted;
};

/* CONNECT of nobody for target.test:80, as bytes heard and said. */
#define SOCKS5_ASKED "\5\1\0\5\1\0\3\13target.test\0\120"
#define SOCKS5_BOUND "\5\0\0\1\300\0\2\7\4\322" /* 192.0.2.7:1234 */
#define SOCKS5_STEPS STEP(3, "\5\0"), LAST(18, SOCKS5_BOUND)
#define SOCKS4_BOUND "\0\132\4\322\300\0\2\7"
#define SOCKS4A_ASKED "\4\1\0\120\0\0\0\1\0target.test\0"
#define SOCKS4A_STEPS LAST(21, SOCKS4_BOUND)
#define HTTP_STEPS LAST(0, "HTTP/1.1 200 OK\r\n\r\n")
#define NOTHING_MORE STEP(0, "")

extern const int journey_layers[];
int journey_setup(void **state); /* *state: one of journey_layers */
int journey_teardown(void **state);
/* The n-th hop speaks that protocol; the plan has hops up to it. */
struct hop *journey_hop(struct journey *j, size_t n, enum hop_protocol protocol);
void journey_target(struct journey *j, const char *host);
/* Only start; dial and wait for the outcome. */
void journey_start(struct journey *j);
enum reason journey_dial(struct journey *j);
/* Read from the stream of the outcome until there are so many bytes. */
void journey_read(struct journey *j, size_t length);
/* What the fake heard on its latest connection. */
#define assert_heard(j, text) \
	do { \
		assert_int_equal((j)->fake.heard_length, sizeof(text) - 1); \
		assert_memory_equal((j)->fake.heard, text, sizeof(text) - 1); \
	} while (0)

#define JOURNEY_ONE(name, i, how) \
	{ \
#name ", " how, test_##name, journey_setup, journey_teardown, \
		    (void *)(uintptr_t)&journey_layers[i] \
	}
#define PLAIN_ONLY(name) JOURNEY_ONE(name, 0, "plain")
#define LAYERED(name) PLAIN_ONLY(name), JOURNEY_ONE(name, 1, "layers")

#endif
