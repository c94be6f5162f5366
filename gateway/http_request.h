/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_REQUEST_H
#define GATEWAY_HTTP_REQUEST_H

#include "gateway/buffer.h"
#include "gateway/handshake.h"
#include "gateway/http_head.h"

/* What a forwarding proxy must know of a request, and how it says it again (RFC 9110, 7.6). */
enum http_receiver {
	HTTP_TO_ORIGIN, /* it is forwarded */
	HTTP_TO_US      /* Max-Forwards is 0 (RFC 9110, 7.6.2): it ends here */
};

struct http_request {
	enum http_receiver receiver;
	bool persists;    /* the client wants to go on after it (RFC 9112, 9.3) */
	bool old;         /* it speaks HTTP/1.0: no 1xx, no chunks */
	bool head;        /* the answer has no content */
	bool trace;       /* its method is TRACE, else OPTIONS if it is for us */
	bool upgrade;     /* it asks for another protocol (RFC 9110, 7.8), after its content */
	bool expects;     /* the client may wait for 100 before it sends content (10.1.1) */
	bool may_repeat;  /* idempotent and without content: RFC 9110, 9.2.2 */
	bool pins;        /* it logs the connection in, not itself: NTLM, Negotiate */
	int max_forwards; /* as it came, or HTTP_FORWARDS_MAX; -1: none that counts */
};

/* No chain is longer: RFC 9110, 7.6.2, lets us lower what is higher. */
#define HTTP_FORWARDS_MAX 256

/*
 * Judge a parsed request; only the absolute form is for a proxy.  REASON_OK; MALFORMED also for a
 * Connection field that names what delimits, addresses or governs the message, for a Max-Forwards
 * that is no number and for a TRACE with content; TOO_LARGE for lists of Connection or Upgrade that
 * nobody writes; LOOP if `pseudonym` (a token, may be NULL) is in Via already; BAD_SCHEME for what
 * is not http.
 */
enum reason http_request_read(
    struct http_request *request, const struct http_head *head, const char *pseudonym);

/*
 * What the origin is told of the client.  OFF: what the client says.  APPEND: Forwarded (RFC 7239)
 * and X-Forwarded-For, since most readers know only the second and a reader of either must find
 * the truth at its end.  STRIP: nothing, neither of them nor any X-Forwarded-*.
 */
enum http_forwarded { HTTP_FORWARDED_OFF, HTTP_FORWARDED_APPEND, HTTP_FORWARDED_STRIP };

struct http_request_plan {
	const struct http_head *head;
	const struct http_request *request; /* as read, for HTTP_TO_ORIGIN */
	const char *pseudonym;              /* for Via, at most 255; NULL: transparent, see below */
	enum http_forwarded forwarded;
	const struct endpoint *client;   /* for Forwarded; NULL: unknown */
	bool absolute;                   /* to another proxy: RFC 9112, 3.2.2 */
	const struct credentials *proxy; /* for that one; NULL or without user: none */
};

/*
 * The head to send: the client's fields in their order, spelling and number, without what is for us
 * or for this connection only.  Always HTTP/1.1.  Where the original had them stand Host with the
 * authority of the target as the client wrote it (RFC 9112, 3.2: identical, so an explicit :80 and
 * the case of letters stay), what frames the content, in its canonical form, and of Connection and
 * Upgrade what still applies.  Host comes first if there was none.  A list that we add to (Via,
 * Forwarded, X-Forwarded-For) becomes one line.
 *
 * Transparent: nothing is added but a Host that HTTP/1.0 did without, and keep-alive stays in its
 * place; `Proxy-Connection: keep-alive` by itself is what a client says to a proxy where it would
 * say `Connection: keep-alive` to an origin, and becomes that.  A `close` is for our side only.
 *
 * False: it does not fit into `out`, or the credentials cannot be said (a colon in the user's
 * name); what was written is not a head then.
 */
bool http_request_write(struct buffer *out, const struct http_request_plan *plan);
/* More than a head of n bytes can become. */
#define HTTP_REQUEST_MAX(n) ((n) + 3 * HOST_NAME_LENGTH + 2048)

/*
 * Our own answer to a request that ends here: TRACE (RFC 9110, 9.3.8) without its secrets, or
 * OPTIONS, whole.  `persists`: else the client is told `Connection: close`; `now` in seconds since
 * 1970.  False: it does not fit.
 */
bool http_request_echo(struct buffer *out, const struct http_head *head,
    const struct http_request *request, bool persists, int64_t now);
#define HTTP_ECHO_MAX(n) ((n) + 512)

#endif
