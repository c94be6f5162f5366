/* SPDX-License-Identifier: ISC */
/* What is said to the proxy and what it answers, in the plainest form of each protocol. */
#include "config.h"

#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_MAX 1024
#define STEP_METHOD 0
#define STEP_PASSWORD 1
#define STEP_REQUEST 2

char refusal[64];

static bool is_http(void)
{
	return opt.kind >= KIND_HTTP;
}

static bool is_socks4(void)
{
	return opt.kind == KIND_SOCKS4 || opt.kind == KIND_SOCKS4A;
}

static struct in_addr target_of(const struct tunnel *t)
{
	return (struct in_addr){htonl(ntohl(opt.target.sin_addr.s_addr) + t->destination)};
}

/* "user:password" in base64; out has room. */
static size_t base64_credentials(char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[160];
	int length = snprintf(text, sizeof(text) - 3, "%s:%s", opt.user, opt.password);
	size_t n = 0;

	memset(text + length, 0, 3);
	for (int i = 0; i < length; i += 3) {
		const uint8_t *b = (const uint8_t *)text + i;
		uint32_t v = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
		out[n++] = digits[v >> 18];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = i + 1 < length ? digits[v >> 6 & 63] : '=';
		out[n++] = i + 2 < length ? digits[v & 63] : '=';
	}
	return n;
}

static size_t http_message(const struct tunnel *t, char *b)
{
	char host[INET_ADDRSTRLEN];
	struct in_addr address = target_of(t);
	int port = ntohs(opt.target.sin_port);

	inet_ntop(AF_INET, &address, host, sizeof(host));
	size_t n = (size_t)snprintf(
	    b, 200, "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n", host, port, host, port);
	if (opt.kind == KIND_HTTP_AUTH) {
		n += (size_t)snprintf(b + n, 40, "Proxy-Authorization: Basic ");
		n += base64_credentials(b + n);
		memcpy(b + n, "\r\n", 2);
		n += 2;
	}
	memcpy(b + n, "\r\n", 2);
	return n + 2;
}

static size_t socks4_message(const struct tunnel *t, uint8_t *b)
{
	struct in_addr address = target_of(t);

	b[0] = 4;
	b[1] = 1;
	memcpy(b + 2, &opt.target.sin_port, 2);
	memcpy(b + 4, opt.kind == KIND_SOCKS4 ? (const void *)&address : "\0\0\0\1", 4);
	memcpy(b + 8, "u", 2); /* the user id and its NUL */
	if (opt.kind == KIND_SOCKS4)
		return 10;
	inet_ntop(AF_INET, &address, (char *)b + 10, INET_ADDRSTRLEN);
	return 10 + strlen((char *)b + 10) + 1;
}

static size_t password_message(uint8_t *b)
{
	size_t user = strlen(opt.user), password = strlen(opt.password);

	b[0] = 1;
	b[1] = (uint8_t)user;
	memcpy(b + 2, opt.user, user);
	b[2 + user] = (uint8_t)password;
	memcpy(b + 3 + user, opt.password, password);
	return 3 + user + password;
}

static size_t socks5_request(const struct tunnel *t, uint8_t *b)
{
	struct in_addr address = target_of(t);
	uint16_t port = opt.target.sin_port;

	memcpy(b, "\5\1\0\1", 4);
	if (opt.mode == MODE_UDP) { /* where our datagrams will come from */
		struct sockaddr_in own;
		socklen_t length = sizeof(own);
		getsockname(t->udp, (struct sockaddr *)&own, &length);
		address = own.sin_addr;
		port = own.sin_port;
		b[1] = 3;
	} else if (opt.kind == KIND_SOCKS5H) {
		b[3] = 3;
		inet_ntop(AF_INET, &address, (char *)b + 5, INET_ADDRSTRLEN);
		size_t n = strlen((char *)b + 5);
		b[4] = (uint8_t)n;
		memcpy(b + 5 + n, &port, 2);
		return 7 + n;
	}
	memcpy(b + 4, &address, 4);
	memcpy(b + 8, &port, 2);
	return 10;
}

void greeting_next(struct load *l, struct tunnel *t)
{
	uint8_t b[MESSAGE_MAX];
	size_t n;

	if (is_http()) {
		n = http_message(t, (char *)b);
	} else if (is_socks4()) {
		n = socks4_message(t, b);
	} else if (t->step == STEP_METHOD) {
		memcpy(b, opt.kind == KIND_SOCKS5_AUTH ? "\5\1\2" : "\5\1\0", 3);
		n = 3;
	} else {
		n = t->step == STEP_PASSWORD ? password_message(b) : socks5_request(t, b);
	}
	t->reply_length = 0;
	tunnel_send(l, t, b, n, FAIL_handshake_reset);
}

/* Length of the reply to this step: 0 if more bytes are needed, -1 if it is malformed. */
static int reply_length(const struct tunnel *t)
{
	const uint8_t *r = t->reply;
	int have = t->reply_length;

	if (is_http()) {
		const uint8_t *end = memmem(r, (size_t)have, "\r\n\r\n", 4);
		if (end)
			return (int)(end - r) + 4;
		return have == REPLY_MAX ? -1 : 0;
	}
	if (is_socks4())
		return have >= 8 ? 8 : 0;
	if (t->step < STEP_REQUEST)
		return have >= 2 ? 2 : 0;
	if (have < 5)
		return have >= 2 && r[1] ? 2 : 0; /* some refuse in two bytes */
	int n = r[3] == 1 ? 10 : r[3] == 4 ? 22 : r[3] == 3 ? 7 + r[4] : -1;
	return n < 0 ? -1 : have >= n || r[1] ? n : 0;
}

static bool granted(const struct tunnel *t)
{
	const uint8_t *r = t->reply;

	if (is_http())
		return memcmp(r, "HTTP/1.", 7) == 0 && memcmp(r + 8, " 200", 4) == 0;
	if (is_socks4())
		return r[0] == 0 && r[1] == 90;
	if (t->step == STEP_METHOD)
		return r[0] == 5 && r[1] == (opt.kind == KIND_SOCKS5_AUTH ? 2 : 0);
	return t->step == STEP_PASSWORD ? r[1] == 0 : r[0] == 5 && r[1] == 0;
}

/* Text of HTTP, hexadecimal of SOCKS. */
void keep_refusal(const struct load *l, const struct tunnel *t)
{
	if (refusal[0] || l->id != 0)
		return;
	for (int i = 0; i < t->reply_length && i < (int)sizeof(refusal) - 1; i++) {
		uint8_t c = is_http() ? t->reply[i] : t->reply[i / 2];
		if (!is_http())
			refusal[i] = "0123456789ABCDEF"[i & 1 ? c & 15 : c >> 4];
		else
			refusal[i] = c < 32 || c > 126 || c == '"' || c == '\\' ? ' ' : (char)c;
	}
}

void greeting_read(struct load *l, struct tunnel *t)
{
	size_t room = REPLY_MAX - (size_t)t->reply_length;
	ssize_t n = recv(t->fd, t->reply + t->reply_length, room, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		tunnel_fail(l, t, n ? FAIL_handshake_reset : FAIL_handshake_eof);
		return;
	}
	t->reply_length += (int)n;
	int length = reply_length(t);
	if (length == 0)
		return;
	if (length < 0) {
		tunnel_fail(l, t, FAIL_bad_reply);
	} else if (!granted(t)) {
		keep_refusal(l, t);
		tunnel_fail(l, t, FAIL_proxy_refused);
	} else if (t->reply_length > length) {
		tunnel_fail(l, t, FAIL_excess_bytes);
	} else if (t->step == STEP_REQUEST) {
		tunnel_ready(l, t);
	} else {
		bool password = t->step == STEP_METHOD && opt.kind == KIND_SOCKS5_AUTH;
		t->step = password ? STEP_PASSWORD : STEP_REQUEST;
		greeting_next(l, t);
	}
}
