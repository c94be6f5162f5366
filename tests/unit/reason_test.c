/* SPDX-License-Identifier: ISC */
/* What each reason tells the clients of each protocol (table 1.R of the list of conformance). */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/reason.h"

static void row_286_each_failure_in_each_protocol(void **state)
{
	static const struct {
		enum reason reason;
		int socks5, http;
		const char *proxy_status;
	} cases[] = {
	    {REASON_REFUSED, 5, 502, "connection_refused"},
	    {REASON_NET_UNREACHABLE, 3, 502, "destination_ip_unroutable"},
	    {REASON_HOST_UNREACHABLE, 4, 502, "destination_ip_unroutable"},
	    {REASON_TIMEOUT, 6, 504, "connection_timeout"},
	    {REASON_NAME_NOT_FOUND, 4, 502, "dns_error"},
	    {REASON_NAME_NO_ADDRESS, 4, 502, "dns_error"},
	    {REASON_NAME_FAILED, 1, 502, "dns_error"},
	    {REASON_NAME_TIMEOUT, 1, 504, "dns_timeout"},
	    {REASON_DENIED, 2, 403, "http_request_denied"},
	    {REASON_FORBIDDEN, 2, 403, "destination_ip_prohibited"},
	    {REASON_NO_FAMILY, 8, 502, "destination_ip_unroutable"},
	    {REASON_BAD_ADDRESS_TYPE, 8, 400, "http_request_error"},
	    {REASON_BAD_COMMAND, 7, 501, "http_request_error"},
	    {REASON_COMMAND_DENIED, 7, 405, "http_request_denied"},
	    {REASON_BAD_SCHEME, 1, 501, "http_request_error"},
	    {REASON_ORIGIN_CLOSED, 1, 502, "connection_terminated"},
	    {REASON_BAD_RESPONSE, 1, 502, "http_protocol_error"},
	    {REASON_RESPONSE_TOO_LARGE, 1, 502, "http_response_header_section_size"},
	    {REASON_RESPONSE_INCOMPLETE, 1, 502, "http_response_incomplete"},
	    {REASON_RESPONSE_TIMEOUT, 1, 504, "http_response_timeout"},
	    {REASON_RESOURCES, 1, 503, "connection_limit_reached"},
	    {REASON_LIMIT, 1, 503, "connection_limit_reached"},
	    {REASON_HOP_PROTOCOL, 1, 502, "http_protocol_error"},
	    {REASON_HOP_AUTH, 1, 502, "destination_unavailable"},
	    {REASON_HOP_FAILED, 1, 502, "destination_unavailable"},
	    {REASON_HOP_DENIED, 2, 502, "destination_unavailable"},
	    {REASON_HOP_BAD_GATEWAY, 4, 502, "destination_unavailable"},
	    {REASON_HOP_UNAVAILABLE, 1, 503, "destination_unavailable"},
	    {REASON_HOP_GATEWAY_TIMEOUT, 6, 504, "connection_timeout"},
	    {REASON_HOP_UNREACHABLE, 1, 502, "destination_unavailable"},
	    {REASON_HOP_TIMEOUT, 1, 504, "connection_timeout"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct reason_row *row = reason_row(cases[i].reason);

		assert_int_equal(row->socks5, cases[i].socks5);
		assert_int_equal(row->socks4, 91);
		assert_int_equal(row->http, cases[i].http);
		assert_string_equal(row->proxy_status, cases[i].proxy_status);
	}
}

static void row_286_errors_of_the_system(void **state)
{
	static const struct {
		int error;
		enum reason reason;
	} cases[] = {
	    {ECONNREFUSED, REASON_REFUSED},
	    {ECONNRESET, REASON_REFUSED},
	    {ENETUNREACH, REASON_NET_UNREACHABLE},
	    {ENETDOWN, REASON_NET_UNREACHABLE},
	    {EHOSTUNREACH, REASON_HOST_UNREACHABLE},
	    {EHOSTDOWN, REASON_HOST_UNREACHABLE},
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
	    {EBADF, REASON_INTERNAL},
	    {0, REASON_INTERNAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(reason_from_errno(cases[i].error), cases[i].reason);
}

static void row_287_no_unassigned_reply(void **state)
{
	(void)state;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		assert_in_range(reason_row(reason)->socks5, 0, 8);
		assert_in_range(reason_row(reason)->socks4, 90, 93);
	}
}

static void rows_are_whole_and_names_unique(void **state)
{
	(void)state;
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		const struct reason_row *row = reason_row(reason);

		assert_true(strlen(row->log_name) > 0);
		assert_int_equal(
		    strspn(row->log_name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->log_name));
		assert_true(strlen(row->text) > 0);
		/* Success looks alike in all protocols, and so does failure. */
		assert_int_equal(row->socks5 == 0, row->http == 200);
		assert_int_equal(row->socks5 == 0, row->socks4 == 90);
		for (enum reason other = 0; other < reason; other++)
			assert_string_not_equal(row->log_name, reason_row(other)->log_name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_286_each_failure_in_each_protocol),
	    cmocka_unit_test(row_286_errors_of_the_system),
	    cmocka_unit_test(row_287_no_unassigned_reply),
	    cmocka_unit_test(rows_are_whole_and_names_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
