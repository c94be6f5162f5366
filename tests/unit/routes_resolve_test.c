/* SPDX-License-Identifier: ISC */
/* Look-ups for routing: when they are made, and what all addresses of a name lead to together. */
#include "config.h"

#include "tests/unit/asks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- when ------------------------------------------------------------------------------------ */

static void a_name_row_needs_no_address(void **state)
{
	struct table t = TABLE("10.0.0.0/8 reject", ".example direct", "default direct");

	(void)state;
	assert_int_equal(ASK(t, "a.example"), 2);
	assert_int_equal(ASK(t, "a.example", .resolves = "10.1.2.3"), 2); /* nor minds one */
	assert_int_equal(ASK(t, "other"), NEED);
	asks_drop(t);
}

static void no_row_of_addresses_no_look_up(void **state)
{
	struct table t = TABLE(".example direct", "default direct");

	(void)state;
	assert_int_equal(ASK(t, "other"), 2);
	assert_int_equal(ASK(t, "other", .resolves = "10.1.2.3"), 2);
	asks_drop(t);
}

static void a_look_up_is_made_if_a_row_could_hold(void **state)
{
	struct table t = TABLE("10.0.0.0/8 ports 25 reject", "ipv6 user alice reject",
	    "192.0.2.0/24 no-resolve reject", "default direct");

	(void)state;
	assert_int_equal(ASK(t, "other"), 4);
	assert_int_equal(ASK(t, "other", .port = 25), NEED);
	assert_int_equal(ASK(t, "other", .user = "alice"), NEED);
	assert_int_equal(ASK(t, "other", .user = "bob"), 4);
	asks_drop(t);
}

static void no_resolve_rows_are_for_literals(void **state)
{
	struct table t =
	    TABLE("10.0.0.0/8 no-resolve reject", "11.0.0.0/8 reject", "default direct");
	struct table u = TABLE("ipv4 no-resolve reject", "default direct");

	(void)state;
	assert_int_equal(ASK(t, "10.1.2.3"), 1);
	assert_int_equal(ASK(t, "other"), NEED);
	assert_int_equal(ASK(t, "other", .resolves = "10.1.2.3"), 3);
	assert_int_equal(ASK(u, "other"), 2);
	assert_int_equal(ASK(u, "1.2.3.4"), 1);
	asks_drop(t);
	asks_drop(u);
}

static void onion_is_never_looked_up(void **state)
{
	struct table t = TABLE("10.0.0.0/8 reject", "default direct", "*.onion via office");

	(void)state;
	assert_int_equal(ASK(t, "abc.onion"), 3);
	asks_drop(t);
	t = TABLE("10.0.0.0/8 reject", "default direct");
	assert_int_equal(ASK(t, "abc.onion"), 2);
	assert_int_equal(ASK(t, "a.b.ONION."), 2);
	assert_int_equal(ASK(t, "onion"), NEED);
	assert_int_equal(ASK(t, "myonion"), NEED);
	asks_drop(t);
}

static void resolving_can_be_switched_off(void **state)
{
	struct table t = TABLE("10.0.0.0/8 reject", "default direct");

	(void)state;
	routes_set_resolve(t.routes, false);
	assert_int_equal(ASK(t, "other"), 2);
	assert_int_equal(ASK(t, "other", .resolves = "10.1.2.3"), 2);
	assert_int_equal(ASK(t, "10.1.2.3"), 1);
	asks_drop(t);
}

/* --- what ------------------------------------------------------------------------------------ */

static const struct {
	const char *rows[6];
	const char *resolves;
	int row;
	unsigned allowed; /* bit i: address i */
} choices[] = {
    /* No answer: no row of addresses matches. */
    {{"ipv4 reject", "ipv6 reject", "default direct"}, "", 3, 0},
    {{"ipv4 direct"}, "", NONE, 0},
    /* Direct: the rejected fall away, all others of the row may be dialled. */
    {{"10.0.0.0/8 reject", "default direct"}, "192.0.2.1 10.1.1.1 192.0.2.2", 2, 5},
    {{"10.0.0.0/8 reject", "default direct"}, "10.1.1.1 10.1.1.2", 1, 3},
    {{"10.0.0.0/8 direct"}, "10.1.1.1 11.1.1.1", 1, 1}, /* no row rejects */
    {{"10.0.0.0/8 direct"}, "11.1.1.1 10.1.1.1", 1, 2},
    {{"10.0.0.0/8 direct"}, "11.1.1.1", NONE, 0},
    /* The most specific of what remains, and only its own addresses. */
    {{"10.0.0.0/8 direct", "10.1.0.0/16 direct", "default direct"}, "11.1.1.1 10.2.1.1 10.1.1.1", 2,
        4},
    {{"10.0.0.0/8 direct", "10.1.0.0/16 reject", "default direct"}, "11.1.1.1 10.2.1.1 10.1.1.1", 1,
        2},
    {{"ipv6 direct", "default direct"}, "11.1.1.1 2001:db8::1", 1, 2},
    /* Equally specific: the resolver's order. */
    {{"10.1.0.0/16 direct", "10.2.0.0/16 direct"}, "10.2.1.1 10.1.1.1", 2, 1},
    {{"10.1.0.0/16 direct", "10.2.0.0/16 direct"}, "10.1.1.1 10.2.1.1 10.1.9.9", 1, 5},
    {{"ipv4 direct", "ipv6 direct"}, "2001:db8::1 10.1.1.1", 2, 1},
    /* A hop that gets the name could choose any address: one rejected rejects all. */
    {{"10.0.0.0/8 reject", "default via office"}, "192.0.2.1 10.1.1.1", 1, 2},
    {{"10.0.0.0/8 reject", "default via office"}, "192.0.2.1 192.0.2.2", 2, 3},
    {{"10.0.0.0/8 reject", "10.1.0.0/16 via office"}, "10.2.1.1 10.1.1.1", 1, 1},
    {{"10.1.0.0/16 via office"}, "10.1.1.1 11.1.1.1", NONE, 0},
    {{"10.0.0.0/8 reject", "11.0.0.0/24 reject", "default via office"},
        "192.0.2.1 10.1.1.1 11.0.0.1", 2, 4}, /* the most specific that rejects */
    {{"10.0.0.0/8 reject", "192.0.2.0/24 direct", "default via office"},
        "192.0.2.1 198.51.100.1 10.1.1.1", 2, 1}, /* the winner is direct */
    {{"10.0.0.0/8 direct", "default via office"}, "10.1.1.1 11.1.1.1", 1, 1},
    /* Hops that get addresses, and ways out, are as direct. */
    {{"10.0.0.0/8 reject", "default via local"}, "192.0.2.1 10.1.1.1", 2, 1},
    {{"10.0.0.0/8 reject", "default via old"}, "192.0.2.1 10.1.1.1", 2, 1},
    {{"10.0.0.0/8 reject", "default via wan2"}, "192.0.2.1 10.1.1.1", 2, 1},
    {{"10.0.0.0/8 reject", "default via wan2 office"}, "192.0.2.1 10.1.1.1", 1, 2},
    {{"10.0.0.0/8 reject", "default via office old"}, "192.0.2.1 10.1.1.1", 2, 1},
    /* An address of another spelling is what it is. */
    {{"10.0.0.0/8 reject", "default direct"}, "64:ff9b::10.1.1.1 192.0.2.1", 2, 2},
};

static void addresses_are_weighed_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(choices); i++) {
		struct table t = asks_table(choices[i].rows, ORDER_SPECIFIC);
		struct ask ask = {.host = "name.example", .resolves = choices[i].resolves};
		unsigned allowed;
		int row = asks_answer(t, ask, &allowed);

		if (row != choices[i].row || (row != NONE && allowed != choices[i].allowed))
			fail_msg("%zu, %s: row %d, allowed %#x", i, ask.resolves, row, allowed);
		asks_drop(t);
	}
}

static void all_are_allowed_where_addresses_do_not_count(void **state)
{
	struct table t = TABLE("10.0.0.0/8 reject", ".example direct");
	struct ask ask = {.host = "a.example", .resolves = "10.1.1.1 192.0.2.1"};
	unsigned allowed;

	(void)state;
	assert_int_equal(asks_answer(t, ask, &allowed), 2);
	assert_int_equal(allowed, 3);
	asks_drop(t);
}

static void localhost_goes_to_a_hop_only_by_name(void **state)
{
	struct table t = TABLE("default via office", "127.0.0.0/8 via dmz", "ipv6 direct");
	struct table u = TABLE("default via office", ".localhost via dmz");

	(void)state;
	assert_int_equal(ASK(t, "localhost", .resolves = "127.0.0.1 ::1"), 3);
	assert_int_equal(ASK(t, "a.localhost", .resolves = "127.0.0.1"), NONE);
	assert_int_equal(ASK(t, "mylocalhost", .resolves = "127.0.0.1"), 2);
	assert_int_equal(ASK(t, "127.0.0.1"), 2);
	assert_int_equal(ASK(u, "localhost"), 2);
	assert_int_equal(ASK(u, "a.localhost"), 2);
	asks_drop(t);
	asks_drop(u);
	t = TABLE("default via wan2");
	assert_int_equal(ASK(t, "localhost"), 1);
	asks_drop(t);
}

static void lint_knows_which_tables_ask_for_proxied_names(void **state)
{
	static const struct {
		const char *rows[4];
		enum routes_order order;
		bool may;
	} tables[] = {
	    {{"10.0.0.0/8 direct", "default via office"}, ORDER_SPECIFIC, true},
	    {{"10.0.0.0/8 via office"}, ORDER_SPECIFIC, true},
	    {{"10.0.0.0/8 no-resolve direct", "default via office"}, ORDER_SPECIFIC, false},
	    {{"10.0.0.0/8 direct", "192.0.2.0/24 no-resolve via office"}, ORDER_SPECIFIC, false},
	    {{"10.0.0.0/8 direct", "default via old"}, ORDER_SPECIFIC, false},
	    {{"10.0.0.0/8 direct", "default via wan2"}, ORDER_SPECIFIC, false},
	    {{"10.0.0.0/8 direct", ".example via office"}, ORDER_SPECIFIC, false},
	    {{".example direct", "default via office"}, ORDER_SPECIFIC, false},
	    {{"10.0.0.0/8 direct", ".example via office"}, ORDER_FIRST, true},
	    {{".example via office", "10.0.0.0/8 direct"}, ORDER_FIRST, false},
	    {{"default via office", "10.0.0.0/8 direct"}, ORDER_FIRST, false},
	    {{"default via office", "10.0.0.0/8 direct"}, ORDER_NAMES_FIRST, false},
	    {{"10.0.0.0/8 via office"}, ORDER_NAMES_FIRST, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(tables); i++) {
		struct table t = asks_table(tables[i].rows, tables[i].order);

		if (routes_may_resolve(t.routes) != tables[i].may)
			fail_msg("table %zu", i);
		routes_set_resolve(t.routes, false);
		assert_false(routes_may_resolve(t.routes));
		asks_drop(t);
	}
}

static void lint_knows_which_rows_never_decide(void **state)
{
	static const struct {
		const char *rows[5];
		enum routes_order order;
		unsigned row, by; /* the first; 0: none */
	} tables[] = {
	    {{".a direct", ".a ports 25 reject", "default direct"}, ORDER_SPECIFIC, 2, 1},
	    {{".a ports 25 direct", ".a reject", "default direct"}, ORDER_SPECIFIC, 0, 0},
	    {{".a direct", "*.a direct", "a direct"}, ORDER_SPECIFIC, 0, 0},
	    {{"*.a direct", ".a direct", "*.a reject"}, ORDER_SPECIFIC, 3, 1},
	    {{"10.0.0.0/8 direct", "10.0.0.0/9 direct", "10.0.0.0/8 reject"}, ORDER_SPECIFIC, 3, 1},
	    {{"default direct", ".a direct"}, ORDER_SPECIFIC, 0, 0},
	    {{"default direct", ".a direct"}, ORDER_FIRST, 2, 1},
	    {{"default direct"}, ORDER_FIRST, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(tables); i++) {
		struct table t = asks_table(tables[i].rows, tables[i].order);
		struct place row = {NULL, 0}, by = {NULL, 0};
		size_t index = 0;

		if (routes_shadowed(t.routes, &index, &row, &by) != (tables[i].row > 0))
			fail_msg("table %zu", i);
		assert_int_equal(row.line, tables[i].row);
		assert_int_equal(by.line, tables[i].by);
		asks_drop(t);
	}
}

/* --- why ------------------------------------------------------------------------------------- */

static void write_candidate(void *arg, const char *row, struct place place,
    const struct in6_addr *address, const char *lost)
{
	char *out = arg, text[ADDRESS_TEXT];
	size_t end = strlen(out);

	snprintf(out + end, 1024 - end, "%u %s%s%s: %s\n", place.line, row, address ? " for " : "",
	    address ? address_format(address, text) : "", lost ? lost : "won");
}

static const char *trace(struct table t, const char *name, const char *resolves)
{
	static char out[1024];
	struct in6_addr addresses[4], from;
	struct host host;
	struct query query = {.host = &host,
	    .port = 80,
	    .user = "alice",
	    .belongs = belongs,
	    .member = "guests",
	    .from = &from,
	    .listener = "main",
	    .minute = 33 * 60 + 30,
	    .resolved = resolves != NULL,
	    .addresses = addresses};
	struct routes_trace tracer = {.candidate = write_candidate, .arg = out};
	struct route route;

	out[0] = '\0';
	assert_null(host_parse(&host, name, strlen(name)));
	rows_addresses("192.0.2.9", &from, 1);
	if (resolves)
		query.address_count = rows_addresses(resolves, addresses, 4);
	routes_find(t.routes, &query, &route, NULL, &tracer);
	return out;
}

static void every_candidate_says_why_it_lost(void **state)
{
	struct table t = TABLE("a.example user @staff direct", "a.example ports 25 465-587 reject",
	    ".example not listener main direct", ".example from 10.0.0.0/8 unix direct",
	    ".example time mon-fri/10:00-18:00 direct", "*.example command bind direct",
	    "a.example not user alice protocol http direct", ".example via office",
	    ".example via dmz", "default reject", "other.example direct");

	(void)state;
	assert_string_equal(trace(t, "a.example", NULL),
	    "1 a.example user @staff direct: user alice is not @staff\n"
	    "2 a.example ports 25 465-587 reject: port 80 not in 25 465-587\n"
	    "7 a.example not user alice protocol http direct: user alice is alice\n"
	    "6 *.example command bind direct: command connect is not bind\n"
	    "3 .example not listener main direct: listener main is main\n"
	    "4 .example from 10.0.0.0/8 unix direct: from 192.0.2.9 not in 10.0.0.0/8 unix\n"
	    "5 .example time mon-fri/10:00-18:00 direct: time tue 09:30 not in "
	    "mon-fri/10:00-18:00\n"
	    "8 .example via office: won\n"
	    "9 .example via dmz: after the winner\n"
	    "10 default reject: less specific\n");
	asks_drop(t);
}

static void addresses_are_traced_one_by_one(void **state)
{
	struct table t = TABLE(
	    "10.0.0.0/8 reject", "ipv6 no-resolve direct", "192.0.2.0/24 direct", "default direct");
	struct table u = TABLE("10.0.0.0/8 reject", "192.0.2.0/24 via office", "default direct");

	(void)state;
	assert_string_equal(trace(t, "name", NULL), ""); /* it will be asked again */
	assert_string_equal(trace(t, "name", "10.1.1.1 192.0.2.1 192.0.2.2 2001:db8::1"),
	    "3 192.0.2.0/24 direct for 192.0.2.1: won\n"
	    "3 192.0.2.0/24 direct for 192.0.2.2: won\n"
	    "1 10.0.0.0/8 reject for 10.1.1.1: less specific\n"
	    "2 ipv6 no-resolve direct for 2001:db8::1: no-resolve: for literal addresses only\n"
	    "4 default direct: less specific\n");
	assert_string_equal(trace(t, "10.1.1.1", NULL),
	    "1 10.0.0.0/8 reject: won\n4 default direct: less specific\n");
	assert_string_equal(trace(u, "name", "10.1.1.1 192.0.2.1"),
	    "2 192.0.2.0/24 via office for 192.0.2.1: another of the addresses is rejected\n"
	    "1 10.0.0.0/8 reject for 10.1.1.1: won\n"
	    "3 default direct: less specific\n");
	assert_string_equal(trace(u, "localhost", "127.0.0.1"), "3 default direct: won\n");
	asks_drop(t);
	asks_drop(u);
	t = TABLE("10.0.0.0/8 reject", "ipv4 direct", "default via office");
	assert_string_equal(trace(t, "localhost", "10.1.1.1 127.0.0.1"),
	    "1 10.0.0.0/8 reject for 10.1.1.1: rejects this address only\n"
	    "2 ipv4 direct for 10.1.1.1: less specific\n"
	    "2 ipv4 direct for 127.0.0.1: won\n"
	    "3 default via office: localhost goes to a hop only by a row that names it\n");
	asks_drop(t);
	t = TABLE("10.0.0.0/8 via office");
	assert_string_equal(trace(t, "name", "10.1.1.1 11.1.1.1"),
	    "1 10.0.0.0/8 via office for 10.1.1.1: another of the addresses has no row\n");
	asks_drop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_row_needs_no_address),
	    cmocka_unit_test(no_row_of_addresses_no_look_up),
	    cmocka_unit_test(a_look_up_is_made_if_a_row_could_hold),
	    cmocka_unit_test(no_resolve_rows_are_for_literals),
	    cmocka_unit_test(onion_is_never_looked_up),
	    cmocka_unit_test(resolving_can_be_switched_off),
	    cmocka_unit_test(addresses_are_weighed_together),
	    cmocka_unit_test(all_are_allowed_where_addresses_do_not_count),
	    cmocka_unit_test(localhost_goes_to_a_hop_only_by_name),
	    cmocka_unit_test(lint_knows_which_tables_ask_for_proxied_names),
	    cmocka_unit_test(lint_knows_which_rows_never_decide),
	    cmocka_unit_test(every_candidate_says_why_it_lost),
	    cmocka_unit_test(addresses_are_traced_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
