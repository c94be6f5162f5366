/* SPDX-License-Identifier: ISC */
/*
 * HTTP, the side that serves: CONNECT (RFC 9110, 9.3.6), and the head of a request that is to be
 * forwarded, with Basic authentication (RFC 7617).
 */
#include "config.h"

#include "gateway/base64.h"
#include "gateway/handshake_steps.h"
#include "gateway/http_request.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 1024 /* of a body */

enum { HEAD, ASKED };

/* --- answers ---------------------------------------------------------------------------------- */

struct status {
	unsigned code;
	const char *phrase;
	const char *fields; /* that this status demands */
};

static const struct status *status(unsigned code)
{
	static const struct status statuses[] = {
	    {400, "Bad Request", ""},
	    {403, "Forbidden", ""},
	    {405, "Method Not Allowed", "Allow:\r\n"},
	    {407, "Proxy Authentication Required",
	        "Proxy-Authenticate: Basic realm=\"hopgate\", charset=\"UTF-8\"\r\n"},
	    {408, "Request Timeout", ""},
	    {414, "URI Too Long", ""},
	    {431, "Request Header Fields Too Large", ""},
	    {501, "Not Implemented", ""},
	    {502, "Bad Gateway", ""},
	    {503, "Service Unavailable", ""},
	    {504, "Gateway Timeout", ""},
	    {505, "HTTP Version Not Supported", ""},
	    {500, "Internal Server Error", ""},
	};
	size_t i = 0;

	while (statuses[i].code != code && statuses[i].code != 500)
		i++;
	return &statuses[i];
}

/* One line of UTF-8 without control characters, cut between characters. */
static size_t make_body(char out[TEXT_MAX + 2], const char *text)
{
	size_t n = strnlen(text, TEXT_MAX);

	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	out[n++] = '\n';
	out[n] = '\0';
	return n;
}

/* Nothing of what the client sent is repeated (RFC 9110, 17.5 and cross-site scripting). */
static void respond(
    const struct handshake *h, enum reason reason, const char *text, struct buffer *out)
{
	const struct reason_row *row = reason_row(reason);
	const struct status *line = status(row->http);
	char body[TEXT_MAX + 2];
	size_t length = make_body(body, text ? text : row->text);

	buffer_printf(out,
	    "HTTP/1.1 %u %s\r\n"
	    "%s"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%s%s%s%s"
	    "Content-Length: %zu\r\n"
	    "\r\n"
	    "%s",
	    line->code, line->phrase, h->persists ? "" : "Connection: close\r\n", line->fields,
	    row->proxy_status ? "Proxy-Status: hopgate; error=" : "",
	    row->proxy_status ? row->proxy_status : "", row->proxy_status ? "\r\n" : "", length,
	    h->bodiless ? "" : body);
}

/* A 2xx to CONNECT has no framing (RFC 9110, 9.3.6). */
static void answer(const struct handshake *h, enum reason reason, const struct endpoint *bound,
    const char *text, struct buffer *out)
{
	(void)bound;
	if (h->state == HANDSHAKE_FAILED)
		return;
	if (reason == REASON_OK)
		buffer_printf(out, "HTTP/1.1 200 Connection established\r\n\r\n");
	else
		respond(h, reason, text, out);
}

/* --- who asks --------------------------------------------------------------------------------- */

/* RFC 7617, 2: no control characters; nothing empty, as in RFC 1929. */
static bool read_credential(
    char out[CREDENTIAL_MAX + 1], size_t *out_length, const uint8_t *bytes, size_t length)
{
	if (length == 0 || length > CREDENTIAL_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			return false;
	memcpy(out, bytes, length);
	out[length] = '\0';
	*out_length = length;
	return true;
}

/* The first colon separates: a password may hold more. */
static bool split(struct credentials *credentials, const uint8_t *plain, size_t length)
{
	const uint8_t *colon = memchr(plain, ':', length), *password;

	if (!colon)
		return false;
	password = colon + 1;
	return read_credential(
	           credentials->user, &credentials->user_length, plain, (size_t)(colon - plain)) &&
	    read_credential(credentials->password, &credentials->password_length, password,
	        (size_t)(plain + length - password));
}

static enum reason read_basic(struct credentials *credentials, struct span value)
{
	uint8_t plain[2 * CREDENTIAL_MAX + 1];
	size_t length;
	bool good;

	if (value.length < 6 || strncasecmp(value.text, "Basic ", 6) != 0)
		return REASON_AUTH_REQUIRED;
	value.text += 6;
	value.length -= 6;
	while (value.length > 0 && *value.text == ' ') {
		value.text++;
		value.length--;
	}
	good = base64_decode(plain, sizeof(plain), &length, value.text, value.length) &&
	    split(credentials, plain, length);
	explicit_bzero(plain, sizeof(plain));
	return good ? REASON_OK : REASON_AUTH_FAILED;
}

/* Credentials that nobody here could check are not looked at. */
static enum reason authenticate(struct handshake *h, const struct http_head *head)
{
	bool several, password = handshake_allows(h, METHOD_PASSWORD);
	const struct http_field *field = http_head_field(head, "Proxy-Authorization", &several);
	enum reason reason;

	if (several)
		return REASON_MALFORMED;
	if (!field || !password) {
		if (handshake_allows(h, METHOD_NO_AUTH))
			return REASON_OK;
		return password ? REASON_AUTH_REQUIRED : handshake_refusal(h);
	}
	reason = read_basic(&h->credentials, field->value);
	if (reason == REASON_OK)
		h->state = ASKED;
	return reason;
}

/* --- what is asked ---------------------------------------------------------------------------- */

/* Content of a CONNECT would be the tunnel's first bytes to some and not to others. */
static enum reason judge(struct handshake *h, const struct http_head *head)
{
	struct http_request request = {.persists = false};
	enum reason reason = REASON_OK;

	h->request.target = head->target;
	h->request.command = head->form == HTTP_AUTHORITY ? COMMAND_CONNECT : COMMAND_HTTP;
	if (h->request.command == COMMAND_HTTP)
		reason = http_request_read(&request, head, NULL);
	else if (head->framing != HTTP_BODY_NONE)
		reason = REASON_MALFORMED;
	if (reason == REASON_OK)
		reason = handshake_check(&h->request);
	if (reason != REASON_OK)
		return reason;
	h->persists = request.persists && head->framing == HTTP_BODY_NONE;
	h->bodiless = request.head;
	if (h->request.command == COMMAND_HTTP)
		h->head_length = head->length;
	return authenticate(h, head);
}

static enum hs refuse(
    struct handshake *h, const struct http_head *head, enum reason reason, struct buffer *out)
{
	h->bodiless |= head->method.length == 4 && memcmp(head->method.text, "HEAD", 4) == 0;
	respond(h, reason, NULL, out);
	return handshake_fail(h, reason);
}

static enum hs read_head(struct handshake *h, struct buffer *in, struct buffer *out)
{
	const uint8_t *bytes = buffer_bytes(in);
	size_t length = buffer_length(in), before = h->seen;
	struct http_head head;
	enum reason reason;
	int got;

	h->seen = length;
	if (!http_head_news(bytes, before, length, in->max))
		return HS_MORE;
	got = http_head_request(&head, bytes, length, in->max);
	if (got == 0)
		return HS_MORE;
	reason = got < 0 ? head.reason : judge(h, &head);
	if (reason != REASON_OK)
		return refuse(h, &head, reason, out);
	buffer_consume(in, head.length - h->head_length);
	return h->state == ASKED ? HS_ASK : handshake_done(h);
}

static enum hs asked(struct handshake *h, struct buffer *in, struct buffer *out)
{
	(void)h;
	(void)in;
	(void)out;
	return HS_ASK;
}

static void verdict(struct handshake *h, bool ok, enum reason why, struct buffer *out)
{
	assert(h->state == ASKED);
	explicit_bzero(h->credentials.password, sizeof(h->credentials.password));
	h->authenticated = ok;
	if (ok) {
		handshake_done(h);
		return;
	}
	respond(h, why, NULL, out);
	handshake_fail(h, why);
}

static enum hs feed(struct handshake *h, struct buffer *in, struct buffer *out)
{
	static handshake_step *const steps[] = {[HEAD] = read_head, [ASKED] = asked};

	return handshake_run(h, steps, in, out);
}

void http_server_init(struct handshake *h, const uint8_t *methods, size_t method_count)
{
	static const struct handshake_ops ops = {
	    .name = "http", .feed = feed, .verdict = verdict, .answer = answer};

	handshake_serve(h, &ops, methods, method_count);
	h->request.protocol = PROTOCOL_HTTP;
}
