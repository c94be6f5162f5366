/* SPDX-License-Identifier: ISC */
/* HOST:PORT, and the ends of connections. */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/target.h"

static void good(const char *text, const char *canonical)
{
	char out[TARGET_TEXT];
	struct target target;

	assert_null(target_parse(&target, text, strlen(text)));
	assert_string_equal(target_format(&target, out), canonical);
}

static void wrong(const char *text, const char *why)
{
	struct target target;
	const char *said = target_parse(&target, text, strlen(text));

	if (!said)
		fail_msg("%s is accepted", text);
	if (why)
		assert_string_equal(said, why);
}

static void targets_are_canonical(void **state)
{
	(void)state;
	good("Example.COM.:80", "example.com:80");
	good("192.0.2.1:1", "192.0.2.1:1");
	good("[2001:DB8:0::1]:65535", "[2001:db8::1]:65535");
	good("[::ffff:192.0.2.1]:80", "192.0.2.1:80");
	good("[::]:80", "[::]:80");
}

static void row_227_ports_are_decimal_numbers(void **state)
{
	static const char *const ports[] = {"0", "00", "080", "65536", "99999", "100000",
	    "4294967376", "18446744073709551696", "+80", "-80", " 80", "80 ", "80x", "0x50", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		char text[64] = "h:";

		strcat(text, ports[i]);
		wrong(text, "a port is a number from 1 to 65535");
	}
	wrong("h", "the port is missing");
	wrong("[::1]", "the port is missing");
}

static void row_234_brackets_are_for_ipv6(void **state)
{
	(void)state;
	wrong("2001:db8::1:443", "an IPv6 address stands in brackets");
	wrong("::1", "an IPv6 address stands in brackets");
	wrong("[h]:80", "brackets are for IPv6 addresses");
	wrong("[192.0.2.1]:80", "brackets are for IPv6 addresses");
	wrong("[::1:80", "the ] is missing");
	wrong("[::1]80", "only a port may follow the ]");
	wrong("[::1]]:80", "only a port may follow the ]");
	wrong("[fe80::1%eth0]:80", NULL);
	wrong("[]:80", NULL);
	wrong("[::g]:80", NULL);
	wrong("h]:80", NULL);
}

static void hosts_are_those_of_the_routes(void **state)
{
	(void)state;
	wrong(":80", NULL);
	wrong("", NULL);
	wrong("a b:80", NULL);
	wrong("0x7f.1:80", NULL);
	wrong("127.1:80", NULL);
	wrong("u@h:80", NULL);
	wrong("h/x:80", NULL);
}

static enum reason authority(const char *text, uint16_t default_port, uint16_t *port)
{
	struct target target = {.port = 0};
	enum reason reason = target_parse_authority(&target, text, strlen(text), default_port);

	*port = target.port;
	return reason;
}

static void authority_may_leave_the_port_out(void **state)
{
	uint16_t port;

	(void)state;
	assert_int_equal(authority("h", 80, &port), REASON_OK);
	assert_int_equal(port, 80);
	assert_int_equal(authority("h:", 80, &port), REASON_OK);
	assert_int_equal(port, 80);
	assert_int_equal(authority("[::1]:8080", 80, &port), REASON_OK);
	assert_int_equal(port, 8080);
	assert_int_equal(authority("h", 0, &port), REASON_BAD_PORT);
	assert_int_equal(authority("h:0", 80, &port), REASON_BAD_PORT);
	assert_int_equal(authority("", 80, &port), REASON_BAD_NAME);
	assert_int_equal(authority("::1", 80, &port), REASON_BAD_NAME);
}

static void endpoints_are_sockaddrs(void **state)
{
	struct sockaddr_storage sa, unix_sa = {.ss_family = AF_UNIX};
	struct endpoint endpoint = {.port = 4096, .scope = 7}, back;
	char text[TARGET_TEXT];

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "fe80::1", &endpoint.address), 1);
	assert_int_equal(endpoint_to_sockaddr(&endpoint, &sa), sizeof(struct sockaddr_in6));
	assert_int_equal(sa.ss_family, AF_INET6);
	assert_true(endpoint_from_sockaddr(&back, (struct sockaddr *)&sa));
	assert_memory_equal(&back.address, &endpoint.address, sizeof(back.address));
	assert_int_equal(back.port, 4096);
	assert_int_equal(back.scope, 7);
	assert_string_equal(endpoint_format(&back, text), "[fe80::1]:4096");

	endpoint = (struct endpoint){.port = 80, .address = address_from_ipv4(htonl(0xc0000201))};
	assert_int_equal(endpoint_to_sockaddr(&endpoint, &sa), sizeof(struct sockaddr_in));
	assert_int_equal(sa.ss_family, AF_INET);
	assert_true(endpoint_from_sockaddr(&back, (struct sockaddr *)&sa));
	assert_string_equal(endpoint_format(&back, text), "192.0.2.1:80");
	assert_false(endpoint_from_sockaddr(&back, (struct sockaddr *)&unix_sa));
}

static void longest_target_fits_its_text(void **state)
{
	char name[TARGET_TEXT];

	(void)state;
	memset(name, 'a', 253);
	for (size_t i = 63; i < 253; i += 64)
		name[i] = '.';
	strcpy(name + 253, ":65535");
	good(name, name);
	good("[2001:db8:1111:2222:3333:4444:5555:6666]:65535",
	    "[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(targets_are_canonical),
	    cmocka_unit_test(row_227_ports_are_decimal_numbers),
	    cmocka_unit_test(row_234_brackets_are_for_ipv6),
	    cmocka_unit_test(hosts_are_those_of_the_routes),
	    cmocka_unit_test(authority_may_leave_the_port_out),
	    cmocka_unit_test(endpoints_are_sockaddrs),
	    cmocka_unit_test(longest_target_fits_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
