/* SPDX-License-Identifier: ISC */
/* The bytes of bulk data: the same pseudo-random megabyte again and again. */
#include "config.h"

#include "tests/bench/pxbench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

uint8_t *pattern;
static int file; /* a memfd with the pattern once, for sendfile */

void pattern_init(void)
{
	uint64_t x = 88172645463325252u; /* xorshift */

	file = memfd_create("pattern", MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, PATTERN_SIZE))
		die("memfd: %s", strerror(errno));
	pattern = malloc(2 * PATTERN_SIZE);
	if (!pattern)
		die("out of memory");
	for (unsigned i = 0; i < PATTERN_SIZE; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		pattern[i] = (uint8_t)(x >> 32);
	}
	memcpy(pattern + PATTERN_SIZE, pattern, PATTERN_SIZE);
	if (write(file, pattern, PATTERN_SIZE) != PATTERN_SIZE)
		die("memfd: %s", strerror(errno));
}

uint64_t pattern_diff(const uint8_t *b, size_t n, uint64_t offset)
{
	uint64_t bad = 0;

	if (n <= PATTERN_SIZE && memcmp(b, pattern + offset % PATTERN_SIZE, n) == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		bad += b[i] != pattern[(offset + i) % PATTERN_SIZE];
	return bad;
}

ssize_t pattern_send(int fd, uint64_t offset, uint64_t length, bool by_sendfile)
{
	uint64_t start = offset % PATTERN_SIZE, left = length - offset;
	off_t at = (off_t)start;

	if (by_sendfile)
		return sendfile(fd, file, &at, MIN(left, PATTERN_SIZE - start));
	return send(fd, pattern + start, MIN(left, PATTERN_SIZE), MSG_NOSIGNAL);
}

void put64(uint8_t *b, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		b[i] = (uint8_t)v;
}

uint64_t get64(const uint8_t *b)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}
