/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_BASIC_H
#define GATEWAY_HTTP_BASIC_H

#include "gateway/base64.h"
#include "gateway/handshake.h"

/* What follows `Basic ` (RFC 7617, 2). */
#define HTTP_BASIC_MAX BASE64_LENGTH(2 * CREDENTIAL_MAX + 1)

/* False: a user name with a colon cannot be said.  The caller wipes `out`. */
bool http_basic_write(char out[HTTP_BASIC_MAX + 1], const struct credentials *credentials);

#endif
