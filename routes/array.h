/* SPDX-License-Identifier: ISC */
#ifndef ROUTES_ARRAY_H
#define ROUTES_ARRAY_H

#include <stddef.h>

/*
 * Room for one more than `count` elements of `each` bytes: the array, moved or not, with *size
 * elements.  NULL if out of memory; the old one is then still the caller's.
 */
void *array_grow(void *array, size_t count, size_t *size, size_t each);

#endif
