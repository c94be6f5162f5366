/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_WRITER_H
#define GATEWAY_WRITER_H

#include "gateway/outlet.h"
#include "gateway/ring.h"

/*
 * The thread behind the log: takes records out of the rings of other threads, hands them to its
 * owner, who puts them into outlets, and flushes those.  Who fills a ring never waits.
 */
struct writer;

struct writer_plan {
	unsigned threads; /* one ring for each */
	size_t ring_size;
	struct outlet *const *outlets; /* must live on; the thread alone uses them from now on */
	size_t outlet_count;
	/* Both run in the thread. */
	void (*take)(const struct ring_record *record, const char *bytes);
	void (*tell_dropped)(unsigned long lines);
};

/* NULL with errno. */
struct writer *writer_start(const struct writer_plan *plan);
/*
 * Writes what is left, in at most a second, and frees; a thread that is stuck is left behind.
 * Returns how many lines were dropped in its life.
 */
unsigned long writer_stop(struct writer *writer);

/* The ring of a thread; NULL if there are not as many. */
struct ring *writer_ring(struct writer *writer, unsigned index);
/*
 * Put a record into the caller's own ring, or drop and count it.  An urgent one is taken out at
 * once, others when the thread next looks.
 */
void writer_put(struct writer *writer, struct ring *ring, const struct ring_record *record,
    const char *bytes, bool urgent);
/* Lines that were dropped because a ring was full or an outlet could not take them. */
unsigned long writer_dropped(const struct writer *writer);

#endif
