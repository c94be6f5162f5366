/* SPDX-License-Identifier: ISC */
/* Hop URIs, and the namespace of hops and chains that `via` words are looked up in. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes/routes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* --- URIs ------------------------------------------------------------------------------------ */

static const struct {
	const char *uri, *name;
	enum hop_protocol protocol;
	const char *host;
	uint16_t port;
	const char *user, *password, *path;
	bool local;
} good[] = {
    {"socks5://proxy.example:1081", "socks5://proxy.example:1081", HOP_SOCKS5, "proxy.example",
        1081, NULL, NULL, NULL, false},
    {"socks5h://Proxy.Example.", "socks5://proxy.example:1080", HOP_SOCKS5, "proxy.example", 1080,
        NULL, NULL, NULL, false},
    {"socks://192.0.2.1", "socks://192.0.2.1:1080", HOP_SOCKS, "192.0.2.1", 1080, NULL, NULL, NULL,
        false},
    {"socks4://192.0.2.1", "socks4://192.0.2.1:1080", HOP_SOCKS4, "192.0.2.1", 1080, NULL, NULL,
        NULL, true},
    {"socks4a://u@192.0.2.1/", "socks4a://u@192.0.2.1:1080", HOP_SOCKS4A, "192.0.2.1", 1080, "u",
        NULL, NULL, false},
    {"SOCKS5://h", "socks5://h:1080", HOP_SOCKS5, "h", 1080, NULL, NULL, NULL, false},
    {"http://gw.example:3128", "http://gw.example:3128", HOP_HTTP, "gw.example", 3128, NULL, NULL,
        NULL, false},
    {"http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080", HOP_HTTP, "2001:db8::1", 8080, NULL,
        NULL, NULL, false},
    {"socks5://relay:secret@h:1", "socks5://relay@h:1", HOP_SOCKS5, "h", 1, "relay", "secret", NULL,
        false},
    {"socks5://relay:@h:65535", "socks5://relay@h:65535", HOP_SOCKS5, "h", 65535, "relay", "", NULL,
        false},
    {"socks5://a%40b:c%3ad%2Fe:f@h", "socks5://a%40b@h:1080", HOP_SOCKS5, "h", 1080, "a@b",
        "c:d/e:f", NULL, false},
    {"socks5://%c3%a9:x@h", "socks5://%C3%A9@h:1080", HOP_SOCKS5, "h", 1080, "\xc3\xa9", "x", NULL,
        false},
    {"http://a:b%20c@h:80", "http://a@h:80", HOP_HTTP, "h", 80, "a", "b c", NULL, false},
    {"socks5+unix:///run/tor.sock", "socks5+unix:///run/tor.sock", HOP_SOCKS5, NULL, 0, NULL, NULL,
        "/run/tor.sock", false},
    {"http+unix://u:p@/run/a%20b", "http+unix://u@/run/a%20b", HOP_HTTP, NULL, 0, "u", "p",
        "/run/a b", false},
    {"direct:", "direct:", HOP_DIRECT, NULL, 0, NULL, NULL, NULL, false},
};

static void uris_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct hop hop;
		const char *error = hop_parse_uri(&hop, good[i].uri, NULL);
		char out[HOST_NAME_LENGTH + 1], uri[512];

		if (error)
			fail_msg("%s: %s", good[i].uri, error);
		assert_string_equal(hop.name, good[i].name);
		assert_true(hop_uri_text(&hop, uri, sizeof(uri)));
		assert_string_equal(uri, good[i].name);
		assert_int_equal(hop.protocol, good[i].protocol);
		assert_int_equal(hop.port, good[i].port);
		assert_int_equal(hop.resolve_local, good[i].local);
		if (good[i].host)
			assert_string_equal(host_format(&hop.host, out), good[i].host);
		assert_true(equal(hop.user, good[i].user));
		assert_true(equal(hop.password, good[i].password));
		assert_true(equal(hop.unix_path, good[i].path));
		hop_clear(&hop);
	}
}

static const struct {
	const char *uri, *error;
} bad[] = {
    {"", "expected a URI"},
    {"proxy.example", "expected a URI"},
    {"://h", "expected a URI"},
    {"proxy.example:1080", "unknown scheme"},
    {"sock5://h", "did you mean 'socks5'"},
    {"htpp://h:1", "did you mean 'http'"},
    {"gopher://h", "unknown scheme, expected socks"},
    {"https://h", "not in this version (TLS to hops)"},
    {"socks5+tls://h", "not in this version (TLS to hops)"},
    {"http+tls://h:1", "not in this version (TLS to hops)"},
    {"ssh://h", "not in this version"},
    {"socks5:h", "expected `//`"},
    {"socks5:/h", "expected `//`"},
    {"socks5://", "empty"},
    {"socks5:///path", "path"},
    {"socks5://h/path", "path"},
    {"socks5://h:", "port"},
    {"socks5://h:0", "port"},
    {"socks5://h:65536", "port"},
    {"socks5://h:4294968376", "port"},
    {"socks5://h:1080x", "port"},
    {"socks5://h:+80", "port"},
    {"socks5://2001:db8::1", "brackets"},
    {"socks5://[2001:db8::1", "missing"},
    {"socks5://[::1]80", ":PORT"},
    {"socks5://[fe80::1%25eth0]:80", "zone"},
    {"socks5://127.1", "four decimal numbers"},
    {"socks5://h%2e.example", "letters, digits"},
    {"http://h", "port must be written"},
    {"socks5://@h", "empty"},
    {"socks5://:p@h", "empty"},
    {"socks5://a@b@h", "%40"},
    {"socks5://a%@h", "hexadecimal"},
    {"socks5://a%4@h", "hexadecimal"},
    {"socks5://a%zz@h", "hexadecimal"},
    {"socks5://a%00b@h", "control"},
    {"socks5://a:b%00@h", "control"},
    {"socks5://a:b%0d%0a@h", "control"},
    {"socks5://a%7f@h", "control"},
    {"http://a%3ab:c@h:80", "colon"},
    {"socks4://a:b@h", "no password"},
    {"socks4a://a:b@h", "no password"},
    {"socks5://h#x", "#"},
    {"socks5://h x", "printable"},
    {"socks5://h\xc3\xa9", "printable"},
    {"socks5://h?mark=7", "query"},
    {"socks5+unix://h/run/s", "path"},
    {"socks5+unix:/run/s", "path"},
    {"socks5+unix:///", "path"},
    {"socks5+unix:///run/%00", "path"},
    {"direct://", "nothing but a query"},
    {"direct:eth0", "nothing but a query"},
    {"direct+unix:", "nothing but a query"},
};

static void bad_uris_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct hop hop;
		const char *error = hop_parse_uri(&hop, bad[i].uri, NULL);

		if (!error || !strstr(error, bad[i].error))
			fail_msg("%s: %s", bad[i].uri, error ? error : "taken");
		assert_null(hop.name);
		assert_null(hop.user);
		assert_null(hop.password);
	}
}

/* `before`, then `count` times an `a`, then `after`. */
static const char *parse_long(const char *before, size_t count, const char *after)
{
	char *uri = calloc(1, strlen(before) + count + strlen(after) + 1);
	const char *error;
	struct hop hop;

	assert_non_null(uri);
	strcpy(uri, before);
	memset(uri + strlen(uri), 'a', count);
	strcat(uri, after);
	error = hop_parse_uri(&hop, uri, NULL);
	hop_clear(&hop);
	free(uri);
	return error;
}

static void lengths_are_bounded(void **state)
{
	(void)state;
	assert_null(parse_long("socks5://", 255, ":p@h"));
	assert_non_null(parse_long("socks5://", 256, ":p@h"));
	assert_null(parse_long("socks5://u:", 255, "@h"));
	assert_non_null(parse_long("socks5://u:", 256, "@h"));
	assert_non_null(parse_long("socks4://", 256, "@h"));
	assert_null(parse_long("http://", 256, ":p@h:80"));
	assert_null(parse_long("socks5+unix:///", 106, ""));
	assert_non_null(parse_long("socks5+unix:///", 107, ""));
	assert_non_null(parse_long("socks5://", 5000, ""));
}

static const char *directive(struct hop *hop, const char *name, const char *value)
{
	if (strcmp(name, "mark") == 0)
		hop->mark = (uint32_t)atoi(value);
	else if (strcmp(name, "password-file") == 0)
		hop->password = strdup(value);
	else
		return "unknown directive";
	return NULL;
}

static void queries_carry_directives(void **state)
{
	static const char *const refused[] = {"socks5://h?colour=red", "socks5://h?mark",
	    "socks5://h?=7", "socks5://h?mark=7&mark=8", "socks5://h?mark=%00",
	    "socks5://h?mark=7&&password-file=x"};
	struct hop hop;

	(void)state;
	assert_null(
	    hop_parse_uri(&hop, "socks5://u@h?mark=7&password-file=%2Frun%2Fpw", directive));
	assert_int_equal(hop.mark, 7);
	assert_string_equal(hop.password, "/run/pw");
	assert_string_equal(hop.name, "socks5://u@h:1080?mark=7&password-file=%2Frun%2Fpw");
	hop_clear(&hop);
	assert_null(hop_parse_uri(&hop, "direct:?mark=9", directive));
	assert_int_equal(hop.mark, 9);
	hop_clear(&hop);
	assert_null(hop_parse_uri(&hop, "direct:?", directive));
	hop_clear(&hop);
	for (size_t i = 0; i < COUNT(refused); i++)
		if (!hop_parse_uri(&hop, refused[i], directive))
			fail_msg("%s is taken", refused[i]);
}

static void hops_differ_in_what_matters(void **state)
{
	static const char *const uris[] = {"socks5://h", "socks5://h:1081", "socks5://i",
	    "socks4a://h", "socks5://u@h", "socks5://u:p@h", "socks5://u:q@h", "socks5://h?mark=1",
	    "socks5+unix:///run/s", "socks5+unix:///run/t"};

	(void)state;
	for (size_t i = 0; i < COUNT(uris); i++)
		for (size_t j = 0; j < COUNT(uris); j++) {
			struct hop a, b;

			assert_null(hop_parse_uri(&a, uris[i], directive));
			assert_null(hop_parse_uri(&b, uris[j], directive));
			assert_int_equal(hop_equal(&a, &b), i == j);
			hop_clear(&a);
			hop_clear(&b);
		}
}

static void sources_make_hops_differ(void **state)
{
	struct source one = {.kind = SOURCE_ADDRESS}, two = {.kind = SOURCE_RANGE};
	struct source three = {.kind = SOURCE_INTERFACE, .interface = "eth0"}, four = three;
	struct hop a = {.sources = &one, .source_count = 1}, b = a;

	(void)state;
	assert_true(hop_equal(&a, &b));
	b.sources = &two;
	assert_false(hop_equal(&a, &b));
	a.sources = &two;
	assert_true(hop_equal(&a, &b));
	a.sources = &three;
	assert_false(hop_equal(&a, &b));
	b.sources = &four;
	assert_true(hop_equal(&a, &b));
	four.interface[3] = '1';
	assert_false(hop_equal(&a, &b));
	b.sources = NULL;
	b.source_count = 0;
	assert_false(hop_equal(&a, &b));
}

/* --- the namespace --------------------------------------------------------------------------- */

#define WORDS(...) ((const char *const[]){__VA_ARGS__})

static const char *add(
    struct hops *hops, const char *name, const char *uri, const char *const *via, size_t count)
{
	struct hop hop;
	const char *error;

	assert_null(hop_parse_uri(&hop, uri, NULL));
	error = hops_add(hops, name, &hop, via, count);
	if (error)
		hop_clear(&hop);
	return error;
}

/* The names of the hops that the words mean, or what is wrong with which word. */
static const char *expand(struct hops *hops, const char *words)
{
	static char out[1024];
	char copy[512], *via[40];
	const struct hop *const *list;
	size_t count = 0, bad_word, length;
	const char *error;

	snprintf(copy, sizeof(copy), "%s", words);
	for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "))
		via[count++] = at;
	error = hops_expand(hops, (const char *const *)via, count, &list, &length, &bad_word);
	if (error) {
		snprintf(out, sizeof(out), "%zu: %s", bad_word, error);
		return out;
	}
	out[0] = '\0';
	for (size_t i = 0; i < length; i++) {
		strcat(out, i ? " " : "");
		strcat(out, list[i]->name);
	}
	return out;
}

static struct hops *office(void)
{
	struct hops *hops = hops_new();

	assert_null(add(hops, "office", "socks5://gw:1080", NULL, 0));
	assert_null(add(hops, "dmz", "http://dmz:3128", NULL, 0));
	assert_null(add(hops, "wan2", "direct:", NULL, 0));
	assert_null(add(hops, "inner", "socks5://inner", WORDS("edge"), 1)); /* edge comes later */
	assert_null(hops_add_chain(hops, "deep", WORDS("office", "dmz"), 2));
	assert_null(hops_add_chain(hops, "deeper", WORDS("deep", "inner"), 2));
	assert_null(add(hops, "edge", "socks5://edge", NULL, 0));
	return hops;
}

static void words_expand_in_travel_order(void **state)
{
	struct hops *hops = office();

	(void)state;
	assert_string_equal(expand(hops, "office"), "office");
	assert_string_equal(expand(hops, "dmz office"), "dmz office");
	assert_string_equal(expand(hops, "deep"), "office dmz");
	assert_string_equal(expand(hops, "inner"), "edge inner");
	assert_string_equal(expand(hops, "deeper"), "office dmz edge inner");
	assert_string_equal(expand(hops, "office edge inner"), "office edge inner");
	assert_string_equal(expand(hops, "wan2"), "wan2");
	assert_string_equal(expand(hops, "wan2 deep"), "wan2 office dmz");
	assert_string_equal(expand(hops, "office socks5://u:secret@h"), "office socks5://u@h:1080");
	assert_string_equal(expand(hops, "direct: office"), "direct: office");
	hops_free(hops);
}

static void equal_lists_are_one_list(void **state)
{
	struct hops *hops = office();
	const struct hop *const *a, *const *b, *const *c;
	size_t count, bad_word;

	(void)state;
	assert_null(hops_expand(hops, WORDS("deep"), 1, &a, &count, &bad_word));
	assert_null(hops_expand(hops, WORDS("office", "dmz"), 2, &b, &count, &bad_word));
	assert_null(hops_expand(hops, WORDS("dmz", "office"), 2, &c, &count, &bad_word));
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	hops_free(hops);
}

static void equal_inline_uris_are_one_hop(void **state)
{
	struct hops *hops = hops_new();
	const struct hop *const *a, *const *b;
	size_t count, bad_word;

	(void)state;
	hops_directive(hops, directive);
	assert_null(hops_expand(hops, WORDS("socks5://Gw.Example"), 1, &a, &count, &bad_word));
	assert_null(
	    hops_expand(hops, WORDS("socks5h://gw.example.:1080/"), 1, &b, &count, &bad_word));
	assert_ptr_equal(a, b);
	assert_null(hops_expand(hops, WORDS("socks5://u:p@gw.example"), 1, &a, &count, &bad_word));
	assert_null(hops_expand(hops, WORDS("socks5://u:q@gw.example"), 1, &b, &count, &bad_word));
	assert_ptr_not_equal(a[0], b[0]);
	assert_string_equal(a[0]->name, b[0]->name);
	assert_null(
	    hops_expand(hops, WORDS("socks5://gw.example?mark=3"), 1, &a, &count, &bad_word));
	assert_int_equal(a[0]->mark, 3);
	assert_string_equal(hops_each(hops, 0)->name, "socks5://gw.example:1080");
	assert_non_null(hops_each(hops, 3));
	assert_null(hops_each(hops, 4));
	hops_free(hops);
}

static void faults_name_the_word(void **state)
{
	struct hops *hops = office();

	(void)state;
	assert_string_equal(
	    expand(hops, "office dzm"), "1: no hop or chain has this name; did you mean 'dmz'?");
	assert_string_equal(expand(hops, "nothing"), "0: no hop or chain has this name");
	assert_string_equal(expand(hops, "office wan2"), "1: a `direct:` hop can only stand first");
	assert_string_equal(
	    expand(hops, "office direct:"), "1: a `direct:` hop can only stand first");
	assert_non_null(
	    strstr(expand(hops, "office direct"), "1: `direct` and `reject` stand alone"));
	assert_non_null(strstr(expand(hops, "office ssh://h"), "1: not in this version"));
	assert_non_null(strstr(expand(hops, "office:1080"), "0: unknown scheme"));
	assert_non_null(strstr(expand(hops, ""), "0: expected hops"));
	hops_free(hops);
}

static void loops_are_found(void **state)
{
	struct hops *hops = office();

	(void)state;
	assert_null(hops_add_chain(hops, "a", WORDS("office", "b"), 2));
	assert_null(hops_add_chain(hops, "b", WORDS("c"), 1));
	assert_null(add(hops, "c", "socks5://c", WORDS("a"), 1));
	assert_null(add(hops, "self", "socks5://self", WORDS("self"), 1));
	assert_non_null(strstr(expand(hops, "a"), "a loop"));
	assert_non_null(strstr(expand(hops, "b"), "a loop"));
	assert_non_null(strstr(expand(hops, "office c"), "1: in 'b', word 'c': a loop"));
	assert_non_null(strstr(expand(hops, "self"), "a loop"));
	assert_string_equal(expand(hops, "office"), "office"); /* a failure leaves no trace */
	assert_string_equal(expand(hops, "office office"), "office office");
	hops_free(hops);
}

static void sixteen_hops_are_the_end(void **state)
{
	struct hops *hops = office();
	char name[8], before[8] = "office";

	(void)state;
	assert_null(hops_add_chain(hops, "four", WORDS("deep", "deep"), 2));
	assert_null(hops_add_chain(hops, "sixteen", WORDS("four", "four", "four", "four"), 4));
	assert_null(strstr(expand(hops, "sixteen"), "more"));
	assert_non_null(strstr(expand(hops, "sixteen office"), "1: more than 16 hops"));
	assert_non_null(strstr(expand(hops, "office sixteen"), "1: in 'deep', word 'dmz'"));
	assert_non_null(strstr(expand(hops, "office sixteen"), "more than 16 hops"));
	for (int i = 0; i < 40; i++) { /* a chain of chains that is long for nothing */
		snprintf(name, sizeof(name), "n%d", i);
		assert_null(hops_add_chain(hops, name, WORDS(before), 1));
		snprintf(before, sizeof(before), "%s", name);
	}
	assert_string_equal(expand(hops, "n10"), "office");
	assert_non_null(strstr(expand(hops, "n39"), "nest"));
	hops_free(hops);
}

static void names_are_one_namespace(void **state)
{
	struct hops *hops = office();

	(void)state;
	assert_non_null(strstr(add(hops, "office", "socks5://h", NULL, 0), "taken"));
	assert_non_null(strstr(add(hops, "deep", "socks5://h", NULL, 0), "taken"));
	assert_non_null(strstr(hops_add_chain(hops, "office", WORDS("dmz"), 1), "taken"));
	assert_non_null(add(hops, "direct", "socks5://h", NULL, 0));
	assert_non_null(hops_add_chain(hops, "reject", WORDS("dmz"), 1));
	assert_non_null(add(hops, "", "socks5://h", NULL, 0));
	assert_non_null(add(hops, "a:b", "socks5://h", NULL, 0));
	assert_non_null(hops_add_chain(hops, "empty", NULL, 0));
	assert_string_equal(hops_each(hops, 0)->name, "office");
	assert_string_equal(hops_each(hops, 4)->name, "edge");
	assert_null(hops_each(hops, 5));
	hops_free(hops);
	hops_free(NULL);
}

static void a_fault_inside_is_told_with_its_place(void **state)
{
	struct hops *hops = office();

	(void)state;
	assert_null(hops_add_chain(hops, "broken", WORDS("office", "dzm"), 2));
	assert_string_equal(expand(hops, "dmz broken"),
	    "1: in 'broken', word 'dzm': no hop or chain has this name; did you mean 'dmz'?");
	assert_null(hops_add_chain(hops, "secret", WORDS("socks5://u:hidden@h:0"), 1));
	assert_null(strstr(expand(hops, "secret"), "hidden"));
	assert_null(add(hops, "out", "direct:", WORDS("office"), 1));
	assert_non_null(strstr(expand(hops, "out"), "only stand first"));
	hops_free(hops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(uris_are_taken_apart),
	    cmocka_unit_test(bad_uris_are_refused),
	    cmocka_unit_test(lengths_are_bounded),
	    cmocka_unit_test(queries_carry_directives),
	    cmocka_unit_test(hops_differ_in_what_matters),
	    cmocka_unit_test(sources_make_hops_differ),
	    cmocka_unit_test(words_expand_in_travel_order),
	    cmocka_unit_test(equal_lists_are_one_list),
	    cmocka_unit_test(equal_inline_uris_are_one_hop),
	    cmocka_unit_test(faults_name_the_word),
	    cmocka_unit_test(loops_are_found),
	    cmocka_unit_test(sixteen_hops_are_the_end),
	    cmocka_unit_test(names_are_one_namespace),
	    cmocka_unit_test(a_fault_inside_is_told_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
