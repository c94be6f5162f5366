/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_RESPONSE_H
#define GATEWAY_HTTP_RESPONSE_H

#include "gateway/http_request.h"

/* What a forwarding proxy must know of a response, and how it says it again. */
struct http_response {
	int status;                /* 407 is never for our client, see http_response_write() */
	bool interim;              /* 1xx but 101: another head follows */
	bool persists;             /* the origin goes on after it (RFC 9112, 9.3) */
	bool pins;                 /* it is about a login of the connection: NTLM, Negotiate */
	bool upgraded;             /* 101: from here on the connection speaks another protocol */
	enum http_framing framing; /* of its content (RFC 9112, 6.3) */
	uint64_t length;           /* as Content-Length says, also where no content follows */
};

/*
 * REASON_OK, or BAD_RESPONSE: two readers could differ about where it ends, its content is in a
 * coding that nobody asked for, or it is 101 without what was asked.  An origin that says more than
 * it may (content of 204, a Connection that is no list) is believed, but not used again.
 */
enum reason http_response_read(struct http_response *response, const struct http_head *head,
    const struct http_request *request);
/* What a refusal by http_head_response() or http_body_decode() means of a response. */
enum reason http_response_refusal(enum reason reason);

/* How the content goes on to the client: as it came, but chunked where only the end of the
 * connection would tell its end, and unframed for HTTP/1.0. */
enum http_framing http_response_framing(
    const struct http_response *response, const struct http_request *request);

struct http_response_plan {
	const struct http_head *head;
	const struct http_request *request;
	const struct http_response *response;
	const char *pseudonym; /* for Via, at most 255; NULL: transparent, see below */
	bool persists;         /* else the client is told `Connection: close` */
	int64_t now;           /* seconds since 1970, for a missing Date (RFC 9110, 6.6.1) */
};

/*
 * The head to send, by the rules of http_request_write(); Content-Length and Transfer-Encoding say
 * what http_response_framing() says.  Upgrade goes with 101 and 426 only.  Transparent: neither Via
 * nor Date is added, and the origin's keep-alive stays in its place.
 *
 * Not for 407: what challenges the proxy is not passed on (RFC 9110, 11.7.1), so the client would
 * be asked for a login that nobody wants.  It is HOP_AUTH of a hop, BAD_RESPONSE of an origin.
 */
bool http_response_write(struct buffer *out, const struct http_response_plan *plan);
/* More than a head of n bytes can become. */
#define HTTP_RESPONSE_MAX(n) ((n) + 1024)

#endif
