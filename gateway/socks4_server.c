/* SPDX-License-Identifier: ISC */
/* SOCKS4 and 4a, the side that serves (SOCKS4.protocol and SOCKS4A.protocol by Ying-Da Lee). */
#include "config.h"

#include "gateway/handshake_steps.h"

#include <string.h>

#define VERSION 0x04
#define FIXED 8        /* VN CD DSTPORT DSTIP */
#define USERID_MAX 512 /* the memo names none; RFC 1413, 6: at least 512 are to be taken */
#define NAME_MAX_4A 255

static void answer(const struct handshake *h, enum reason reason, const struct endpoint *bound,
    const char *text, struct buffer *out)
{
	uint8_t reply[8] = {0, reason_row(reason)->socks4};

	(void)text;
	if (h->state == HANDSHAKE_FAILED)
		return;
	if (reason == REASON_OK && bound && address_is_ipv4(&bound->address)) {
		reply[2] = (uint8_t)(bound->port >> 8);
		reply[3] = (uint8_t)bound->port;
		memcpy(reply + 4, &bound->address.s6_addr[12], 4);
	}
	buffer_add(out, reply, sizeof(reply));
}

static enum hs refuse(struct handshake *h, enum reason reason, struct buffer *out)
{
	answer(h, reason, NULL, NULL, out);
	return handshake_fail(h, reason);
}

static bool command(enum command *out, uint8_t code)
{
	if (code != 1 && code != 2)
		return false;
	*out = code == 1 ? COMMAND_CONNECT : COMMAND_BIND;
	return true;
}

/* 0.0.0.x announces a name, 0.0.0.0 does not. */
static bool is_4a(const uint8_t *bytes)
{
	return bytes[4] == 0 && bytes[5] == 0 && bytes[6] == 0 && bytes[7] != 0;
}

/* The NUL that ends a string of at most `max` bytes; NULL: not there, *over if it is too long. */
static const uint8_t *ending(const uint8_t *text, size_t length, size_t max, bool *over)
{
	*over = length > max;
	return memchr(text, 0, *over ? max + 1 : length);
}

static enum reason read_target(
    struct target *target, const uint8_t *bytes, const uint8_t *name, size_t name_length)
{
	struct in6_addr address;
	uint32_t v4;

	target->port = (uint16_t)(bytes[2] << 8 | bytes[3]);
	if (name) {
		if (name_length == 0 || host_parse(&target->host, (const char *)name, name_length))
			return REASON_BAD_NAME;
		return REASON_OK;
	}
	memcpy(&v4, bytes + 4, sizeof(v4));
	address = address_from_ipv4(v4);
	host_from_address(&target->host, &address);
	return REASON_OK;
}

static void read_user(struct credentials *credentials, const uint8_t *text)
{
	size_t length = strlen((const char *)text);

	if (length > CREDENTIAL_MAX)
		length = 0;
	memcpy(credentials->user, text, length);
	credentials->user[length] = '\0';
	credentials->user_length = length;
}

static enum hs read_request(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in), *end, *name = NULL;
	size_t length = buffer_length(in), name_length = 0;
	enum reason reason;
	bool over;

	if (length > 0 && bytes[0] != VERSION)
		return handshake_fail(h, REASON_NOT_SPOKEN);
	if (length > 1 && !command(&h->request.command, bytes[1]))
		return refuse(h, REASON_BAD_COMMAND, out);
	if (length <= FIXED)
		return HS_MORE;
	end = ending(bytes + FIXED, length - FIXED, USERID_MAX, &over);
	if (!end)
		return over ? refuse(h, REASON_TOO_LARGE, out) : HS_MORE;
	if (is_4a(bytes)) {
		name = end + 1;
		end = ending(name, length - (size_t)(name - bytes), NAME_MAX_4A, &over);
		if (!end)
			return over ? refuse(h, REASON_BAD_NAME, out) : HS_MORE;
		name_length = (size_t)(end - name);
	}
	read_user(&h->credentials, bytes + FIXED);
	reason = read_target(&h->request.target, bytes, name, name_length);
	buffer_consume(in, (size_t)(end + 1 - bytes));
	if (reason == REASON_OK)
		reason = handshake_check(&h->request);
	/* The user id is a claim, not a proof. */
	if (reason == REASON_OK && !handshake_allows(h, METHOD_NO_AUTH))
		reason = handshake_refusal(h);
	return reason == REASON_OK ? handshake_done(h) : refuse(h, reason, out);
}

static enum hs feed(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {read_request};

	return handshake_run(h, steps, in, out);
}

void socks4_server_init(struct handshake *h, const uint8_t *methods, size_t method_count)
{
	static const struct handshake_ops ops = {.name = "socks4", .feed = feed, .answer = answer};

	handshake_serve(h, &ops, methods, method_count);
	h->request.protocol = PROTOCOL_SOCKS4;
}
