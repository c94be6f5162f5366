/* SPDX-License-Identifier: ISC */
/* Tokens and lists of HTTP. */
#include "config.h"

#include "tests/unit/heads.h"

static struct span span(const char *text)
{
	return (struct span){text, strlen(text)};
}

static void tokens_are_of_77_characters(void **state)
{
	unsigned tchars = 0;

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		tchars += http_is_tchar((uint8_t)c);
		assert_int_equal(http_is_text((uint8_t)c), c == 9 || (c >= 32 && c != 127));
	}
	assert_int_equal(tchars, 15 + 10 + 52);
	assert_true(span_is_token(span("!#$%&'*+-.^_`|~09azAZ")));
	assert_false(span_is_token(span("")));
	assert_false(span_is_token(span("a b")));
	assert_false(span_is_token((struct span){"a\0b", 3}));
}

/* Wherever it stands among the octets that are looked at together. */
static void text_has_no_controls(void **state)
{
	char text[20];

	(void)state;
	assert_true(span_is_text(span("")));
	for (size_t n = 1; n <= sizeof(text); n++)
		for (size_t at = 0; at < n; at++)
			for (int c = 0; c < 256; c++) {
				memset(text, (c & 1) != 0 ? '\xff' : ' ', sizeof(text));
				text[at] = (char)c;
				assert_int_equal(
				    span_is_text((struct span){text, n}), http_is_text((uint8_t)c));
			}
}

static void numbers_are_digits(void **state)
{
	(void)state;
	assert_true(span_is_number(span("0123456789")));
	assert_false(span_is_number(span("")));
	assert_false(span_is_number(span("-1")));
	assert_false(span_is_number(span("1 ")));
}

static void comparisons(void **state)
{
	(void)state;
	assert_true(span_equal(span("GET"), "GET"));
	assert_false(span_equal(span("GET"), "get"));
	assert_false(span_equal(span("GET"), "GETT"));
	assert_true(span_is(span("hOst"), "Host"));
	assert_false(span_is(span("Hos"), "Host"));
	assert_false(span_is(span("Hostt"), "Host"));
	assert_true(span_same(span("a-B"), span("A-b")));
	assert_true(span_starts(span("X-forwarded-for"), "X-Forwarded-"));
	assert_true(span_starts(span("a"), ""));
	assert_false(span_starts(span("X-Forwarded"), "X-Forwarded-"));
}

static void blanks_around(void **state)
{
	(void)state;
	assert_span(span_trim(span(" \t a b\t ")), "a b");
	assert_span(span_trim(span(" \t ")), "");
	assert_span(span_trim((struct span){NULL, 0}), "");
}

static void words(void **state)
{
	struct span rest = span("1.1\t fred:80  (a b) ");

	(void)state;
	assert_span(span_word(&rest), "1.1");
	assert_span(span_word(&rest), "fred:80");
	assert_span(span_word(&rest), "(a");
	assert_span(span_word(&rest), "b)");
	assert_span(span_word(&rest), "");
	assert_span(span_word(&rest), "");
}

static void members(const char *list, const char *const *expected, size_t count)
{
	struct span rest = span(list), member;

	for (size_t i = 0; i < count; i++) {
		assert_true(span_member(&rest, &member));
		assert_span(member, expected[i]);
	}
	assert_false(span_member(&rest, &member));
	assert_false(span_member(&rest, &member));
}

/* RFC 9110, 5.6.1.2 */
static void members_of_lists(void **state)
{
	static const char *const three[] = {"a", "b c", "\"d"}, *const one[] = {"a"};

	(void)state;
	members("a,b c ,\t\"d", three, 3);
	members(", ,a\t, b c,,\"d ,\t,", three, 3);
	members("a", one, 1);
	members(",a,", one, 1);
	members("", NULL, 0);
	members(" , \t,,", NULL, 0);
}

static void members_of_several_fields(void **state)
{
	struct http_head head;
	struct http_list list = {.head = &head, .name = SPAN("via")};
	struct span member;

	(void)state;
	ACCEPT(&head, GET "Via: a, b\r\nX: x\r\nVIA:\r\nvia: ,c\r\nViaa: d\r\n\r\n");
	for (char c = 'a'; c <= 'c'; c++) {
		assert_true(http_list_next(&list, &member));
		assert_int_equal(member.length, 1);
		assert_int_equal(*member.text, c);
	}
	assert_false(http_list_next(&list, &member));
	assert_false(http_list_next(&list, &member));
	assert_true(http_head_lists(&head, "Via", "C"));
	assert_false(http_head_lists(&head, "Via", "d"));
	assert_false(http_head_lists(&head, "Y", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tokens_are_of_77_characters),
	    cmocka_unit_test(text_has_no_controls),
	    cmocka_unit_test(numbers_are_digits),
	    cmocka_unit_test(comparisons),
	    cmocka_unit_test(blanks_around),
	    cmocka_unit_test(words),
	    cmocka_unit_test(members_of_lists),
	    cmocka_unit_test(members_of_several_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
