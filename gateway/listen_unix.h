/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LISTEN_UNIX_H
#define GATEWAY_LISTEN_UNIX_H

#include "gateway/conf.h"

#define LISTEN_UNIX_WRONG 160

/*
 * A listening unix socket for an ADDRESS_UNIX or ADDRESS_ABSTRACT.  The path that a dead process
 * left behind is replaced, one that is served or is no socket is not.  Mode and group are set
 * before the first client can connect.  -1: `wrong` says why.
 */
int listen_unix_open(const struct listen_address *address, char wrong[LISTEN_UNIX_WRONG]);

#endif
