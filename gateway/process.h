/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PROCESS_H
#define GATEWAY_PROCESS_H

#include <sys/types.h>

#include "gateway/delivery.h"

/* The gateway process as its keeper sees it: this program once more, with a channel to us. */
struct process;

#define PROCESS_CHANNEL "HOPGATE_CHANNEL" /* in its environment: the descriptor's number */

/* Its exit status if its keeper's configuration is another, see shape.h. */
#define PROCESS_OUTDATED 4

struct process_plan {
	struct event_base *base;
	char **argv;                          /* its command line: our own */
	bool silent;                          /* without standard input, output and error */
	void (*ready)(void *arg);             /* it serves */
	void (*ended)(void *arg, int status); /* as waitpid() tells; free it then */
	void *arg;
};

/* NULL with errno. */
struct process *process_start(const struct process_plan *plan);
/* If it still runs it is killed; no callback comes. */
void process_free(struct process *process);

pid_t process_pid(const struct process *process);
bool process_is_ready(const struct process *process);
/* A message, with a descriptor or -1; see delivery_add(). */
int process_give(struct process *process, const struct channel_message *message, int fd, bool ours);
/* Kill it unless it has ended by then; 0 ms: at once. */
void process_kill_after(struct process *process, int64_t ms);

#endif
