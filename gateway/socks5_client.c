/* SPDX-License-Identifier: ISC */
/* SOCKS5, the side that asks a hop (RFC 1928; RFC 1929 for user name and password). */
#include "config.h"

#include "gateway/handshake_steps.h"
#include "gateway/socks5_address.h"

#include <string.h>

#define VERSION 0x05
#define LOGIN_VERSION 0x01

enum { GREET, METHOD, LOGIN, REPLY };

static const uint8_t commands[COMMAND_COUNT] = {
    [COMMAND_CONNECT] = 1, [COMMAND_BIND] = 2, [COMMAND_UDP] = 3};

static enum hs say(
    struct handshake *h, struct buffer *out, const uint8_t *message, size_t n, unsigned next)
{
	if (!buffer_add(out, message, n))
		return handshake_fail(h, REASON_RESOURCES);
	h->state = next;
	return HS_MORE;
}

/* A password is offered only if there is one: a hop may prefer it. */
static enum hs greet(struct handshake *h, struct buffer *in, struct buffer *out)
{
	uint8_t message[] = {VERSION, 1, METHOD_NO_AUTH, METHOD_PASSWORD};

	(void)in;
	if (h->credentials.user_length > 0)
		message[1] = 2;
	return say(h, out, message, 2 + (size_t)message[1], METHOD);
}

static enum hs send_login(struct handshake *h, struct buffer *out)
{
	const struct credentials *credentials = &h->credentials;
	uint8_t message[3 + 2 * CREDENTIAL_MAX] = {LOGIN_VERSION};
	size_t n = 1;
	enum hs hs;

	message[n++] = (uint8_t)credentials->user_length;
	memcpy(message + n, credentials->user, credentials->user_length);
	n += credentials->user_length;
	message[n++] = (uint8_t)credentials->password_length;
	memcpy(message + n, credentials->password, credentials->password_length);
	n += credentials->password_length;
	hs = say(h, out, message, n, LOGIN);
	explicit_bzero(message, sizeof(message));
	return hs;
}

static enum hs send_request(struct handshake *h, struct buffer *out)
{
	uint8_t message[3 + SOCKS5_ADDRESS_MAX] = {VERSION, commands[h->request.command], 0};
	size_t n = 3;

	if (message[1] == 0)
		return handshake_fail(h, REASON_HOP_NO_COMMAND);
	n += socks5_address_write(message + n, &h->request.target);
	return say(h, out, message, n, REPLY);
}

static enum hs method(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in);
	uint8_t chosen;

	if (length > 0 && bytes[0] != VERSION)
		return handshake_fail(h, REASON_HOP_PROTOCOL);
	if (length < 2)
		return HS_MORE;
	chosen = bytes[1];
	buffer_consume(in, 2);
	if (chosen == METHOD_NO_AUTH)
		return send_request(h, out);
	if (chosen == METHOD_PASSWORD && h->credentials.user_length > 0)
		return send_login(h, out);
	h->detail = chosen;
	return handshake_fail(h, chosen == METHOD_REFUSED ? REASON_HOP_AUTH : REASON_HOP_PROTOCOL);
}

static enum hs login(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in);

	/* Servers are about that put the version of SOCKS where that of RFC 1929 belongs. */
	if (length > 0 && bytes[0] != LOGIN_VERSION && bytes[0] != VERSION)
		return handshake_fail(h, REASON_HOP_PROTOCOL);
	if (length < 2)
		return HS_MORE;
	if (bytes[1] != 0) {
		h->detail = bytes[1];
		return handshake_fail(h, REASON_HOP_AUTH);
	}
	buffer_consume(in, 2);
	return send_request(h, out);
}

static enum reason refusal(uint8_t code)
{
	static const enum reason reasons[] = {
	    [1] = REASON_HOP_FAILED,
	    [2] = REASON_HOP_DENIED,
	    [3] = REASON_NET_UNREACHABLE,
	    [4] = REASON_HOST_UNREACHABLE,
	    [5] = REASON_REFUSED,
	    [6] = REASON_TIMEOUT,
	    [7] = REASON_HOP_NO_COMMAND,
	    [8] = REASON_HOP_NO_ADDRESS_TYPE,
	};

	return code < sizeof(reasons) / sizeof(*reasons) ? reasons[code] : REASON_HOP_PROTOCOL;
}

static void read_bound(struct endpoint *bound, const uint8_t *bytes)
{
	struct target target;

	/* A name says nothing that an endpoint could hold. */
	if (socks5_address_read(&target, bytes) != REASON_OK || target.host.named)
		return;
	bound->address = target.host.address;
	bound->port = target.port;
}

/* VER REP RSV ATYP BND.ADDR BND.PORT (RFC 1928, 6) */
static enum hs hear(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in);
	int size;

	(void)out;
	if (length > 0 && bytes[0] != VERSION)
		return handshake_fail(h, REASON_HOP_PROTOCOL);
	/* Not all send the rest of a refusal. */
	if (length > 1 && bytes[1] != 0) {
		h->detail = bytes[1];
		return handshake_fail(h, refusal(bytes[1]));
	}
	if (length < 4)
		return HS_MORE;
	size = socks5_address_length(bytes + 3, length - 3);
	if (size < 0)
		return handshake_fail(h, REASON_HOP_PROTOCOL);
	if (size == 0 || length < 3 + (size_t)size)
		return HS_MORE;
	read_bound(&h->bound, bytes + 3);
	buffer_consume(in, 3 + (size_t)size);
	return handshake_done(h);
}

static enum hs feed(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {
	    [GREET] = greet, [METHOD] = method, [LOGIN] = login, [REPLY] = hear};

	return handshake_run(h, steps, in, out);
}

void socks5_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials)
{
	static const struct handshake_ops ops = {.name = "socks5", .feed = feed};

	handshake_dial(h, &ops, request, credentials);
}
