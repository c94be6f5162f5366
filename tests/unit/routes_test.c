/* SPDX-License-Identifier: ISC */
/* The routing table: destinations, orders and conditions, by the sentences that users have. */
#include "config.h"

#include "tests/unit/asks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- destinations and orders ----------------------------------------------------------------- */

static void a_name_is_that_name_only(void **state)
{
	struct table t = TABLE("example.com direct", "default reject");

	(void)state;
	assert_int_equal(ASK(t, "example.com"), 1);
	assert_int_equal(ASK(t, "EXAMPLE.com."), 1);
	assert_int_equal(ASK(t, "www.example.com"), 2);
	assert_int_equal(ASK(t, "myexample.com"), 2);
	assert_int_equal(ASK(t, "com"), 2);
	asks_drop(t);
}

static void dots_say_what_is_below(void **state)
{
	struct table t = TABLE(".zone direct", "*.below direct", "default reject");

	(void)state;
	assert_int_equal(ASK(t, "zone"), 1);
	assert_int_equal(ASK(t, "a.zone"), 1);
	assert_int_equal(ASK(t, "a.b.c.d.zone"), 1);
	assert_int_equal(ASK(t, "azone"), 3);
	assert_int_equal(ASK(t, "below"), 3);
	assert_int_equal(ASK(t, "a.below"), 2);
	assert_int_equal(ASK(t, "a.b.below"), 2);
	asks_drop(t);
}

static void addresses_and_families(void **state)
{
	struct table t = TABLE("192.0.2.1 direct", "10.0.0.0/8 direct", "ipv4 direct",
	    "2001:db8::/32 direct", "ipv6 direct", "default reject");

	(void)state;
	assert_int_equal(ASK(t, "192.0.2.1"), 1);
	assert_int_equal(ASK(t, "::ffff:192.0.2.1"), 1);
	assert_int_equal(ASK(t, "10.255.0.1"), 2);
	assert_int_equal(ASK(t, "192.0.2.2"), 3);
	assert_int_equal(ASK(t, "2001:db8:1::1"), 4);
	assert_int_equal(ASK(t, "[2001:db9::1]"), 5);
	asks_drop(t);
}

static void the_more_specific_wins(void **state)
{
	struct table t = TABLE("default direct", ".com direct", "*.com direct",
	    ".example.com direct", "*.example.com direct", "www.example.com direct", "ipv4 direct",
	    "10.0.0.0/8 direct", "10.1.0.0/16 direct", "10.1.2.3 direct", "0.0.0.0/0 direct",
	    "::/0 direct", ".www.example.com direct");

	(void)state;
	assert_int_equal(ASK(t, "www.example.com"), 6);
	assert_int_equal(ASK(t, "a.www.example.com"), 13);
	assert_int_equal(ASK(t, "ftp.example.com"), 5);
	assert_int_equal(ASK(t, "example.com"), 4);
	assert_int_equal(ASK(t, "example2.com"), 3);
	assert_int_equal(ASK(t, "com"), 2);
	assert_int_equal(ASK(t, "org", .resolves = ""), 1);
	assert_int_equal(ASK(t, "10.1.2.3"), 10);
	assert_int_equal(ASK(t, "10.1.2.4"), 9);
	assert_int_equal(ASK(t, "10.2.2.4"), 8);
	assert_int_equal(ASK(t, "11.2.2.4"), 11);
	assert_int_equal(ASK(t, "2001:db8::1"), 12);
	asks_drop(t);
}

static void embedded_ipv4_matches_as_ipv4_too(void **state)
{
	struct table t =
	    TABLE("default direct", "ipv6 direct", "10.0.0.0/8 reject", "64:ff9b::/96 direct",
	        "2002::/16 direct", "64:ff9b::a01:200/120 direct", "ipv4 direct");

	(void)state;
	assert_int_equal(ASK(t, "64:ff9b::10.9.9.9"), 3); /* /8 counts as 96 + 8 */
	assert_int_equal(ASK(t, "64:ff9b::10.1.2.9"), 6); /* 120 is more */
	assert_int_equal(ASK(t, "64:ff9b::11.9.9.9"), 4);
	assert_int_equal(ASK(t, "2002:a01:203::1"), 3);
	assert_int_equal(ASK(t, "2002:b01:203::1"), 5);
	assert_int_equal(ASK(t, "::10.1.2.3"), 3);
	assert_int_equal(ASK(t, "::11.1.2.3"), 2); /* its own family first */
	assert_int_equal(ASK(t, "::1"), 2);
	asks_drop(t);
}

static void conditions_add_no_rank(void **state)
{
	struct table t = TABLE("a.example direct", "a.example ports 443 user bob reject",
	    ".example ports 25 reject", ".example direct", "default ports 25 reject");

	(void)state;
	assert_int_equal(ASK(t, "a.example", .user = "bob"), 1); /* file order */
	assert_int_equal(ASK(t, "b.example", .port = 25), 3);
	assert_int_equal(ASK(t, "b.example", .port = 26), 4);
	assert_int_equal(ASK(t, "c", .port = 26), NONE);
	asks_drop(t);
}

static void what_does_not_hold_gives_way_to_the_less_specific(void **state)
{
	struct table t = TABLE("10.1.2.3 ports 25 direct", "10.1.0.0/16 ports 26 direct",
	    "10.0.0.0/8 ports 27 direct", "ipv4 ports 28 direct", "default ports 29 direct");

	(void)state;
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(ASK(t, "10.1.2.3", .port = 25 + i), i + 1);
	assert_int_equal(ASK(t, "10.1.2.3", .port = 30), NONE);
	asks_drop(t);
}

static void order_first_is_file_order(void **state)
{
	static const char *const rows[] = {".example ports 25 reject", "default ports 80 direct",
	    "10.0.0.0/8 direct", "10.1.0.0/16 reject", ".example direct", "a.example reject",
	    "default reject", NULL};
	struct table t = asks_table(rows, ORDER_FIRST);

	(void)state;
	assert_int_equal(ASK(t, "10.1.2.3"), 3);
	assert_int_equal(ASK(t, "10.1.2.3", .port = 80), 2);
	assert_int_equal(ASK(t, "a.example", .port = 25), 1);
	assert_int_equal(ASK(t, "a.example", .port = 80), 2); /* no look-up: nothing comes before */
	assert_int_equal(ASK(t, "a.example"), NEED);
	assert_int_equal(ASK(t, "a.example", .resolves = "10.1.2.3"), 3);
	assert_int_equal(ASK(t, "a.example", .resolves = "11.1.2.3"), 5);
	assert_int_equal(ASK(t, "other", .resolves = ""), 7);
	asks_drop(t);
}

static void order_names_first_is_two_passes(void **state)
{
	static const char *const rows[] = {"10.0.0.0/8 reject", "ipv4 direct", ".example direct",
	    "a.example reject", "default ports 80 direct", NULL};
	struct table t = asks_table(rows, ORDER_NAMES_FIRST);

	(void)state;
	assert_int_equal(ASK(t, "a.example"), 3);
	assert_int_equal(ASK(t, "other", .port = 80), 5); /* before any address */
	assert_int_equal(ASK(t, "other"), NEED);
	assert_int_equal(ASK(t, "other", .resolves = "10.1.2.3"), 1);
	assert_int_equal(ASK(t, "other", .resolves = "11.1.2.3"), 2);
	assert_int_equal(ASK(t, "other", .resolves = "2001:db8::1"), NONE);
	assert_int_equal(ASK(t, "10.1.2.3", .port = 80), 1); /* a literal: file order */
	asks_drop(t);
}

/* --- conditions ------------------------------------------------------------------------------ */

#define MINUTE(day, hour, minute) ((day)*24 * 60 + (hour)*60 + (minute))

static const struct {
	const char *condition;
	struct ask ask;
	bool holds;
} conditions[] = {
    {"ports 25 465-587", {.port = 25}, true},
    {"ports 25 465-587", {.port = 465}, true},
    {"ports 25 465-587", {.port = 500}, true},
    {"ports 25 465-587", {.port = 587}, true},
    {"ports 25 465-587", {.port = 588}, false},
    {"ports 25 465-587", {.port = 26}, false},
    {"ports 0-65535", {.port = 65535}, true},
    {"not ports 25 465-587", {.port = 500}, false},
    {"not ports 25 465-587", {.port = 588}, true},
    {"user alice bob", {.user = "bob"}, true},
    {"user alice bob", {.user = "eve"}, false},
    {"user alice", {.user = "Alice"}, false},
    {"user alice", {.user = NULL}, false},
    {"user -", {.user = NULL}, true},
    {"user -", {.user = "-"}, false},
    {"user \"-\"", {.user = "-"}, true},
    {"user \"-\"", {.user = NULL}, false},
    {"user @staff", {.user = "alice", .auth = "staff"}, true},
    {"user @staff", {.user = "alice", .auth = "corp"}, false},
    {"user @staff", {.user = "@staff"}, false},
    {"user \"@staff\"", {.user = "@staff"}, true},
    {"user alice @staff", {.user = "bob", .auth = "staff"}, true},
    {"user - @staff", {.user = NULL}, true},
    {"not user @staff", {.user = "alice", .auth = "staff"}, false},
    {"not user @staff", {.user = NULL}, true},
    {"not user -", {.user = "alice"}, true},
    {"user @staff not user bob", {.user = "bob", .auth = "staff"}, false},
    {"user @staff not user bob", {.user = "eve", .auth = "staff"}, true},
    {"user \"direct\"", {.user = "direct"}, true},
    {"from 10.1.0.0/16", {.from = "10.1.2.3"}, true},
    {"from 10.1.0.0/16", {.from = "10.2.2.3"}, false},
    {"from 10.1.0.0/16 unix", {.from = "unix"}, true},
    {"from 10.1.0.0/16", {.from = "unix"}, false},
    {"from unix", {.from = "10.1.2.3"}, false},
    {"not from unix", {.from = "10.1.2.3"}, true},
    {"from 2001:db8::/32 192.0.2.1", {.from = "2001:db8::9"}, true},
    {"from ::/0", {.from = "10.1.2.3"}, false},
    {"from 10.0.0.0/8", {.from = "2002:a01:203::1"}, false}, /* a sender is who it is */
    {"listener main", {.listener = "main"}, true},
    {"listener main", {.listener = "guests"}, false},
    {"listener main guests", {.listener = "guests"}, true},
    {"command bind udp", {.command = COMMAND_UDP}, true},
    {"command bind udp", {.command = COMMAND_CONNECT}, false},
    {"command connect", {.command = COMMAND_CONNECT}, true},
    {"command http resolve", {.command = COMMAND_RESOLVE}, true},
    {"protocol socks4 http", {.protocol = PROTOCOL_HTTP}, true},
    {"protocol socks4 http", {.protocol = PROTOCOL_SOCKS5}, false},
    {"time mon-fri/08:00-18:00", {.minute = MINUTE(0, 8, 0)}, true},
    {"time mon-fri/08:00-18:00", {.minute = MINUTE(0, 7, 59)}, false},
    {"time mon-fri/08:00-18:00", {.minute = MINUTE(4, 17, 59)}, true},
    {"time mon-fri/08:00-18:00", {.minute = MINUTE(4, 18, 0)}, false},
    {"time mon-fri/08:00-18:00", {.minute = MINUTE(5, 12, 0)}, false},
    {"time sat,sun", {.minute = MINUTE(6, 23, 59)}, true},
    {"time sat,sun", {.minute = MINUTE(0, 0, 1)}, false},
    {"time sat-mon/10:00-24:00", {.minute = MINUTE(0, 23, 59)}, true},
    {"time sat-mon", {.minute = MINUTE(1, 0, 0)}, false},
    {"time mon,wed-thu,sat", {.minute = MINUTE(3, 1, 0)}, true},
    {"time mon,wed-thu,sat", {.minute = MINUTE(4, 1, 0)}, false},
    {"time fri/22:00-06:00", {.minute = MINUTE(4, 22, 0)}, true},
    {"time fri/22:00-06:00", {.minute = MINUTE(5, 5, 59)}, true},
    {"time fri/22:00-06:00", {.minute = MINUTE(5, 6, 0)}, false},
    {"time fri/22:00-06:00", {.minute = MINUTE(4, 5, 0)}, false},
    {"time sun/22:00-06:00", {.minute = MINUTE(0, 5, 0)}, true}, /* over the end of the week */
    {"time mon/08:00-12:00 mon/14:00-18:00", {.minute = MINUTE(0, 15, 0)}, true},
    {"time mon/08:00-12:00 mon/14:00-18:00", {.minute = MINUTE(0, 13, 0)}, false},
    {"not time mon-fri", {.minute = MINUTE(5, 1, 0)}, true},
    {"ports 25 user alice", {.port = 25, .user = "alice"}, true}, /* both */
    {"ports 25 user alice", {.port = 25, .user = "bob"}, false},
    {"ports 25 user alice", {.port = 26, .user = "alice"}, false},
    {"user alice @staff from 10.1.0.0/16 listener main",
        {.user = "x", .auth = "staff", .from = "10.1.9.9", .listener = "main"}, true},
    {"user alice @staff from 10.1.0.0/16 listener main",
        {.user = "x", .auth = "staff", .from = "10.2.9.9", .listener = "main"}, false},
};

static void conditions_hold_as_promised(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(conditions); i++) {
		char row[256];
		struct ask ask = conditions[i].ask;

		snprintf(row, sizeof(row), "default %s direct", conditions[i].condition);
		struct table t = TABLE(row);

		ask.host = "name.example";
		if ((asks_row(t, ask) == 1) != conditions[i].holds)
			fail_msg("%zu: %s", i, row);
		asks_drop(t);
	}
}

static void a_route_says_what_to_do(void **state)
{
	struct table t = TABLE("a via office dmz", "b reject \"no mail\"", "c direct", "d via wan2",
	    "10.0.0.0/8 direct", "ipv6 direct", "default reject");
	static const struct {
		const char *host;
		enum next next;
		enum destination destination;
		size_t hops;
		const char *text;
	} rows[] = {
	    {"a", NEXT_VIA, DESTINATION_NAME, 2, NULL},
	    {"b", NEXT_REJECT, DESTINATION_NAME, 0, "no mail"},
	    {"c", NEXT_DIRECT, DESTINATION_NAME, 0, NULL},
	    {"d", NEXT_VIA, DESTINATION_NAME, 1, NULL},
	    {"10.1.2.3", NEXT_DIRECT, DESTINATION_ADDRESS, 0, NULL},
	    {"2001:db8::1", NEXT_DIRECT, DESTINATION_FAMILY, 0, NULL},
	    {"11.1.2.3", NEXT_REJECT, DESTINATION_ANY, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct host host;
		struct query query = {.host = &host, .port = 80};
		struct route route;

		assert_null(host_parse(&host, rows[i].host, strlen(rows[i].host)));
		assert_int_equal(routes_find(t.routes, &query, &route, NULL, NULL), ROUTES_FOUND);
		assert_string_equal(route.place.file, "test");
		assert_int_equal(route.place.line, i + 1);
		assert_int_equal(route.next, rows[i].next);
		assert_int_equal(route.destination, rows[i].destination);
		assert_int_equal(route.hop_count, rows[i].hops);
		if (rows[i].text)
			assert_string_equal(route.text, rows[i].text);
		else
			assert_null(route.text);
	}
	asks_drop(t);
}

/* --- big tables ------------------------------------------------------------------------------ */

/* `rows` names of three labels and as many prefixes, all different. */
static struct table big_table(unsigned rows)
{
	struct table table = {.hops = rows_hops()};
	char row[128];
	size_t bad;

	table.routes = routes_new("big", table.hops);
	for (unsigned i = 0; i < rows; i++) {
		unsigned odd = i * 2654435761U;

		snprintf(row, sizeof(row), ".n%u.d%u.example direct", i, odd % 64);
		assert_null(rows_add(table.routes, row, i + 1, &bad));
		snprintf(row, sizeof(row), "%u.%u.%u.%u direct", odd >> 24, odd >> 16 & 255,
		    odd >> 8 & 255, odd & 255);
		assert_null(rows_add(table.routes, row, i + 1, &bad));
		snprintf(row, sizeof(row), "2001:%x:%x::/48 via office", odd >> 16, odd & 65535);
		assert_null(rows_add(table.routes, row, i + 1, &bad));
	}
	assert_int_equal(routes_finish(table.routes), 0);
	return table;
}

static size_t visited(struct table table, const char *text)
{
	struct host host;
	struct query query = {.host = &host, .port = 80};

	assert_null(host_parse(&host, text, strlen(text)));
	return routes_visited(table.routes, &query);
}

static void a_look_up_reads_no_more_of_a_big_table(void **state)
{
	static const unsigned sizes[] = {10, 1000, 100000};
	char text[64];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct table t = big_table(sizes[i]);

		assert_int_equal(visited(t, "example"), 1); /* a label, an entry */
		assert_int_equal(visited(t, "nowhere.example"), 2);
		assert_int_equal(
		    visited(t, "a.b.c.d.e.f.g.n1.d1.example"), 3); /* no row has more */
		for (unsigned j = 0; j < 2000; j++) {
			unsigned odd = j * 2246822519U;

			snprintf(text, sizeof(text), "%u.%u.%u.%u", odd >> 24, odd >> 16 & 255,
			    odd >> 8 & 255, odd & 255);
			assert_in_range(visited(t, text), 1, 33);
			snprintf(text, sizeof(text), "2001:%x:%x::1", odd >> 16, odd & 65535);
			assert_in_range(visited(t, text), 1, 49);
		}
		asks_drop(t);
	}
}

static void rows_of_one_destination_are_all_kept(void **state)
{
	struct hops *hops = rows_hops();
	struct table t = {.hops = hops, .routes = routes_new("many", hops)};
	char row[64];
	size_t bad;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(
		    row, sizeof(row), "%s ports %u direct", i % 2 ? "10.0.0.0/8" : ".example", i);
		assert_null(rows_add(t.routes, row, i + 1, &bad));
	}
	assert_int_equal(routes_finish(t.routes), 0);
	assert_int_equal(routes_count(t.routes), 5000);
	assert_int_equal(ASK(t, "10.1.1.1", .port = 4999), 5000);
	assert_int_equal(ASK(t, "10.1.1.1", .port = 4998), NONE);
	assert_int_equal(ASK(t, "a.example", .port = 4998, .resolves = ""), 4999);
	assert_int_equal(ASK(t, "a.example", .port = 2, .resolves = ""), 3);
	asks_drop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_is_that_name_only),
	    cmocka_unit_test(dots_say_what_is_below),
	    cmocka_unit_test(addresses_and_families),
	    cmocka_unit_test(the_more_specific_wins),
	    cmocka_unit_test(embedded_ipv4_matches_as_ipv4_too),
	    cmocka_unit_test(conditions_add_no_rank),
	    cmocka_unit_test(what_does_not_hold_gives_way_to_the_less_specific),
	    cmocka_unit_test(order_first_is_file_order),
	    cmocka_unit_test(order_names_first_is_two_passes),
	    cmocka_unit_test(conditions_hold_as_promised),
	    cmocka_unit_test(a_route_says_what_to_do),
	    cmocka_unit_test(a_look_up_reads_no_more_of_a_big_table),
	    cmocka_unit_test(rows_of_one_destination_are_all_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
