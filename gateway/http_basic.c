/* SPDX-License-Identifier: ISC */
/* Basic authentication, the side that logs in (RFC 7617). */
#include "config.h"

#include "gateway/http_basic.h"

#include <string.h>

bool http_basic_write(char out[HTTP_BASIC_MAX + 1], const struct credentials *credentials)
{
	uint8_t pair[2 * CREDENTIAL_MAX + 1];
	size_t n = credentials->user_length;

	if (memchr(credentials->user, ':', n))
		return false;
	memcpy(pair, credentials->user, n);
	pair[n++] = ':';
	memcpy(pair + n, credentials->password, credentials->password_length);
	n += credentials->password_length;
	base64_encode(out, pair, n);
	explicit_bzero(pair, sizeof(pair));
	return true;
}
