/* SPDX-License-Identifier: ISC */
/* What would happen to a request, and why; and what a configuration expects of itself. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gateway/explain.h"
#include "loading.h"

static const char text[] = "hop office { uri socks5://relay@gw.example:1080 }\n"
                           "hop dmz { uri http://192.0.2.2:3128; family ipv6 }\n"
                           "hop wan2 { uri direct:; mark 7; source 192.0.2.8 }\n"
                           "chain deep office dmz\n"
                           "auth staff { password-file /u }\n"
                           "access { block any ports 25\n"
                           "pass any }\n"
                           "routes {\n"
                           "route 10.0.0.0/8 direct\n"
                           "route .corp.example via deep\n"
                           "route git.corp.example ports 22 direct\n"
                           "route .wan.example via wan2\n"
                           "route .late.example time sat,sun via office\n"
                           "route bob.example user bob via office\n"
                           "route staff.example user @staff via office\n"
                           "route far.example from 198.51.100.0/24 via office\n"
                           "route *.ads.example reject \"no thanks\"\n"
                           "route default via socks5://192.0.2.9:1080\n"
                           "}\n"
                           "routes guests { route default reject }\n"
                           "listen main { address 127.0.0.1:1080; auth staff; deny 203.0.113.9 }\n"
                           "listen guest { address 127.0.0.1:1081; routes guests\n"
                           "http { connect-ports 443 } }\n";

/* --- expect ----------------------------------------------------------------------------------- */

static void expect(const char *line, const char *said)
{
	char whole[2048], expected[256] = "";
	struct loaded l;

	snprintf(whole, sizeof whole, "%sexpect %s\n", text, line);
	l = load_text(whole, true);
	if (said[0] != '\0')
		snprintf(expected, sizeof expected, "text:24:%s\n", said);
	/* Only errors: the text has its warnings. */
	assert_string_equal(
	    strstr(l.said, "text:24:") != NULL ? strstr(l.said, "text:24:") : "", expected);
	assert_int_equal(l.conf != NULL, said[0] == '\0');
	unload(&l);
}

static void test_met_expectations(void **state)
{
	static const char *const lines[] = {"www.corp.example:80 via office dmz",
	    "www.corp.example:80 via deep", "git.corp.example:22 direct",
	    "git.corp.example:80 via deep", "10.1.2.3:80 direct", "x.ads.example:80 reject",
	    "x.example:80 resolves 192.0.2.1 via socks5://192.0.2.9:1080",
	    "x.example:80 resolves 10.0.0.1 direct",
	    "x.example:80 resolves none via "
	    "socks5://192.0.2.9",
	    "www.wan.example:80 via wan2", "x.corp.example:25 reject", "10.0.0.1:25 reject",
	    "x.example:80 listener guest reject", "bob.example:80 user bob via office",
	    "bob.example:80 user alice resolves 192.0.2.1 via socks5://192.0.2.9",
	    "staff.example:80 user eve @staff via office",
	    "staff.example:80 user @staff via office",
	    "far.example:80 from 198.51.100.7 via office",
	    "far.example:80 from unix resolves none via socks5://192.0.2.9",
	    "x.late.example:80 at sun/23:59 via office",
	    "x.late.example:80 at fri/23:59 resolves none via socks5://192.0.2.9",
	    "127.0.0.1:80 from 192.0.2.1 reject", "[64:ff9b::10.0.0.1]:80 direct",
	    "10.0.0.1:80 protocol http command connect direct", "10.0.0.1:80 command bind reject",
	    "10.0.0.1:80 command http direct", "10.0.0.1:80 from 203.0.113.9 reject",
	    "10.0.0.1:80 from 203.0.113.8 direct"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		expect(lines[i], "");
}

static void test_unmet_expectations(void **state)
{
	(void)state;
	expect("www.corp.example:80 via office",
	    "28: error: got 'via office dmz' instead, from the row at text:10");
	expect("www.corp.example:80 via dmz office",
	    "28: error: got 'via office dmz' instead, from the row at text:10");
	expect("10.1.2.3:80 reject", "20: error: got 'direct' instead, from the row at text:9");
	expect("10.1.2.3:25 direct", "20: error: got 'reject' instead, from the row at text:6");
	expect("x.example:80 direct",
	    "8: error: this depends on the addresses of the name, expected 'resolves ADDRESS,…'");
}

static void test_wrong_expectations(void **state)
{
	(void)state;
	expect("x direct", "8: error: 'x': the port is missing; expected HOST:PORT");
	expect("x:1 direct now", "19: error: 'now' is one word too many");
	expect("x:1 drect",
	    "12: error: 'drect' is unknown here, expected direct, via or reject; did "
	    "you mean 'direct'?");
	expect("x:1 user", "12: error: 'user' needs a value");
	expect(
	    "x:1 user a", "17: error: a decision is missing, expected direct, via HOP … or reject");
	expect("x:1 from here direct",
	    "17: error: 'here' is not a client, expected an address or unix");
	expect("x:1 command bnd direct",
	    "20: error: 'bnd' is not a command, expected connect, bind, udp or http");
	expect("x:1 protocol x direct",
	    "21: error: 'x' is not a protocol, expected socks4, socks5 or http");
	expect("x:1 at mo/1 direct", "15: error: 'mo/1' is not a time, expected mon/08:00");
	expect(
	    "x:1 at mon/24:00 direct", "15: error: 'mon/24:00' is not a time, expected mon/08:00");
	expect("x:1 resolves 1.2.3 direct",
	    "21: error: '1.2.3' is not a list of addresses, expected 192.0.2.1,2001:db8::1 or "
	    "none");
	expect("x:1 listener lobby direct", "8: error: no 'listen' is named 'lobby'");
}

/* --- explain ---------------------------------------------------------------------------------- */

/* `conditions`: names and values, up to a NULL. */
static void explains_with(const char *target, const char *const *conditions, const char *expected)
{
	struct loaded l = load_text(text, true);
	struct question question;
	char *said;
	size_t size;
	FILE *out = open_memstream(&said, &size);

	assert_non_null(l.conf);
	question_init(&question);
	assert_null(target_parse(&question.target, target, strlen(target)));
	for (; *conditions != NULL; conditions += 2)
		assert_null(question_set(&question, conditions[0], conditions[1]));
	explain(l.conf, &question, out);
	fclose(out);
	assert_string_equal(said, expected);
	free(said);
	unload(&l);
}

static void explains(const char *target, const char *resolves, const char *expected)
{
	const char *const conditions[] = {resolves != NULL ? "resolves" : NULL, resolves, NULL};

	explains_with(target, conditions, expected);
}

static void test_chain(void **state)
{
	(void)state;
	explains("git.corp.example:80", NULL,
	    "via office dmz\n"
	    "request     connect git.corp.example:80 by socks5, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:11: git.corp.example ports 22 direct\n"
	    "            lost: port 80 not in 22\n"
	    "            text:10: .corp.example via deep\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "hops        1. office socks5://relay@gw.example:1080, its name is resolved here\n"
	    "            2. dmz http://192.0.2.2:3128, IPv6 only\n"
	    "name        git.corp.example is resolved by dmz\n");
}

static void test_direct(void **state)
{
	(void)state;
	explains("10.1.1.1:80", NULL,
	    "direct\n"
	    "request     connect 10.1.1.1:80 by socks5, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:9: 10.0.0.0/8 direct\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "name        none: an address needs no look-up\n"
	    "addresses   10.1.1.1\n");
	explains("www.wan.example:80", NULL,
	    "via wan2\n"
	    "request     connect www.wan.example:80 by socks5, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:12: .wan.example via wan2\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "hops        1. wan2 direct:, source 192.0.2.8, mark 7\n"
	    "name        www.wan.example is resolved here, by 127.0.0.1:53\n"
	    "addresses   not known, and not judged: give --resolves or --resolve\n");
}

static void test_reject(void **state)
{
	(void)state;
	explains("x.ads.example:25", NULL,
	    "reject\n"
	    "request     connect x.ads.example:25 by socks5, listener main, from 127.0.0.1\n"
	    "access      block: text:6: block any ports 25\n"
	    "candidates  text:17: *.ads.example reject \"no thanks\"\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "refused     not allowed, by the row at text:6\n");
	explains("x.example:25", NULL,
	    "reject\n"
	    "request     connect x.example:25 by socks5, listener main, from 127.0.0.1\n"
	    "access      block: text:6: block any ports 25\n"
	    "candidates  text:18: default via socks5://192.0.2.9:1080\n"
	    "            wins\n"
	    "refused     not allowed, by the row at text:6\n");
	explains("x.ads.example:80", NULL,
	    "reject\n"
	    "request     connect x.ads.example:80 by socks5, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:17: *.ads.example reject \"no thanks\"\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "refused     rejected by a route, by the row at text:17: \"no thanks\"\n");
}

static void test_addresses(void **state)
{
	(void)state;
	explains("x.example:80", NULL,
	    "needs addresses\n"
	    "request     connect x.example:80 by socks5, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "undecided   rows with addresses could hold: give --resolves ADDRESS,… or --resolve;\n"
	    "            if the name has no address:\n"
	    "candidates  text:18: default via socks5://192.0.2.9:1080\n"
	    "            wins\n");
	explains("x.example:80", "10.0.0.1,192.0.2.1",
	    "direct\n"
	    "request     connect x.example:80 by socks5, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "            10.0.0.1: pass\n"
	    "            192.0.2.1: pass\n"
	    "candidates  text:9: 10.0.0.0/8 direct [for 10.0.0.1]\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "name        x.example is resolved here, by 127.0.0.1:53\n"
	    "addresses   10.0.0.1\n");
}

/* A request that is forwarded comes by HTTP. */
static void test_http(void **state)
{
	static const char *const conditions[] = {"command", "http", NULL};

	(void)state;
	explains_with("10.1.1.1:80", conditions,
	    "direct\n"
	    "request     http 10.1.1.1:80 by http, listener main, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:9: 10.0.0.0/8 direct\n"
	    "            wins\n"
	    "            text:18: default via socks5://192.0.2.9:1080\n"
	    "            lost: less specific\n"
	    "name        none: an address needs no look-up\n"
	    "addresses   10.1.1.1\n");
}

static void test_connect_ports(void **state)
{
	static const char *const conditions[] = {
	    "listener", "guest", "protocol", "http", NULL, NULL};

	(void)state;
	explains_with("10.1.1.1:80", conditions,
	    "reject\n"
	    "request     connect 10.1.1.1:80 by http, listener guest, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:20: default reject\n"
	    "            wins\n"
	    "refused     not allowed: 'connect-ports' of the listener leave out 80\n");
	explains_with("10.1.1.1:443", conditions,
	    "reject\n"
	    "request     connect 10.1.1.1:443 by http, listener guest, from 127.0.0.1\n"
	    "access      pass: text:7: pass any\n"
	    "candidates  text:20: default reject\n"
	    "            wins\n"
	    "refused     rejected by a route, by the row at text:20\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_met_expectations),
	    cmocka_unit_test(test_unmet_expectations),
	    cmocka_unit_test(test_wrong_expectations),
	    cmocka_unit_test(test_chain),
	    cmocka_unit_test(test_direct),
	    cmocka_unit_test(test_reject),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_http),
	    cmocka_unit_test(test_connect_ports),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
