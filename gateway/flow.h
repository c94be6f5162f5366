/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_FLOW_H
#define GATEWAY_FLOW_H

#include "gateway/stream.h"

/*
 * One way of bytes from a stream to another.  It reads only while it holds nothing: what its
 * receiver did not take is all that it ever keeps, and a flow that keeps nothing owns nothing.
 * Copies while exchanges are small, splices when they are bulk.  For relay and exchange, which
 * decide when it runs and what its ends mean.
 *
 * There are two of these in every session, idle or not: every byte counts.  Start one as all zero
 * but for its ends and its codec.
 */
struct flow {
	struct stream *from, *to; /* its user's, of one loop */
	struct flow_codec *codec; /* its user's; NULL: bytes are passed on as they are */
	union {
		struct held *held;
		struct pipe *pipe;
	} rest;
	uint64_t bytes; /* delivered */
	uint8_t holds;  /* which `rest` there is */
	uint8_t full;   /* reads in a row that filled the scratch buffer */
	bool fin;       /* its user's: the sender's end is known to lie behind what can be read */
	bool shuts;     /* its user's: shuts the receiver down as soon as all is delivered */
	bool ended;     /* nothing more is to be read: the sender's end, or the codec's */
	bool passed;    /* its user's: the receiver was told so */
	uint8_t error;  /* of FLOW_FROM_LOST and FLOW_TO_LOST: the errno, all of them are small */
};

enum flow_state {
	FLOW_MORE,      /* all is well */
	FLOW_ENDED,     /* flow->ended: the last byte was read, and perhaps held */
	FLOW_REFUSED,   /* by the codec; ended, too */
	FLOW_FROM_LOST, /* the sender's connection failed; ended, too */
	FLOW_TO_LOST,   /* the receiver's did: what was held has been given up */
	FLOW_OUT_OF_MEMORY
};

/*
 * What stands between reading and writing.  Bytes are changed in place; FLOW_MARGIN bytes on either
 * side are free, too.
 */
#define FLOW_MARGIN 32
struct flow_codec {
	const struct flow_codec_ops *ops;
};
struct flow_codec_ops {
	/*
	 * *n bytes were read (0: the sender's end).  What is to be sent of them is moved together
	 * at `bytes`, and *n becomes its length.  *surplus, at first 0: so many of the last ones
	 * read belong to nobody here; they stay where they are and are given back to the sender's
	 * stream.  FLOW_MORE, FLOW_ENDED: these are the last, or FLOW_REFUSED: nothing is sent.
	 */
	enum flow_state (*decode)(
	    struct flow_codec *codec, uint8_t *bytes, size_t *n, size_t *surplus);
	/* Then, for the receiver: put before and behind them what it needs. */
	void (*frame)(struct flow_codec *codec, uint8_t **bytes, size_t *n, bool last);
	/* So many of the next bytes may be moved unseen, and unframed; 0: none.  moved() tells how
	 * many were: FLOW_MORE, or FLOW_ENDED: these were the last. */
	uint64_t (*plain)(const struct flow_codec *codec);
	enum flow_state (*moved)(struct flow_codec *codec, uint64_t n);
};

bool flow_holds(const struct flow *flow);
/*
 * A turn: deliver what is held, then read and write, as long as it is worth it and others can wait,
 * but at most so many bytes.  *moved: bytes read.
 */
enum flow_state flow_pump(struct flow *flow, size_t most, size_t *moved);
/*
 * A pipe is too dear for a receiver that takes its time.  When flow_tidy() is to be called,
 * loop_lately(), which then keeps the bytes elsewhere; INT64_MAX: need not be.  Ask after every
 * turn.  FLOW_MORE or FLOW_OUT_OF_MEMORY.
 */
int64_t flow_due(const struct flow *flow);
enum flow_state flow_tidy(struct flow *flow, int64_t now);
/* Give up what it holds, while its ends are still there. */
void flow_drop(struct flow *flow);

#endif
