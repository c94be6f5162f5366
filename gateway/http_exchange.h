/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HTTP_EXCHANGE_H
#define GATEWAY_HTTP_EXCHANGE_H

#include "gateway/http_coder.h"
#include "gateway/http_response.h"
#include "gateway/meter.h"
#include "gateway/stream.h"

/*
 * One request on its way from a client to an origin, and the response on its way back (RFC 9110,
 * 7.6).  Both ways at once, with bounded memory; content is framed anew, and moved unseen where it
 * is long and plain.
 */
struct http_exchange;

struct http_exchange_plan {
	struct loop *loop;
	struct stream *client, *origin;     /* stay the caller's; their handlers are taken over */
	const struct http_request *request; /* copied */
	const struct http_coder *asked;     /* its content, from what is not in `out` on; copied */
	/* What the client has said after that; what it says too early for this request stays there,
	 * up to the ceiling. */
	struct buffer *in;
	/* The head for the origin, and what there is of the content; more is added.  Nothing is
	 * taken out, so that a request without content can be said again. */
	struct buffer *out;
	bool client_ended;     /* its FIN was read already */
	bool goes_on;          /* the client's connection may serve another request */
	bool to_proxy;         /* the origin is another proxy */
	const char *pseudonym; /* for Via; NULL: none */
	size_t max_head;       /* of the response */
	int64_t idle_ms;       /* no byte either way; 0 = never */
	int64_t half_close_ms; /* the same once the client has ended; 0 = as idle_ms */
	struct meter *meter;   /* stays the caller's; NULL: nothing is limited */
	int client_keepalive, origin_keepalive; /* what the sockets have; see keepalive.h */
};

struct http_outcome {
	enum reason reason; /* OK: the response was passed on, whole */
	int status;         /* of the final response; 0: none came */
	bool said;          /* the client has got bytes of it, or half of an interim one: nothing
	                     * else can be told any more */
	bool unframed;      /* and only the end of the connection tells where they end */
	bool unheard;       /* not OK: not one byte came from the origin */
	bool unfinished;    /* the client has not said all of its request */
	bool client_persists, origin_persists;
	bool pins;          /* the origin's connection belongs to this client from now on */
	bool upgraded;      /* both streams speak another protocol from here on */
	uint64_t up, down;  /* bytes to the origin, to the client */
	int64_t first_byte; /* when the first came from the origin, loop_now(); 0: none */
};

/*
 * done() once, from the loop; then http_exchange_free(), which earlier cancels.  Not OK: nothing is
 * under way; MALFORMED or TOO_LARGE if the content that is there already is no content.
 */
enum reason http_exchange_start(struct http_exchange **exchange,
    const struct http_exchange_plan *plan,
    void (*done)(void *arg, const struct http_outcome *outcome), void *arg);
void http_exchange_free(struct http_exchange *x);
/* What has become of it so far. */
struct http_outcome http_exchange_outcome(const struct http_exchange *x);

#endif
