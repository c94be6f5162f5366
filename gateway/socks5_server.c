/* SPDX-License-Identifier: ISC */
/* SOCKS5, the side that serves (RFC 1928; RFC 1929 for user name and password). */
#include "config.h"

#include "gateway/handshake_steps.h"
#include "gateway/socks5_address.h"

#include <string.h>

#define VERSION 0x05
#define LOGIN_VERSION 0x01

enum { GREETING, LOGIN, REQUEST };

static const uint8_t login_right[] = {LOGIN_VERSION, 0x00};
static const uint8_t login_wrong[] = {LOGIN_VERSION, 0x01};

static void reply(enum reason reason, const struct endpoint *bound, struct buffer *out)
{
	uint8_t message[3 + SOCKS5_ADDRESS_MAX] = {VERSION, reason_row(reason)->socks5, 0};
	struct target end = {.host = {.address = address_from_ipv4(0)}};
	size_t n = 3;

	if (reason == REASON_OK && bound) {
		host_from_address(&end.host, &bound->address);
		end.port = bound->port;
	}
	n += socks5_address_write(message + n, &end);
	buffer_add(out, message, n);
}

static void answer(const struct handshake *h, enum reason reason, const struct endpoint *bound,
    const char *text, struct buffer *out)
{
	static const uint8_t no_method[] = {VERSION, METHOD_REFUSED};

	(void)text;
	switch (h->state) {
	case HANDSHAKE_FAILED:
		break;
	case GREETING:
		buffer_add(out, no_method, sizeof(no_method));
		break;
	case LOGIN:
	case HANDSHAKE_ASKED:
		buffer_add(out, login_wrong, sizeof(login_wrong));
		break;
	default:
		reply(reason, bound, out);
	}
}

static enum hs refuse(struct handshake *h, enum reason reason, struct buffer *out)
{
	answer(h, reason, NULL, NULL, out);
	return handshake_fail(h, reason);
}

/* The first of ours that was offered; a client may offer FF, which is no method. */
static uint8_t choose(const struct handshake *h, const uint8_t *offered, size_t count)
{
	for (unsigned i = 0; i < h->method_count; i++)
		if (memchr(offered, h->methods[i], count))
			return h->methods[i];
	return METHOD_REFUSED;
}

/* VER NMETHODS METHODS (RFC 1928, 3) */
static enum hs greeting(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in), size;
	uint8_t method;

	if (length > 0 && bytes[0] != VERSION)
		return handshake_fail(h, REASON_NOT_SPOKEN);
	if (length < 2)
		return HS_MORE;
	size = 2 + (size_t)bytes[1];
	if (length < size)
		return HS_MORE;
	method = choose(h, bytes + 2, bytes[1]);
	buffer_consume(in, size);
	if (method == METHOD_REFUSED)
		return refuse(h, handshake_refusal(h), out);
	if (!buffer_add(out, (uint8_t[]){VERSION, method}, 2))
		return handshake_fail(h, REASON_RESOURCES);
	h->state = method == METHOD_PASSWORD ? LOGIN : REQUEST;
	return HS_MORE;
}

/* Names and passwords end up in C strings: a NUL inside would cut them. */
static bool read_credential(char out[CREDENTIAL_MAX + 1], size_t *out_length, const uint8_t *field)
{
	*out_length = field[0];
	memcpy(out, field + 1, field[0]);
	out[field[0]] = '\0';
	return field[0] > 0 && !memchr(field + 1, 0, field[0]);
}

/* VER ULEN UNAME PLEN PASSWD (RFC 1929, 2) */
static enum hs login(struct handshake *h, struct buffer *in, struct buffer *out)
{
	struct credentials *credentials = &h->credentials;
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in), password, size;
	bool user_good, password_good;

	if (length > 0 && bytes[0] != LOGIN_VERSION)
		return refuse(h, REASON_MALFORMED, out);
	if (length < 2)
		return HS_MORE;
	password = 2 + (size_t)bytes[1];
	if (length <= password)
		return HS_MORE;
	size = password + 1 + bytes[password];
	if (length < size)
		return HS_MORE;
	user_good = read_credential(credentials->user, &credentials->user_length, bytes + 1);
	password_good =
	    read_credential(credentials->password, &credentials->password_length, bytes + password);
	buffer_consume(in, size);
	if (!user_good || !password_good)
		return refuse(h, REASON_AUTH_FAILED, out);
	return handshake_ask(h);
}

static void verdict(struct handshake *h, bool ok, enum reason why, struct buffer *out)
{
	handshake_judged(h, ok);
	if (!ok)
		refuse(h, why, out);
	else if (!buffer_add(out, login_right, sizeof(login_right)))
		handshake_fail(h, REASON_RESOURCES);
	else
		h->state = REQUEST;
}

static bool command(enum command *out, uint8_t code)
{
	static const enum command commands[] = {COMMAND_CONNECT, COMMAND_BIND, COMMAND_UDP};

	if (code < 1 || code > sizeof(commands) / sizeof(*commands))
		return false;
	*out = commands[code - 1];
	return true;
}

/* VER CMD RSV ATYP DST.ADDR DST.PORT (RFC 1928, 4); RSV is not looked at. */
static enum hs request(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in);
	enum reason reason;
	int size;

	if (length > 0 && bytes[0] != VERSION)
		return refuse(h, REASON_MALFORMED, out);
	if (length > 1 && !command(&h->request.command, bytes[1]))
		return refuse(h, REASON_BAD_COMMAND, out);
	if (length < 4)
		return HS_MORE;
	size = socks5_address_length(bytes + 3, length - 3);
	/* How long an address of an unknown type is nobody knows: answer at once. */
	if (size < 0)
		return refuse(h, REASON_BAD_ADDRESS_TYPE, out);
	if (size == 0 || length < 3 + (size_t)size)
		return HS_MORE;
	reason = socks5_address_read(&h->request.target, bytes + 3);
	buffer_consume(in, 3 + (size_t)size);
	if (reason == REASON_OK)
		reason = handshake_check(&h->request);
	return reason == REASON_OK ? handshake_done(h) : refuse(h, reason, out);
}

static enum hs feed(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {
	    [GREETING] = greeting, [LOGIN] = login, [REQUEST] = request};

	return handshake_run(h, steps, in, out);
}

void socks5_server_init(struct handshake *h, const uint8_t *methods, size_t method_count)
{
	static const struct handshake_ops ops = {
	    .name = "socks5", .feed = feed, .verdict = verdict, .answer = answer};

	handshake_serve(h, &ops, methods, method_count);
	h->request.protocol = PROTOCOL_SOCKS5;
}
