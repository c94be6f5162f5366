/* SPDX-License-Identifier: ISC */
/* The grammar: trees and complaints as text, beside what they were read from. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/parse.h"

/* A tree in one line: words between blanks, quoted ones in <>, blocks in {}. */
static void write_tree(FILE *out, const struct directive *d)
{
	for (; d != NULL; d = d->next) {
		for (size_t i = 0; i < d->count; i++)
			fprintf(out, d->words[i].quoted ? "<%s>%s" : "%s%s", d->words[i].text,
			    i + 1 < d->count ? " " : "");
		if (d->block) {
			fputs("{", out);
			write_tree(out, d->children);
			fputs("}", out);
		}
		fputs(";", out);
	}
}

struct result {
	char *tree, *complaints;
	size_t tree_size, complaints_size;
	struct arena arena;
};

static void finish(struct result *r, const struct directive *d, struct complaints *complaints)
{
	FILE *out = open_memstream(&r->tree, &r->tree_size);

	write_tree(out, d);
	fclose(out);
	out = open_memstream(&r->complaints, &r->complaints_size);
	complaints_print(complaints, SEVERITY_NOTE, out);
	fclose(out);
}

static void parse(struct result *r, const char *text, size_t length)
{
	struct complaints complaints = {0};
	struct parser parser = {.arena = &r->arena, .complaints = &complaints, .sealed = true};

	finish(r, parse_text(&parser, "t", text, length), &complaints);
}

static void clear(struct result *r)
{
	free(r->tree);
	free(r->complaints);
	arena_clear(&r->arena);
}

static void expect(const char *text, size_t length, const char *tree, const char *complaints)
{
	struct result r = {0};

	parse(&r, text, length);
	assert_string_equal(r.tree, tree);
	assert_string_equal(r.complaints, complaints);
	clear(&r);
}

#define GOOD(text, tree) expect(text, sizeof(text) - 1, tree, "")
#define BAD(text, tree, complaints) expect(text, sizeof(text) - 1, tree, complaints)

/* --- good ------------------------------------------------------------------------------------- */

static void test_directives(void **state)
{
	(void)state;
	GOOD("", "");
	GOOD("\n;;\n", "");
	GOOD("a b c", "a b c;");
	GOOD("a b\nc d\n", "a b;c d;");
	GOOD("a; b ;c", "a;b;c;");
	GOOD("a\tb\r\nc\r\n", "a b;c;");
	GOOD("\xef\xbb\xbf"
	     "a",
	    "a;");
	/* Nothing but blanks and these needs quotes. */
	GOOD("a [::1]:1080 socks5://u:p#s@h:1 *.example.com 10.0.0.0/8 x\\y =,|&$()",
	    "a [::1]:1080 socks5://u:p#s@h:1 *.example.com 10.0.0.0/8 x\\y =,|&$();");
}

static void test_blocks(void **state)
{
	(void)state;
	GOOD("a {}", "a{};");
	GOOD("a b{c d}\n", "a b{c d;};");
	GOOD("a {\n b 1\n c { d; e }\n}\nf", "a{b 1;c{d;e;};};f;");
	GOOD("a { b } ; c", "a{b;};c;");
	GOOD("a { b { c } }", "a{b{c;};};");
}

static void test_comments(void **state)
{
	(void)state;
	GOOD("# a\nb # c { \" '\nd#e #", "b;d#e;");
	GOOD("a \"#\" '#'", "a <#> <#>;");
	GOOD("a { # b }\n}", "a{};");
}

static void test_quotes(void **state)
{
	(void)state;
	GOOD("a \"b c\" 'd e' \"\" ''", "a <b c> <d e> <> <>;");
	GOOD("a \"\\\"\\\\\\n\\r\\t\\x41\\x7a\"", "a <\"\\\n\r\tAz>;");
	GOOD("a '\\n\"' \"'\"", "a <\\n\"> <'>;");
	GOOD("a '{};#'", "a <{};#>;");
	GOOD("a \"b\";c{\"d\"}", "a <b>;c{<d>;};");
}

static void test_continuation(void **state)
{
	(void)state;
	GOOD("a \\\n b", "a b;");
	GOOD("a b\\\n c", "a b c;");
	GOOD("a \\\r\n b\r\n", "a b;");
	GOOD("a { \\\n b \\\n }", "a{b;};");
	GOOD("a \\b \\", "a \\b \\;");
	GOOD("# a \\\nb", "b;");
}

/* --- bad -------------------------------------------------------------------------------------- */

static void test_bad_words(void **state)
{
	(void)state;
	BAD("a \"b c\nd e", "a <b c>;d e;",
	    "t:1:3: error: this quote is not closed on its line\n"
	    "     1 | a \"b c\n"
	    "       |   ^\n");
	BAD("a b\"c\"\n", "a b\"c\";",
	    "t:1:4: error: a quote inside a word, quote the whole word instead\n"
	    "     1 | a b\"c\"\n"
	    "       |    ^\n");
	BAD("a \"b\"c", "a <b> c;",
	    "t:1:6: error: expected a blank after the closing quote\n"
	    "     1 | a \"b\"c\n"
	    "       |      ^\n");
	BAD("a \"\\q\"", "a <q>;",
	    "t:1:4: error: unknown escape, expected \\\" \\\\ \\n \\r \\t or \\xHH\n"
	    "     1 | a \"\\q\"\n"
	    "       |    ^\n");
	BAD("a \"\\x0g\"", "a <x0g>;",
	    "t:1:4: error: unknown escape, expected \\\" \\\\ \\n \\r \\t or \\xHH\n"
	    "     1 | a \"\\x0g\"\n"
	    "       |    ^\n");
	BAD("a \"\\x00b\"", "a <b>;",
	    "t:1:4: error: a NUL byte, expected text\n"
	    "     1 | a \"\\x00b\"\n"
	    "       |    ^\n");
	BAD("a b\0c\n", "a b;",
	    "t:1:4: error: a NUL byte, expected text\n"
	    "     1 | a b?c\n"
	    "       |    ^\n");
	BAD("a b\rc\n", "a b\rc;",
	    "t:1:4: error: a carriage return without a newline\n"
	    "     1 | a b?c\n"
	    "       |    ^\n");
}

static void test_bad_blocks(void **state)
{
	(void)state;
	BAD("a {\n b", "a{b;};",
	    "t:1:3: error: this block is not closed, expected '}'\n"
	    "     1 | a {\n"
	    "       |   ^\n");
	BAD("a\n}\nb", "a;b;",
	    "t:2:1: error: '}' closes nothing\n"
	    "     2 | }\n"
	    "       | ^\n");
	BAD("a\n{ b }\nc", "a;c;",
	    "t:2:1: error: '{' must stand on the line of its directive\n"
	    "     2 | { b }\n"
	    "       | ^\n");
	BAD("a { b } c", "a{b;};c;",
	    "t:1:9: error: expected a newline or ';' after '}'\n"
	    "     1 | a { b } c\n"
	    "       |         ^\n");
}

/* The caret stands below the word, whatever is before it, and the line is not too long. */
static void test_caret(void **state)
{
	char text[600], *caret;
	struct result r = {0};

	(void)state;
	BAD("\ta\t\xc3\xa4 \"b", "a \xc3\xa4 <b>;",
	    "t:1:7: error: this quote is not closed on its line\n"
	    "     1 | \ta\t\xc3\xa4 \"b\n"
	    "       | \t \t  ^\n");
	memset(text, 'a', sizeof text);
	text[400] = ' ';
	text[401] = '"';
	parse(&r, text, sizeof text);
	assert_non_null(strstr(r.complaints, "t:1:402: error: this quote"));
	caret = strrchr(r.complaints, '^');
	assert_non_null(caret);
	assert_int_equal(caret - strrchr(r.complaints, '|'), 2 + 80);
	clear(&r);
}

/* A password in a URI does not get into messages, however the line is cut. */
static void test_password_is_hidden(void **state)
{
	struct result r = {0};
	char text[800];

	(void)state;
	snprintf(text, sizeof text, "%*s u://relay:sec\"ret@h \"", 300, "a");
	parse(&r, text, strlen(text));
	assert_null(strstr(r.complaints, "ret@"));
	clear(&r);
	memset(&r, 0, sizeof r);
	snprintf(text, sizeof text, "a socks5://relay:se#c:r@et@h:1 \"");
	parse(&r, text, strlen(text));
	assert_non_null(strstr(r.complaints, "socks5://relay:*********@h:1 \""));
	clear(&r);
}

static void test_depth(void **state)
{
	struct result r = {0};
	char text[4 * (PARSE_DEPTH + 9)] = "";

	(void)state;
	for (int i = 0; i < PARSE_DEPTH; i++)
		strcat(text, "a{");
	for (int i = 0; i < PARSE_DEPTH; i++)
		strcat(text, "}");
	parse(&r, text, strlen(text));
	assert_string_equal(r.complaints, "");
	clear(&r);

	memset(&r, 0, sizeof r);
	strcpy(text, "");
	for (int i = 0; i < PARSE_DEPTH + 1; i++)
		strcat(text, "a{");
	strcat(text, "b{c}");
	for (int i = 0; i < PARSE_DEPTH + 1; i++)
		strcat(text, "}");
	strcat(text, "\nz");
	parse(&r, text, strlen(text));
	assert_non_null(
	    strstr(r.complaints, "t:1:66: error: blocks are nested too deep, at most 32"));
	assert_null(strstr(r.complaints, "closes"));
	assert_non_null(strstr(r.tree, ";z;"));
	clear(&r);
}

static void test_many_complaints(void **state)
{
	struct result r = {0};
	char text[3 * (COMPLAINTS_MAX + 5) + 1] = "";

	(void)state;
	for (int i = 0; i < COMPLAINTS_MAX + 5; i++)
		strcat(text, "}\n ");
	parse(&r, text, strlen(text));
	assert_non_null(strstr(r.complaints, "hopgate: and 5 more\n"));
	clear(&r);
}

/* --- files ------------------------------------------------------------------------------------ */

static char directory[] = "/tmp/parse_test.XXXXXX";

static void write_file(const char *name, const char *text)
{
	FILE *out = fopen(name, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void expect_file(const char *path, const char *tree, const char *complaints)
{
	struct result r = {0};
	struct complaints list = {0};
	struct parser parser = {.arena = &r.arena, .complaints = &list};

	finish(&r, parse_file(&parser, path), &list);
	assert_string_equal(r.tree, tree);
	assert_string_equal(r.complaints, complaints);
	clear(&r);
}

static int enter_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL || chdir(directory) != 0 || mkdir("d", 0700) != 0 ||
	    mkdir("d/[x]", 0700) != 0;
}

static int leave_directory(void **state)
{
	static const char *const files[] = {
	    "main", "d/b.conf", "d/a.conf", "d/c.txt", "d/[x]/y", "d/[x]/z.conf", "self"};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(files[i]);
	return rmdir("d/[x]") != 0 || rmdir("d") != 0 || chdir("/") != 0 || rmdir(directory) != 0;
}

static void test_include(void **state)
{
	(void)state;
	write_file("d/a.conf", "a 1\n");
	write_file("d/b.conf", "b 2; include c.txt");
	write_file("d/c.txt", "c 3");
	write_file("main", "x { include d/*.conf }\ninclude \"d/c.txt\"; include none*\n");
	expect_file("main", "x{a 1;b 2;c 3;};c 3;", "");
	/* The including file's directory is no pattern. */
	write_file("d/[x]/y", "include z*");
	write_file("d/[x]/z.conf", "z");
	write_file("main", "include 'd/[[]x]/y'\n");
	expect_file("main", "z;", "");
}

static void test_bad_include(void **state)
{
	(void)state;
	write_file("main", "include\ninclude a b\ninclude nosuch\nx { include d }\n");
	expect_file("main", "x{};",
	    "main:1:1: error: 'include' takes one word: PATH or a pattern like conf.d/*.conf\n"
	    "     1 | include\n"
	    "       | ^\n"
	    "main:2:1: error: 'include' takes one word: PATH or a pattern like conf.d/*.conf\n"
	    "     2 | include a b\n"
	    "       | ^\n"
	    "main:3:9: error: cannot read 'nosuch': No such file or directory\n"
	    "     3 | include nosuch\n"
	    "       |         ^\n"
	    "main:4:13: error: cannot read 'd': Is a directory\n"
	    "     4 | x { include d }\n"
	    "       |             ^\n");
	expect_file(
	    "missing", "", "missing: error: cannot read 'missing': No such file or directory\n");
}

static void test_include_of_itself(void **state)
{
	(void)state;
	write_file("self", "a\ninclude self\n");
	expect_file("self", "a;a;a;a;a;a;a;a;a;",
	    "self:2:9: error: includes are nested too deep, at most 8 are expected; does a file "
	    "include itself?\n"
	    "     2 | include self\n"
	    "       |         ^\n");
}

/* Complaints of several files come in the order of the files. */
static void test_order_of_files(void **state)
{
	(void)state;
	write_file("d/a.conf", "a \"\n");
	write_file("main", "include d/a.conf\nb \"\n");
	expect_file("main", "a <>;b <>;",
	    "main:2:3: error: this quote is not closed on its line\n"
	    "     2 | b \"\n"
	    "       |   ^\n"
	    "d/a.conf:1:3: error: this quote is not closed on its line\n"
	    "     1 | a \"\n"
	    "       |   ^\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_directives),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_comments),
	    cmocka_unit_test(test_quotes),
	    cmocka_unit_test(test_continuation),
	    cmocka_unit_test(test_bad_words),
	    cmocka_unit_test(test_bad_blocks),
	    cmocka_unit_test(test_caret),
	    cmocka_unit_test(test_password_is_hidden),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_many_complaints),
	    cmocka_unit_test(test_include),
	    cmocka_unit_test(test_bad_include),
	    cmocka_unit_test(test_include_of_itself),
	    cmocka_unit_test(test_order_of_files),
	};

	return cmocka_run_group_tests_name("parse", tests, enter_directory, leave_directory);
}
