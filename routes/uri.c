/* SPDX-License-Identifier: ISC */
/* Taking URIs apart.  Stricter than RFC 3986 where a second reading would be possible. */
#include "config.h"

#include "routes/uri.h"

#include <stdlib.h>
#include <string.h>

#define SCHEME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."

static struct uri_part part(const char *from, const char *to)
{
	return (struct uri_part){.data = from, .length = (size_t)(to - from)};
}

static const char *check_bytes(const char *text)
{
	size_t length = 0;

	for (; text[length] != '\0'; length++) {
		unsigned char byte = (unsigned char)text[length];

		if (length == URI_MAX)
			return "a URI has at most 4096 bytes";
		if (byte <= ' ' || byte >= 0x7f)
			return "a URI has printable ASCII only: write other bytes as %XX";
	}
	return NULL;
}

/* USER[:PASSWORD], up to the `@` at `end`. */
static const char *split_user(struct uri *uri, const char *from, const char *end)
{
	const char *colon = memchr(from, ':', (size_t)(end - from));

	uri->user = part(from, colon ? colon : end);
	if (colon)
		uri->password = part(colon + 1, end);
	return uri->user.length == 0 ? "the user before `@` is empty" : NULL;
}

static const char *split_host(struct uri *uri, const char *from, const char *end)
{
	const char *host_end;

	if (from < end && *from == '[') {
		host_end = memchr(from, ']', (size_t)(end - from));
		if (!host_end)
			return "the `]` after the IPv6 address is missing";
		host_end++;
	} else {
		host_end = memchr(from, ':', (size_t)(end - from));
		if (!host_end)
			host_end = end;
	}
	uri->host = part(from, host_end);
	if (host_end == end)
		return NULL;
	if (*host_end != ':')
		return "expected `:PORT` after the address";
	uri->port = part(host_end + 1, end);
	if (memchr(host_end + 1, ':', (size_t)(end - host_end - 1)))
		return "an IPv6 address stands in brackets: [2001:db8::1]:1080";
	return NULL;
}

static const char *split_authority(struct uri *uri, const char *from, const char *end)
{
	const char *at = memchr(from, '@', (size_t)(end - from));
	const char *error;

	uri->authority = true;
	if (at) {
		if (memchr(at + 1, '@', (size_t)(end - at - 1)))
			return "write an `@` in a user or password as %40";
		error = split_user(uri, from, at);
		if (error)
			return error;
		from = at + 1;
	}
	return split_host(uri, from, end);
}

const char *uri_split(struct uri *uri, const char *text)
{
	const char *error = check_bytes(text);
	const char *at = text + strspn(text, SCHEME_BYTES);

	*uri = (struct uri){.authority = false};
	if (error)
		return error;
	if (*at != ':' || at == text)
		return "expected a URI such as socks5://proxy.example:1080";
	if (strchr(text, '#'))
		return "a `#` has no meaning here: write it as %23";
	uri->scheme = part(text, at);
	at++;
	if (at[0] == '/' && at[1] == '/') {
		const char *end = at + 2 + strcspn(at + 2, "/?");

		error = split_authority(uri, at + 2, end);
		if (error)
			return error;
		at = end;
	}
	uri->path = part(at, at + strcspn(at, "?"));
	at += uri->path.length;
	if (*at == '?')
		uri->query = part(at + 1, at + strlen(at));
	return NULL;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte at *i, which is left at its last sign; -1 if an escape is bad. */
static int decode_byte(struct uri_part coded, size_t *i)
{
	int high, low;

	if (coded.data[*i] != '%')
		return (unsigned char)coded.data[*i];
	if (coded.length - *i < 3)
		return -1;
	high = hex_value(coded.data[*i + 1]);
	low = hex_value(coded.data[*i + 2]);
	*i += 2;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static const char *decode(struct uri_part coded, size_t max, char *out)
{
	size_t length = 0;

	for (size_t i = 0; i < coded.length; i++) {
		int byte = decode_byte(coded, &i);

		if (byte < 0)
			return "a `%` is followed by two hexadecimal digits";
		if (byte < ' ' || byte == 0x7f)
			return "NUL and control bytes cannot be used here";
		if (length == max)
			return max == 255 ? "longer than 255 bytes" : "too long";
		out[length++] = (char)byte;
	}
	out[length] = '\0';
	return NULL;
}

const char *uri_decode(struct uri_part coded, size_t max, char **out)
{
	char *decoded = calloc(1, coded.length + 1);
	const char *error;

	if (!decoded)
		return "out of memory";
	error = decode(coded, max, decoded);
	if (error) {
		explicit_bzero(decoded, coded.length);
		free(decoded);
		return error;
	}
	*out = decoded;
	return NULL;
}

bool uri_next_pair(struct uri_part *query, struct uri_part *name, struct uri_part *value)
{
	const char *end, *equals, *all;

	if (!query->data || query->length == 0)
		return false;
	all = query->data + query->length;
	end = memchr(query->data, '&', query->length);
	if (!end)
		end = all;
	equals = memchr(query->data, '=', (size_t)(end - query->data));
	*name = part(query->data, equals ? equals : end);
	*value = equals ? part(equals + 1, end) : (struct uri_part){.data = NULL};
	*query = end < all ? part(end + 1, all) : (struct uri_part){.data = NULL};
	return true;
}
