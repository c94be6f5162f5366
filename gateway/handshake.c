/* SPDX-License-Identifier: ISC */
/* What all handshakes share: how they begin, go from step to step, and end. */
#include "config.h"

#include "gateway/handshake_steps.h"

#include <assert.h>
#include <string.h>

void handshake_serve(struct handshake *h, const struct handshake_ops *ops, const uint8_t *methods,
    size_t method_count)
{
	assert(method_count <= sizeof(h->methods));
	*h = (struct handshake){.ops = ops, .method_count = (uint8_t)method_count};
	if (method_count > 0)
		memcpy(h->methods, methods, method_count);
}

void handshake_dial(struct handshake *h, const struct handshake_ops *ops,
    const struct request *request, const struct credentials *credentials)
{
	*h = (struct handshake){.ops = ops, .request = *request};
	if (credentials)
		h->credentials = *credentials;
}

void handshake_clear(struct handshake *h)
{
	explicit_bzero(h, sizeof(*h));
}

enum hs handshake_done(struct handshake *h)
{
	h->state = HANDSHAKE_DONE;
	return HS_DONE;
}

enum hs handshake_ask(struct handshake *h)
{
	h->state = HANDSHAKE_ASKED;
	return HS_ASK;
}

void handshake_judged(struct handshake *h, bool ok)
{
	assert(h->state == HANDSHAKE_ASKED);
	explicit_bzero(h->credentials.password, sizeof(h->credentials.password));
	h->authenticated = ok;
}

enum hs handshake_fail(struct handshake *h, enum reason reason)
{
	h->state = HANDSHAKE_FAILED;
	h->reason = reason;
	return HS_FAIL;
}

enum hs handshake_run(
    struct handshake *h, handshake_step *const *steps, struct buffer *in, struct buffer *out)
{
	unsigned state;
	enum hs hs;

	do {
		if (h->state == HANDSHAKE_DONE)
			return HS_DONE;
		if (h->state == HANDSHAKE_FAILED)
			return HS_FAIL;
		if (h->state == HANDSHAKE_ASKED)
			return HS_ASK;
		state = h->state;
		hs = steps[state](h, in, out);
	} while (hs == HS_MORE && h->state != state);
	return hs;
}

void handshake_end(struct handshake *h, const struct buffer *in)
{
	enum reason reason = h->ops->answer ? REASON_CLIENT_GONE : REASON_HOP_CLOSED;

	if (h->state == HANDSHAKE_DONE || h->state == HANDSHAKE_FAILED)
		return;
	if (h->ops->truncated)
		reason = h->ops->truncated(h, in);
	handshake_fail(h, reason);
}

bool handshake_allows(const struct handshake *h, uint8_t method)
{
	return h->method_count > 0 && memchr(h->methods, method, h->method_count);
}

enum reason handshake_refusal(const struct handshake *h)
{
	return h->refusal != REASON_OK ? h->refusal : REASON_AUTH_REQUIRED;
}

enum reason handshake_check(const struct request *request)
{
	const struct host *host = &request->target.host;
	const struct in6_addr none = address_from_ipv4(0);

	if (request->command != COMMAND_CONNECT)
		return REASON_OK;
	if (request->target.port == 0)
		return REASON_BAD_PORT;
	if (!host->named &&
	    (IN6_IS_ADDR_UNSPECIFIED(&host->address) || IN6_ARE_ADDR_EQUAL(&host->address, &none)))
		return REASON_OWN_DOOR;
	return REASON_OK;
}

/* RFC 9110, 5.6.2, or the empty line that may come before a request. */
static bool begins_http(uint8_t first)
{
	if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z') ||
	    (first >= '0' && first <= '9'))
		return true;
	return first != 0 && strchr("!#$%&'*+-.^_`|~\r\n", first);
}

int sniff(uint8_t first, unsigned protocols)
{
	enum protocol protocol;

	if (first == 4)
		protocol = PROTOCOL_SOCKS4;
	else if (first == 5)
		protocol = PROTOCOL_SOCKS5;
	else if (begins_http(first))
		protocol = PROTOCOL_HTTP;
	else
		return -1;
	return protocols & 1U << protocol ? (int)protocol : -1;
}
