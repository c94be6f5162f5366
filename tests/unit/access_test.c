/* SPDX-License-Identifier: ISC */
/* The access list: the first row that holds, by name first and by address later. */
#include "config.h"

#include "tests/unit/asks.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *add(struct access *access, const char *row, unsigned line, size_t *bad)
{
	struct word words[ROWS_WORDS];
	bool pass = strncmp(row, "pass ", 5) == 0;
	char copy[512];

	snprintf(copy, sizeof(copy), "%s", strchr(row, ' ') + 1);
	return access_add(
	    access, pass, words, rows_split(copy, words), (struct place){"test", line}, bad);
}

static struct access *list_of(const char *const *rows)
{
	struct access *access = access_new();
	size_t bad;

	for (unsigned i = 0; rows[i]; i++) {
		const char *error = add(access, rows[i], i + 1, &bad);

		if (error)
			fail_msg("%s: word %zu: %s", rows[i], bad, error);
	}
	return access;
}

#define LIST(...) list_of((const char *const[]){__VA_ARGS__, NULL})

static struct access_verdict judge(
    const struct access *access, const char *name, uint16_t port, const char *text)
{
	static const struct in6_addr from;
	struct access_verdict verdict;
	struct in6_addr address;
	struct host host;
	struct query query = {.host = &host,
	    .port = port,
	    .user = "alice",
	    .belongs = belongs,
	    .member = "staff",
	    .from = &from};

	assert_null(host_parse(&host, name, strlen(name)));
	if (text)
		assert_true(address_parse(&address, text, strlen(text)));
	access_judge(access, &query, text ? &address : NULL, &verdict);
	return verdict;
}

static void no_list_passes_and_an_empty_one_blocks(void **state)
{
	struct access *empty = access_new();
	struct access_verdict verdict = judge(NULL, "example", 80, NULL);

	(void)state;
	assert_true(verdict.pass);
	assert_false(verdict.opens_door);
	verdict = judge(empty, "example", 80, NULL);
	assert_false(verdict.pass);
	assert_int_equal(verdict.place.line, 0);
	assert_string_equal(verdict.row, "");
	assert_false(verdict.depends);
	access_free(empty);
	access_free(NULL);
}

static void the_first_row_that_holds_decides(void **state)
{
	struct access *access =
	    LIST("block any ports 25 465-587", "block 10.0.0.0/8 not user @staff",
	        "pass 10.1.0.0/16 user @staff", "block ipv4 user alice", "pass ipv6",
	        "block .example", "pass a.example", "pass any command connect");
	struct access_verdict verdict = judge(access, "10.1.2.3", 80, NULL);

	(void)state;
	assert_true(verdict.pass);
	assert_int_equal(verdict.place.line, 3);
	assert_string_equal(verdict.place.file, "test");
	assert_string_equal(verdict.row, "pass 10.1.0.0/16 user @staff");
	assert_int_equal(judge(access, "10.1.2.3", 500, NULL).place.line, 1);
	assert_int_equal(judge(access, "10.2.2.3", 80, NULL).place.line, 4);
	assert_int_equal(judge(access, "2001:db8::1", 80, NULL).place.line, 5);
	assert_int_equal(judge(access, "64:ff9b::10.1.2.3", 80, NULL).place.line, 3);
	assert_int_equal(judge(access, "a.example", 80, NULL).place.line, 6);
	assert_int_equal(judge(access, "other", 80, NULL).place.line, 8);
	access_free(access);
}

static void doors_are_opened_by_addresses_only(void **state)
{
	struct access *access = LIST("pass localhost", "pass 127.0.0.0/8", "block 169.254.0.0/16",
	    "pass ipv4", "pass ipv6 ports 80", "pass any");

	(void)state;
	assert_true(judge(access, "127.0.0.1", 80, NULL).opens_door);
	assert_true(judge(access, "::ffff:127.0.0.1", 80, NULL).opens_door);
	assert_true(judge(access, "64:ff9b::127.0.0.1", 80, NULL).opens_door);
	assert_false(judge(access, "169.254.0.1", 80, NULL).opens_door);
	assert_false(judge(access, "0.0.0.0", 80, NULL).opens_door); /* ipv4 */
	assert_false(judge(access, "::1", 80, NULL).opens_door);     /* ipv6 */
	assert_false(judge(access, "::1", 81, NULL).opens_door);     /* any */
	assert_false(judge(access, "localhost", 80, NULL).opens_door);
	assert_false(judge(access, "localhost", 80, "127.0.0.1").opens_door); /* by the name */
	assert_true(judge(access, "other", 80, "127.0.0.1").opens_door);
	access_free(access);
}

static void a_name_is_judged_by_name_then_by_address(void **state)
{
	struct access *access = LIST("block 10.0.0.0/8", "pass .example", "block ipv6", "pass any");

	(void)state;
	assert_int_equal(judge(access, "a.example", 80, NULL).place.line, 2);
	assert_int_equal(judge(access, "a.example", 80, "10.1.2.3").place.line, 1);
	assert_int_equal(judge(access, "a.example", 80, "11.1.2.3").place.line, 2);
	assert_int_equal(judge(access, "other", 80, NULL).place.line, 4);
	assert_int_equal(judge(access, "other", 80, "2001:db8::1").place.line, 3);
	access_free(access);
}

static void a_block_may_depend_on_the_address(void **state)
{
	static const struct {
		const char *rows[4], *host;
		bool pass, depends;
	} lists[] = {
	    {{"pass 10.0.0.0/8", "block any"}, "name", false, true},
	    {{"pass 10.0.0.0/8"}, "name", false, true}, /* the end of the block */
	    {{"pass ipv6", "block .example"}, "a.example", false, true},
	    {{"block any", "pass 10.0.0.0/8"}, "name", false, false},
	    {{"pass 10.0.0.0/8 user bob", "block any"}, "name", false, false},
	    {{"pass 10.0.0.0/8 ports 25", "block any"}, "name", false, false},
	    {{"block 10.0.0.0/8", "block any"}, "name", false, false},
	    {{"pass 10.0.0.0/8", "pass any"}, "name", true, false},
	    {{"pass 10.0.0.0/8", "block any"}, "11.1.1.1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct access *access = list_of(lists[i].rows);
		struct access_verdict verdict = judge(access, lists[i].host, 80, NULL);

		if (verdict.pass != lists[i].pass || verdict.depends != lists[i].depends)
			fail_msg("list %zu", i);
		assert_false(judge(access, lists[i].host, 80, "192.0.2.1").depends);
		access_free(access);
	}
}

static void faults_say_what_and_where(void **state)
{
	static const struct {
		const char *row;
		size_t bad;
		const char *error;
	} faults[] = {
	    {"pass ", 0, "expected a name"},
	    {"pass default", 0, "every destination is written `any`"},
	    {"pass *", 0, "every destination is written `any`"},
	    {"pass any prots 25", 1, "did you mean 'ports'?"},
	    {"pass any ports", 2, "expected a value"},
	    {"pass any direct", 1, "expected a condition"},
	    {"pass 10.0.0.0/8 no-resolve", 1, "expected a condition"},
	    {"pass ports 25", 0, "first; a name like this is quoted"},
	    {"pass any ports 25 not", 4, "expected a condition after `not`"},
	};
	struct access *access = access_new();

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		size_t bad = 99;
		const char *error = add(access, faults[i].row, 1, &bad);

		if (!error || !strstr(error, faults[i].error) || bad != faults[i].bad)
			fail_msg("%s: word %zu: %s", faults[i].row, bad, error ? error : "taken");
	}
	access_free(access);
}

/* Every kind of row against clients that do and do not log in: none may slip through. */
static void nobody_slips_through_for_want_of_a_login(void **state)
{
	struct access *access = LIST("pass any user @staff");
	struct access_verdict verdict;
	struct host host;
	struct query query = {.host = &host, .port = 80, .command = COMMAND_CONNECT};

	(void)state;
	assert_null(host_parse(&host, "name", 4));
	for (int protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
		query.protocol = (enum protocol)protocol;
		query.user = NULL;
		query.member = NULL;
		query.belongs = belongs;
		access_judge(access, &query, NULL, &verdict);
		assert_false(verdict.pass);
		query.user = "staff";
		access_judge(access, &query, NULL, &verdict);
		assert_false(verdict.pass);
		query.member = "staff";
		access_judge(access, &query, NULL, &verdict);
		assert_true(verdict.pass);
	}
	access_free(access);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_list_passes_and_an_empty_one_blocks),
	    cmocka_unit_test(the_first_row_that_holds_decides),
	    cmocka_unit_test(doors_are_opened_by_addresses_only),
	    cmocka_unit_test(a_name_is_judged_by_name_then_by_address),
	    cmocka_unit_test(a_block_may_depend_on_the_address),
	    cmocka_unit_test(faults_say_what_and_where),
	    cmocka_unit_test(nobody_slips_through_for_want_of_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
