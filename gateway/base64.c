/* SPDX-License-Identifier: ISC */
/* Base64, one spelling for each value. */
#include "config.h"

#include "gateway/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *out, const uint8_t *bytes, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)bytes[i] << 16;

		if (left > 1)
			group |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			group |= bytes[i + 2];
		out[n++] = alphabet[group >> 18];
		out[n++] = alphabet[group >> 12 & 63];
		out[n++] = '=';
		out[n++] = '=';
		if (left > 1)
			out[n - 2] = alphabet[group >> 6 & 63];
		if (left > 2)
			out[n - 1] = alphabet[group & 63];
	}
	out[n] = '\0';
	return n;
}

/* Four characters to at most three bytes: their number, or 0. */
static size_t decode_group(uint8_t out[3], const char *text)
{
	size_t digits = text[3] != '=' ? 4 : text[2] != '=' ? 3 : 2;
	uint32_t group = 0;

	for (size_t i = 0; i < digits; i++) {
		const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!digit)
			return 0;
		group |= (uint32_t)(digit - alphabet) << (18 - 6 * i);
	}
	if (group & 0xffffffU >> 8 * (digits - 1))
		return 0;
	out[0] = (uint8_t)(group >> 16);
	out[1] = (uint8_t)(group >> 8);
	out[2] = (uint8_t)group;
	return digits - 1;
}

bool base64_decode(uint8_t *out, size_t size, size_t *decoded, const char *text, size_t length)
{
	uint8_t group[3];
	size_t n = 0, got;

	if (length % 4 != 0)
		return false;
	for (size_t i = 0; i < length; i += 4) {
		got = decode_group(group, text + i);
		if (got == 0 || (got < 3 && i + 4 < length) || got > size - n)
			return false;
		memcpy(out + n, group, got);
		n += got;
	}
	*decoded = n;
	return true;
}
