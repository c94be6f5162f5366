/* SPDX-License-Identifier: ISC */
/* Reads a small text file whole, then takes it apart into lines and words. */
#include "config.h"

#include "resolver/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_SIZE 4096

/* One byte more than `max`, so that a file that is too long is seen to be. */
static int fill(int fd, size_t max, char **bytes, size_t *length)
{
	size_t size = 0;

	for (;;) {
		ssize_t n;

		if (*length == size) {
			char *grown;

			if (size > max) {
				errno = EFBIG;
				return -1;
			}
			size = size == 0 ? FIRST_SIZE : size * 2;
			if (size > max + 1)
				size = max + 1;
			grown = realloc(*bytes, size);
			if (grown == NULL)
				return -1;
			*bytes = grown;
		}
		n = read(fd, *bytes + *length, size - *length);
		if (n == 0)
			return 0;
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0)
			*length += (size_t)n;
	}
}

int resolver_text_read(const char *path, size_t max, char **bytes, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), saved;

	if (fd == -1)
		return -1;
	*bytes = NULL;
	*length = 0;
	if (fill(fd, max, bytes, length) == 0) {
		close(fd);
		return 0;
	}
	saved = errno;
	free(*bytes);
	close(fd);
	errno = saved;
	return -1;
}

bool resolver_text_line(
    struct resolver_text *rest, const char *comments, struct resolver_text *line)
{
	const char *end;

	if (rest->at == rest->end)
		return false;
	end = memchr(rest->at, '\n', (size_t)(rest->end - rest->at));
	line->at = rest->at;
	line->end = end == NULL ? rest->end : end;
	rest->at = end == NULL ? rest->end : end + 1;
	for (; *comments != '\0'; comments++) {
		end = memchr(line->at, *comments, (size_t)(line->end - line->at));
		if (end != NULL)
			line->end = end;
	}
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool resolver_text_word(struct resolver_text *line, struct resolver_text *word)
{
	while (line->at < line->end && is_blank(*line->at))
		line->at++;
	word->at = line->at;
	while (line->at < line->end && !is_blank(*line->at))
		line->at++;
	word->end = line->at;
	return word->at < word->end;
}

bool resolver_text_is(const struct resolver_text *word, const char *text)
{
	size_t length = (size_t)(word->end - word->at);

	return strlen(text) == length && memcmp(word->at, text, length) == 0;
}
