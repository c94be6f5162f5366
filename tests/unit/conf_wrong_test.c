/* SPDX-License-Identifier: ISC */
/* Wrong configurations: every directive, what is said about it, and where. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "loading.h"

struct mistake {
	const char *text, *said;
};

/* Each text is wrong in this way and in no other.  `*` at the end: in the routes' own words. */
static void run(const struct mistake *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct loaded l = load_text(rows[i].text, true);
		char expected[512];
		char *star;

		snprintf(expected, sizeof expected, "text:%s\n", rows[i].said);
		star = strstr(expected, "*\n");
		if (star != NULL) {
			*star = '\0';
			assert_int_equal(strcspn(l.said, "\n") + 1, strlen(l.said));
			l.said[star - expected] = '\0';
		}
		assert_string_equal(l.said, expected);
		assert_null(l.conf);
		unload(&l);
	}
}

#define RUN(rows) run(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_form(void **state)
{
	static const struct mistake rows[] = {
	    {"wokers 2", "1:1: error: unknown directive 'wokers'; did you mean 'workers'?"},
	    {"frobnicate", "1:1: error: unknown directive 'frobnicate'"},
	    {"\"workers\" 2", "1:1: error: a quoted word is never a keyword, expected a directive"},
	    {"workers", "1:1: error: 'workers' has too few words, expected: workers auto | NUMBER"},
	    {"workers 1 2",
	        "1:11: error: 'workers' has too many words, expected: workers auto | NUMBER"},
	    {"workers 1 { }",
	        "1:1: error: 'workers' takes no block, expected: workers auto | NUMBER"},
	    {"timeouts", "1:1: error: 'timeouts' needs a block, expected: timeouts { … }"},
	    {"hop x", "1:1: error: 'hop' needs a block, expected: hop NAME { … }"},
	    {"workers 1\n\n workers 2", "3:2: error: 'workers' is given twice, first at text:1:1"},
	    {"timeouts { idle 1s; idle 2s }",
	        "1:21: error: 'idle' is given twice, first at text:1:12"},
	    {"timeouts { idel 1s }",
	        "1:12: error: unknown directive 'idel' in 'timeouts'; did you mean 'idle'?"},
	};

	(void)state;
	RUN(rows);
}

/* Every name that config.md keeps for later, at its place. */
static void test_later(void **state)
{
	static const char *const top[] = {"admin", "control", "group", "dial", "log-client-names"};
	static const char *const timeouts[] = {"bind", "udp-idle"};
	static const char *const resolver[] = {"nat64", "zone"};
	static const char *const auth[] = {"tls-client-certificate", "user-from"};
	static const char *const hop[] = {
	    "tls", "resolver", "proxy-protocol", "pipeline", "warm", "limits", "log", "health"};
	static const char *const listen[] = {"tls", "proxy-protocol", "bind", "udp", "forward",
	    "exec", "transparent", "serve", "wrap", "unwrap", "http-header", "capture",
	    "access-program", "on-end", "status-dir", "resolver", "log"};
	static const char *const sockets[] = {"nodelay", "tos"};
	static const struct {
		const char *before, *after;
		const char *const *names;
		size_t count;
	} blocks[] = {
#define LATER(before, after, list) {before, after, list, sizeof(list) / sizeof((list)[0])}
	    LATER("", "", top),
	    LATER("timeouts { ", " }", timeouts),
	    LATER("resolver { ", " }", resolver),
	    LATER("auth x { ", " }", auth),
	    LATER("hop x { uri direct:; ", " }", hop),
	    LATER("listen x { address 1; ", " }", listen),
	    LATER("socket { ", " }", sockets),
#undef LATER
	};

	(void)state;
	for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
		for (size_t j = 0; j < blocks[i].count; j++) {
			char text[128], said[128];
			const struct mistake row = {text, said};

			snprintf(text, sizeof text, "%s%s any words%s", blocks[i].before,
			    blocks[i].names[j], blocks[i].after);
			snprintf(said, sizeof said,
			    "1:%zu: error: '%s' is not in this version of hopgate",
			    strlen(blocks[i].before) + 1, blocks[i].names[j]);
			run(&row, 1);
		}
}

static void test_later_words(void **state)
{
	static const struct mistake rows[] = {
	    {"resolver corp { }",
	        "1:10: error: a named 'resolver' is not in this version of hopgate"},
	    {"resolver { servers via a }", "1:20: error: 'via' is not in this version of hopgate"},
	    {"listen x { address 1; commands connect bind }",
	        "1:40: error: 'bind' is not in this version of hopgate"},
	    {"listen x { address 1; commands udp http resolve }",
	        "1:32: error: 'udp' is not in this version of hopgate\n"
	        "text:1:41: error: 'resolve' is not in this version of hopgate"},
	    {"listen x { address udp:127.0.0.1:1 }",
	        "1:20: error: 'udp:127.0.0.1:1' is not in this version of hopgate"},
	    {"routes { file /x srelay }",
	        "1:18: error: 'srelay' is not in this version of hopgate"},
	};

	(void)state;
	RUN(rows);
}

static void test_process(void **state)
{
	static const struct mistake rows[] = {
	    {"workers 0", "1:9: error: '0' is not a number of threads, expected auto or 1 to 1024"},
	    {"workers \"auto\"",
	        "1:9: error: 'auto' is not a number of threads, expected auto or 1 to 1024"},
	    {"chroot empty", "1:8: error: 'empty' is not an absolute path"},
	    {"chroot /j; route default via socks5+unix:///s",
	        "1:1: error: the hop 'socks5+unix:///s' is a unix socket: 'chroot' beside one is "
	        "not in this version of hopgate"},
	    {"log stdrr",
	        "1:5: error: 'stdrr' is unknown here, expected stderr, stdout, syslog or "
	        "file; did you mean 'stderr'?"},
	    {"log file", "1:5: error: 'file' needs a path"},
	    {"log stderr loud",
	        "1:12: error: 'loud' is unknown here, expected error, warning, "
	        "notice, info or debug"},
	    {"log stderr info json",
	        "1:17: error: 'json' is one word too many, expected: log "
	        "stderr | stdout | syslog [FACILITY] | file PATH [LEVEL]"},
	    {"access-log syslog",
	        "1:12: error: 'syslog' is unknown here, expected off, stderr or file"},
	    {"access-log file /x xml",
	        "1:20: error: 'xml' is unknown here, expected logfmt or json"},
	    {"access-log off json",
	        "1:16: error: 'json' is one word too many, expected: access-log "
	        "off | stderr [FORMAT] | file PATH [FORMAT]"},
	    {"drain-timeout 30",
	        "1:15: error: '30' is not a duration, expected 500ms, 10s, 2m, "
	        "1h30m, 7d or off"},
	    {"timeouts { idle 0 }",
	        "1:17: error: '0' could mean none or no limit, write 'off' for no limit"},
	    {"limits { sessions 1k }",
	        "1:19: error: '1k' is not a number, expected 1 to 1000000000 or off"},
	    {"socket { keepalive 1s }",
	        "1:20: error: '1s' is not a time for keep-alive, expected 2s to 18h, system or "
	        "off"},
	    {"hop x { uri direct:; socket { keepalive 18h1s } }",
	        "1:41: error: '18h1s' is not a time for keep-alive, expected 2s to 18h, system or "
	        "off"},
	    {"limits { auth-failures-per-client 0/m }",
	        "1:35: error: '0/m' could mean none or no limit, write 'off' for no limit"},
	    {"limits { bandwidth-per-user 10m }",
	        "1:29: error: '10m' is not a bandwidth, expected 4096/s, 64k/s, 10m/s or off"},
	    {"limits { bandwidth-per-client 0 }",
	        "1:31: error: '0' could mean none or no limit, write 'off' for no limit"},
	    {"limits { bandwidth-per-session 1025g/s }",
	        "1:32: error: '1025g/s' is too large, expected at most 1024g/s"},
	    {"quota-file /q\nlimits { quota-per-user 10m }",
	        "2:25: error: '10m' is not a quota, expected 500m/day, 50g/month or off"},
	    {"quota-file /q\nlimits { quota-per-user 0 }",
	        "2:25: error: '0' could mean none or no limit, write 'off' for no limit"},
	    {"limits { quota-per-user 10m/day }",
	        "1:10: error: 'quota-per-user' has to outlive the process, expected also: "
	        "quota-file PATH"},
	    {"users x { a; limits { quota 2000g/month } }",
	        "1:29: error: '2000g/month' is too large, expected at most 1024g/day or "
	        "1024g/month"},
	    {"users x { a; limits { quota 1g/month } }",
	        "1:23: error: 'quota' has to outlive the process, expected also: quota-file PATH"},
	    {"limits { rate-per-client 5 }",
	        "1:26: error: '5' is not a rate, expected 50/s, 10/m, 100/h or off"},
	};

	(void)state;
	RUN(rows);
}

static void test_resolver(void **state)
{
	static const struct mistake rows[] = {
	    {"resolver { servers ns.example }",
	        "1:20: error: 'ns.example' is not a server, expected 192.0.2.1, 192.0.2.1:53 or "
	        "[2001:db8::1]:53"},
	    {"resolver { servers 192.0.2.1:0 }",
	        "1:20: error: '192.0.2.1:0' is not a server, expected 192.0.2.1, 192.0.2.1:53 or "
	        "[2001:db8::1]:53"},
	    {"resolver { search 10.0.0.1 }", "1:19: error: '10.0.0.1': an address is not a domain"},
	    {"resolver { ndots 16 }",
	        "1:18: error: '16' is not a number of dots, expected 0 to 15"},
	    {"resolver { timeout 2m }",
	        "1:20: error: '2m' is too long for one try, expected at most 1m"},
	    {"resolver { timeout off }",
	        "1:20: error: 'off' is not a duration, expected 500ms, 10s, 2m, 1h30m or 7d"},
	    {"resolver { tries 0 }", "1:18: error: '0' is not a number of tries, expected 1 to 10"},
	    {"resolver { cache 0 }",
	        "1:18: error: '0' could mean none or no limit, write 'off' for no limit"},
	    {"resolver { family ipv5 }",
	        "1:19: error: 'ipv5' is unknown here, expected any, ipv4, ipv6, prefer-ipv4 or "
	        "prefer-ipv6; did you mean 'ipv4'?"},
	};

	(void)state;
	RUN(rows);
}

static void test_names(void **state)
{
	static const struct mistake rows[] = {
	    {"auth none { password-file /u }", "1:6: error: the name 'none' is reserved"},
	    {"auth a+b { password-file /u }",
	        "1:6: error: 'a+b' is not a name, expected letters, digits, '-', '_' and '.'"},
	    {"auth a { }",
	        "1:1: error: 'auth' says nothing, expected: password-file, pam, exec, unix-peer, "
	        "source or ident"},
	    {"auth a { password-file /u }\nauth a { password-file /u }",
	        "2:6: error: 'a' is given twice, first at text:1:6"},
	    {"listen a { address 1 }\nlisten a { address 1 }",
	        "2:8: error: 'a' is given twice, first at text:1:8"},
	    {"hop a { uri direct: }\nchain a b",
	        "2:7: error: 'a' is given twice, first at text:1:5"},
	    {"routes { }\nroutes { }", "2:1: error: 'routes' is given twice, first at text:1:1"},
	    {"routes a { }\nroutes a { }", "2:8: error: 'a' is given twice, first at text:1:8"},
	    {"hop reject { uri direct: }", "1:5: error: *"},
	};

	(void)state;
	RUN(rows);
}

static void test_hops(void **state)
{
	static const struct mistake rows[] = {
	    {"hop a { mark 1 }", "1:1: error: 'hop' needs a URI, expected: uri socks5://HOST:PORT"},
	    {"hop a { uri socks6://h }", "1:13: error: *"},
	    {"hop a { uri http://h }", "1:13: error: *"},
	    {"hop a { uri socks5://u@h; user v }",
	        "1:32: error: 'v' is a second user, the URI names one"},
	    {"hop a { uri socks5://u:p@h; user v }",
	        "1:34: error: a URI with a password does not stand beside 'user'"},
	    {"hop a { uri direct:; user v }",
	        "1:22: error: a 'direct:' hop has nobody to log in to"},
	    {"hop a { uri socks5://h; password-file /p }",
	        "1:25: error: a password needs a user, expected: user NAME"},
	    {"hop a { uri socks4a://u@h; password-file /p }",
	        "1:28: error: SOCKS4 has a user, but no password"},
	    {"hop a { uri http://h:1; user a:b }",
	        "1:30: error: 'a:b' cannot log in over HTTP: the name holds a colon"},
	    {"hop a { uri socks4://h; name-resolution remote }",
	        "1:41: error: 'remote' cannot be: SOCKS4 has no names, use socks4a"},
	    {"hop a { uri socks5://h; name-resolution here }",
	        "1:41: error: 'here' is unknown here, expected remote or local"},
	    {"hop a { uri direct:; name-resolution local }",
	        "1:22: error: a 'direct:' hop always resolves names here"},
	    {"hop a { uri direct:; via b }\nhop b { uri direct: }",
	        "1:22: error: a 'direct:' hop has nothing before it"},
	    {"hop a { uri direct:; mark 0 }",
	        "1:27: error: '0' is not a mark, expected 1 to 4294967295 or 0x1 to 0xffffffff"},
	    {"hop a { uri direct:; mark 0x }",
	        "1:27: error: '0x' is not a mark, expected 1 to 4294967295 or 0x1 to 0xffffffff"},
	    {"hop a { uri direct:; family v4 }",
	        "1:29: error: 'v4' is not a family, expected any, ipv4, ipv6, prefer-ipv4 or "
	        "prefer-ipv6"},
	    {"hop a { uri direct:; source 192.0.2.9-192.0.2.1 }",
	        "1:29: error: '192.0.2.9-192.0.2.1' is not a range, expected the lower address "
	        "first "
	        "and one family"},
	    {"hop a { uri direct:; source eth0 }",
	        "1:29: error: 'eth0' is not a source, expected an address, a range A-B, %interface "
	        "or listener"},
	    {"hop a { uri direct:; interface a-name-of-16-let }",
	        "1:32: error: 'a-name-of-16-let' is not the name of an interface, expected 1 to 15 "
	        "bytes"},
	    {"hop a { uri socks5://h; timeouts { dial 1s } }",
	        "1:36: error: unknown directive 'dial' in 'timeouts'"},
	    {"hop a { uri socks5://h?mark=x }",
	        "1:13: error: in the query, mark 'x' is not a mark, expected 1 to 4294967295 or "
	        "0x1 "
	        "to 0xffffffff"},
	    {"hop a { uri socks5://h?marc=1 }",
	        "1:13: error: 'marc' is no directive for a query; did you mean 'mark'?"},
	    {"hop a { uri socks5://h?tls=1 }",
	        "1:13: error: 'tls' is not in this version of hopgate"},
	};

	(void)state;
	RUN(rows);
}

/* What is wrong with a hop is said once, where it is wrong. */
static void test_ways(void **state)
{
	static const struct mistake rows[] = {
	    {"hop a { uri socks5://h; via b }\nhop b { uri socks5://h; via a }",
	        "1:29: error: in 'a', word 'b': a loop: this is reached through itself\n"
	        "text:2:29: error: in 'b', word 'a': a loop: this is reached through itself"},
	    {"chain a office\nhop office { uri sock5://h }\nroute default via a", "2:18: error: *"},
	    {"chain a office\nhop ofice { uri socks5://h }\nroute default via a", "1:9: error: *"},
	    {"route default via office", "1:19: error: *"},
	};

	(void)state;
	RUN(rows);
}

static void test_rows(void **state)
{
	static const struct mistake rows[] = {
	    {"route default drect", "1:15: error: *"},
	    {"route x user alice", "1:19: error: *"},
	    {"routes { order last }",
	        "1:16: error: 'last' is unknown here, expected specific, first or names-first"},
	    {"routes { resolve-for-routing yes }",
	        "1:30: error: 'yes' is not a switch, expected on or off"},
	    {"auth staff { password-file /u }\nroute x user @stuff direct",
	        "2:14: error: no 'auth' and no 'users' is named 'stuff'; did you mean 'staff'?"},
	    {"listen main { address 1 }\nroute x listener main mian direct",
	        "2:23: error: no 'listen' is named 'mian'; did you mean 'main'?"},
	    {"access { permit any }", "1:10: error: unknown directive 'permit' in 'access'"},
	    {"access { block any ports x }", "1:26: error: *"},
	    {"access { pass any user @a }", "1:24: error: no 'auth' and no 'users' is named 'a'"},
	};

	(void)state;
	RUN(rows);
}

#define TEN_OF_A "a a a a a a a a a a "

static void test_listeners(void **state)
{
	static const struct mistake rows[] = {
	    {"listen x { protocols http }",
	        "1:1: error: 'listen' needs an address, expected: address 1080"},
	    {"listen x { address 127.0.0.1 }",
	        "1:20: error: '127.0.0.1' has no port, expected HOST:1080"},
	    {"listen x { address 65536 }",
	        "1:20: error: '65536' has no good port, expected 0 to 65535 after the colon"},
	    {"listen x { address ::1:1080 }",
	        "1:20: error: '::1:1080' has no good port, expected 0 to 65535 after the colon"},
	    {"listen x { address 2001:db8::1:1080 }",
	        "1:20: error: '2001:db8::1:1080' is not clear, expected an IPv6 address in "
	        "brackets: "
	        "[2001:db8::1]:1080"},
	    {"listen x { address [::1] }",
	        "1:20: error: '[::1]' is not an address, expected [2001:db8::1]:1080"},
	    {"listen x { address %:1 }",
	        "1:20: error: '%:1' is not an interface, expected %ppp0:1080"},
	    {"listen x { address 127.0.0.1:1 [::1]:2 unix:/s 1 127.0.0.1:0 127.0.0.1:0 }\n"
	     "listen y { address unix:/s }",
	        "1:48: error: '1' is listened on already, by '127.0.0.1:1' at text:1\n"
	        "text:2:20: error: 'unix:/s' is listened on already, by 'unix:/s' at text:1"},
	    {"listen x { address 1; limits { sessions 1 } }",
	        "1:32: error: 'sessions' counts for the whole gateway, expected at the top level"},
	    {"listen x { address fd:2 }",
	        "1:20: error: 'fd:2' is not a descriptor, expected fd:NAME or fd:3"},
	    {"listen x { address unix: }",
	        "1:20: error: 'unix:' is not the path of a socket, expected unix:/PATH of at most "
	        "107 bytes"},
	    {"listen x { address unix:/a { mode 999 } }",
	        "1:35: error: '999' is not a mode, expected 600 to 777 in octal"},
	    {"listen x { address 1 { mode 600 } }",
	        "1:12: error: only a 'unix:' address with a path takes a block"},
	    {"listen x { address 1; auth stuff }", "1:28: error: no 'auth' is named 'stuff'"},
	    {"auth a { password-file /u }\n"
	     "listen x { address 1; auth none " TEN_OF_A TEN_OF_A TEN_OF_A "a a a a }",
	        "2:97: error: 'a' is one too many, expected at most 32 'auth' blocks in a "
	        "listener"},
	    {"listen x { address 1; routes other }", "1:30: error: no 'routes' is named 'other'"},
	    {"listen x { address 1; protocols socks }",
	        "1:33: error: 'socks' is unknown here, expected socks4, socks5 or http; did you "
	        "mean "
	        "'socks4'?"},
	};

	(void)state;
	RUN(rows);
}

/* An open proxy is not started by accident. */
static void test_guard(void **state)
{
	static const char *const open[] = {"0.0.0.0:1", ":1", "*:1", "[2001:db8::1]:1", "%eth0:1",
	    "fd:3", "127.0.0.1:1 192.0.2.1:1"};
	static const char *const shut[] = {
	    "1", "127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "%lo:1", "unix:/run/x", "unix:@x"};
	static const char *const excuses[] = {
	    "auth none", "auth a", "auth a none", "allow 10.0.0.0/8", "allow unix"};
	static const char *const no_excuses[] = {"", "allow all", "allow 0.0.0.0/0", "allow ::/0",
	    "deny 10.0.0.0/8", "allow 10.0.0.0/8 all"};
	static const char said[] =
	    "text:2:8: error: others can reach this listener and nobody has to log in, "
	    "expected 'auth NAME', 'allow PREFIX', or 'auth none' to have an open proxy\n";
	static const char form[] = "auth a { password-file /u }\nlisten x { address %s; %s }";
	char text[160];

	(void)state;
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		for (size_t j = 0; j < sizeof no_excuses / sizeof no_excuses[0]; j++) {
			struct loaded l;

			snprintf(text, sizeof text, form, open[i], no_excuses[j]);
			l = load_text(text, true);
			assert_string_equal(l.said, said);
			unload(&l);
		}
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		for (size_t j = 0; j < sizeof excuses / sizeof excuses[0]; j++) {
			struct loaded l;

			snprintf(text, sizeof text, form, open[i], excuses[j]);
			l = load_text(text, true);
			assert_non_null(l.conf);
			unload(&l);
		}
	for (size_t i = 0; i < sizeof shut / sizeof shut[0]; i++) {
		struct loaded l;

		snprintf(text, sizeof text, form, shut[i], "");
		l = load_text(text, true);
		assert_non_null(l.conf);
		unload(&l);
	}
}

/* Several mistakes in one run, as people see them. */
static void test_golden(void **state)
{
	static const char text[] = "# my gateway\n"
	                           "workers many\n"
	                           "listen main {\n"
	                           "\tadress 127.0.0.1:1080\n"
	                           "}\n"
	                           "timeouts { idle 90x; connect 5s }\n"
	                           "routes {\n"
	                           "    route .corp.example user @staff direct # or there\n"
	                           "}\n";
	static const char golden[] =
	    "text:2:9: error: 'many' is not a number of threads, expected auto or 1 to 1024\n"
	    "     2 | workers many\n"
	    "       |         ^\n"
	    "text:4:2: error: unknown directive 'adress' in 'listen'; did you mean 'address'?\n"
	    "     4 | \tadress 127.0.0.1:1080\n"
	    "       | \t^\n"
	    "text:6:17: error: '90x' is not a duration, expected 500ms, 10s, 2m, 1h30m, 7d or off\n"
	    "     6 | timeouts { idle 90x; connect 5s }\n"
	    "       |                 ^\n"
	    "text:8:30: error: no 'auth' and no 'users' is named 'staff'\n"
	    "     8 |     route .corp.example user @staff direct # or there\n"
	    "       |                              ^\n";
	char *said;
	size_t size;
	FILE *out = open_memstream(&said, &size);
	const struct conf_options options = {.messages = out};

	(void)state;
	assert_null(conf_load_text(&options, text, strlen(text), true));
	fclose(out);
	assert_string_equal(said, golden);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_form),
	    cmocka_unit_test(test_later),
	    cmocka_unit_test(test_later_words),
	    cmocka_unit_test(test_process),
	    cmocka_unit_test(test_resolver),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_hops),
	    cmocka_unit_test(test_ways),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_listeners),
	    cmocka_unit_test(test_guard),
	    cmocka_unit_test(test_golden),
	};

	return cmocka_run_group_tests_name("conf_wrong", tests, NULL, NULL);
}
