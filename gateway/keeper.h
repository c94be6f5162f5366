/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_KEEPER_H
#define GATEWAY_KEEPER_H

#include "gateway/conf.h"

/*
 * The first process.  Binds the listeners and keeps them, starts the gateway process and starts it
 * again when it dies, checks passwords in children, opens log files.  Sees no peer's byte but
 * credentials.
 */
struct keeper_options {
	const struct conf *conf;
	char **argv;  /* the command line, for starting the gateway process */
	bool daemon;  /* -D */
	int ready_fd; /* gets the `listening on` lines, then is closed; -1: none */
};

/* Runs until stopped; the exit status of the program. */
int keeper_run(const struct keeper_options *options);

/*
 * The gateway process: started by the keeper with the same command line and this descriptor of
 * its channel.  Its exit status.
 */
int gateway_run(const struct conf *conf, int channel);

#endif
