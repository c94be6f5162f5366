/* SPDX-License-Identifier: ISC */
/* Which address of our own is chosen, turn by turn. */
#include "config.h"

#include "gateway/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_true(address_parse(&a, text, strlen(text)));
	return a;
}

/* The choices of turn 0, 1, 2 …, with a space between. */
static const char *turns(
    const struct hop *hop, const struct endpoint *arrived, bool ipv4, unsigned many)
{
	static char list[1024];
	char text[ADDRESS_TEXT];
	struct endpoint from;

	list[0] = '\0';
	for (unsigned i = 0; i < many; i++) {
		if (source_choose(hop, arrived, ipv4, i, &from) != 1)
			return "none";
		assert_int_equal(from.port, 0);
		strcat(list, i > 0 ? " " : "");
		strcat(list, address_format(&from.address, text));
	}
	return list;
}

static void test_the_system_chooses(void **state)
{
	struct hop hop = {.source_count = 0};
	struct source listener = {.kind = SOURCE_LISTENER};
	struct endpoint from;

	(void)state;
	assert_int_equal(source_choose(&hop, NULL, true, 0, &from), 0);
	hop.sources = &listener;
	hop.source_count = 1;
	assert_int_equal(source_choose(&hop, NULL, true, 0, &from), 0); /* a unix client */
}

static void test_addresses_and_ranges(void **state)
{
	struct source sources[] = {{.kind = SOURCE_ADDRESS, .first = address("192.0.2.9")},
	    {.kind = SOURCE_ADDRESS, .first = address("2001:db8::9")},
	    {.kind = SOURCE_RANGE, .first = address("192.0.2.254"), .last = address("192.0.3.1")},
	    {.kind = SOURCE_RANGE,
	        .first = address("2001:db8::ffff"),
	        .last = address("2001:db8::1:0")}};
	struct hop hop = {.sources = sources, .source_count = 4};

	(void)state;
	assert_string_equal(turns(&hop, NULL, true, 6),
	    "192.0.2.9 192.0.2.254 192.0.2.255 192.0.3.0 192.0.3.1 192.0.2.9");
	assert_string_equal(
	    turns(&hop, NULL, false, 4), "2001:db8::9 2001:db8::ffff 2001:db8::1:0 2001:db8::9");
}

static void test_a_range_without_end(void **state)
{
	struct source source = {.kind = SOURCE_RANGE,
	    .first = address("2001:db8::"),
	    .last = address("2001:db8::ffff:ffff:ffff:ffff")};
	struct hop hop = {.sources = &source, .source_count = 1};

	(void)state;
	assert_string_equal(turns(&hop, NULL, false, 3), "2001:db8:: 2001:db8::1 2001:db8::2");
}

static void test_another_family(void **state)
{
	struct source source = {.kind = SOURCE_ADDRESS, .first = address("192.0.2.9")};
	struct hop hop = {.sources = &source, .source_count = 1};
	struct endpoint from;

	(void)state;
	assert_int_equal(source_choose(&hop, NULL, false, 0, &from), -1);
}

static void test_listener(void **state)
{
	struct source sources[] = {
	    {.kind = SOURCE_LISTENER}, {.kind = SOURCE_ADDRESS, .first = address("2001:db8::9")}};
	struct hop hop = {.sources = sources, .source_count = 2};
	const struct endpoint arrived = {.address = address("192.0.2.1"), .port = 1080};
	const struct endpoint arrived6 = {.address = address("fe80::1"), .port = 1080, .scope = 3};
	struct endpoint from;

	(void)state;
	assert_string_equal(turns(&hop, &arrived, true, 2), "192.0.2.1 192.0.2.1");
	assert_string_equal(turns(&hop, &arrived, false, 1), "2001:db8::9");
	assert_int_equal(source_choose(&hop, &arrived6, false, 0, &from), 1);
	assert_int_equal(from.scope, 3);
}

static void test_interface(void **state)
{
	struct source source = {.kind = SOURCE_INTERFACE, .interface = "lo"};
	struct hop hop = {.sources = &source, .source_count = 1};
	struct endpoint from;

	(void)state;
	assert_string_equal(turns(&hop, NULL, true, 1), "127.0.0.1");
	strcpy(source.interface, "none0");
	assert_int_equal(source_choose(&hop, NULL, true, 0, &from), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_system_chooses),
	    cmocka_unit_test(test_addresses_and_ranges),
	    cmocka_unit_test(test_a_range_without_end),
	    cmocka_unit_test(test_another_family),
	    cmocka_unit_test(test_listener),
	    cmocka_unit_test(test_interface),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
