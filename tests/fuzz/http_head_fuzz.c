/* SPDX-License-Identifier: ISC */
/* Heads of requests and responses: what is accepted can be written anew without surprises. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/http_head.h"
#include "tests/fuzz/other_reader.h"

typedef int parser(struct http_head *head, const uint8_t *bytes, size_t length, size_t max);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inside the head, and without what would end a line or a string. */
static void check_span(const struct http_head *head, const uint8_t *bytes, struct span span)
{
	if (span.length == 0)
		return;
	PROMISE((const uint8_t *)span.text >= bytes);
	PROMISE((const uint8_t *)span.text + span.length <= bytes + head->length);
	for (size_t i = 0; i < span.length; i++) {
		unsigned char c = (unsigned char)span.text[i];

		PROMISE((c >= 0x20 || c == '\t') && c != 0x7f);
	}
}

static void check_fields(const struct http_head *head, const uint8_t *bytes)
{
	PROMISE(head->field_count <= HTTP_FIELDS_MAX);
	for (size_t i = 0; i < head->field_count; i++) {
		const struct http_field *field = &head->fields[i];

		PROMISE(field->name.length > 0);
		PROMISE(!memchr(field->name.text, ':', field->name.length));
		PROMISE(!memchr(field->name.text, ' ', field->name.length));
		check_span(head, bytes, field->name);
		check_span(head, bytes, field->value);
	}
}

static void check_request(const struct http_head *head, const uint8_t *bytes)
{
	char text[TARGET_TEXT];
	struct target again;
	bool two_hosts, two_lengths, two_codings, framed;

	check_span(head, bytes, head->method);
	check_span(head, bytes, head->uri);
	check_span(head, bytes, head->scheme);
	check_span(head, bytes, head->path);
	PROMISE(head->method.length > 0 && head->uri.length > 0);
	PROMISE(http_head_field(head, "host", &two_hosts) || head->minor == 0);
	framed = http_head_field(head, "content-length", &two_lengths);
	framed |= http_head_field(head, "transfer-encoding", &two_codings) != NULL;
	PROMISE(!two_hosts && !two_lengths && !two_codings);
	PROMISE(framed == (head->framing != HTTP_BODY_NONE));
	PROMISE(head->body_length <= INT64_MAX);
	if (head->form != HTTP_AUTHORITY)
		return;
	target_format(&head->target, text);
	PROMISE(!target_parse(&again, text, strlen(text)));
	PROMISE(host_equal(&again.host, &head->target.host) && again.port == head->target.port);
}

/* --- as http-parser reads it ------------------------------------------------------------------ */

/* It has a list of methods and refuses others. */
static bool is_known(struct span method)
{
	static const char *const names[] = {
#define METHOD(number, name, text) #text,
	    HTTP_METHOD_MAP(METHOD)
#undef METHOD
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == method.length &&
		    memcmp(names[i], method.text, method.length) == 0)
			return true;
	return false;
}

/* We do not look into URIs of schemes that nobody forwards. */
static bool is_foreign(const struct http_head *head)
{
	return head->scheme.length > 0 &&
	    (head->scheme.length != 4 || strncasecmp(head->scheme.text, "http", 4) != 0);
}

/* It takes a field for Transfer-Encoding as soon as its name begins so. */
static bool has_longer_coding(const struct http_head *head)
{
	static const char name[] = "Transfer-Encoding";

	for (size_t i = 0; i < head->field_count; i++)
		if (head->fields[i].name.length > strlen(name) &&
		    strncasecmp(head->fields[i].name.text, name, strlen(name)) == 0)
			return true;
	return false;
}

/* RFC 9110, 5.6.3: a tab behind a value is blank like a space; not to it, where that frames. */
static bool has_tab_behind(const struct http_head *head, const char *name)
{
	bool several;
	const struct http_field *field = http_head_field(head, name, &several);
	const char *blank;

	if (!field)
		return false;
	for (blank = field->value.text + field->value.length; *blank == ' '; blank++)
		continue; /* CRLF follows */
	return *blank == '\t';
}

/* Where it is known to be wrong, when `at` is the octet that it refused. */
static bool is_its_fault(
    const struct other_reader *o, const struct http_head *head, const uint8_t *at)
{
	if (other_error(o) == HPE_INVALID_URL)
		return is_foreign(head);
	/* RFC 9112, 5.1: before the colon in a response a tab is dropped like a space. */
	if (other_error(o) == HPE_INVALID_HEADER_TOKEN)
		return head->status > 0 && *at == '\t';
	if (!other_refused_framing(o))
		return false;
	/* How a response is framed is none of the head's business. */
	return head->status > 0 || has_longer_coding(head) ||
	    has_tab_behind(head, "Content-Length") || has_tab_behind(head, "Transfer-Encoding");
}

static void check_same(struct span ours, struct span other)
{
	PROMISE(ours.length == other.length);
	PROMISE(ours.length == 0 || memcmp(ours.text, other.text, ours.length) == 0);
}

static void check_same_fields(const struct http_head *head, const struct other_reader *o)
{
	PROMISE(o->field_count == head->field_count);
	for (size_t i = 0; i < head->field_count; i++) {
		check_same(head->fields[i].name, o->fields[i].name);
		check_same(head->fields[i].value, o->fields[i].value);
	}
}

static void check_same_request(
    const struct http_head *head, const struct other_reader *o, bool known)
{
	const char *method = http_method_str((enum http_method)o->parser.method);
	bool has_content = head->framing == HTTP_BODY_CHUNKED ||
	    (head->framing == HTTP_BODY_LENGTH && head->body_length > 0);

	if (known)
		check_same(head->method, (struct span){method, strlen(method)});
	check_same(head->uri, o->uri);
	PROMISE(o->parser.http_major == 1 && (o->parser.http_minor > 0) == head->minor);
	PROMISE(o->chunked == (head->framing == HTTP_BODY_CHUNKED));
	PROMISE(o->has_length == (head->framing == HTTP_BODY_LENGTH));
	PROMISE(!o->has_length || o->told == head->body_length);
	/* After CONNECT all is the tunnel's, whatever is said (RFC 9110, 9.3.6). */
	PROMISE(o->whole == (!has_content || head->form == HTTP_AUTHORITY));
}

static void check_other(const struct http_head *head, const uint8_t *bytes, bool request)
{
	struct other_reader o;
	const uint8_t *at = bytes, *end = bytes + head->length;
	bool known = !request || is_known(head->method);

	other_begin(&o, request ? HTTP_REQUEST : HTTP_RESPONSE, NULL);
	if (!known) {
		other_read(&o, "GET", 3);
		at = (const uint8_t *)head->uri.text - 1;
	}
	at += other_read(&o, at, (size_t)(end - 1 - at));
	PROMISE(!o.head);
	if (other_error(&o) == HPE_OK)
		at += other_read(&o, at, 1);
	if (other_error(&o) != HPE_OK && other_error(&o) != HPE_PAUSED) {
		PROMISE(is_its_fault(&o, head, at));
		return;
	}
	PROMISE(o.head && at == end);
	check_same_fields(head, &o);
	if (request)
		check_same_request(head, &o, known);
	else
		PROMISE(o.parser.status_code == head->status);
}

/* --- ours ------------------------------------------------------------------------------------- */

/* From an exact allocation; the verdict on a prefix must be that on the whole or "more". */
static void parse_prefix(parser *parse, const uint8_t *data, size_t n, int got, enum reason reason)
{
	uint8_t *bytes = malloc(n);
	struct http_head head;
	int prefix;

	PROMISE(bytes);
	memcpy(bytes, data, n);
	prefix = parse(&head, bytes, n, 16384);
	PROMISE(prefix == 0 || (prefix == got && head.reason == reason));
	free(bytes);
}

static void parse_all(parser *parse, const uint8_t *data, size_t size, size_t cut)
{
	struct http_head head;
	int got = parse(&head, data, size, 16384);

	parse_prefix(parse, data, size, got, head.reason);
	if (cut > 0)
		parse_prefix(parse, data, cut, got, head.reason);
	if (got != 1)
		return;
	PROMISE(head.length >= 4 && head.length <= size);
	PROMISE(memcmp(data + head.length - 4, "\r\n\r\n", 4) == 0);
	/* It ends where it says, not before and not later. */
	PROMISE(parse(&head, data, head.length - 1, 16384) == 0);
	PROMISE(parse(&head, data, size, 16384) == 1);
	check_fields(&head, data);
	if (parse == http_head_request)
		check_request(&head, data);
	else
		PROMISE(head.status >= 100 && head.status <= 999);
	check_other(&head, data, parse == http_head_request);
}

/* Two octets for the place of a cut, then the head. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut;

	if (size < 3)
		return 0;
	cut = (size_t)(data[0] << 8 | data[1]) % (size - 2);
	parse_all(http_head_request, data + 2, size - 2, cut);
	parse_all(http_head_response, data + 2, size - 2, cut);
	return 0;
}
