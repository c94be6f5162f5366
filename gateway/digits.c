/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "gateway/digits.h"

#include <string.h>

size_t digits_write(char *out, uint64_t number)
{
	char digits[DIGITS_MAX], *at = digits + sizeof(digits);
	size_t n;

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	n = (size_t)(digits + sizeof(digits) - at);
	memcpy(out, at, n);
	return n;
}

void digits_pad(char *out, size_t width, uint64_t number)
{
	while (width > 0) {
		out[--width] = (char)('0' + number % 10);
		number /= 10;
	}
}
