/* SPDX-License-Identifier: ISC */
/* The table of reasons, and what the system's errors mean in it. */
#include "config.h"

#include "gateway/reason.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

const struct reason_row *reason_row(enum reason reason)
{
	static const struct reason_row rows[] = {
#define R(name, log, v5, v4, status, error, meaning) \
	[REASON_##name] = {.log_name = (log), \
	    .socks5 = (v5), \
	    .socks4 = (v4), \
	    .http = (status), \
	    .proxy_status = (error), \
	    .text = (meaning)},
	    REASONS(R)
#undef R
	};

	return &rows[reason];
}

enum reason reason_from_errno(int error)
{
	static const struct {
		int error;
		enum reason reason;
	} meanings[] = {
	    {ECONNREFUSED, REASON_REFUSED},
	    {ECONNRESET, REASON_REFUSED},
	    {ENOPROTOOPT, REASON_REFUSED}, /* ICMP protocol unreachable */
	    {ENETUNREACH, REASON_NET_UNREACHABLE},
	    {ENETDOWN, REASON_NET_UNREACHABLE},
	    {EINVAL, REASON_NET_UNREACHABLE}, /* fe80:: without an interface */
	    {EHOSTUNREACH, REASON_HOST_UNREACHABLE},
	    {EHOSTDOWN, REASON_HOST_UNREACHABLE},
	    {ENONET, REASON_HOST_UNREACHABLE}, /* ICMP source host isolated */
	    {ETIMEDOUT, REASON_TIMEOUT},
	    {EACCES, REASON_FORBIDDEN},
	    {EPERM, REASON_FORBIDDEN},
	    {EAFNOSUPPORT, REASON_NO_FAMILY},
	    {EPROTONOSUPPORT, REASON_NO_FAMILY},
	    {EMFILE, REASON_RESOURCES},
	    {ENFILE, REASON_RESOURCES},
	    {ENOBUFS, REASON_RESOURCES},
	    {ENOMEM, REASON_RESOURCES},
	    {EADDRNOTAVAIL, REASON_RESOURCES},
	    {EADDRINUSE, REASON_RESOURCES},
	    {EAGAIN, REASON_RESOURCES},
	};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].error == error)
			return meanings[i].reason;
	return REASON_INTERNAL;
}

static bool is_out_of_reach(int error)
{
	switch (reason_from_errno(error)) {
	case REASON_TIMEOUT:
	case REASON_NET_UNREACHABLE:
	case REASON_HOST_UNREACHABLE:
		return true;
	default:
		return false;
	}
}

enum reason reason_of_client(int error)
{
	return is_out_of_reach(error) ? REASON_CLIENT_LOST : REASON_CLIENT_RESET;
}

enum reason reason_of_target(int error)
{
	return is_out_of_reach(error) ? REASON_TARGET_LOST : REASON_TARGET_RESET;
}
