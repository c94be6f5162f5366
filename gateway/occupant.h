/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_OCCUPANT_H
#define GATEWAY_OCCUPANT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "gateway/target.h"

#define OCCUPANT_TEXT 64

/*
 * Who listens on a TCP address that cannot be bound: "nginx (pid 123)", or less if /proc does not
 * show it.  False: nobody is to be seen.
 */
bool occupant_find(const struct endpoint *endpoint, char out[OCCUPANT_TEXT]);
/* The same text for a process that is known. */
void occupant_name(pid_t pid, char out[OCCUPANT_TEXT]);

#endif
