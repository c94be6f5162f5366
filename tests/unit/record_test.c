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
	size_t n = record_line(out, record_head(out, r, json), end, json);

	out[n] = '\0';
	assert_string_equal(out, line);
}

static void assert_tail(
    const struct record *r, const struct record_end *end, bool json, const char *tail)
{
	char out[RECORD_MAX];
	size_t n = record_line(out, record_head(out, r, json), end, json);

	out[n] = '\0';
	assert_string_equal(out + n - strlen(tail), tail);
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
	    "connect_ms=- first_byte_ms=- up=0 down=0 duration_ms=0 end=protocol-unknown "
	    "method=- status=- url=- agent=-");
	assert_line(&r, &end, true,
	    "{\"time\":\"1970-01-01T00:00:00.000Z\",\"id\":\"0.4.1\",\"listener\":\"main\","
	    "\"client\":\"192.0.2.9:5000\",\"user\":null,\"protocol\":null,\"command\":null,"
	    "\"target\":null,\"rule\":null,\"route\":null,\"hops\":[],\"family\":null,"
	    "\"resolve_ms\":null,\"hops_ms\":[],\"connect_ms\":null,\"first_byte_ms\":null,\"up\":"
	    "0,"
	    "\"down\":0,\"duration_ms\":0,\"end\":\"protocol-unknown\",\"method\":null,"
	    "\"status\":null,\"url\":null,\"agent\":null}");
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
	    "end=closed method=- status=- url=- agent=-");
	assert_line(&r, &over, true,
	    "{\"time\":\"2026-01-02T03:04:05.678Z\",\"id\":\"1.4.1\",\"listener\":\"main\","
	    "\"client\":\"[2001:db8::9]:5000\",\"user\":\"al "
	    "ice\\\"\\u000a\",\"protocol\":\"socks5\","
	    "\"command\":\"connect\",\"target\":\"git.corp.example:443\","
	    "\"rule\":\"/etc/"
	    "hopgate.conf:7\",\"route\":\"via,unresolved\",\"hops\":[\"office\",\"dmz\"],"
	    "\"family\":\"ipv4\",\"resolve_ms\":2,\"hops_ms\":[12,null],\"connect_ms\":3,"
	    "\"first_byte_ms\":12,\"up\":100,\"down\":4294967296,\"duration_ms\":77,\"end\":"
	    "\"closed\",\"method\":null,\"status\":null,\"url\":null,\"agent\":null}");
}

static struct record_http *read_request(const char *text, bool query)
{
	struct http_head head;
	struct record_http *http;

	assert_int_equal(http_head_request(&head, (const uint8_t *)text, strlen(text), 65536), 1);
	http = record_http_new(&head, query);
	assert_non_null(http);
	return http;
}

static void an_http_request(void **state)
{
	static const char request[] = "POST http://h.example:80/a\"b?token=1 HTTP/1.1\r\n"
	                              "Host: h.example\r\nUser-Agent: x \xff y\r\n\r\n";
	const struct record r = {.listener = "main", .client = "c", .resolve_ms = -1};
	struct record_end end = over;
	struct record_http *http = read_request(request, false);

	(void)state;
	http->status = 404;
	end.http = http;
	assert_tail(&r, &end, false,
	    " end=closed method=POST status=404 url=\"http://h.example:80/a\\\"b\" "
	    "agent=\"x \\xff y\"");
	assert_tail(&r, &end, true,
	    "\"method\":\"POST\",\"status\":404,\"url\":\"http://h.example:80/a\\\"b\","
	    "\"agent\":\"x \\u00ff y\"}");
	free(http);
	end.http = http = read_request(request, true);
	assert_tail(&r, &end, false, "b?token=1\" agent=\"x \\xff y\"");
	free(http);
}

/* Passwords are never logged, not even those of what is refused. */
static void no_password_of_a_url(void **state)
{
	static const struct {
		const char *request, *url;
	} rows[] = {
	    {"GET ftp://alice:secret@h/x HTTP/1.1\r\nHost: h\r\n\r\n", NULL},
	    {"GET https://alice:sec/ret@h/x HTTP/1.1\r\nHost: h\r\n\r\n", NULL},
	    {"GET https://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n", "https://h/x"},
	    {"GET http://h/@x?y@z HTTP/1.1\r\nHost: h\r\n\r\n", "http://h/@x"},
	    {"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record_http *http = read_request(rows[i].request, false);

		if (rows[i].url == NULL)
			assert_null(http->url);
		else
			assert_string_equal(http->url, rows[i].url);
		assert_null(http->agent);
		free(http);
	}
}

/* The longest there is: every byte of the URL takes two, every one of the agent up to six. */
static struct record_http *long_request(void)
{
	char request[6000] = "GET http://h/", *at = request + strlen(request);

	memset(at, '"', 4000);
	strcpy(at + 4000, " HTTP/1.1\r\nHost: h\r\nUser-Agent: ");
	at = request + strlen(request);
	memset(at, '\xfe', 500);
	strcpy(at + 500, "\r\n\r\n");
	return read_request(request, false);
}

/* What is too long for the line is cut, and says so. */
static void a_long_request(void **state)
{
	const struct record r = {.listener = "main", .client = "c", .resolve_ms = -1};
	struct record_end end = over;
	struct record_http *http = long_request();

	(void)state;
	end.http = http;
	assert_int_equal(strlen(http->url), RECORD_URL_MAX);
	assert_int_equal(strlen(http->agent), RECORD_AGENT_MAX);
	assert_tail(&r, &end, true, "\\u00fe\\u00fe...\"}");
	assert_tail(&r, &end, false, "\\xfe\\xfe...");
	free(http);
}

/* The longest of everything still gives a line that ends as it should. */
static void the_longest_line_is_whole(void **state)
{
	char name[600], user[256], path[600];
	struct hop hop = {.name = name};
	const struct hop *hops[HOPS_MAX];
	const struct route route = {.next = NEXT_VIA, .hops = hops, .hop_count = HOPS_MAX};
	struct record r = {.listener = "main", .client = "c", .route = &route, .resolve_ms = -1};
	struct record_end end = over;
	struct record_http *http = long_request();

	(void)state;
	end.http = http;
	memset(name, 'x', sizeof name - 1);
	memset(path, '\xff', sizeof path - 1);
	memset(user, '\x7f', sizeof user - 1);
	name[sizeof name - 1] = path[sizeof path - 1] = user[sizeof user - 1] = '\0';
	r.rule = (struct place){path, 4000000000};
	r.user = user;
	for (size_t i = 0; i < HOPS_MAX; i++)
		hops[i] = &hop;
	for (int json = 0; json < 2; json++) {
		char head[RECORD_HEAD_MAX];
		const char *last = json ? ",\"connect_ms\":null" : " connect_ms=-";

		head[record_head(head, &r, json)] = '\0';
		assert_string_equal(head + strlen(head) - strlen(last), last);
		assert_tail(&r, &end, json, json ? "\\u00fe...\"}" : "\\xfe...");
	}
	free(http);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_known),
	    cmocka_unit_test(everything_known),
	    cmocka_unit_test(an_http_request),
	    cmocka_unit_test(no_password_of_a_url),
	    cmocka_unit_test(a_long_request),
	    cmocka_unit_test(the_longest_line_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
