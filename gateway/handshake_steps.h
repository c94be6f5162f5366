/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_HANDSHAKE_STEPS_H
#define GATEWAY_HANDSHAKE_STEPS_H

#include "gateway/handshake.h"

/* What the protocols' own files share; those who use a handshake need only handshake.h. */

#define HANDSHAKE_DONE 0x100 /* states that every protocol shares */
#define HANDSHAKE_FAILED 0x101

void handshake_serve(struct handshake *h, const struct handshake_ops *ops, const uint8_t *methods,
    size_t method_count);
void handshake_dial(struct handshake *h, const struct handshake_ops *ops,
    const struct request *request, const struct credentials *credentials);

/* One step a state.  A step that returns HS_MORE in a new state is followed by the next at once. */
typedef enum hs handshake_step(struct handshake *h, struct buffer *in, struct buffer *out);
enum hs handshake_run(
    struct handshake *h, handshake_step *const *steps, struct buffer *in, struct buffer *out);
enum hs handshake_done(struct handshake *h);
enum hs handshake_fail(struct handshake *h, enum reason reason);

bool handshake_allows(const struct handshake *h, uint8_t method);
/*
 * Of a request that can be read, is it one that can be met?  REASON_OK, BAD_PORT or OWN_DOOR: port
 * 0 and the unspecified address, with which Linux means itself, are nothing to connect to.
 */
enum reason handshake_check(const struct request *request);

#endif
