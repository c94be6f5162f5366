/* SPDX-License-Identifier: ISC */
/* A fixed head, then blocks, user and password at their own lengths. */
#include "config.h"

#include "auth/message.h"

#include <assert.h>
#include <string.h>

/* Both ends are one machine, even one program: its own byte order will do. */
#define HEAD offsetof(struct message, blocks)

static_assert(HEAD + sizeof(uint16_t) * AUTH_BLOCKS_MAX + 2 * MESSAGE_TEXT_MAX <= MESSAGE_MAX,
    "every message fits");

size_t message_write(uint8_t out[MESSAGE_MAX], const struct message *message)
{
	size_t blocks = message->block_count * sizeof(message->blocks[0]), n = HEAD;

	memcpy(out, message, HEAD);
	memcpy(out + n, message->blocks, blocks);
	n += blocks;
	memcpy(out + n, message->user, message->user_length);
	n += message->user_length;
	memcpy(out + n, message->password, message->password_length);
	return n + message->password_length;
}

bool message_read(struct message *message, const uint8_t *bytes, size_t length)
{
	size_t blocks, n = HEAD;

	*message = (struct message){0};
	if (length < HEAD)
		return false;
	memcpy(message, bytes, HEAD);
	blocks = message->block_count * sizeof(message->blocks[0]);
	if (message->kind < MESSAGE_ASK || message->kind > MESSAGE_ANSWER ||
	    message->block_count > AUTH_BLOCKS_MAX || message->user_length > MESSAGE_TEXT_MAX ||
	    message->password_length > MESSAGE_TEXT_MAX ||
	    length != HEAD + blocks + message->user_length + message->password_length)
		return false;
	memcpy(message->blocks, bytes + n, blocks);
	n += blocks;
	memcpy(message->user, bytes + n, message->user_length);
	n += message->user_length;
	memcpy(message->password, bytes + n, message->password_length);
	return memchr(message->user, '\0', message->user_length) == NULL &&
	    memchr(message->password, '\0', message->password_length) == NULL;
}
