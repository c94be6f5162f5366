/* SPDX-License-Identifier: ISC */
/* Good configurations, and what they come to. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <syslog.h>

#include "loading.h"

#define CLEAR "note: passwords reach 'main' unencrypted: whoever sees the traffic can read them\n"

/* Good, but something is said about it. */
static struct conf *told(struct loaded *loaded, const char *text, const char *said)
{
	*loaded = load_text(text, true);
	assert_string_equal(loaded->said, said);
	assert_non_null(loaded->conf);
	return loaded->conf;
}

static struct conf *good(struct loaded *loaded, const char *text)
{
	return told(loaded, text, "");
}

static void test_nothing_said(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l, "");
	const struct listener *listener = &conf->listeners[0];

	(void)state;
	assert_int_equal(conf->listener_count, 1);
	assert_string_equal(listener->name, "main");
	assert_int_equal(listener->address_count, 1);
	assert_true(listener->addresses[0].shorthand);
	assert_int_equal(listener->addresses[0].endpoint_count, 2);
	assert_int_equal(listener->addresses[0].endpoints[0].port, 1080);
	assert_int_equal(listener->addresses[0].endpoints[1].address.s6_addr[15], 1);
	assert_int_equal(listener->protocols, 7);
	assert_int_equal(listener->commands, 1u << COMMAND_CONNECT | 1u << COMMAND_HTTP);
	assert_int_equal(listener->auth.choice_count, 0);
	assert_null(listener->routes);
	assert_true(conf->workers >= 1);
	assert_int_equal(conf->log_count, 1);
	assert_int_equal(conf->logs[0].kind, SINK_STDERR);
	assert_int_equal(conf->logs[0].level, LEVEL_INFO);
	assert_false(conf->access_log);
	assert_int_equal(conf->drain_ms, 0);
	assert_int_equal(conf->timeouts.handshake, 30000);
	assert_int_equal(conf->timeouts.auth, 15000);
	assert_int_equal(conf->timeouts.dial, 30000);
	assert_int_equal(conf->timeouts.connect, 10000);
	assert_int_equal(conf->timeouts.idle, 7500000);
	assert_int_equal(conf->timeouts.half_close, 240000);
	assert_int_equal(conf->timeouts.keep_alive, 60000);
	assert_int_equal(conf->timeouts.close, 5000);
	assert_int_equal(conf->keepalive, KEEPALIVE_SYSTEM);
	assert_int_equal(listener->keepalive, KEEPALIVE_SYSTEM);
	assert_int_equal(conf->limits.sessions, 0);
	assert_true(conf->limits.rate_per_client == 0);
	assert_true(conf->resolver_system);
	assert_int_equal(conf->resolver.timeout_ms, 2000);
	assert_int_equal(conf->resolver.tries, 2);
	assert_int_equal(conf->resolver.ndots, 1);
	assert_int_equal(conf->resolver.cache_max, 100000);
	assert_int_equal(conf->resolver.min_ttl_ms, 5000);
	assert_int_equal(conf->resolver.max_ttl_ms, 3600000);
	assert_int_equal(conf->resolver.negative_ttl_ms, 30000);
	assert_string_equal(conf->resolver_hosts_path, "/etc/hosts");
	assert_null(conf->access);
	assert_int_equal(conf->table_count, 0);
	unload(&l);
}

static void test_process(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "workers 3; run-as hop gate; chroot /var/empty; pid-file /run/x.pid\n"
	    "log syslog local3 warning; log file /l; log stdout debug; log syslog\n"
	    "access-log file /a json; drain-timeout 30s\n"
	    "timeouts { idle off; handshake 500ms; auth 1s; dial 2s; connect 3s; half-close 4s; "
	    "keep-alive 5s; close 6s }\n"
	    "limits { sessions 10; sessions-per-client 20; sessions-per-user 30; "
	    "handshakes-per-client 40; rate-per-client 30/m; auth-failures-per-client 5/h; "
	    "bandwidth-per-client 1m/s; bandwidth-per-user 2k/s; bandwidth-per-session 3/s }\n");

	(void)state;
	assert_int_equal(conf->workers, 3);
	assert_string_equal(conf->run_as_user, "hop");
	assert_string_equal(conf->run_as_group, "gate");
	assert_string_equal(conf->chroot, "/var/empty");
	assert_string_equal(conf->pid_file, "/run/x.pid");
	assert_int_equal(conf->log_count, 4);
	assert_int_equal(conf->logs[0].kind, SINK_SYSLOG);
	assert_int_equal(conf->logs[0].facility, LOG_LOCAL3);
	assert_int_equal(conf->logs[0].level, LEVEL_WARNING);
	assert_int_equal(conf->logs[1].kind, SINK_FILE);
	assert_string_equal(conf->logs[1].path, "/l");
	assert_int_equal(conf->logs[1].level, LEVEL_INFO);
	assert_int_equal(conf->logs[2].kind, SINK_STDOUT);
	assert_int_equal(conf->logs[2].level, LEVEL_DEBUG);
	assert_int_equal(conf->logs[3].facility, LOG_DAEMON);
	assert_true(conf->access_log && conf->access_json);
	assert_string_equal(conf->access_path, "/a");
	assert_int_equal(conf->drain_ms, 30000);
	assert_int_equal(conf->timeouts.idle, 0);
	assert_int_equal(conf->timeouts.handshake, 500);
	assert_int_equal(conf->timeouts.keep_alive, 5000);
	assert_int_equal(conf->timeouts.close, 6000);
	assert_int_equal(conf->limits.sessions, 10);
	assert_int_equal(conf->limits.sessions_per_client, 20);
	assert_int_equal(conf->limits.sessions_per_user, 30);
	assert_int_equal(conf->limits.handshakes_per_client, 40);
	assert_true(conf->limits.rate_per_client == 0.5);
	assert_int_equal(conf->limits.auth_failures_per_client.number, 5);
	assert_int_equal(conf->limits.auth_failures_per_client.in_ms, 3600000);
	assert_int_equal(conf->limits.bandwidth_per_client, 1 << 20);
	assert_int_equal(conf->limits.bandwidth_per_user, 2048);
	assert_int_equal(conf->limits.bandwidth_per_session, 3);
	unload(&l);
}

static void test_resolver(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "resolver { servers 127.0.0.1 192.0.2.1:5353 [::1]:53 [2001:db8::1] 2001:db8::2\n"
	    "hosts off; search Corp.Example. x; ndots 0; timeout 500ms; tries 3; cache off\n"
	    "min-ttl off; max-ttl 1d; negative-ttl 1m; family prefer-ipv6 }\n");

	(void)state;
	assert_string_equal(conf->resolver.servers,
	    "127.0.0.1:53,192.0.2.1:5353,[::1]:53,[2001:db8::1]:53,[2001:db8::2]:53");
	assert_false(conf->resolver_system);
	assert_null(conf->resolver_hosts_path);
	assert_string_equal(conf->resolver.search[0], "corp.example");
	assert_string_equal(conf->resolver.search[1], "x");
	assert_null(conf->resolver.search[2]);
	assert_int_equal(conf->resolver.ndots, 0);
	assert_int_equal(conf->resolver.timeout_ms, 500);
	assert_int_equal(conf->resolver.tries, 3);
	assert_int_equal(conf->resolver.cache_max, 0);
	assert_int_equal(conf->resolver.min_ttl_ms, 0);
	assert_int_equal(conf->resolver.max_ttl_ms, 86400000);
	assert_int_equal(conf->resolver.negative_ttl_ms, 60000);
	assert_int_equal(conf->resolver.family, RESOLVER_PREFER_IPV6);
	unload(&l);
}

static void test_listener(void **state)
{
	struct loaded l;
	const struct conf *conf = told(&l,
	    "auth staff { password-file /u }; auth corp { password-file /v }\n"
	    "listen main { address 127.0.0.1:0 [2001:db8::1]:1080 :25 *:26 %ppp0:27 fd:3 fd:web\n"
	    "address unix:/run/x { mode 660; group adm }\naddress unix:@abstract\n"
	    "protocols http socks5; auth corp staff none; commands connect\n"
	    "allow 10.0.0.0/8 unix; deny 10.66.0.0/16; http { max-head 32k }\n"
	    "timeouts { idle 1h }\nlimits { sessions-per-user 5 }\nroutes guests }\n"
	    "routes guests { route default reject }\ntimeouts { dial 9s }\n",
	    "text:2:8: " CLEAR);
	const struct listener *listener = &conf->listeners[0];
	const struct listen_address *a = listener->addresses;

	(void)state;
	assert_int_equal(listener->address_count, 9);
	assert_int_equal(a[0].endpoint_count, 1);
	assert_int_equal(a[0].endpoints[0].port, 0);
	assert_int_equal(a[1].endpoints[0].port, 1080);
	assert_true(a[2].shorthand && a[3].shorthand);
	assert_int_equal(a[2].endpoint_count, 2);
	assert_int_equal(a[4].kind, ADDRESS_INTERFACE);
	assert_string_equal(a[4].interface, "ppp0");
	assert_int_equal(a[4].port, 27);
	assert_int_equal(a[5].kind, ADDRESS_FD);
	assert_int_equal(a[5].fd, 3);
	assert_int_equal(a[6].fd, -1);
	assert_int_equal(a[7].kind, ADDRESS_UNIX);
	assert_string_equal(a[7].path, "/run/x");
	assert_int_equal(a[7].mode, 0660);
	assert_string_equal(a[7].group, "adm");
	assert_int_equal(a[8].kind, ADDRESS_ABSTRACT);
	assert_string_equal(a[8].path, "abstract");
	assert_int_equal(a[8].place.line, 4);
	assert_int_equal(listener->protocols, 1u << PROTOCOL_HTTP | 1u << PROTOCOL_SOCKS5);
	assert_int_equal(listener->auth.choice_count, 3);
	assert_string_equal(listener->auth.choices[0].parts[0]->name, "corp");
	assert_string_equal(listener->auth.choices[1].parts[0]->name, "staff");
	assert_int_equal(listener->auth.choices[2].part_count, 0);
	assert_int_equal(listener->commands, 1u << COMMAND_CONNECT);
	assert_int_equal(listener->http.max_head, 32768);
	/* What the listener does not say comes from outside. */
	assert_int_equal(listener->timeouts.idle, 3600000);
	assert_int_equal(listener->timeouts.dial, 9000);
	assert_int_equal(listener->limits.sessions_per_user, 5);
	assert_string_equal(routes_name(listener->routes), "guests");
	assert_ptr_equal(conf_listener(conf, "main"), listener);
	assert_null(conf_listener(conf, "other"));
	unload(&l);
}

/* Allowed, as there is no TLS yet, but said. */
static void row_102_passwords_in_the_clear_are_told(void **state)
{
	static const struct {
		const char *words, *said;
	} cases[] = {{"address 127.0.0.1:1 [::1]:1 1080 unix:/run/x %lo:1; auth staff", ""},
	    {"address 192.0.2.1:1; auth none", ""}, {"address 192.0.2.1:1; allow 10.0.0.0/8", ""},
	    {"address 192.0.2.1:1; auth staff", "text:2:8: " CLEAR},
	    {"address :1; auth none staff", "text:2:8: " CLEAR},
	    {"address 127.0.0.1:1 %eth0:1; auth staff", "text:2:8: " CLEAR}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct loaded l;
		char text[300];

		snprintf(text, sizeof text,
		    "auth staff { password-file /u }\nlisten main { %s }\n"
		    "listen other { address 1081; auth staff }\n",
		    cases[i].words);
		l = load_text(text, true);
		assert_non_null(l.conf);
		assert_true(strncmp(l.said, cases[i].said, strlen(cases[i].said)) == 0);
		assert_true(cases[i].said[0] != '\0' || strstr(l.said, "passwords") == NULL);
		unload(&l);
	}
}

static void test_hops(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "route default via deep\n"
	    "hop dmz { via office; uri http://[2001:db8::1]:8080; name-resolution local }\n"
	    "hop office { user relay; uri socks5://gw.example; timeouts { connect 5s }\n family "
	    "ipv4 }\n"
	    "hop out { uri direct:; source 192.0.2.7 2001:db8::7; source 192.0.2.10-192.0.2.20 "
	    "%eth0 listener; mark 0x10; interface ppp0 }\n"
	    "chain deep dmz\nroute x via out dmz\nroute y via "
	    "socks5://u@h.example?mark=7&family=ipv6\n");
	const struct hop *dmz = hops_each(conf->hops, 0), *office = hops_each(conf->hops, 1);
	const struct hop *out = hops_each(conf->hops, 2), *inline_hop = hops_each(conf->hops, 3);

	(void)state;
	assert_string_equal(dmz->name, "dmz");
	assert_true(dmz->resolve_local);
	assert_int_equal(dmz->port, 8080);
	assert_string_equal(office->user, "relay");
	assert_int_equal(office->connect_ms, 5000);
	assert_int_equal(office->family, FAMILY_IPV4);
	assert_int_equal(out->protocol, HOP_DIRECT);
	assert_int_equal(out->source_count, 5);
	assert_int_equal(out->sources[2].kind, SOURCE_RANGE);
	assert_string_equal(out->sources[3].interface, "eth0");
	assert_int_equal(out->sources[4].kind, SOURCE_LISTENER);
	assert_int_equal(out->mark, 16);
	assert_string_equal(out->interface, "ppp0");
	assert_int_equal(inline_hop->mark, 7);
	assert_int_equal(inline_hop->family, FAMILY_IPV6);
	unload(&l);
}

static void test_sockets(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "listen a { address 127.0.0.1:1 }\n"
	    "listen b { address 127.0.0.1:2; socket { keepalive 2500ms } }\n"
	    "listen c { address 127.0.0.1:3; socket { keepalive system } }\n"
	    "listen d { address 127.0.0.1:4; socket { } }\nsocket { keepalive off }\n"
	    "hop a { uri direct:; socket { keepalive 18h } }\nhop b { uri direct:; socket { } }\n"
	    "route x via a\nroute y via b\n");

	(void)state;
	assert_int_equal(conf->keepalive, KEEPALIVE_OFF);
	assert_int_equal(conf->listeners[0].keepalive, KEEPALIVE_OFF);
	assert_int_equal(conf->listeners[1].keepalive, 2);
	assert_int_equal(conf->listeners[2].keepalive, KEEPALIVE_SYSTEM);
	assert_int_equal(conf->listeners[3].keepalive, KEEPALIVE_OFF);
	assert_int_equal(hops_each(conf->hops, 0)->keepalive, 64800);
	assert_int_equal(hops_each(conf->hops, 1)->keepalive, KEEPALIVE_UNSAID);
	unload(&l);
}

/* What no row matches is rejected, also by a listener whose table nobody has written. */
static void test_tables(void **state)
{
	struct loaded l = load_text("routes guests { route default direct }", true);

	(void)state;
	assert_non_null(l.conf);
	assert_non_null(l.conf->listeners[0].routes);
	assert_int_equal(routes_count(l.conf->listeners[0].routes), 0);
	assert_non_null(strstr(l.said, "the table '' is empty: everything is rejected"));
	unload(&l);

	good(&l,
	    "route a direct\nroutes { order first; resolve-for-routing off\nroute b direct }\n"
	    "route c direct\n");
	assert_int_equal(l.conf->table_count, 1);
	assert_int_equal(routes_count(l.conf->tables[0]), 3);
	assert_ptr_equal(l.conf->listeners[0].routes, l.conf->tables[0]);
	unload(&l);
}

/* --- who may use a listener ------------------------------------------------------------------- */

static bool allows(const char *rules, const char *client)
{
	char text[256];
	struct in6_addr address;
	struct loaded l;
	bool allowed;

	snprintf(text, sizeof text, "listen main { address 127.0.0.1:1; %s }", rules);
	good(&l, text);
	if (client != NULL)
		assert_true(address_parse(&address, client, strlen(client)));
	allowed = listener_allows(&l.conf->listeners[0], client != NULL ? &address : NULL);
	unload(&l);
	return allowed;
}

static void test_clients(void **state)
{
	(void)state;
	assert_true(allows("", "192.0.2.1"));
	assert_true(allows("", NULL));
	/* Only `deny`: others are allowed.  An `allow`: others are not. */
	assert_true(allows("deny 10.0.0.0/8", "192.0.2.1"));
	assert_false(allows("deny 10.0.0.0/8", "10.1.1.1"));
	assert_true(allows("deny 10.0.0.0/8", NULL));
	assert_false(allows("allow 10.0.0.0/8", "192.0.2.1"));
	assert_false(allows("allow 10.0.0.0/8", NULL));
	/* The most specific wins; if equal, deny. */
	assert_false(allows("deny 10.66.0.0/16; allow 10.0.0.0/8", "10.66.1.1"));
	assert_true(allows("allow 10.66.1.1; deny 10.66.0.0/16", "10.66.1.1"));
	assert_false(allows("allow 10.0.0.0/8; deny 10.0.0.0/8", "10.66.1.1"));
	assert_false(allows("allow all; deny 2001:db8::/32", "2001:db8::1"));
	assert_true(allows("allow all; deny 2001:db8::/32", "192.0.2.1"));
	assert_true(allows("allow all", NULL));
	assert_false(allows("allow all; deny unix", NULL));
	assert_true(allows("deny all; allow unix", NULL));
	assert_false(allows("deny all; allow unix", "127.0.0.1"));
}

/* An IPv4 address inside an IPv6 one is denied with it, but not allowed with it. */
static void test_embedded_clients(void **state)
{
	(void)state;
	assert_false(allows("deny 10.0.0.0/8", "64:ff9b::10.1.1.1"));
	assert_false(allows("allow 10.0.0.0/8", "64:ff9b::10.1.1.1"));
	assert_true(allows("allow 10.0.0.0/8", "::ffff:10.1.1.1"));
}

/* --- the dump --------------------------------------------------------------------------------- */

static char *dump(const char *text)
{
	struct loaded l = load_text(text, true);
	char *dumped;
	size_t size;
	FILE *out;

	assert_non_null(l.conf);
	out = open_memstream(&dumped, &size);
	conf_dump(l.conf, out);
	fclose(out);
	unload(&l);
	return dumped;
}

static const char dumped_text[] =
    "workers 2; timeouts { idle off }; socket { keepalive 2m }\nauth a { password-file /u }\n"
    "hop h { uri socks5://u:secret@h:1; timeouts { connect 2s }\n }\n"
    "routes { route default via h; route x reject \"a \\\"b\\\\ ;\" }\n"
    "listen l { address 127.0.0.1:1; auth a; timeouts { dial 1s }\n"
    "socket { keepalive off } }\n"
    "access { pass any }\nexpect x:1 reject";

static void test_dump_is_read_again(void **state)
{
	char *first = dump(dumped_text), *second = dump(first);

	(void)state;
	assert_string_equal(first, second);
	assert_null(strstr(first, "secret"));
	assert_non_null(strstr(first, "    uri socks5://u@h:1\n"));
	assert_non_null(strstr(first, "    route x reject \"a \\\"b\\\\ ;\"\n"));
	free(first);
	free(second);
}

/* Defaults are said, but for what a listener takes from outside. */
static void test_dump_is_whole(void **state)
{
	char *text = dump("listen main { address 127.0.0.1:1; timeouts { dial 1s } }");
	const char *listen = strstr(text, "\nlisten main {\n");

	(void)state;
	assert_non_null(strstr(text, "\ntimeouts {\n    handshake 30s\n"));
	assert_non_null(strstr(text, "\nsocket {\n    keepalive system\n}\n"));
	assert_non_null(strstr(text, "\nworkers auto\n"));
	assert_non_null(strstr(text, "\nresolver {\n"));
	assert_non_null(listen);
	assert_null(strstr(listen, "socket"));
	assert_non_null(strstr(listen, "    protocols socks4 socks5 http\n"));
	assert_non_null(strstr(listen, "    commands connect http\n"));
	assert_non_null(strstr(listen,
	    "    http {\n        via on\n        forwarded off\n        connect-ports all\n"
	    "        max-head 16k\n        log-query off\n    }\n"));
	assert_non_null(strstr(listen, "    timeouts {\n        dial 1s\n    }\n"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_said),
	    cmocka_unit_test(test_process),
	    cmocka_unit_test(test_resolver),
	    cmocka_unit_test(test_listener),
	    cmocka_unit_test(row_102_passwords_in_the_clear_are_told),
	    cmocka_unit_test(test_hops),
	    cmocka_unit_test(test_sockets),
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_clients),
	    cmocka_unit_test(test_embedded_clients),
	    cmocka_unit_test(test_dump_is_read_again),
	    cmocka_unit_test(test_dump_is_whole),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
