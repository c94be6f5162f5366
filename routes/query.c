/* SPDX-License-Identifier: ISC */
/* The words for what a query holds. */
#include "config.h"

#include "routes/routes.h"

const char *protocol_name(enum protocol protocol)
{
	static const char *const names[PROTOCOL_COUNT] = {
	    [PROTOCOL_SOCKS4] = "socks4",
	    [PROTOCOL_SOCKS5] = "socks5",
	    [PROTOCOL_HTTP] = "http",
	};

	return names[protocol];
}

const char *command_name(enum command command)
{
	static const char *const names[COMMAND_COUNT] = {
	    [COMMAND_CONNECT] = "connect",
	    [COMMAND_BIND] = "bind",
	    [COMMAND_UDP] = "udp",
	    [COMMAND_HTTP] = "http",
	    [COMMAND_RESOLVE] = "resolve",
	};

	return names[command];
}
