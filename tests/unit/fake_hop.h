/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FAKE_HOP_H
#define TESTS_FAKE_HOP_H

#include <sys/un.h>

#include "tests/unit/rig.h"

/*
 * A hop by script, and all the hops and the target behind it: to the one who dials they are one
 * connection.
 */
struct step {
	size_t need; /* hear so many bytes, 0: an empty line … */
	const char *reply;
	size_t reply_length; /* … then say this */
	bool last;           /* the hop is done: what follows is said to the next one */
};

#define STEP(need, reply) \
	{ \
		need, reply, sizeof(reply) - 1, false \
	}
#define LAST(need, reply) \
	{ \
		need, reply, sizeof(reply) - 1, true \
	}

enum fault { FAULT_NONE, FAULT_CLOSE, FAULT_RESET, FAULT_SILENCE };

#define SCRIPTS_MAX 4

struct fake_hop {
	struct rig *rig;
	int listener;
	struct event *accept;
	uint16_t port;
	bool layered; /* every hop has an awkward layer */
	bool drip;    /* one byte a turn */
	enum fault fault;
	size_t limit; /* of the bytes that are said before the fault */
	/* For the first connection, the second …; each ends with a step that says nothing. */
	const struct step *scripts[SCRIPTS_MAX];

	struct stream *stream;
	unsigned connections;
	const struct step *step;
	size_t step_heard;  /* `heard` begins there for this step */
	size_t said;        /* bytes of replies */
	size_t said_before; /* of the steps before this one */
	bool replying;
	char heard[8192];
	size_t heard_length;
	bool gone; /* the other side closed or reset */
};

void fake_hop_start(struct fake_hop *f, struct rig *rig);
void fake_hop_start_unix(struct fake_hop *f, struct rig *rig, const struct sockaddr_un *sa);
void fake_hop_stop(struct fake_hop *f);
/* All bytes that a script says. */
size_t fake_hop_length(const struct step *script);

#endif
