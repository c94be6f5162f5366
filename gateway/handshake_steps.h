/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HANDSHAKE_STEPS_H
#define GATEWAY_HANDSHAKE_STEPS_H

#include "gateway/handshake.h"

/* What the protocols' own files share; those who use a handshake need only handshake.h. */

#define HANDSHAKE_DONE 0x100 /* states that every protocol shares */
#define HANDSHAKE_FAILED 0x101
#define HANDSHAKE_ASKED 0x102 /* servers: the credentials are with those who check them */

void handshake_serve(struct handshake *h, const struct handshake_ops *ops, const uint8_t *methods,
    size_t method_count);
void handshake_dial(struct handshake *h, const struct handshake_ops *ops,
    const struct request *request, const struct credentials *credentials);

/* One step a state.  A step that returns HS_MORE in a new state is followed by the next at once. */
typedef enum hs handshake_step(struct handshake *h, struct buffer *in, struct buffer *out);
enum hs handshake_run(
    struct handshake *h, handshake_step *const *steps, struct buffer *in, struct buffer *out);
enum hs handshake_done(struct handshake *h);
/* Servers: h->credentials are set; HS_ASK till the verdict. */
enum hs handshake_ask(struct handshake *h);
/* What every verdict() begins with; it then leaves HANDSHAKE_ASKED.  Wipes the password. */
void handshake_judged(struct handshake *h, bool ok);
enum hs handshake_fail(struct handshake *h, enum reason reason);

/* Why a client is refused that did not bring what is demanded. */
enum reason handshake_refusal(const struct handshake *h);
bool handshake_allows(const struct handshake *h, uint8_t method);
/*
 * Of a request that can be read, is it one that can be met?  REASON_OK, BAD_PORT or OWN_DOOR: port
 * 0 and the unspecified address, with which Linux means itself, are nothing to connect to.
 */
enum reason handshake_check(const struct request *request);

#endif
