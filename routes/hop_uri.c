/* SPDX-License-Identifier: ISC */
/* Hops as URIs: read and written. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "routes/routes.h"
#include "routes/suggest.h"
#include "routes/phrase.h"
#include "routes/uri.h"

#define SOCKS_PORT 1080
#define SOCKS_CREDENTIAL_MAX 255 /* RFC 1929, 2 */
#define HTTP_CREDENTIAL_MAX 1024
#define UNIX_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define VALUE_MAX 1024
#define SCHEME_MAX 16

static const struct way {
	const char *scheme;
	uint16_t port;         /* 0: must be written */
	size_t credential_max; /* 0: it has none */
	bool password;
} ways[] = {
    [HOP_DIRECT] = {.scheme = "direct"},
    [HOP_SOCKS] = {"socks", SOCKS_PORT, SOCKS_CREDENTIAL_MAX, true},
    [HOP_SOCKS4] = {"socks4", SOCKS_PORT, SOCKS_CREDENTIAL_MAX, false},
    [HOP_SOCKS4A] = {"socks4a", SOCKS_PORT, SOCKS_CREDENTIAL_MAX, false},
    [HOP_SOCKS5] = {"socks5", SOCKS_PORT, SOCKS_CREDENTIAL_MAX, true},
    [HOP_HTTP] = {"http", 0, HTTP_CREDENTIAL_MAX, true},
};

/* What stands before the colon: `error` is set where `protocol` is not of use. */
static const struct scheme {
	const char *name;
	enum hop_protocol protocol;
	const char *error;
} schemes[] = {
    {.name = "direct", .protocol = HOP_DIRECT},
    {.name = "socks", .protocol = HOP_SOCKS},
    {.name = "socks4", .protocol = HOP_SOCKS4},
    {.name = "socks4a", .protocol = HOP_SOCKS4A},
    {.name = "socks5", .protocol = HOP_SOCKS5},
    {.name = "socks5h", .protocol = HOP_SOCKS5},
    {.name = "http", .protocol = HOP_HTTP},
    {.name = "https", .error = "not in this version (TLS to hops)"},
    {.name = "ssh", .error = "not in this version (hops by ssh)"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Cut `suffix` off the end of a scheme. */
static bool cut(struct uri_part *scheme, const char *suffix)
{
	size_t length = strlen(suffix);

	if (scheme->length <= length ||
	    strncasecmp(scheme->data + scheme->length - length, suffix, length) != 0)
		return false;
	scheme->length -= length;
	return true;
}

static const char *unknown_scheme(struct uri_part name)
{
	static const struct {
		const char *scheme, *error;
	} near[] = {
#define NEAR(scheme) {scheme, "unknown scheme; did you mean '" scheme "'?"}
	    NEAR("direct"),
	    NEAR("socks5"),
	    NEAR("socks4"),
	    NEAR("socks4a"),
	    NEAR("socks5h"),
	    NEAR("socks"),
	    NEAR("http"),
#undef NEAR
	};
	char word[SCHEME_MAX + 1];
	struct suggest suggest = {.word = word};

	snprintf(word, sizeof(word), "%.*s", (int)name.length, name.data);
	for (size_t i = 0; i < COUNT(near); i++)
		suggest_consider(&suggest, near[i].scheme);
	for (size_t i = 0; i < COUNT(near); i++)
		if (suggest.nearest == near[i].scheme)
			return near[i].error;
	return "unknown scheme, expected socks, socks4, socks4a, socks5, http or direct";
}

static const char *read_scheme(struct hop *hop, struct uri_part name, bool *unix_socket)
{
	bool tls = cut(&name, "+tls");

	*unix_socket = cut(&name, "+unix");
	for (size_t i = 0; i < COUNT(schemes); i++) {
		if (strlen(schemes[i].name) != name.length ||
		    strncasecmp(schemes[i].name, name.data, name.length) != 0)
			continue;
		hop->protocol = schemes[i].protocol;
		hop->resolve_local = hop->protocol == HOP_SOCKS4;
		return tls ? "not in this version (TLS to hops)" : schemes[i].error;
	}
	return unknown_scheme(name);
}

static const char *read_credentials(struct hop *hop, const struct uri *uri)
{
	const struct way *way = &ways[hop->protocol];
	const char *error;

	if (!uri->user.data)
		return NULL;
	error = uri_decode(uri->user, way->credential_max, &hop->user);
	if (error)
		return error;
	if (hop->user[0] == '\0')
		return "the user before `@` is empty";
	if (hop->protocol == HOP_HTTP && strchr(hop->user, ':'))
		return "a user of an http hop cannot hold a colon"; /* RFC 7617, 2 */
	if (!uri->password.data)
		return NULL;
	if (!way->password)
		return "socks4 has a user, but no password";
	return uri_decode(uri->password, way->credential_max, &hop->password);
}

static const char *read_port(uint16_t *port, struct uri_part text)
{
	unsigned value = 0;

	for (size_t i = 0; i < text.length; i++) {
		if (i == 5 || text.data[i] < '0' || text.data[i] > '9')
			return "expected a port of 1 to 65535";
		value = value * 10 + (unsigned)(text.data[i] - '0');
	}
	if (value < 1 || value > UINT16_MAX)
		return "expected a port of 1 to 65535";
	*port = (uint16_t)value;
	return NULL;
}

static const char *read_address(struct hop *hop, const struct uri *uri)
{
	const char *error;

	if (!uri->authority)
		return "expected `//` and an address after the scheme";
	if (uri->path.length > 1 || (uri->path.length == 1 && uri->path.data[0] != '/'))
		return "a hop's address has no path";
	error = host_parse(&hop->host, uri->host.data, uri->host.length);
	if (error)
		return error;
	hop->port = ways[hop->protocol].port;
	if (uri->port.data)
		return read_port(&hop->port, uri->port);
	return hop->port == 0 ? "an http hop's port must be written" : NULL;
}

static const char *read_unix(struct hop *hop, const struct uri *uri)
{
	const char *error;

	if (!uri->authority || uri->host.length > 0 || uri->port.data || uri->path.length < 2)
		return "expected a path: socks5+unix:///run/tor.sock";
	error = uri_decode(uri->path, UNIX_PATH_MAX, &hop->unix_path);
	return error ? "a path of a unix socket has 1 to 107 bytes, none of them control bytes"
	             : NULL;
}

static const char *read_way(struct hop *hop, const struct uri *uri, bool unix_socket)
{
	const char *error;

	if (hop->protocol == HOP_DIRECT) {
		if (unix_socket || uri->authority || uri->path.length > 0)
			return "`direct:` takes nothing but a query";
		return NULL;
	}
	error = read_credentials(hop, uri);
	if (error)
		return error;
	return unix_socket ? read_unix(hop, uri) : read_address(hop, uri);
}

static bool same(struct uri_part a, struct uri_part b)
{
	return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Was there a directive of this name before `end`? */
static bool given_before(struct uri_part query, struct uri_part name)
{
	struct uri_part earlier, value;

	while (uri_next_pair(&query, &earlier, &value) && earlier.data < name.data)
		if (same(earlier, name))
			return true;
	return false;
}

static const char *read_pair(struct hop *hop, struct uri_part name, struct uri_part coded,
    const char *(*directive)(struct hop *hop, const char *name, const char *value))
{
	char *key = NULL, *value = NULL;
	const char *error;

	if (name.length == 0 || !coded.data)
		return "expected NAME=VALUE in the query";
	error = uri_decode(name, VALUE_MAX, &key);
	if (!error)
		error = uri_decode(coded, VALUE_MAX, &value);
	if (!error)
		error = directive(hop, key, value);
	free(key);
	if (value)
		explicit_bzero(value, strlen(value));
	free(value);
	return error;
}

static const char *read_query(struct hop *hop, struct uri_part query,
    const char *(*directive)(struct hop *hop, const char *name, const char *value))
{
	struct uri_part rest = query, name, value;
	const char *error;

	if (query.data && !directive)
		return "a query cannot be used here";
	while (uri_next_pair(&rest, &name, &value)) {
		if (given_before(query, name))
			return "a directive is given twice in the query";
		error = read_pair(hop, name, value, directive);
		if (error)
			return error;
	}
	return NULL;
}

/* RFC 3986, 2.3, and what else `keep` names. */
static void add_encoded(struct phrase *text, const char *string, const char *keep)
{
	char escape[4];

	for (; *string; string++) {
		unsigned char byte = (unsigned char)*string;

		if (isalnum(byte) || strchr("-._~", byte) || strchr(keep, byte)) {
			phrase_add_bytes(text, string, 1);
		} else {
			snprintf(escape, sizeof(escape), "%%%02X", byte);
			phrase_add(text, escape);
		}
	}
}

static void add_uri(struct phrase *text, const struct hop *hop)
{
	char host[HOST_NAME_LENGTH + 1], port[8];
	bool ipv6 = !hop->host.named && !address_is_ipv4(&hop->host.address);

	phrase_add(text, ways[hop->protocol].scheme);
	if (hop->protocol == HOP_DIRECT) {
		phrase_add(text, ":");
		return;
	}
	phrase_add(text, hop->unix_path ? "+unix://" : "://");
	if (hop->user) {
		add_encoded(text, hop->user, "");
		phrase_add(text, "@");
	}
	if (hop->unix_path) {
		add_encoded(text, hop->unix_path, "/");
		return;
	}
	snprintf(port, sizeof(port), ":%u", hop->port);
	phrase_add(text, ipv6 ? "[" : "");
	phrase_add(text, host_format(&hop->host, host));
	phrase_add(text, ipv6 ? "]" : "");
	phrase_add(text, port);
}

bool hop_uri_text(const struct hop *hop, char *out, size_t size)
{
	struct phrase text = {.data = NULL};
	bool whole;

	add_uri(&text, hop);
	whole = !text.failed && text.length < size;
	snprintf(out, size, "%s", phrase_string(&text));
	phrase_clear(&text);
	return whole;
}

/* For people: the URI, with the query as it was written. */
static const char *name_it(struct hop *hop, struct uri_part query)
{
	struct phrase text = {.data = NULL};

	add_uri(&text, hop);
	if (query.data) {
		phrase_add(&text, "?");
		phrase_add_bytes(&text, query.data, query.length);
	}
	if (text.failed) {
		phrase_clear(&text);
		return "out of memory";
	}
	hop->name = text.data;
	return NULL;
}

const char *hop_parse_uri(struct hop *hop, const char *text,
    const char *(*directive)(struct hop *hop, const char *name, const char *value))
{
	struct uri uri;
	bool unix_socket = false;
	const char *error;

	*hop = (struct hop){.protocol = HOP_DIRECT};
	error = uri_split(&uri, text);
	if (!error)
		error = read_scheme(hop, uri.scheme, &unix_socket);
	if (!error)
		error = read_way(hop, &uri, unix_socket);
	if (!error)
		error = read_query(hop, uri.query, directive);
	if (!error)
		error = name_it(hop, uri.query);
	if (error)
		hop_clear(hop);
	return error;
}
