/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LISTEN_INHERIT_H
#define GATEWAY_LISTEN_INHERIT_H

#include "gateway/conf.h"

/*
 * A listening socket that whoever started us has left open, for an ADDRESS_FD.  It is made
 * non-blocking.  -1: *wrong says why.
 */
int listen_inherit(const struct listen_address *address, const char **wrong);

#endif
