/* SPDX-License-Identifier: ISC */
#ifndef AUTH_MESSAGE_H
#define AUTH_MESSAGE_H

#include "auth/auth.h"

/* What a worker and the keeper say to each other, one SOCK_SEQPACKET message each. */

#define MESSAGE_TEXT_MAX 255 /* RFC 1929, 2 */
#define MESSAGE_RHOST_MAX 63 /* an address with its zone */
#define MESSAGE_MAX 704      /* of all kinds */

enum message_kind {
	MESSAGE_ASK = 1,
	MESSAGE_CANCEL,
	MESSAGE_ANSWER,
	MESSAGE_FORGET, /* what `block` has let in is no longer known */
};

#define MESSAGE_ALL_BLOCKS UINT16_MAX

struct message {
	uint32_t kind;
	uint32_t id; /* the worker's */
	/* ANSWER */
	uint32_t result;  /* enum auth_result */
	uint32_t keep_ms; /* how long it holds for the same question; 0: for this one only */
	uint16_t block;   /* that accepted */
	/* ASK */
	uint16_t block_count;
	uint32_t deadline_ms;
	uint16_t user_length, password_length, rhost_length;
	uint16_t blocks[AUTH_BLOCKS_MAX];
	/* Ended by NUL; in an ANSWER `user` is the identity. */
	char user[MESSAGE_TEXT_MAX + 1], password[MESSAGE_TEXT_MAX + 1];
	char rhost[MESSAGE_RHOST_MAX + 1];
};

/* Lay out as it travels; returns how many of the MESSAGE_MAX bytes are used. */
size_t message_write(uint8_t out[MESSAGE_MAX], const struct message *message);
/* False: it is none of ours, or holds a NUL where none may be. */
bool message_read(struct message *message, const uint8_t *bytes, size_t length);

#endif
