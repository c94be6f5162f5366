/* SPDX-License-Identifier: ISC */
/* Hosts files and resolv.conf, well-formed and not. */
#include "config.h"

#include "resolver/hosts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "resolver/name.h"
#include "resolver/resolv_conf.h"

static const char *find(
    const struct resolver_hosts *hosts, const char *name, enum resolver_kind kind)
{
	static char text[RESOLVER_ADDRESSES_MAX * INET6_ADDRSTRLEN];
	struct in6_addr found[RESOLVER_ADDRESSES_MAX];
	size_t count = resolver_hosts_find(hosts, name, kind, found);

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char one[INET6_ADDRSTRLEN];

		if (kind == RESOLVER_A)
			inet_ntop(AF_INET, &found[i].s6_addr[12], one, sizeof(one));
		else
			inet_ntop(AF_INET6, &found[i], one, sizeof(one));
		strcat(strcat(text, i > 0 ? " " : ""), one);
	}
	return text;
}

static struct resolver_hosts *hosts_of(const char *text)
{
	struct resolver_hosts *hosts = resolver_hosts_parse(text, strlen(text));

	assert_non_null(hosts);
	return hosts;
}

static void names_and_aliases(void **state)
{
	struct resolver_hosts *hosts = hosts_of("# a comment\n"
	                                        "192.0.2.1\tone.test one  uno # and one\r\n"
	                                        "\n"
	                                        "  2001:db8::1 one.test\n"
	                                        "192.0.2.2 ONE.test.#\n"
	                                        "192.0.2.1 one.test\n"
	                                        "::ffff:192.0.2.3 mapped.test\n"
	                                        "192.0.2.4 last.test");

	(void)state;
	assert_string_equal(find(hosts, "one.test", RESOLVER_A), "192.0.2.1 192.0.2.2");
	assert_string_equal(find(hosts, "one.test", RESOLVER_AAAA), "2001:db8::1");
	assert_string_equal(find(hosts, "one", RESOLVER_A), "192.0.2.1");
	assert_string_equal(find(hosts, "uno", RESOLVER_A), "192.0.2.1");
	assert_string_equal(find(hosts, "uno", RESOLVER_AAAA), "");
	assert_string_equal(find(hosts, "mapped.test", RESOLVER_A), "192.0.2.3");
	assert_string_equal(find(hosts, "mapped.test", RESOLVER_AAAA), "");
	assert_string_equal(find(hosts, "last.test", RESOLVER_A), "192.0.2.4");
	assert_string_equal(find(hosts, "and", RESOLVER_A), "");
	resolver_hosts_free(hosts);
}

static void nonsense_is_passed_over(void **state)
{
	struct resolver_hosts *hosts = hosts_of("192.0.2.1\n"
	                                        "nonsense one.test\n"
	                                        "192.0.2.256 one.test\n"
	                                        "fe80::1%eth0 one.test\n"
	                                        "192.0.2.1 192.0.2.2 bad..name a/b caf\xc3\xa9 ok\n"
	                                        "0123456789012345678901234567890123456789012345678 "
	                                        "one.test\n");

	(void)state;
	assert_string_equal(find(hosts, "one.test", RESOLVER_A), "");
	assert_string_equal(find(hosts, "one.test", RESOLVER_AAAA), "");
	assert_string_equal(find(hosts, "192.0.2.2", RESOLVER_A), "");
	assert_string_equal(find(hosts, "ok", RESOLVER_A), "192.0.2.1");
	resolver_hosts_free(hosts);
	hosts = hosts_of("");
	assert_string_equal(find(hosts, "ok", RESOLVER_A), "");
	assert_string_equal(find(NULL, "ok", RESOLVER_A), "");
	resolver_hosts_free(hosts);
	resolver_hosts_free(NULL);
}

static void a_name_has_so_many_addresses(void **state)
{
	char text[8192], *end = text;
	struct in6_addr found[RESOLVER_ADDRESSES_MAX];
	struct resolver_hosts *hosts;

	(void)state;
	for (int i = 0; i < 100; i++)
		end += sprintf(end, "192.0.2.%d many.test\n", i);
	hosts = hosts_of(text);
	assert_int_equal(
	    resolver_hosts_find(hosts, "many.test", RESOLVER_A, found), RESOLVER_ADDRESSES_MAX);
	resolver_hosts_free(hosts);
}

static void a_large_file(void **state)
{
	size_t size = 100000 * (size_t)40, used = 0;
	char *text = malloc(size), name[32];
	struct resolver_hosts *hosts;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 100000; i++)
		used += (size_t)snprintf(
		    text + used, size - used, "10.%d.%d.1 h%d.test\n", i / 256 % 256, i % 256, i);
	hosts = resolver_hosts_parse(text, used);
	assert_non_null(hosts);
	for (int i = 0; i < 100000; i += 999) {
		char address[INET_ADDRSTRLEN];

		snprintf(name, sizeof(name), "h%d.test", i);
		snprintf(address, sizeof(address), "10.%d.%d.1", i / 256 % 256, i % 256);
		assert_string_equal(find(hosts, name, RESOLVER_A), address);
	}
	assert_string_equal(find(hosts, "h100000.test", RESOLVER_A), "");
	resolver_hosts_free(hosts);
	free(text);
}

static void from_a_file(void **state)
{
	char path[] = "hosts.test.XXXXXX";
	const char *error = NULL;
	struct resolver_hosts *hosts;
	int fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "192.0.2.1 one.test\n", 19), 19);
	close(fd);
	hosts = resolver_hosts_load(path, &error);
	assert_non_null(hosts);
	assert_string_equal(find(hosts, "one.test", RESOLVER_A), "192.0.2.1");
	resolver_hosts_free(hosts);
	unlink(path);
	assert_null(resolver_hosts_load(path, &error));
	assert_string_equal(error, strerror(ENOENT));
	assert_null(resolver_hosts_load(".", &error));
	assert_string_equal(error, strerror(EISDIR));
}

/* --- resolv.conf --- */

static void expect_conf(const char *text, const char *servers, const char *search, unsigned ndots)
{
	char *found_servers, **found_search, joined[4096] = "";
	unsigned found_ndots;

	assert_int_equal(resolver_resolv_conf_parse(
	                     text, strlen(text), &found_servers, &found_search, &found_ndots),
	    0);
	for (char **domain = found_search; *domain != NULL; domain++) {
		strcat(strcat(joined, domain > found_search ? " " : ""), *domain);
		free(*domain);
	}
	assert_string_equal(found_servers, servers);
	assert_string_equal(joined, search);
	assert_int_equal(found_ndots, ndots);
	free(found_search);
	free(found_servers);
}

static void what_resolv_conf_says(void **state)
{
	(void)state;
	expect_conf("", "127.0.0.1:53", "", 1);
	expect_conf("nameserver 192.0.2.53\nnameserver 2001:db8::53\n",
	    "192.0.2.53:53,[2001:db8::53]:53", "", 1);
	expect_conf(
	    "; made by\n# somebody\n nameserver\t192.0.2.53 # mine\nsearch a.test B.test.\n",
	    "192.0.2.53:53", "a.test b.test", 1);
	expect_conf("domain a.test\noptions edns0 ndots:3 trust-ad\n", "127.0.0.1:53", "a.test", 3);
	expect_conf("search a.test\nsearch b.test c.test\n", "127.0.0.1:53", "b.test c.test", 1);
	expect_conf("search a.test\nsearch .\n", "127.0.0.1:53", "", 1);
	expect_conf("options ndots:99", "127.0.0.1:53", "", 15);
	expect_conf("options ndots:0", "127.0.0.1:53", "", 0);
}

static void what_it_should_not_say(void **state)
{
	(void)state;
	expect_conf(
	    "nameserver\nnameserver nonsense\nnameserver 192.0.2.53:53\n", "127.0.0.1:53", "", 1);
	expect_conf("options ndots: ndots:x ndots:2x ndots\n", "127.0.0.1:53", "", 1);
	expect_conf("search bad..name 192.0.2.1 ok.test a,b\n", "127.0.0.1:53", "ok.test", 1);
	expect_conf(
	    "nameservers 192.0.2.53\nsearched a.test\nsortlist 130.155.160.0/255.255.240.0\n",
	    "127.0.0.1:53", "", 1);
	expect_conf("nameserver 192.0.2.53%eth0\nnameserver 2001:db8::1%eth0\nnameserver fe80::1%\n"
	            "nameserver fe80::1%a,b\n",
	    "127.0.0.1:53", "", 1);
}

static void there_are_only_so_many(void **state)
{
	char text[4096], *end = text;

	(void)state;
	for (int i = 0; i < 20; i++)
		end += sprintf(end, "nameserver 192.0.2.%d\n", i);
	end += sprintf(end, "search");
	for (int i = 0; i < 20; i++)
		end += sprintf(end, " d%d.test", i);
	expect_conf(text,
	    "192.0.2.0:53,192.0.2.1:53,192.0.2.2:53,192.0.2.3:53,"
	    "192.0.2.4:53,192.0.2.5:53,192.0.2.6:53,192.0.2.7:53",
	    "d0.test d1.test d2.test d3.test d4.test d5.test d6.test d7.test d8.test d9.test "
	    "d10.test d11.test d12.test d13.test d14.test d15.test",
	    1);
}

static void resolv_conf_from_a_file(void **state)
{
	char path[] = "resolv.conf.XXXXXX", *servers, **search;
	unsigned ndots;
	int fd = mkstemp(path);

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "nameserver 192.0.2.1\n", 21), 21);
	assert_int_equal(resolver_read_resolv_conf(path, &servers, &search, &ndots), 0);
	assert_string_equal(servers, "192.0.2.1:53");
	assert_null(search[0]);
	free(servers);
	free(search);
	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	assert_int_equal(resolver_read_resolv_conf(path, &servers, &search, &ndots), -1);
	assert_int_equal(errno, EFBIG);
	close(fd);
	unlink(path);
	assert_int_equal(resolver_read_resolv_conf(path, &servers, &search, &ndots), -1);
	assert_int_equal(errno, ENOENT);
}

/* --- names --- */

static void names_become_canonical(void **state)
{
	char out[RESOLVER_NAME_LENGTH + 1];

	(void)state;
	assert_true(resolver_name_canonical(out, "WWW.Example.COM.", 16));
	assert_string_equal(out, "www.example.com");
	assert_false(resolver_name_canonical(out, ".", 1));
	assert_false(resolver_name_canonical(out, "", 0));
	assert_false(resolver_name_canonical(out, "a\0b", 3));
	assert_false(resolver_name_canonical(out, "a..", 3));
	assert_int_equal(resolver_name_special("localhost.test"), RESOLVER_ORDINARY);
	assert_int_equal(resolver_name_special("notlocalhost"), RESOLVER_ORDINARY);
	assert_int_equal(resolver_name_special("a.localhost"), RESOLVER_LOOPBACK);
	assert_int_equal(resolver_name_special("onion"), RESOLVER_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_and_aliases),
	    cmocka_unit_test(nonsense_is_passed_over),
	    cmocka_unit_test(a_name_has_so_many_addresses),
	    cmocka_unit_test(a_large_file),
	    cmocka_unit_test(from_a_file),
	    cmocka_unit_test(what_resolv_conf_says),
	    cmocka_unit_test(what_it_should_not_say),
	    cmocka_unit_test(there_are_only_so_many),
	    cmocka_unit_test(resolv_conf_from_a_file),
	    cmocka_unit_test(names_become_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
