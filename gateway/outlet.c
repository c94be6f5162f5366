/* SPDX-License-Identifier: ISC */
/* Whole lines to a descriptor that may be full, slow, stuck or gone. */
#include "config.h"

#include "gateway/outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

void outlet_init(struct outlet *outlet, int fd)
{
	struct stat st;

	*outlet = (struct outlet){.fd = fd};
	outlet->regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void outlet_clear(struct outlet *outlet)
{
	free(outlet->data);
	*outlet = (struct outlet){.fd = -1};
}

static void drop(struct outlet *outlet)
{
	size_t i;

	for (i = outlet->mend; i < outlet->length; i++)
		outlet->lost += outlet->data[i] == '\n';
	outlet->length = 0;
	outlet->mend = false;
}

static bool writable(int fd, int wait_ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};
	int ready;

	do
		ready = poll(&pfd, 1, wait_ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0; /* an error too: write() then says which */
}

/*
 * How much one write may carry.  A pipe that polls writable takes PIPE_BUF bytes at once and
 * unmixed with those of other processes; so do the other things that are not files.
 */
static size_t portion(const struct outlet *outlet)
{
	const char *end;

	if (outlet->regular || outlet->length <= PIPE_BUF)
		return outlet->length;
	end = memrchr(outlet->data, '\n', PIPE_BUF);
	return end != NULL ? (size_t)(end + 1 - outlet->data) : PIPE_BUF;
}

void outlet_flush(struct outlet *outlet)
{
	while (outlet->length > 0) {
		ssize_t n;

		if (!outlet->regular && !writable(outlet->fd, 0))
			return;
		n = write(outlet->fd, outlet->data, portion(outlet));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			drop(outlet);
			return;
		}
		outlet->torn = outlet->data[n - 1] != '\n';
		outlet->mend = false;
		outlet->length -= (size_t)n;
		memmove(outlet->data, outlet->data + n, outlet->length);
	}
}

bool outlet_add(struct outlet *outlet, const char *line, size_t length)
{
	if (outlet->fd < 0)
		return true;
	if (outlet->data == NULL)
		outlet->data = malloc(OUTLET_SIZE);
	if (outlet->length + length + 2 > OUTLET_SIZE)
		outlet_flush(outlet);
	if (outlet->data == NULL || outlet->length + length + 2 > OUTLET_SIZE) {
		outlet->lost++;
		return false;
	}
	if (outlet->length == 0 && outlet->torn) {
		outlet->data[outlet->length++] = '\n';
		outlet->mend = true;
	}
	memcpy(outlet->data + outlet->length, line, length);
	outlet->length += length;
	outlet->data[outlet->length++] = '\n';
	return true;
}

bool outlet_write_line(int fd, const char *line, size_t length, int wait_ms)
{
	char end = '\n';
	struct iovec parts[] = {
	    {.iov_base = (char *)line, .iov_len = length}, {.iov_base = &end, .iov_len = 1}};
	ssize_t n;

	if (!writable(fd, wait_ms))
		return false;
	do
		n = writev(fd, parts, 2);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)length + 1;
}
