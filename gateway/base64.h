/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_BASE64_H
#define GATEWAY_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 4648, 4: with padding, without line breaks. */
#define BASE64_LENGTH(n) (((n) + 2) / 3 * 4)

/* Writes BASE64_LENGTH(length) characters and a NUL; returns their number. */
size_t base64_encode(char *out, const uint8_t *bytes, size_t length);

/*
 * Only what base64_encode() would have written: no blanks, no other alphabet, no padding missing,
 * no stray bits before it.  False also if more than `size` bytes would come out.
 */
bool base64_decode(uint8_t *out, size_t size, size_t *decoded, const char *text, size_t length);

#endif
