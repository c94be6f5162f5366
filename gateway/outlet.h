/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_OUTLET_H
#define GATEWAY_OUTLET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where log lines leave: collects whole lines and writes many at once.  Never waits: what is not
 * writable keeps its lines until it is, and drops what is more than it holds.  The descriptor may
 * be shared with other processes, so it is never made non-blocking.
 */
#define OUTLET_SIZE 65536

struct outlet {
	int fd; /* not owned; -1: none */
	bool regular;
	bool torn;  /* the last byte written did not end a line */
	bool mend;  /* what is held begins with the newline that ends a torn line */
	char *data; /* OUTLET_SIZE bytes, made when needed */
	size_t length;
	unsigned long lost; /* lines dropped so far */
};

void outlet_init(struct outlet *outlet, int fd);
void outlet_clear(struct outlet *outlet); /* what is held is lost; the descriptor stays open */

/* Add a line, without its newline.  False: dropped. */
bool outlet_add(struct outlet *outlet, const char *line, size_t length);
/* Write what can be written now. */
void outlet_flush(struct outlet *outlet);

/* For who has no outlet: write one line at once, waiting at most wait_ms.  False: dropped. */
bool outlet_write_line(int fd, const char *line, size_t length, int wait_ms);

#endif
