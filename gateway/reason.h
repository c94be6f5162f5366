/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_REASON_H
#define GATEWAY_REASON_H

/*
 * Every way in which a session can end, as one table: what the log says, and what each protocol
 * tells its client.  SOCKS5 replies: RFC 1928, 6.  SOCKS4 replies: 90 granted, 91 refused,
 * 92 no identd, 93 another user id.
 * HTTP: RFC 9110, 15 and the error types of RFC 9209, 2.3.
 *
 *  R(name, log name, SOCKS5, SOCKS4, HTTP status, Proxy-Status error, what it means)
 */
#define REASONS(R) \
	/* It went well; `closed` is how a relay ends when both sides have said their last. */ \
	R(OK, "ok", 0, 90, 200, 0, "succeeded") \
	R(CLOSED, "closed", 0, 90, 200, 0, "both sides ended") \
	/* How an established relay ends otherwise. */ \
	R(CLIENT_RESET, "client-reset", 1, 91, 502, 0, "the client reset the connection") \
	R(TARGET_RESET, "target-reset", 1, 91, 502, 0, "the target reset the connection") \
	R(CLIENT_LOST, "client-lost", 1, 91, 502, 0, "the client no longer answers") \
	R(TARGET_LOST, "target-lost", 1, 91, 504, 0, "the target no longer answers") \
	R(IDLE_TIMEOUT, "idle-timeout", 1, 91, 504, 0, "no byte moved for too long") \
	R(HALF_CLOSE_TIMEOUT, "half-close-timeout", 1, 91, 504, 0, \
	    "one side ended, the other did not") \
	R(STOPPED, "stopped", 1, 91, 503, "proxy_internal_error", "the gateway stops") \
	/* The client, before its request. */ \
	R(CLIENT_GONE, "client-gone", 1, 91, 400, 0, "the client left before it was served") \
	R(HANDSHAKE_TIMEOUT, "handshake-timeout", 1, 91, 408, 0, "the handshake took too long") \
	R(NOT_SPOKEN, "protocol-unknown", 1, 91, 400, 0, "not a protocol that is spoken here") \
	R(MALFORMED, "malformed", 1, 91, 400, "http_request_error", "the request is malformed") \
	R(TOO_LARGE, "too-large", 1, 91, 431, "http_request_error", "the request is too large") \
	R(URI_TOO_LONG, "uri-too-long", 1, 91, 414, "http_request_error", \
	    "the target is too long") \
	R(HTTP_VERSION, "http-version", 1, 91, 505, "http_request_error", \
	    "HTTP version not supported") \
	R(BAD_NAME, "bad-name", 4, 91, 400, "http_request_error", "not a host name or an address") \
	R(BAD_PORT, "bad-port", 1, 91, 400, "http_request_error", "not a port to connect to") \
	R(BAD_ADDRESS_TYPE, "bad-address-type", 8, 91, 400, "http_request_error", \
	    "address type not supported") \
	R(BAD_COMMAND, "bad-command", 7, 91, 501, "http_request_error", "command not supported") \
	R(BAD_CODING, "bad-coding", 1, 91, 501, "http_request_error", \
	    "transfer coding not supported") \
	R(BAD_SCHEME, "bad-scheme", 1, 91, 501, "http_request_error", "only http is forwarded") \
	R(COMMAND_DENIED, "command-denied", 7, 91, 405, "http_request_denied", \
	    "command not allowed here") \
	/* Who asks, and whether it may be asked. */ \
	R(AUTH_REQUIRED, "auth-required", 2, 91, 407, 0, "authentication is required") \
	R(AUTH_FAILED, "auth-failed", 2, 91, 407, 0, "wrong user name or password") \
	R(AUTH_UNAVAILABLE, "auth-unavailable", 1, 91, 503, "proxy_internal_error", \
	    "the password could not be checked") \
	R(NOT_IDENTIFIED, "not-identified", 2, 91, 403, "http_request_denied", \
	    "nothing tells who the client is") \
	R(IDENT_FAILED, "ident-failed", 2, 92, 403, "http_request_denied", \
	    "the client's machine does not tell who the client is") \
	R(IDENT_MISMATCH, "ident-mismatch", 2, 93, 403, "http_request_denied", \
	    "the client's machine tells another name") \
	R(CLIENT_DENIED, "client-denied", 2, 91, 403, "http_request_denied", \
	    "this client is not served") \
	R(DENIED, "denied", 2, 91, 403, "http_request_denied", "not allowed") \
	R(OWN_DOOR, "own-door", 2, 91, 403, "destination_ip_prohibited", \
	    "the gateway's own addresses are closed") \
	R(REJECTED, "rejected", 2, 91, 403, "http_request_denied", "rejected by a route") \
	R(NO_ROUTE, "no-route", 2, 91, 403, "http_request_denied", "no route leads there") \
	R(LOOP, "loop", 2, 91, 502, "proxy_loop_detected", "the gateway would connect to itself") \
	R(LIMIT, "limit", 1, 91, 503, "connection_limit_reached", "too many sessions") \
	R(QUOTA, "quota", 2, 91, 403, "http_request_denied", "the quota is used up") \
	/* Names. */ \
	R(NAME_NOT_FOUND, "name-not-found", 4, 91, 502, "dns_error", "the name does not exist") \
	R(NAME_NO_ADDRESS, "name-no-address", 4, 91, 502, "dns_error", \
	    "the name has no usable address") \
	R(NAME_FAILED, "name-failed", 1, 91, 502, "dns_error", "the name could not be resolved") \
	R(NAME_TIMEOUT, "name-timeout", 1, 91, 504, "dns_timeout", \
	    "the name servers did not answer") \
	/* The target. */ \
	R(REFUSED, "refused", 5, 91, 502, "connection_refused", "connection refused") \
	R(NET_UNREACHABLE, "net-unreachable", 3, 91, 502, "destination_ip_unroutable", \
	    "network unreachable") \
	R(HOST_UNREACHABLE, "host-unreachable", 4, 91, 502, "destination_ip_unroutable", \
	    "host unreachable") \
	R(TIMEOUT, "timeout", 6, 91, 504, "connection_timeout", "connecting took too long") \
	R(NO_FAMILY, "no-family", 8, 91, 502, "destination_ip_unroutable", \
	    "address family not available") \
	R(FORBIDDEN, "forbidden", 2, 91, 403, "destination_ip_prohibited", \
	    "the system forbids the connection") \
	R(RESOURCES, "resources", 1, 91, 503, "connection_limit_reached", \
	    "out of descriptors, ports or memory") \
	R(INTERNAL, "internal", 1, 91, 500, "proxy_internal_error", "internal error") \
	/* The answer to a request that was forwarded. */ \
	R(ORIGIN_CLOSED, "origin-closed", 1, 91, 502, "connection_terminated", \
	    "the origin closed the connection without an answer") \
	R(BAD_RESPONSE, "bad-response", 1, 91, 502, "http_protocol_error", \
	    "the origin's answer is malformed") \
	R(RESPONSE_TOO_LARGE, "response-too-large", 1, 91, 502, \
	    "http_response_header_section_size", "the head of the origin's answer is too large") \
	R(RESPONSE_INCOMPLETE, "response-incomplete", 1, 91, 502, "http_response_incomplete", \
	    "the origin's answer ends in the middle") \
	R(RESPONSE_TIMEOUT, "response-timeout", 1, 91, 504, "http_response_timeout", \
	    "the origin does not answer") \
	/* A hop on the way. */ \
	R(HOP_UNREACHABLE, "hop-unreachable", 1, 91, 502, "destination_unavailable", \
	    "the next hop cannot be reached") \
	R(HOP_TIMEOUT, "hop-timeout", 1, 91, 504, "connection_timeout", \
	    "the next hop does not answer") \
	R(HOP_CLOSED, "hop-closed", 1, 91, 502, "connection_terminated", \
	    "the next hop closed the connection") \
	R(HOP_PROTOCOL, "hop-protocol", 1, 91, 502, "http_protocol_error", \
	    "the next hop does not speak its protocol") \
	R(HOP_AUTH, "hop-auth", 1, 91, 502, "destination_unavailable", \
	    "the next hop refused our credentials") \
	R(HOP_DENIED, "hop-denied", 2, 91, 502, "destination_unavailable", \
	    "the next hop does not allow it") \
	R(HOP_FAILED, "hop-failed", 1, 91, 502, "destination_unavailable", "the next hop failed") \
	R(HOP_NO_COMMAND, "hop-no-command", 7, 91, 502, "destination_unavailable", \
	    "the next hop knows no such command") \
	R(HOP_NO_ADDRESS_TYPE, "hop-no-address-type", 8, 91, 502, "destination_unavailable", \
	    "the next hop knows no such address type") \
	R(HOP_BAD_GATEWAY, "hop-bad-gateway", 4, 91, 502, "destination_unavailable", \
	    "the next hop could not reach it") \
	R(HOP_UNAVAILABLE, "hop-unavailable", 1, 91, 503, "destination_unavailable", \
	    "the next hop is overloaded") \
	R(HOP_GATEWAY_TIMEOUT, "hop-gateway-timeout", 6, 91, 504, "connection_timeout", \
	    "the next hop waited in vain")

enum reason {
#define R(name, ...) REASON_##name,
	REASONS(R)
#undef R
	    REASON_COUNT
};

struct reason_row {
	const char *log_name;     /* `end` in the access log */
	unsigned char socks5;     /* REP */
	unsigned char socks4;     /* CD */
	unsigned short http;      /* status code */
	const char *proxy_status; /* error=… or NULL */
	const char *text;         /* a phrase for people */
};

/* The row of a reason; never NULL for a value of the enum. */
const struct reason_row *reason_row(enum reason reason);

/* What a failed connect() to the target means: ECONNREFUSED -> REASON_REFUSED and so on. */
enum reason reason_from_errno(int error);
/* What the failure of a connection means that was up: RESET, or LOST: the peer is out of reach. */
enum reason reason_of_client(int error);
enum reason reason_of_target(int error);

#endif
