/* SPDX-License-Identifier: ISC */
/* Lines of the access log, whole and with everything missing, as logfmt and JSON. */
#include "config.h"

#include "gateway/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct record_end over = {
    .first_byte_ms = 12, .up = 100, .down = 4294967296, .duration_ms = 77, .end = REASON_CLOSED};

static void assert_line(
    const struct record *r, const struct record_end *end, bool json, const char *line)
{
	char out[RECORD_MAX];
	char *head = record_head(r, json);
	size_t n = record_line(out, head, end, json);

	out[n] = '\0';
	assert_string_equal(out, line);
	free(head);
}

static void nothing_known(void **state)
{
	const struct record r = {.listener = "main",
	    .client = "192.0.2.9:5000",
	    .resolve_ms = -1,
	    .client_id = 4,
	    .session_id = 1};
	const struct record_end end = {.first_byte_ms = -1, .end = REASON_NOT_SPOKEN};

	(void)state;
	assert_line(&r, &end, false,
	    "time=1970-01-01T00:00:00.000Z id=0.4.1 listener=main client=192.0.2.9:5000 user=- "
	    "protocol=- command=- target=- rule=- route=- hops=- family=- resolve_ms=- hops_ms=- "
	    "connect_ms=- first_byte_ms=- up=0 down=0 duration_ms=0 end=protocol-unknown");
	assert_line(&r, &end, true,
	    "{\"time\":\"1970-01-01T00:00:00.000Z\",\"id\":\"0.4.1\",\"listener\":\"main\","
	    "\"client\":\"192.0.2.9:5000\",\"user\":null,\"protocol\":null,\"command\":null,"
	    "\"target\":null,\"rule\":null,\"route\":null,\"hops\":[],\"family\":null,"
	    "\"resolve_ms\":null,\"hops_ms\":[],\"connect_ms\":null,\"first_byte_ms\":null,\"up\":"
	    "0,"
	    "\"down\":0,\"duration_ms\":0,\"end\":\"protocol-unknown\"}");
}

static void everything_known(void **state)
{
	char first[] = "office", second[] = "dmz";
	struct hop office = {.name = first}, dmz = {.name = second};
	const struct hop *hops[] = {&office, &dmz};
	const struct route route = {.next = NEXT_VIA, .hops = hops, .hop_count = 2};
	struct request request = {.protocol = PROTOCOL_SOCKS5, .command = COMMAND_CONNECT};
	struct dial_outcome outcome = {.connect_ms = 3, .resolve_ms = 2, .hops_ms = {12, -1}};
	struct record r = {.client_id = 4,
	    .session_id = 1,
	    .worker = 1,
	    .started_ms = 1767323045678,
	    .listener = "main",
	    .client = "[2001:db8::9]:5000",
	    .user = "al ice\"\n",
	    .request = &request,
	    .rule = {"/etc/hopgate.conf", 7},
	    .route = &route,
	    .unresolved = true,
	    .dialled = &outcome,
	    .resolve_ms = -1};

	(void)state;
	request.target.port = 443;
	assert_null(host_parse(&request.target.host, "git.corp.example", 16));
	outcome.peer.port = 1080;
	outcome.peer.address = address_from_ipv4(0x0100007f);
	assert_line(&r, &over, false,
	    "time=2026-01-02T03:04:05.678Z id=1.4.1 listener=main client=[2001:db8::9]:5000 "
	    "user=\"al ice\\\"\\x0a\" protocol=socks5 command=connect target=git.corp.example:443 "
	    "rule=/etc/hopgate.conf:7 route=via,unresolved hops=office,dmz family=ipv4 "
	    "resolve_ms=2 "
	    "hops_ms=12,- connect_ms=3 first_byte_ms=12 up=100 down=4294967296 duration_ms=77 "
	    "end=closed");
	assert_line(&r, &over, true,
	    "{\"time\":\"2026-01-02T03:04:05.678Z\",\"id\":\"1.4.1\",\"listener\":\"main\","
	    "\"client\":\"[2001:db8::9]:5000\",\"user\":\"al "
	    "ice\\\"\\u000a\",\"protocol\":\"socks5\","
	    "\"command\":\"connect\",\"target\":\"git.corp.example:443\","
	    "\"rule\":\"/etc/"
	    "hopgate.conf:7\",\"route\":\"via,unresolved\",\"hops\":[\"office\",\"dmz\"],"
	    "\"family\":\"ipv4\",\"resolve_ms\":2,\"hops_ms\":[12,null],\"connect_ms\":3,"
	    "\"first_byte_ms\":12,\"up\":100,\"down\":4294967296,\"duration_ms\":77,\"end\":"
	    "\"closed\"}");
}

/* The longest of everything still gives a line that ends as it should. */
static void the_longest_line_is_whole(void **state)
{
	char name[600], user[256], path[600];
	struct hop hop = {.name = name};
	const struct hop *hops[HOPS_MAX];
	const struct route route = {.next = NEXT_VIA, .hops = hops, .hop_count = HOPS_MAX};
	struct record r = {.listener = "main", .client = "c", .route = &route, .resolve_ms = -1};

	(void)state;
	memset(name, 'x', sizeof name - 1);
	memset(path, 'p', sizeof path - 1);
	memset(user, '\x7f', sizeof user - 1);
	name[sizeof name - 1] = path[sizeof path - 1] = user[sizeof user - 1] = '\0';
	r.rule = (struct place){path, 4000000000};
	r.user = user;
	for (size_t i = 0; i < HOPS_MAX; i++)
		hops[i] = &hop;
	for (int json = 0; json < 2; json++) {
		const char *tail = json ? ",\"end\":\"closed\"}" : " end=closed";
		char out[RECORD_MAX];
		char *head = record_head(&r, json);
		size_t n = record_line(out, head, &over, json);

		assert_true(n < RECORD_MAX - 512);
		assert_memory_equal(out + n - strlen(tail), tail, strlen(tail));
		free(head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_known),
	    cmocka_unit_test(everything_known),
	    cmocka_unit_test(the_longest_line_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
