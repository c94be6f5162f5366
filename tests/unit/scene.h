/* SPDX-License-Identifier: ISC */
#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include "gateway/relay.h"
#include "tests/unit/rig.h"

/* A relay between two peers.  Every test runs with an awkward layer on no, one or both sides. */

#define MB (1 << 20)

enum { PLAIN, CLIENT = 1, TARGET = 2, BOTH = 3 }; /* sides with a layer */

struct scene {
	struct rig rig;
	int layers;
	int fds[2][2]; /* client, target: the peer's end, ours */
	struct peer client, target;
	struct relay_plan plan;
	struct relay *relay;
	int calls; /* of done() */
	enum reason reason;
	uint64_t up, down;
	uint64_t mark; /* the test's own */
};

int scene_setup(void **state); /* *state: one of scene_layers */
int scene_teardown(void **state);
void scene_peers(struct scene *s);
struct stream *scene_stream(struct scene *s, int side); /* our end, for the plan */
void scene_relay(struct scene *s);                      /* by the plan */
void scene_start(struct scene *s);                      /* all three */
/* With a client that does not read, but for the handshake of its layer. */
void scene_start_deaf(struct scene *s);

/* For rig_run(). */
bool scene_done(void *scene);
bool scene_over(void *scene); /* for the relay and both peers */
bool scene_client_got(void *scene);
bool scene_target_got(void *scene);
bool scene_client_ended(void *scene);
bool scene_target_ended(void *scene);
bool scene_client_reset(void *scene);
bool scene_target_reset(void *scene);
bool scene_stands_still(void *scene); /* the target cannot send any more */

/* Both ways ended as they should, after so many bytes. */
void scene_check_clean(const struct scene *s, uint64_t up, uint64_t down);

extern const int scene_layers[];
#define SCENE_ONE(name, i, how) \
	{ \
#name ", " how, test_##name, scene_setup, scene_teardown, \
		    (void *)(uintptr_t)&scene_layers[i] \
	}
#define PLAIN_ONLY(name) SCENE_ONE(name, 0, "plain")
#define LAYERED(name) \
	SCENE_ONE(name, 0, "plain"), SCENE_ONE(name, 1, "layer on the client"), \
	    SCENE_ONE(name, 2, "layer on the target"), SCENE_ONE(name, 3, "layers on both")

#endif
