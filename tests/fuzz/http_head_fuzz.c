/* SPDX-License-Identifier: ISC */
/* Heads of requests and responses: what is accepted can be written anew without surprises. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/http_head.h"

#define PROMISE(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

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
