/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_DIGITS_H
#define GATEWAY_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/* Numbers as decimal digits, for what is written with every request: printf() costs as much as
 * reading one.  No NUL is added. */
#define DIGITS_MAX 20 /* of 64 bits */

/* How many stand at `out` now, which has room for DIGITS_MAX. */
size_t digits_write(char *out, uint64_t number);
/* Exactly `width`, with zeros in front; what does not fit is left out on the left. */
void digits_pad(char *out, size_t width, uint64_t number);

#endif
