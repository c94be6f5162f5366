/* SPDX-License-Identifier: ISC */
/* Arrays that grow by half: the peak stays low where a million rows are kept. */
#include "config.h"

#include "routes/array.h"

#include <stdlib.h>

#define ARRAY_START 8

void *array_grow(void *array, size_t count, size_t *size, size_t each)
{
	size_t more = *size < ARRAY_START ? ARRAY_START : *size + *size / 2;
	void *grown;

	if (count < *size)
		return array;
	grown = reallocarray(array, more, each);
	if (grown)
		*size = more;
	return grown;
}
