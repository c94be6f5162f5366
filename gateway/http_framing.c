/* SPDX-License-Identifier: ISC */
/* Content-Length and Transfer-Encoding (RFC 9112, 6.1-6.3). */
#include "config.h"

#include "gateway/http_framing.h"

/* RFC 9110, 8.6, and no more than fits a signed 64-bit number. */
static enum reason read_number(uint64_t *length, struct span digits)
{
	*length = 0;
	if (!span_is_number(digits))
		return REASON_MALFORMED;
	for (size_t i = 0; i < digits.length; i++) {
		uint64_t digit = (uint64_t)(digits.text[i] - '0');

		if (*length > (INT64_MAX - digit) / 10)
			return REASON_MALFORMED;
		*length = *length * 10 + digit;
	}
	return REASON_OK;
}

/* --- requests --------------------------------------------------------------------------------- */

/* Only "chunked" by itself is understood.  Codings before it: RFC 9112, 6.1; all else: 6.3. */
static enum reason read_codings(struct span list)
{
	struct span coding;

	if (span_is(list, "chunked"))
		return REASON_OK;
	while (span_cut(&list, ',', &coding)) {
		coding = span_trim(coding);
		if (!span_is_token(coding) || span_is(coding, "chunked"))
			return REASON_MALFORMED;
	}
	return span_is(span_trim(list), "chunked") ? REASON_BAD_CODING : REASON_MALFORMED;
}

enum reason http_framing_request(
    const struct http_head *head, enum http_framing *framing, uint64_t *length)
{
	bool two_lengths, two_codings;
	const struct http_field *digits, *codings;

	*framing = HTTP_BODY_NONE;
	*length = 0;
	digits = http_head_field(head, "Content-Length", &two_lengths);
	codings = http_head_field(head, "Transfer-Encoding", &two_codings);
	if (two_lengths || two_codings || (digits && codings) || (codings && head->minor == 0))
		return REASON_MALFORMED;
	if (codings) {
		*framing = HTTP_BODY_CHUNKED;
		return read_codings(codings->value);
	}
	if (digits) {
		*framing = HTTP_BODY_LENGTH;
		return read_number(length, digits->value);
	}
	return REASON_OK;
}

/* --- responses -------------------------------------------------------------------------------- */

/* RFC 9110, 8.6: a list of the same number, in one line or several, is that number. */
static enum reason read_lengths(const struct http_head *head, uint64_t *length, bool *said)
{
	for (size_t i = 0; i < head->field_count; i++) {
		struct span list = head->fields[i].value, digits;
		bool more = span_is(head->fields[i].name, "Content-Length");

		while (more) {
			uint64_t number;

			more = span_cut(&list, ',', &digits);
			if (read_number(&number, span_trim(more ? digits : list)) != REASON_OK ||
			    (*said && number != *length))
				return REASON_MALFORMED;
			*length = number;
			*said = true;
		}
	}
	return REASON_OK;
}

enum reason http_framing_response(
    const struct http_head *head, enum http_framing *framing, uint64_t *length)
{
	bool several, said = false;
	const struct http_field *codings = http_head_field(head, "Transfer-Encoding", &several);

	*framing = HTTP_BODY_CLOSE;
	*length = 0;
	if (read_lengths(head, length, &said) != REASON_OK || (said && codings))
		return REASON_MALFORMED;
	if (said)
		*framing = HTTP_BODY_LENGTH;
	if (!codings)
		return REASON_OK;
	if (several || head->minor == 0)
		return REASON_MALFORMED;
	if (span_is(codings->value, "chunked"))
		*framing = HTTP_BODY_CHUNKED;
	else if (!span_is(codings->value, "identity"))
		return REASON_MALFORMED;
	return REASON_OK;
}
