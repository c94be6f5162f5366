/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_CODER_H
#define GATEWAY_HTTP_CODER_H

#include "gateway/flow.h"
#include "gateway/http_body.h"

/* A flow's codec for the content of an HTTP message: from the framing that it has to the one that
 * it gets. */
struct http_coder {
	struct flow_codec codec;
	struct http_body body;
	enum http_framing framing; /* that it gets */
	bool surplus;              /* more came than belongs to the message */
};

/* `length`: HTTP_BODY_LENGTH only. */
void http_coder_init(
    struct http_coder *coder, enum http_framing from, uint64_t length, enum http_framing to);
/*
 * The first n bytes, which came with a head: decoded where they are, framed into `out`.  How many
 * belonged to the message; -1: refused, coder->body.reason says why (RESOURCES: no room in `out`).
 */
ssize_t http_coder_begin(struct http_coder *coder, uint8_t *bytes, size_t n, struct buffer *out);

#endif
