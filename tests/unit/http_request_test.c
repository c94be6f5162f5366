/* SPDX-License-Identifier: ISC */
/* What a proxy makes of a request; a test is named after its row of the list of conformance. */
#include "config.h"

#include <stdio.h>

#include "gateway/http_fields.h"
#include "tests/unit/requests.h"

static void row_155_only_the_absolute_form(void **state)
{
	(void)state;
	refuse_request("GET / HTTP/1.1\r\n" HOST "\r\n", REASON_MALFORMED);
	refuse_request("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", REASON_MALFORMED);
	refuse_request("CONNECT h:443 HTTP/1.1\r\n" HOST "\r\n", REASON_MALFORMED);
	read_request("GET HTTP://h/ HTTP/1.1\r\n" HOST "\r\n");
}

static void rows_224_225_only_http(void **state)
{
	(void)state;
	refuse_request("GET https://h/ HTTP/1.1\r\n" HOST "\r\n", REASON_BAD_SCHEME);
	refuse_request("GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", REASON_BAD_SCHEME);
	refuse_request("GET gopher://h/ HTTP/1.1\r\n" HOST "\r\n", REASON_BAD_SCHEME);
	refuse_request("GET file:///etc/passwd HTTP/1.1\r\n" HOST "\r\n", REASON_BAD_SCHEME);
	refuse_request("GET httpx://h/ HTTP/1.1\r\n" HOST "\r\n", REASON_BAD_SCHEME);
}

static void row_195_options_that_name_what_is_needed(void **state)
{
	static const char *const vital[] = {"host", "Content-Length", "TRANSFER-ENCODING",
	    "close, content-length", "keep-alive,,\tHost", "expect", "Max-Forwards"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(vital) / sizeof(*vital); i++) {
		snprintf(
		    text, sizeof(text), GET "Connection: a\r\nConnection: %s\r\n\r\n", vital[i]);
		refuse_request(text, REASON_MALFORMED);
	}
	read_request(GET "Connection: hos, hostt, content-length-\r\n\r\n");
}

static void row_141_options_are_tokens(void **state)
{
	(void)state;
	refuse_request(GET "Connection: a b\r\n\r\n", REASON_MALFORMED);
	refuse_request(GET "Connection: \"close\"\r\n\r\n", REASON_MALFORMED);
	refuse_request(GET "Connection: close;x\r\n\r\n", REASON_MALFORMED);
	refuse_request(GET "Connection: connection\r\n\r\n", REASON_MALFORMED);
	read_request(GET "Connection:\r\nConnection: , ,\r\n\r\n");
}

/* A list that takes long to look through is not looked through for each field. */
static void lists_have_an_end(void **state)
{
	char options[2048] = GET "Connection: close", protocols[2048] = GET "Upgrade: p";

	(void)state;
	for (int i = 0; i < HTTP_OPTIONS_MAX; i++)
		strcat(options, ",a");
	for (int i = 1; i < HTTP_OPTIONS_MAX; i++)
		strcat(protocols, ",a");
	strcat(options, "\r\n");
	strcat(protocols, "\r\n\r\n");
	read_request(protocols);
	memcpy(strstr(protocols, "\r\n\r\n"), ",a\r\n\r\n", 7);
	refuse_request(protocols, REASON_TOO_LARGE);
	refuse_request(strcat(options, "Connection: b\r\n\r\n"), REASON_TOO_LARGE);
	memcpy(strstr(options, "Connection: b"), "\r\n", 3);
	read_request(options);
}

static void row_199_our_name_in_via_is_a_loop(void **state)
{
	struct http_request request;
	struct http_head head;

	(void)state;
	refuse_request(GET "Via: 1.1 proxy\r\n\r\n", REASON_LOOP);
	refuse_request(GET "Via: 1.0 fred, HTTP/1.1 PROXY\t(we)\r\n\r\n", REASON_LOOP);
	refuse_request(GET "Via: 1.0 fred\r\nvia:,, 2  proxy:8080 , 1.1 p\r\n\r\n", REASON_LOOP);
	refuse_request(GET "Via: 1.1 proxy(we)\r\n\r\n", REASON_LOOP);
	/* Neither a comment nor an option hides us. */
	refuse_request(GET "Via: 1.1 a (, 1.1 proxy, )\r\n\r\n", REASON_LOOP);
	refuse_request(GET "Via: 1.1 proxy\r\nConnection: via\r\n\r\n", REASON_LOOP);
	read_request(GET "Via: 1.1 proxy2, 1.1 prox, proxy, proxy 1.1, proxy/1.1 a\r\n\r\n");
	read_request(GET "Via: 1.1 a (proxy)\r\nX-Via: 1.1 proxy\r\n\r\n");
	assert_int_equal(judge(&request, &head, GET "Via: 1.1 proxy\r\n\r\n", NULL), REASON_OK);
}

static void row_200_max_forwards(void **state)
{
	struct http_request request;

	(void)state;
	request = read_request("TRACE http://h/ HTTP/1.1\r\n" HOST "Max-Forwards: 0\r\n\r\n");
	assert_int_equal(request.receiver, HTTP_TO_US);
	assert_true(request.trace);
	request = read_request("OPTIONS http://h HTTP/1.1\r\n" HOST "max-forwards: 00\r\n\r\n");
	assert_int_equal(request.receiver, HTTP_TO_US);
	assert_false(request.trace);
	request = read_request("OPTIONS http://h/ HTTP/1.1\r\n" HOST "Max-Forwards: 007\r\n\r\n");
	assert_int_equal(request.receiver, HTTP_TO_ORIGIN);
	assert_int_equal(request.max_forwards, 7);
	request = read_request("TRACE http://h/ HTTP/1.1\r\n" HOST
	                       "Max-Forwards: 99999999999999999999999999999999\r\n\r\n");
	assert_int_equal(request.max_forwards, HTTP_FORWARDS_MAX);
	request = read_request("TRACE http://h/ HTTP/1.1\r\n" HOST "\r\n");
	assert_int_equal(request.max_forwards, -1);
	assert_int_equal(request.receiver, HTTP_TO_ORIGIN);
}

static void row_200_max_forwards_that_is_no_number(void **state)
{
	static const char *const wrong[] = {"", "-1", "+1", "1.0", "0x1", "one", "1, 2", "1 2"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(text, sizeof(text),
		    "TRACE http://h/ HTTP/1.1\r\n" HOST "Max-Forwards: %s\r\n\r\n", wrong[i]);
		refuse_request(text, REASON_MALFORMED);
	}
	refuse_request("OPTIONS http://h/ HTTP/1.1\r\n" HOST
	               "Max-Forwards: 1\r\nMax-Forwards: 1\r\n\r\n",
	    REASON_MALFORMED);
	/* Other methods may mean anything by it. */
	assert_int_equal(read_request(GET "Max-Forwards: 0\r\n\r\n").receiver, HTTP_TO_ORIGIN);
	assert_int_equal(read_request(GET "Max-Forwards: x\r\n\r\n").max_forwards, -1);
	assert_int_equal(
	    read_request("trace http://h/ HTTP/1.1\r\n" HOST "Max-Forwards: 0\r\n\r\n").receiver,
	    HTTP_TO_ORIGIN);
}

static void trace_has_no_content(void **state)
{
	(void)state;
	refuse_request(
	    "TRACE http://h/ HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", REASON_MALFORMED);
	refuse_request("TRACE http://h/ HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
	    REASON_MALFORMED);
	read_request("TRACE http://h/ HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
}

static void row_210_upgrades(void **state)
{
	(void)state;
	assert_true(read_request(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n").upgrade);
	assert_true(read_request(
	    GET "UPGRADE: a/1, h2c\r\nConnection: x\r\nconnection: keep-alive, upGrade\r\n\r\n")
	                .upgrade);
	assert_false(read_request(GET "Upgrade: websocket\r\n\r\n").upgrade);
	assert_false(read_request(GET "Connection: upgrade\r\n\r\n").upgrade);
	assert_false(read_request(GET "Connection: upgrade\r\nUpgrade:\r\n\r\n").upgrade);
	assert_false(read_request(GET "\r\n").upgrade);
}

/* HTTP inside HTTP would pass unseen. */
static void upgrades_to_http_are_none(void **state)
{
	static const char *const http[] = {"h2c", "H2C", "h2", "h2c-14", "HTTP/2.0", "http/1.1",
	    "HTTP", "h2c, HTTP/2", "a b", "a/"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(http) / sizeof(*http); i++) {
		snprintf(text, sizeof(text),
		    GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
		        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
		    http[i]);
		if (read_request(text).upgrade)
			fail_msg("%s", http[i]);
	}
}

static void row_211_upgrade_in_http_1_0(void **state)
{
	(void)state;
	assert_false(read_request("GET http://h/ HTTP/1.0\r\n"
	                          "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
	                 .upgrade);
}

static void rows_207_208_expectations(void **state)
{
#define PUT(version) "PUT http://h/ HTTP/1." version "\r\n" HOST
	(void)state;
	assert_true(
	    read_request(PUT("1") "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n").expects);
	assert_true(
	    read_request(PUT("1") "Expect: a=b, 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
	        .expects);
	assert_false(read_request(PUT("1") "Content-Length: 5\r\nExpect: 200-ok\r\n\r\n").expects);
	assert_false(
	    read_request(PUT("1") "Content-Length: 0\r\nExpect: 100-continue\r\n\r\n").expects);
	assert_false(read_request(PUT("1") "Expect: 100-continue\r\n\r\n").expects);
	assert_false(
	    read_request(PUT("0") "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n").expects);
}

static void row_213_what_may_be_asked_twice(void **state)
{
	static const struct {
		const char *method;
		bool may;
	} cases[] = {{"GET", true}, {"HEAD", true}, {"OPTIONS", true}, {"TRACE", true},
	    {"PUT", true}, {"DELETE", true}, {"POST", false}, {"PATCH", false}, {"PROPFIND", false},
	    {"get", false}, {"GETT", false}};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(
		    text, sizeof(text), "%s http://h/ HTTP/1.1\r\n" HOST "\r\n", cases[i].method);
		assert_int_equal(read_request(text).may_repeat, cases[i].may);
		assert_int_equal(read_request(text).head, i == 1);
	}
	assert_true(read_request(PUT("1") "Content-Length: 00\r\n\r\n").may_repeat);
	assert_false(read_request(PUT("1") "Content-Length: 1\r\n\r\n").may_repeat);
	assert_false(read_request(PUT("1") "Transfer-Encoding: chunked\r\n\r\n").may_repeat);
}

static void rows_215_216_persistence(void **state)
{
#define HTTP_1_0 "GET http://h/ HTTP/1.0\r\n"
	(void)state;
	assert_true(read_request(GET "\r\n").persists);
	assert_true(read_request(GET "Connection: keep-alive\r\n\r\n").persists);
	assert_true(read_request(GET "Connection: closed\r\n\r\n").persists);
	assert_true(read_request(GET "Proxy-Connection: keep-alive\r\n\r\n").persists);
	assert_false(read_request(GET "Connection: CLOSE\r\n\r\n").persists);
	assert_false(
	    read_request(GET "Connection: a, keep-alive\r\nConnection:b ,close\r\n\r\n").persists);
	assert_false(read_request(GET "Proxy-Connection: Close\r\n\r\n").persists);
	assert_false(read_request(HTTP_1_0 "\r\n").persists);
	assert_false(read_request(HTTP_1_0 "Connection: keep-alive\r\n\r\n").persists);
	assert_false(read_request(HTTP_1_0 "Proxy-Connection: keep-alive\r\n\r\n").persists);
	assert_true(read_request(HTTP_1_0 "\r\n").old);
	assert_false(read_request(GET "\r\n").old);
}

static void row_226_logins_of_connections(void **state)
{
	(void)state;
	assert_true(read_request(GET "Authorization: NTLM TlRMTVNTUAAB\r\n\r\n").pins);
	assert_true(read_request(GET "authorization: negotiate\tYII=\r\n\r\n").pins);
	assert_true(read_request(GET "Authorization: Negotiate\r\n\r\n").pins);
	assert_true(read_request(GET "Authorization: Nego2 YII=\r\n\r\n").pins);
	assert_true(read_request(GET "Authorization: Kerberos YII=\r\n\r\n").pins);
	assert_true(
	    read_request(GET "Authorization: Basic YQ==\r\nAuthorization: NTLM a\r\n\r\n").pins);
	/* It is not passed on, but who knows what was sent before. */
	assert_true(
	    read_request(GET "Connection: authorization\r\nAuthorization: NTLM a\r\n\r\n").pins);
	assert_false(read_request(GET "Authorization: Basic TlRMTQ==\r\n\r\n").pins);
	assert_false(read_request(GET "Authorization: Bearer NTLM\r\n\r\n").pins);
	assert_false(read_request(GET "Proxy-Authorization: NTLM a\r\n\r\n").pins);
	assert_false(read_request(GET "\r\n").pins);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_155_only_the_absolute_form),
	    cmocka_unit_test(rows_224_225_only_http),
	    cmocka_unit_test(row_195_options_that_name_what_is_needed),
	    cmocka_unit_test(row_141_options_are_tokens),
	    cmocka_unit_test(lists_have_an_end),
	    cmocka_unit_test(row_199_our_name_in_via_is_a_loop),
	    cmocka_unit_test(row_200_max_forwards),
	    cmocka_unit_test(row_200_max_forwards_that_is_no_number),
	    cmocka_unit_test(trace_has_no_content),
	    cmocka_unit_test(row_210_upgrades),
	    cmocka_unit_test(upgrades_to_http_are_none),
	    cmocka_unit_test(row_211_upgrade_in_http_1_0),
	    cmocka_unit_test(rows_207_208_expectations),
	    cmocka_unit_test(row_213_what_may_be_asked_twice),
	    cmocka_unit_test(rows_215_216_persistence),
	    cmocka_unit_test(row_226_logins_of_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
