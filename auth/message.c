/* SPDX-License-Identifier: ISC */
/* A fixed head, then blocks and texts at their own lengths. */
#include "config.h"

#include "auth/message.h"

#include <assert.h>
#include <string.h>

/* Both ends are one machine, even one program: its own byte order will do. */
#define HEAD offsetof(struct message, blocks)

static_assert(
    HEAD + sizeof(uint16_t) * AUTH_BLOCKS_MAX + 2 * MESSAGE_TEXT_MAX + MESSAGE_RHOST_MAX <=
        MESSAGE_MAX,
    "every message fits");

static uint8_t *put(uint8_t *out, const void *bytes, size_t length)
{
	memcpy(out, bytes, length);
	return out + length;
}

size_t message_write(uint8_t out[MESSAGE_MAX], const struct message *message)
{
	uint8_t *end = put(out, message, HEAD);

	end = put(end, message->blocks, message->block_count * sizeof(message->blocks[0]));
	end = put(end, message->user, message->user_length);
	end = put(end, message->password, message->password_length);
	return (size_t)(put(end, message->rhost, message->rhost_length) - out);
}

/* Where the next one begins; NULL: it holds a NUL. */
static const uint8_t *get_text(char *text, const uint8_t *bytes, size_t length)
{
	if (bytes == NULL || memchr(bytes, '\0', length) != NULL)
		return NULL;
	memcpy(text, bytes, length);
	return bytes + length;
}

bool message_read(struct message *message, const uint8_t *bytes, size_t length)
{
	size_t blocks;

	*message = (struct message){0};
	if (length < HEAD)
		return false;
	memcpy(message, bytes, HEAD);
	blocks = message->block_count * sizeof(message->blocks[0]);
	if (message->kind < MESSAGE_ASK || message->kind > MESSAGE_FORGET ||
	    message->block_count > AUTH_BLOCKS_MAX || message->user_length > MESSAGE_TEXT_MAX ||
	    message->password_length > MESSAGE_TEXT_MAX ||
	    message->rhost_length > MESSAGE_RHOST_MAX ||
	    length !=
	        HEAD + blocks + message->user_length + message->password_length +
	            message->rhost_length)
		return false;
	memcpy(message->blocks, bytes + HEAD, blocks);
	bytes = get_text(message->user, bytes + HEAD + blocks, message->user_length);
	bytes = get_text(message->password, bytes, message->password_length);
	return get_text(message->rhost, bytes, message->rhost_length) != NULL;
}
