/* SPDX-License-Identifier: ISC */
/* `http { … }` in a listener: what it comes to, what is wrong with it, where CONNECT may lead. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loading.h"

#define LISTEN(http) "listen x { address 1080; http { " http " } }"
#define NOTE "text:1:20: note: '1080' is the loopback only; ':1080' is every address\n"

static const struct http_settings *good(struct loaded *loaded, const char *text)
{
	*loaded = load_text(text, true);
	assert_string_equal(loaded->said, NOTE);
	assert_non_null(loaded->conf);
	return &loaded->conf->listeners[0].http;
}

static void test_defaults(void **state)
{
	static const char *const texts[] = {"listen x { address 1080 }", LISTEN("")};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct loaded l;
		const struct http_settings *http = good(&l, texts[i]);

		assert_true(http->via);
		assert_null(http->pseudonym);
		assert_int_equal(http->forwarded, HTTP_FORWARDED_OFF);
		assert_int_equal(http->max_head, 16384);
		assert_false(http->log_query);
		assert_true(listener_connects(&l.conf->listeners[0], 1));
		assert_true(listener_connects(&l.conf->listeners[0], UINT16_MAX));
		unload(&l);
	}
}

static void test_settings(void **state)
{
	struct loaded l;
	const struct http_settings *http = good(&l,
	    LISTEN("via edge-1.example; forwarded append; connect-ports 443 8000-8099; "
	           "max-head 32k; log-query on"));

	(void)state;
	assert_true(http->via);
	assert_string_equal(http->pseudonym, "edge-1.example");
	assert_int_equal(http->forwarded, HTTP_FORWARDED_APPEND);
	assert_int_equal(http->max_head, 32768);
	assert_true(http->log_query);
	assert_int_equal(http->connect_port_count, 2);
	unload(&l);
}

/* What the issue calls the transparent mode. */
static void test_transparent(void **state)
{
	struct loaded l;
	const struct http_settings *http = good(&l, LISTEN("via off; forwarded off"));

	(void)state;
	assert_false(http->via);
	assert_null(http->pseudonym);
	assert_int_equal(http->forwarded, HTTP_FORWARDED_OFF);
	unload(&l);
	assert_int_equal(good(&l, LISTEN("forwarded strip"))->forwarded, HTTP_FORWARDED_STRIP);
	unload(&l);
}

/* A quoted word is never a keyword. */
static void test_quoted_pseudonyms(void **state)
{
	static const char *const names[] = {"on", "off", "No", "!#$%&'*+-.^_`|~9aZ"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char text[80];
		struct loaded l;
		const struct http_settings *http;

		snprintf(text, sizeof text, LISTEN("via \"%s\""), names[i]);
		http = good(&l, text);
		assert_true(http->via);
		assert_string_equal(http->pseudonym, names[i]);
		unload(&l);
	}
}

static void test_connect_ports(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
		bool connects;
	} rows[] = {
	    {LISTEN("connect-ports 443"), 443, true},
	    {LISTEN("connect-ports 443"), 442, false},
	    {LISTEN("connect-ports 443"), 444, false},
	    {LISTEN("connect-ports 563 8000-8099 443"), 443, true},
	    {LISTEN("connect-ports 563 8000-8099 443"), 8000, true},
	    {LISTEN("connect-ports 563 8000-8099 443"), 8099, true},
	    {LISTEN("connect-ports 563 8000-8099 443"), 8100, false},
	    {LISTEN("connect-ports 443 all"), 22, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct loaded l;

		good(&l, rows[i].text);
		assert_int_equal(
		    listener_connects(&l.conf->listeners[0], rows[i].port), rows[i].connects);
		unload(&l);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {LISTEN("via"), "33: error: 'via' has too few words, expected: via on | off | NAME"},
	    {LISTEN("via a b"),
	        "39: error: 'via' has too many words, expected: via on | off | NAME"},
	    {LISTEN("via Off"),
	        "37: error: 'Off' is not a switch, expected on or off, or a name in quotes"},
	    {LISTEN("via no"),
	        "37: error: 'no' is not a switch, expected on or off, or a name in quotes"},
	    {LISTEN("via edge:1"),
	        "37: error: 'edge:1' is not a name for Via, expected on, off or a token: letters, "
	        "digits and !#$%&'*+-.^_`|~"},
	    {LISTEN("via ''"),
	        "37: error: '' is not a name for Via, expected on, off or a token: letters, "
	        "digits and !#$%&'*+-.^_`|~"},
	    {LISTEN("forwarded on"),
	        "43: error: 'on' is unknown here, expected off, append or strip"},
	    {LISTEN("connect-ports"),
	        "33: error: 'connect-ports' has too few words, expected: connect-ports "
	        "all | PORT | FIRST-LAST …"},
	    {LISTEN("connect-ports 443,80"),
	        "47: error: '443,80': expected a port or a range such as 465-587"},
	    {LISTEN("connect-ports 443 99-80"),
	        "51: error: '99-80': the range of ports runs backwards"},
	    {LISTEN("connect-ports \"all\""),
	        "47: error: 'all': expected a port or a range such as 465-587"},
	    {LISTEN("max-head 1"), "42: error: '1' is not a size for a head, expected 1k to 1m"},
	    {LISTEN("max-head 2m"), "42: error: '2m' is not a size for a head, expected 1k to 1m"},
	    {LISTEN("log-query yes"), "43: error: 'yes' is not a switch, expected on or off"},
	    {LISTEN("forward strip"),
	        "33: error: unknown directive 'forward' in 'http'; did you mean 'forwarded'?"},
	    {LISTEN("via on; via off"), "41: error: 'via' is given twice, first at text:1:33"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct loaded l = load_text(rows[i].text, true);
		char said[256];

		snprintf(said, sizeof said, "text:1:%s\n", rows[i].said);
		assert_string_equal(l.said, said);
		assert_null(l.conf);
		unload(&l);
	}
}

static void test_a_long_pseudonym(void **state)
{
	char text[400], name[257];
	struct loaded l;

	(void)state;
	memset(name, 'x', 256);
	name[256] = '\0';
	snprintf(text, sizeof text, LISTEN("via %s"), name + 1);
	assert_int_equal(strlen(good(&l, text)->pseudonym), 255);
	unload(&l);
	snprintf(text, sizeof text, LISTEN("via %s"), name);
	l = load_text(text, true);
	assert_non_null(strstr(l.said, "is too long a name for Via, expected at most 255"));
	assert_null(l.conf);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_settings),
	    cmocka_unit_test(test_transparent),
	    cmocka_unit_test(test_quoted_pseudonyms),
	    cmocka_unit_test(test_connect_ports),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_a_long_pseudonym),
	};

	return cmocka_run_group_tests_name("conf_http", tests, NULL, NULL);
}
