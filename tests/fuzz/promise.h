/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_PROMISE_H
#define TESTS_FUZZ_PROMISE_H

#include <stdlib.h>

/* What must hold of every input. */
#define PROMISE(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

#endif
