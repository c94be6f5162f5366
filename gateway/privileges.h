/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_PRIVILEGES_H
#define GATEWAY_PRIVILEGES_H

#include "gateway/conf.h"

/*
 * What the gateway process gives up before it serves.  Started as root: it moves into the
 * configuration's chroot, if any, and becomes `run-as` (default: hopgate if that user exists, else
 * nobody) for good; `run-as root` keeps root.  Always: no new privileges by exec, no core, no
 * ptrace(2) by others of its user, and an end when the keeper ends.  0, or -1 after a log line.
 */
int privileges_drop(const struct conf *conf);

#endif
