/* SPDX-License-Identifier: ISC */
/* Canonical names, addresses and prefixes: rows 50-59 of the conformance list. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "routes/routes.h"

static const char *parse(struct host *host, const char *text)
{
	return host_parse(host, text, strlen(text));
}

static struct in6_addr address(const char *text)
{
	struct in6_addr parsed;

	if (!address_parse(&parsed, text, strlen(text)))
		fail_msg("%s is no address", text);
	return parsed;
}

/* What is written, and what it is; NULL: refused. */
static const struct {
	const char *text, *canonical;
	bool named;
} hosts[] = {
    {"example.com", "example.com", true},
    {"Example.COM", "example.com", true},
    {"LOCALHOST.", "localhost", true}, /* row 56 */
    {"host.", "host", true},
    {"a_b.example", "a_b.example", true},
    {"-dash-.example", "-dash-.example", true},
    {"xn--bcher-kva.example", "xn--bcher-kva.example", true},
    {"3com.com", "3com.com", true},
    {"1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa", true},
    {"0x.example", "0x.example", true},
    {"0xg", "0xg", true},
    {"127.0.0.1", "127.0.0.1", false}, /* row 52 */
    {"0.0.0.0", "0.0.0.0", false},
    {"255.255.255.255", "255.255.255.255", false},
    {"::1", "::1", false}, /* row 54 */
    {"[::1]", "::1", false},
    {"[2001:DB8::0:1]", "2001:db8::1", false},
    {"::ffff:127.0.0.1", "127.0.0.1", false}, /* row 55 */
    {"::FFFF:7f00:1", "127.0.0.1", false},
    {"[::ffff:127.0.0.1]", "127.0.0.1", false},
    {"64:ff9b::7f00:1", "64:ff9b::7f00:1", false},
    {"0x7f.1", NULL, false}, /* row 53 */
    {"2130706433", NULL, false},
    {"0177.0.0.1", NULL, false},
    {"127.1", NULL, false},
    {"127.0.1", NULL, false},
    {"0x7f000001", NULL, false},
    {"0x7f.0.0.1", NULL, false},
    {"0x", NULL, false},
    {"0X7F", NULL, false},
    {"127.0.0.1.", NULL, false},
    {"127.0.0.01", NULL, false},
    {"127.0.0.256", NULL, false},
    {"1.2.3.4.5", NULL, false},
    {"example.1", NULL, false},
    {"example.0x1", NULL, false},
    {"+127.0.0.1", NULL, false},
    {" 127.0.0.1", NULL, false},
    {"127.0.0.1 ", NULL, false},
    {"", NULL, false}, /* row 48 */
    {".", NULL, false},
    {"..", NULL, false},
    {".example", NULL, false},
    {"a..b", NULL, false},
    {"a.b..", NULL, false},
    {"*.example", NULL, false},
    {"a b", NULL, false}, /* row 51 */
    {"a\tb", NULL, false},
    {"a\nb", NULL, false},
    {"a\x7f", NULL, false},
    {"a@b", NULL, false},
    {"a/b", NULL, false},
    {"a%b", NULL, false},
    {"a:b", NULL, false},
    {"b\xc3\xbc"
     "cher.example",
        NULL, false},
    {"127\xe3\x80\x82"
     "0.0.1",
        NULL, false},
    {"[::1", NULL, false},
    {"::1]", NULL, false},
    {"[]", NULL, false},
    {"[", NULL, false},
    {"[127.0.0.1]", NULL, false},
    {"[example.com]", NULL, false},
    {"[::1]x", NULL, false},
    {"[[::1]]", NULL, false},
    {"fe80::1%eth0", NULL, false},
    {"[fe80::1%25eth0]", NULL, false},
    {"1:2:3:4:5:6:7:8:9", NULL, false},
    {":::", NULL, false},
    {"::ffff:127.1", NULL, false},
    {"::ffff:0177.0.0.1", NULL, false},
};

static void hosts_have_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct host host, again;
		const char *error = parse(&host, hosts[i].text);
		char out[HOST_NAME_LENGTH + 1];

		if ((error == NULL) != (hosts[i].canonical != NULL))
			fail_msg("%s: %s", hosts[i].text, error ? error : "taken");
		if (error)
			continue;
		assert_int_equal(host.named, hosts[i].named);
		assert_string_equal(host_format(&host, out), hosts[i].canonical);
		assert_null(parse(&again, hosts[i].canonical));
		assert_true(host_equal(&host, &again));
	}
}

static void a_nul_hides_nothing(void **state) /* row 50 */
{
	static const char *const texts[] = {"127.0.0.1\0.evil.com", "example.com\0.evil.com",
	    "::1\0.evil.com", "[::1\0]", "\0example.com"};
	static const size_t lengths[] = {19, 21, 13, 6, 12};
	struct host host;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(host_parse(&host, texts[i], lengths[i]));
	assert_non_null(strstr(host_parse(&host, "a\0b", 3), "NUL"));
	assert_null(host_parse(&host, "example.com\0.evil.com", 11));
}

static void refusals_say_what_to_do(void **state)
{
	struct host host;

	(void)state;
	assert_non_null(strstr(parse(&host,
	                           "b\xc3\xbc"
	                           "cher.example"),
	    "write the xn-- form"));
	assert_non_null(strstr(parse(&host, "127.1"), "four decimal numbers"));
	assert_non_null(strstr(parse(&host, "fe80::1%eth0"), "zone"));
	assert_non_null(strstr(parse(&host, "a\rb"), "control"));
	assert_non_null(strstr(parse(&host, "a..b"), "empty"));
}

static void lengths_end_at_63_and_253(void **state) /* row 49 */
{
	char name[300];
	struct host host;

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_null(host_parse(&host, name, 63));
	assert_non_null(host_parse(&host, name, 64));
	for (size_t i = 63; i < sizeof(name); i += 64)
		name[i] = '.';
	assert_null(host_parse(&host, name, 253));
	assert_int_equal(strlen(host.name), 253);
	assert_non_null(host_parse(&host, name, 254));
	assert_non_null(host_parse(&host, name, 255));
	name[253] = '.';
	assert_null(host_parse(&host, name, 254)); /* the final dot does not count */
}

static void an_address_in_a_name_is_not_equal_to_it(void **state)
{
	struct host a, b;
	struct in6_addr loopback = address("127.0.0.1");

	(void)state;
	host_from_address(&a, &loopback);
	assert_null(parse(&b, "::ffff:7f00:1"));
	assert_true(host_equal(&a, &b));
	assert_null(parse(&b, "localhost"));
	assert_false(host_equal(&a, &b));
	assert_null(parse(&a, "LocalHost."));
	assert_true(host_equal(&a, &b));
}

static void ipv4_is_found_inside(void **state)
{
	static const struct {
		const char *outer, *inner;
	} rows[] = {
	    {"64:ff9b::10.1.2.3", "10.1.2.3"},
	    {"2002:a01:203::", "10.1.2.3"},
	    {"2002:a01:203:ffff:ffff:ffff:ffff:ffff", "10.1.2.3"},
	    {"::10.1.2.3", "10.1.2.3"},
	    {"::2", "0.0.0.2"},
	    {"64:ff9b::", "0.0.0.0"},
	    {"::", NULL},
	    {"::1", NULL},
	    {"10.1.2.3", NULL},
	    {"2001:db8::10.1.2.3", NULL},
	    {"64:ff9b:1::10.1.2.3", NULL},
	    {"::fffe:10.1.2.3", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct in6_addr outer = address(rows[i].outer), inner;
		bool found = address_embedded_ipv4(&outer, &inner);
		char out[ADDRESS_TEXT];

		assert_int_equal(found, rows[i].inner != NULL);
		if (found)
			assert_string_equal(address_format(&inner, out), rows[i].inner);
	}
}

static void prefixes_are_exact(void **state)
{
	static const struct {
		const char *text, *canonical;
		unsigned length;
	} rows[] = {
	    {"10.0.0.0/8", "10.0.0.0/8", 104},
	    {"0.0.0.0/0", "0.0.0.0/0", 96},
	    {"192.0.2.1", "192.0.2.1", 128},
	    {"192.0.2.1/32", "192.0.2.1", 128},
	    {"2001:db8::/32", "2001:db8::/32", 32},
	    {"[2001:db8::]/32", "2001:db8::/32", 32},
	    {"::/0", "::/0", 0},
	    {"::1", "::1", 128},
	    {"[::1]", "::1", 128},
	    {"::ffff:10.0.0.0/104", "10.0.0.0/8", 104},
	    {"::ffff:0:0/96", "0.0.0.0/0", 96},
	    {"10.0.0.1/8", NULL, 0},
	    {"2001:db8::1/32", NULL, 0},
	    {"::ffff:10.0.0.0/8", NULL, 0},
	    {"10.0.0.0/33", NULL, 0},
	    {"10.0.0.0/-1", NULL, 0},
	    {"10.0.0.0/", NULL, 0},
	    {"10.0.0.0/08", NULL, 0},
	    {"10.0.0.0/8 ", NULL, 0},
	    {"10.0.0.0/4294967304", NULL, 0},
	    {"10.0.0.0/255.0.0.0", NULL, 0},
	    {"::/129", NULL, 0},
	    {"10/8", NULL, 0},
	    {"example.com", NULL, 0},
	    {"example.com/8", NULL, 0},
	    {"/8", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix prefix;
		const char *error = prefix_parse(&prefix, rows[i].text, strlen(rows[i].text));
		char out[ADDRESS_TEXT + 4];

		if ((error == NULL) != (rows[i].canonical != NULL))
			fail_msg("%s: %s", rows[i].text, error ? error : "taken");
		if (error)
			continue;
		assert_string_equal(prefix_format(&prefix, out), rows[i].canonical);
		assert_int_equal(prefix.length, rows[i].length);
	}
}

static void host_bits_leave_what_was_meant(void **state)
{
	struct prefix prefix;
	char out[ADDRESS_TEXT + 4];

	(void)state;
	assert_ptr_equal(prefix_parse(&prefix, "10.255.3.4/12", 13), prefix_host_bits);
	assert_string_equal(prefix_format(&prefix, out), "10.240.0.0/12");
}

static void every_length_covers_what_it_should(void **state)
{
	struct in6_addr base = address("192.0.2.77");

	(void)state;
	for (unsigned length = 0; length <= 32; length++) {
		struct prefix prefix;
		char text[ADDRESS_TEXT + 4];

		snprintf(text, sizeof(text), "192.0.2.77/%u", length);
		prefix_parse(&prefix, text, strlen(text));
		assert_true(prefix_covers(&prefix, &base));
		for (unsigned bit = 0; bit < 32; bit++) {
			struct in6_addr other = base;

			other.s6_addr[12 + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			assert_int_equal(prefix_covers(&prefix, &other), bit >= length);
		}
	}
}

static void prefixes_cover_what_is_inside(void **state) /* row 55 */
{
	static const struct {
		const char *prefix, *address;
		bool covers, contains;
	} rows[] = {
	    {"10.0.0.0/8", "10.1.2.3", true, true},
	    {"10.0.0.0/8", "::ffff:10.1.2.3", true, true},
	    {"10.0.0.0/8", "64:ff9b::10.1.2.3", true, false},
	    {"10.0.0.0/8", "2002:a01:203::1", true, false},
	    {"10.0.0.0/8", "::10.1.2.3", true, false},
	    {"10.0.0.0/8", "11.1.2.3", false, false},
	    {"10.0.0.0/8", "64:ff9b::11.1.2.3", false, false},
	    {"0.0.0.0/0", "10.1.2.3", true, true},
	    {"0.0.0.0/0", "2001:db8::1", false, false},
	    {"::/0", "2001:db8::1", true, true},
	    {"::/0", "10.1.2.3", false, false},
	    {"64:ff9b::/96", "64:ff9b::10.1.2.3", true, true},
	    {"2002::/16", "2002:a01:203::1", true, true},
	    {"127.0.0.0/8", "::1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix prefix;
		struct in6_addr asked = address(rows[i].address);

		assert_null(prefix_parse(&prefix, rows[i].prefix, strlen(rows[i].prefix)));
		assert_int_equal(prefix_covers(&prefix, &asked), rows[i].covers);
		assert_int_equal(prefix_contains(&prefix, &asked), rows[i].contains);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_have_one_spelling),
	    cmocka_unit_test(a_nul_hides_nothing),
	    cmocka_unit_test(refusals_say_what_to_do),
	    cmocka_unit_test(lengths_end_at_63_and_253),
	    cmocka_unit_test(an_address_in_a_name_is_not_equal_to_it),
	    cmocka_unit_test(ipv4_is_found_inside),
	    cmocka_unit_test(prefixes_are_exact),
	    cmocka_unit_test(host_bits_leave_what_was_meant),
	    cmocka_unit_test(every_length_covers_what_it_should),
	    cmocka_unit_test(prefixes_cover_what_is_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
