/* SPDX-License-Identifier: ISC */
/* SOCKS4 and 4a, the side that asks a hop (SOCKS4.protocol and SOCKS4A.protocol by Ying-Da Lee). */
#include "config.h"

#include "gateway/handshake_steps.h"

#include <string.h>

#define VERSION 0x04
#define REPLY 8 /* VN CD DSTPORT DSTIP */
#define REQUEST_MAX (8 + CREDENTIAL_MAX + 1 + HOST_NAME_LENGTH + 1)

enum { ASK, LISTEN };
enum { GRANTED = 0x5a, REJECTED = 0x5b, NO_IDENT = 0x5c, WRONG_IDENT = 0x5d };

static const uint8_t commands[COMMAND_COUNT] = {[COMMAND_CONNECT] = 1, [COMMAND_BIND] = 2};

/* The four octets of DSTIP; false if the protocol has no way to say where. */
static bool destination(uint8_t ip[4], const struct host *host, bool names)
{
	if (host->named) {
		memcpy(ip, (uint8_t[]){0, 0, 0, 1}, 4);
		return names;
	}
	memcpy(ip, &host->address.s6_addr[12], 4);
	/* A hop would take 0.0.0.x for 4a and what follows for a name. */
	return address_is_ipv4(&host->address) && (ip[0] | ip[1] | ip[2] || !ip[3]);
}

static enum hs ask(struct handshake *h, struct buffer *out, bool names)
{
	const struct target *target = &h->request.target;
	const struct credentials *credentials = &h->credentials;
	uint8_t message[REQUEST_MAX] = {VERSION, commands[h->request.command],
	    (uint8_t)(target->port >> 8), (uint8_t)target->port};
	size_t n = 8;

	if (message[1] == 0)
		return handshake_fail(h, REASON_HOP_NO_COMMAND);
	if (!destination(message + 4, &target->host, names))
		return handshake_fail(h, REASON_HOP_NO_ADDRESS_TYPE);
	if (memchr(credentials->user, 0, credentials->user_length))
		return handshake_fail(h, REASON_HOP_AUTH);
	memcpy(message + n, credentials->user, credentials->user_length);
	n += credentials->user_length + 1;
	if (target->host.named) {
		size_t length = strlen(target->host.name);

		memcpy(message + n, target->host.name, length);
		n += length + 1;
	}
	if (!buffer_add(out, message, n))
		return handshake_fail(h, REASON_RESOURCES);
	h->state = LISTEN;
	return HS_MORE;
}

static enum hs ask_4(struct handshake *h, struct buffer *in, struct buffer *out)
{
	(void)in;
	return ask(h, out, false);
}

static enum hs ask_4a(struct handshake *h, struct buffer *in, struct buffer *out)
{
	(void)in;
	return ask(h, out, true);
}

static enum reason refusal(uint8_t code)
{
	switch (code) {
	case REJECTED:
		return REASON_HOP_FAILED;
	case NO_IDENT:
	case WRONG_IDENT:
		return REASON_HOP_AUTH;
	default:
		return REASON_HOP_PROTOCOL;
	}
}

static enum hs hear(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in);
	uint32_t v4;

	(void)out;
	/* Some servers put their version where the memo has 0. */
	if (length > 0 && bytes[0] != 0 && bytes[0] != VERSION)
		return handshake_fail(h, REASON_HOP_PROTOCOL);
	/* Not all send the rest of a refusal. */
	if (length > 1 && bytes[1] != GRANTED) {
		h->detail = bytes[1];
		return handshake_fail(h, refusal(bytes[1]));
	}
	if (length < REPLY)
		return HS_MORE;
	h->bound.port = (uint16_t)(bytes[2] << 8 | bytes[3]);
	memcpy(&v4, bytes + 4, sizeof(v4));
	h->bound.address = address_from_ipv4(v4);
	buffer_consume(in, REPLY);
	return handshake_done(h);
}

static enum hs feed_4(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {[ASK] = ask_4, [LISTEN] = hear};

	return handshake_run(h, steps, in, out);
}

static enum hs feed_4a(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {[ASK] = ask_4a, [LISTEN] = hear};

	return handshake_run(h, steps, in, out);
}

void socks4_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials)
{
	static const struct handshake_ops ops = {.name = "socks4", .feed = feed_4};

	handshake_dial(h, &ops, request, credentials);
}

void socks4a_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials)
{
	static const struct handshake_ops ops = {.name = "socks4a", .feed = feed_4a};

	handshake_dial(h, &ops, request, credentials);
}
