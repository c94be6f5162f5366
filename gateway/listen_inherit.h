/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_LISTEN_INHERIT_H
#define GATEWAY_LISTEN_INHERIT_H

#include "gateway/conf.h"

/*
 * A listening socket that whoever started us has opened, for an ADDRESS_FD: by its number, or by
 * the name that sd_listen_fds(3) passes on.  It is made non-blocking.  -1: *wrong says why.
 */
int listen_inherit(const struct listen_address *address, const char **wrong);

#endif
