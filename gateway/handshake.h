/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HANDSHAKE_H
#define GATEWAY_HANDSHAKE_H

#include "gateway/buffer.h"
#include "gateway/reason.h"
#include "gateway/target.h"

/*
 * A handshake is a pure function over two buffers, the same whether it serves a client or dials a
 * hop.  Each protocol is one file with one struct handshake_ops.
 *
 *  HS_MORE  flush out, call again when in has grown
 *  HS_ASK   (servers) user and password are set: check them, call verdict(), feed again
 *  HS_DONE  flush out.  What is left in `in` belongs to whoever speaks next.  A server later gets
 *           answer(), once (BIND: twice)
 *  HS_FAIL  reason says why; out may hold a last answer, which is to be flushed and lingered over
 *
 * HS_DONE and HS_FAIL are final: fed again, a handshake says the same and adds nothing.  How the
 * bytes were cut makes no difference.  A client says nothing new before the hop has answered.
 */
enum hs { HS_MORE, HS_ASK, HS_DONE, HS_FAIL };

#define CREDENTIAL_MAX 255 /* RFC 1929, 2: ULEN and PLEN are one octet */

struct credentials {
	size_t user_length, password_length;
	char user[CREDENTIAL_MAX + 1], password[CREDENTIAL_MAX + 1];
};

struct request {
	enum protocol protocol;
	enum command command;
	struct target target;
};

struct handshake {
	const struct handshake_ops *ops;
	unsigned state;     /* private: a step of the protocol, or one of handshake_steps.h */
	size_t seen;        /* private: what of `in` was looked at before */
	unsigned interim;   /* private: answers that were none yet */
	enum reason reason; /* HS_FAIL: why */
	int detail;         /* HS_FAIL of a client: the hop's reply code or HTTP status; else 0 */
	struct request request; /* server: filled at HS_DONE; client: what is asked of the hop */
	/* server: valid at HS_ASK, with SOCKS4 the user id at HS_DONE ("" if over CREDENTIAL_MAX),
	 * a claim that nobody has checked; client: for the hop */
	struct credentials credentials;
	/* Server: the SOCKS5 methods that will do, best first; they rule SOCKS4 and HTTP alike:
	 * without NO_AUTH a client that brings no password is refused. */
	uint8_t methods[2];
	uint8_t method_count;
	enum reason
	    refusal;        /* server: why a client is refused that brings none of them;
	                       REASON_OK: AUTH_REQUIRED.  One that could log in by HTTP is told so. */
	bool authenticated; /* server: credentials were given and verdict() said yes */
	/* HTTP server: the request's head, still at the beginning of `in`, if it is to be
	 * forwarded, else 0; whether another request may follow a refusal; its answer has no
	 * content. */
	size_t head_length;
	bool persists, bodiless;
	struct endpoint bound; /* client: what the hop reported; port 0 if nothing */
};

#define METHOD_NO_AUTH 0x00 /* RFC 1928, 3 */
#define METHOD_PASSWORD 0x02
#define METHOD_REFUSED 0xff

struct handshake_ops {
	const char *name;
	enum hs (*feed)(struct handshake *h, struct buffer *in, struct buffer *out);
	/* Servers, after HS_ASK: are the credentials right?  Wrong ones are answered and fail:
	 * the next feed returns HS_FAIL with h->reason = `why`.  The password is wiped. */
	void (*verdict)(struct handshake *h, bool ok, enum reason why, struct buffer *out);
	/*
	 * Servers, after HS_DONE: REASON_OK with our end of the connection (NULL: unknown), or the
	 * protocol's refusal; `text` (may be NULL) is for HTTP's body, in place of the reason's.
	 * A refusal may come at any time before (a timeout, a limit) and is then what the client
	 * can read where it stands: SOCKS4 and HTTP the whole answer, SOCKS5 no method, a failed
	 * login or a reply.  After HS_FAIL nothing is added: the last word was said.
	 */
	void (*answer)(const struct handshake *h, enum reason reason, const struct endpoint *bound,
	    const char *text, struct buffer *out);
	/* Clients, may be NULL: what the beginning of an answer that ended too early says. */
	enum reason (*truncated)(struct handshake *h, const struct buffer *in);
};

/* Servers.  `methods` as above; the credentials are wiped by handshake_clear(). */
void socks4_server_init(struct handshake *h, const uint8_t *methods, size_t method_count);
void socks5_server_init(struct handshake *h, const uint8_t *methods, size_t method_count);
void http_server_init(struct handshake *h, const uint8_t *methods, size_t method_count);

/* Clients.  `credentials` NULL or without user: none. */
void socks4_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials);
void socks4a_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials);
void socks5_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials);
void http_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials);

void handshake_clear(struct handshake *h); /* wipes */

/*
 * The peer ended in the middle: HS_FAIL from now on, h->reason is CLIENT_GONE for a server, for a
 * client what a truncated refusal says, else HOP_CLOSED.  After HS_DONE and HS_FAIL nothing
 * changes.
 */
void handshake_end(struct handshake *h, const struct buffer *in);

/* Ceilings of `in` for each side; a longer handshake is refused. */
#define SERVER_HANDSHAKE_MAX 16384 /* http { max-head }; SOCKS needs at most 4a: 8 + 513 + 256 */
#define CLIENT_HANDSHAKE_MAX 65536 /* a hop's answer to CONNECT */
#define HANDSHAKE_SAYS_MAX 2048    /* what one call adds to `out` at most */

/* Which protocol a client's first byte belongs to, among the bits 1 << PROTOCOL_…; -1: none. */
int sniff(uint8_t first, unsigned protocols);

#endif
