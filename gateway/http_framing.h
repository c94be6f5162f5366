/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_FRAMING_H
#define GATEWAY_HTTP_FRAMING_H

#include "gateway/http_head.h"

/*
 * What a head says about where its message ends (RFC 9112, 6): *framing, and the length of
 * HTTP_BODY_LENGTH in *length, which else is 0.  REASON_OK; MALFORMED for what two readers could
 * understand differently: both of Content-Length and Transfer-Encoding, one of them that is no such
 * thing, codings in HTTP/1.0.
 */

/* Whatever is said twice is refused, even if it is said alike.  BAD_CODING: chunked and more. */
enum reason http_framing_request(
    const struct http_head *head, enum http_framing *framing, uint64_t *length);

/*
 * As the fields alone say, which for some messages mean nothing (6.3).  Several equal lengths are
 * one.  Of codings only "chunked" and the old "identity" are understood: we ask for none (7.4), and
 * what is coded otherwise could not be handed on.
 */
enum reason http_framing_response(
    const struct http_head *head, enum http_framing *framing, uint64_t *length);

#endif
