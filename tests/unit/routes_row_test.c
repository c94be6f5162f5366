/* SPDX-License-Identifier: ISC */
/* Rows: written back as they were read, and what is wrong with the others. */
#include "config.h"

#include "tests/unit/asks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void rows_are_written_as_they_can_be_read(void **state)
{
	static const struct {
		const char *row, *text;
	} rows[] = {
	    {"10.0.0.0/8 direct", NULL},
	    {"192.0.2.1/32 direct", "192.0.2.1 direct"},
	    {"[2001:DB8::]/32 direct", "2001:db8::/32 direct"},
	    {".Corp.Example. via office dmz", ".corp.example via office dmz"},
	    {"*.onion via socks5://u:secret@127.0.0.1:9050",
	        "*.onion via socks5://u@127.0.0.1:9050"},
	    {"203.0.113.0/24 ports 25 465-587 reject \"no mail from here\"", NULL},
	    {".x user alice @staff from 10.1.0.0/16 listener main via wan2", NULL},
	    {"ipv6 no-resolve not ports 80 time mon-fri/08:00-18:00 direct", NULL},
	    {"\"default\" user \"direct\" reject", NULL},
	    {"\"example\" reject \"say \\\\ \\\"it\\x41\"", "example reject \"say \\\\ \\\"itA\""},
	    {"default reject", NULL},
	    {".x listener \"a\\x01b\" \"\\\"\" user \"#\" # direct",
	        ".x listener \"a\\x01b\" \"\\\"\" user \"#\" \"#\" direct"},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct table t = TABLE(rows[i].row);

		assert_int_equal(routes_count(t.routes), 1);
		assert_true(routes_row_text(t.routes, 0, out, sizeof(out)));
		assert_string_equal(out, rows[i].text ? rows[i].text : rows[i].row);
		assert_false(routes_row_text(t.routes, 1, out, sizeof(out)));
		asks_drop(t);
	}
}

static const struct {
	const char *row;
	size_t bad;
	const char *error;
} faults[] = {
    {"", 0, "expected a name"},
    {"example", 1, "expected direct, via HOPS or reject"},
    {"ports 25 direct", 0, "first; a name like this is quoted"},
    {"* direct", 0, "every destination is written `default`"},
    {"any direct", 0, "every destination is written `default`"},
    {"*example direct", 0, "`*` stands only in front"},
    {"*. direct", 0, "empty"},
    {". direct", 0, "empty"},
    {".10.0.0.1 direct", 0, "after the dot"},
    {"a.*.b direct", 0, "`*` stands only in front"},
    {"example:443 direct", 0, "a port is a condition"},
    {"10.0.0.1/8 direct", 0, "did you mean '10.0.0.0/8'"},
    {"10.0.0.0/33 direct", 0, "0 to 32"},
    {"b\xc3\xbc.example direct", 0, "write the xn-- form"},
    {"0x7f.1 direct", 0, "four decimal numbers"},
    {"example dirct", 1, "did you mean 'direct'?"},
    {"example port 25 direct", 1, "did you mean 'ports'?"},
    {"example ports direct", 2, "expected a value after `ports`"},
    {"example ports http direct", 2, "expected a port or a range"},
    {"example ports 65536 direct", 2, "expected a port or a range"},
    {"example ports 25- direct", 2, "expected a port or a range"},
    {"example ports 25x direct", 2, "expected a port or a range"},
    {"example ports 26-25 direct", 2, "backwards"},
    {"example ports 25 rejct", 3, "did you mean 'reject'?"},
    {"example command conect direct", 2, "did you mean 'connect'?"},
    {"example protocol socks6 direct", 2, "did you mean"},
    {"example protocol tcp direct", 2, "expected socks4, socks5 or http"},
    {"example from nowhere direct", 2, "expected an address or a prefix"},
    {"example from unx direct", 2, "did you mean 'unix'?"},
    {"example time 08:00-18:00 direct", 2, "expected days"},
    {"example time mon- direct", 2, "expected days"},
    {"example time mon,,tue direct", 2, "expected days"},
    {"example time monday direct", 2, "expected days"},
    {"example time mon/8:00-18:00 direct", 2, "expected times"},
    {"example time mon/08:00-24:01 direct", 2, "expected times"},
    {"example time mon/08:60-18:00 direct", 2, "expected times"},
    {"example time mon/08:00-08:00 direct", 2, "ends when it starts"},
    {"example user \"\" direct", 2, "expected a name"},
    {"example user @ direct", 2, "expected a name"},
    {"example not direct", 2, "expected a condition after `not`"},
    {"example not not ports 25 direct", 2, "expected a condition after `not`"},
    {"ipv4 not no-resolve direct", 2, "expected a condition after `not`"},
    {"ipv4 no-resolve no-resolve direct", 2, "twice"},
    {"example no-resolve direct", 1, "for rows of addresses"},
    {"default ports 25 no-resolve direct", 3, "for rows of addresses"},
    {"example ports 25", 3, "expected direct, via HOPS or reject"},
    {"example direct now", 2, "expected the end of the row"},
    {"example direct ports 25", 2, "conditions stand before"},
    {"example via", 2, "expected hops"},
    {"example via ofice", 2, "did you mean 'office'?"},
    {"example via office ports 25", 3, "conditions stand before `via`"},
    {"example via office wan2", 3, "only stand first"},
    {"example via direct", 2, "conditions stand before `via`"},
    {"example via https://h", 2, "not in this version (TLS to hops)"},
    {"example via dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz dmz", 18,
        "more than 16 hops"},
    {"example reject nope", 2, "in quotes"},
    {"example reject \"no\" more", 3, "expected the end of the row"},
    {"example reject \"a\nb\"", 2, "control bytes"},
};

static void texts_for_clients_are_bounded(void **state)
{
	struct hops *hops = rows_hops();
	struct routes *routes = routes_new("test", hops);
	char row[512];
	size_t bad;

	(void)state;
	for (int length = 255; length <= 256; length++) {
		snprintf(row, sizeof(row), "example reject \"%0*d\"", length, 0);
		assert_int_equal(rows_add(routes, row, 1, &bad) == NULL, length == 255);
	}
	routes_free(routes);
	hops_free(hops);
}

static void faults_say_what_and_where(void **state)
{
	struct hops *hops = rows_hops();
	struct routes *routes = routes_new("test", hops);

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		size_t bad = 99;
		const char *error = rows_add(routes, faults[i].row, 1, &bad);

		if (!error || !strstr(error, faults[i].error) || bad != faults[i].bad)
			fail_msg("%s: word %zu: %s", faults[i].row, bad, error ? error : "taken");
	}
	assert_int_equal(routes_count(routes), 0);
	assert_string_equal(routes_name(routes), "test");
	routes_free(routes);
	routes_free(NULL);
	hops_free(hops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_written_as_they_can_be_read),
	    cmocka_unit_test(texts_for_clients_are_bounded),
	    cmocka_unit_test(faults_say_what_and_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
