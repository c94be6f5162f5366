/* SPDX-License-Identifier: ISC */
#ifndef TESTS_LINE_H
#define TESTS_LINE_H

#include "gateway/flow.h"
#include "tests/unit/rig.h"

/* A flow between two peers, for its tests; with an awkward layer on no, one or both ends. */

#define MB (1 << 20)

enum { PLAIN, FROM = 1, TO = 2, BOTH = 3 }; /* ends with a layer */

/* Content of a known length, as it is or between marks. */
struct content {
	struct flow_codec codec;
	uint64_t left;
	uint64_t spliced;
	uint64_t most; /* moved unseen at once */
	bool marks;
};

struct line {
	struct rig rig;
	int layers;
	int fds[2][2]; /* of the sender, of the receiver: the peer's end, ours */
	struct peer sender, receiver;
	struct flow flow;
	struct content content;
	size_t at_once; /* bytes in a turn */
	enum flow_state state;
	uint64_t moved;
	/* The test's own. */
	uint64_t said;
	char got[256];
	uint8_t all[2 * MB];
	size_t length;
};

extern const struct flow_codec_ops content_ops; /* what line_setup() gives to line->content */

int line_setup(void **state); /* *state: one of line_layers */
int line_teardown(void **state);
/* Between peers, or between sockets that the test itself writes and reads. */
void line_start(struct line *l, struct flow_codec *codec);
void line_start_bare(struct line *l, struct flow_codec *codec);
void line_stop_bare(struct line *l);
void line_turn(struct line *l);

/* For rig_run(). */
bool line_stopped(void *line);
bool line_delivered(void *line); /* all there was, and the flow has stopped */
bool line_blocked(void *line);   /* the receiver takes nothing more */

/* The receiver got so many bytes of the sender's pattern, and nothing else. */
void line_check_received(const struct line *l, uint64_t n);
/* What was left unread is the sender's pattern from byte `at`, and nothing else. */
void line_check_left(struct line *l, uint64_t at);

extern const int line_layers[];
#define LINE_ONE(name, i, how) \
	{ \
#name ", " how, test_##name, line_setup, line_teardown, \
		    (void *)(uintptr_t)&line_layers[i] \
	}
#define PLAIN_ONLY(name) LINE_ONE(name, 0, "plain")
#define LAYERED(name) \
	LINE_ONE(name, 0, "plain"), LINE_ONE(name, 1, "layer on the sender"), \
	    LINE_ONE(name, 2, "layer on the receiver"), LINE_ONE(name, 3, "layers on both")

#endif
