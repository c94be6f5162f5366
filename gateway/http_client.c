/* SPDX-License-Identifier: ISC */
/* HTTP, the side that asks a hop: CONNECT (RFC 9110, 9.3.6). */
#include "config.h"

#include "gateway/handshake_steps.h"
#include "gateway/http_basic.h"
#include "gateway/http_head.h"

#include <string.h>

#define INTERIM_MAX 16 /* 1xx before the answer proper */

enum { ASK, HEAR };

static enum hs ask(struct handshake *h, struct buffer *in, struct buffer *out)
{
	char target[TARGET_TEXT], basic[HTTP_BASIC_MAX + 1] = "";
	bool login = h->credentials.user_length > 0, said;

	(void)in;
	if (h->request.command != COMMAND_CONNECT)
		return handshake_fail(h, REASON_HOP_NO_COMMAND);
	if (login && !http_basic_write(basic, &h->credentials))
		return handshake_fail(h, REASON_HOP_AUTH);
	target_format(&h->request.target, target);
	said = buffer_printf(out,
	    "CONNECT %s HTTP/1.1\r\n"
	    "Host: %s\r\n"
	    "%s%s%s"
	    "\r\n",
	    target, target, login ? "Proxy-Authorization: Basic " : "", basic, login ? "\r\n" : "");
	explicit_bzero(basic, sizeof(basic));
	if (!said)
		return handshake_fail(h, REASON_RESOURCES);
	h->state = HEAR;
	return HS_MORE;
}

static enum reason refusal(int status)
{
	static const struct {
		int status;
		enum reason reason;
	} refusals[] = {
	    {403, REASON_HOP_DENIED},
	    {407, REASON_HOP_AUTH},
	    {502, REASON_HOP_BAD_GATEWAY},
	    {503, REASON_HOP_UNAVAILABLE},
	    {504, REASON_HOP_GATEWAY_TIMEOUT},
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].status == status)
			return refusals[i].reason;
	return REASON_HOP_FAILED;
}

static size_t ceiling(const struct buffer *in)
{
	return in->max < CLIENT_HANDSHAKE_MAX ? in->max : CLIENT_HANDSHAKE_MAX;
}

/* 101 would change to a protocol that nobody asked for. */
static bool is_interim(int status)
{
	return status / 100 == 1 && status != 101;
}

/* Nonsense need not be waited for to its end. */
static bool may_be_http(const uint8_t *bytes, size_t length)
{
	static const char begin[] = "HTTP/";
	size_t known = strlen(begin);

	return memcmp(bytes, begin, length < known ? length : known) == 0;
}

/* 1: the next head has come and gone, only its numbers are left; 0: not yet; -1: it is none. */
static int next_head(struct handshake *h, struct http_head *head, struct buffer *in)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in), before = h->seen;
	int got;

	h->seen = length;
	if (length > 0 && !may_be_http(bytes, length))
		return -1;
	if (!http_head_news(bytes, before, length, ceiling(in)))
		return 0;
	got = http_head_response(head, bytes, length, ceiling(in));
	if (got == 1) {
		buffer_consume(in, head->length);
		h->seen = 0;
	}
	return got;
}

/* What a 2xx says about its length is not looked at: the tunnel begins after its head. */
static enum hs hear(struct handshake *h, struct buffer *in, struct buffer *out)
{
	struct http_head head;
	int got;

	(void)out;
	while ((got = next_head(h, &head, in)) == 1 && is_interim(head.status))
		if (++h->interim > INTERIM_MAX)
			return handshake_fail(h, REASON_HOP_PROTOCOL);
	if (got == 0)
		return HS_MORE;
	if (got < 0 || head.status == 101)
		return handshake_fail(h, REASON_HOP_PROTOCOL);
	if (head.status / 100 == 2)
		return handshake_done(h);
	h->detail = head.status;
	return handshake_fail(h, refusal(head.status));
}

/* The status line alone is enough to say why. */
static enum reason truncated(struct handshake *h, const struct buffer *in)
{
	size_t length = buffer_length(in);
	struct http_head head;

	if (length == 0 || http_head_response(&head, buffer_bytes(in), length, length + 1) != 0 ||
	    head.status < 300)
		return REASON_HOP_CLOSED;
	h->detail = head.status;
	return refusal(head.status);
}

static enum hs feed(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {[ASK] = ask, [HEAR] = hear};

	return handshake_run(h, steps, in, out);
}

void http_client_init(
    struct handshake *h, const struct request *request, const struct credentials *credentials)
{
	static const struct handshake_ops ops = {
	    .name = "http", .feed = feed, .truncated = truncated};

	handshake_dial(h, &ops, request, credentials);
}
