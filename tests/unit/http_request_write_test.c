/* SPDX-License-Identifier: ISC */
/* Requests as the next recipient sees them; a test is named after its row of the list of
 * conformance. */
#include "config.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "tests/unit/requests.h"

#define TO "GET / HTTP/1.1\r\nHost: example.com\r\n" /* what GET becomes */

/* --- the first line and Host ------------------------------------------------------------------ */

static void row_142_always_our_version(void **state)
{
	(void)state;
	pass_request(&visible, "GET http://h/ HTTP/1.0\r\nHost: h\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.0 proxy\r\n\r\n");
	pass_request(&visible, "GET http://h/ HTTP/1.2\r\nHost: h\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\n" VIA "\r\n");
}

static void row_148_unknown_methods(void **state)
{
	(void)state;
	pass_request(&visible, "m-search~ http://h/x HTTP/1.1\r\nHost: h\r\n\r\n",
	    "m-search~ /x HTTP/1.1\r\nHost: h\r\n" VIA "\r\n");
}

static void row_150_host_is_the_target(void **state)
{
	(void)state;
	pass_request(&visible,
	    "GET http://a/ HTTP/1.1\r\nX: 1\r\nhOST: b.example:81\r\nY: 2\r\n\r\n",
	    "GET / HTTP/1.1\r\nX: 1\r\nhOST: a\r\nY: 2\r\n" VIA "\r\n");
	pass_request(&visible, "GET http://a/ HTTP/1.1\r\nHost:\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\n" VIA "\r\n");
	/* It comes first where there was none. */
	pass_request(&visible, "GET http://a/ HTTP/1.0\r\nX: 1\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nVia: 1.0 proxy\r\n\r\n");
}

/* RFC 9112, 3.2: identical to the authority. */
static void row_150_as_the_client_wrote_it(void **state)
{
	static const char *const authorities[] = {"Example.COM", "h:80", "h:8080", "h:", "h.",
	    "[2001:DB8::1]", "[::1]:80", "192.0.2.1:81"};
	char text[256], expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(authorities) / sizeof(*authorities); i++) {
		snprintf(text, sizeof(text), "GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n",
		    authorities[i]);
		snprintf(expected, sizeof(expected), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
		    authorities[i]);
		pass_request(&transparent, text, expected);
	}
}

static void row_151_origin_form(void **state)
{
	static const char *const cases[][2] = {{"http://h", "/"}, {"http://h/", "/"},
	    {"http://h?q=1", "/?q=1"}, {"http://h?", "/?"}, {"http://h/a?b?c", "/a?b?c"},
	    {"http://h:81/a", "/a"}, {"http://h//a", "//a"},
	    {"http://h/?http://x/", "/?http://x/"}};
	char text[256], expected[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool port = strstr(cases[i][0], ":81");

		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", cases[i][0]);
		snprintf(expected, sizeof(expected), "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n",
		    cases[i][1], port ? "h:81" : "h");
		pass_request(&transparent, text, expected);
	}
}

static void row_152_absolute_form_to_a_proxy(void **state)
{
	static const struct credentials login = {
	    .user = "Aladdin", .user_length = 7, .password = "open sesame", .password_length = 11};
	static const struct credentials colon = {.user = "a:b", .user_length = 3};
	static const struct credentials none = {.user_length = 0};
	struct http_request_plan plan = {.absolute = true, .pseudonym = PROXY, .proxy = &login};
	struct http_request request;
	struct http_head head;
	struct buffer out;

	(void)state;
	pass_request(&plan,
	    "GET HTTP://H:80?q HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic eDp5\r\nA: "
	    "b\r\n\r\n",
	    "GET HTTP://H:80?q HTTP/1.1\r\nHost: H:80\r\nA: b\r\n" VIA
	    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
	plan.proxy = &none;
	pass_request(&plan, "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n",
	    "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n" VIA "\r\n");
	plan.proxy = NULL;
	pass_request(&plan, "GET http://h/ HTTP/1.0\r\n\r\n",
	    "GET http://h/ HTTP/1.1\r\nHost: h\r\nVia: 1.0 proxy\r\n\r\n");
	/* RFC 7617, 2: it cannot be said. */
	plan.proxy = &colon;
	plan.head = &head;
	plan.request = &request;
	assert_int_equal(judge(&request, &head, GET "\r\n", NULL), REASON_OK);
	buffer_init(&out, NULL, 4096);
	assert_false(http_request_write(&out, &plan));
	buffer_clear(&out);
}

static void row_153_options_of_the_whole_server(void **state)
{
	(void)state;
	pass_request(&visible, "OPTIONS http://h:8001 HTTP/1.1\r\nHost: h\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\nHost: h:8001\r\n" VIA "\r\n");
	pass_request(&visible, "OPTIONS http://h:8001/ HTTP/1.1\r\nHost: h\r\n\r\n",
	    "OPTIONS / HTTP/1.1\r\nHost: h:8001\r\n" VIA "\r\n");
	pass_request(&visible, "OPTIONS http://h?q HTTP/1.1\r\nHost: h\r\n\r\n",
	    "OPTIONS /?q HTTP/1.1\r\nHost: h\r\n" VIA "\r\n");
}

static void row_203_paths_are_not_touched(void **state)
{
	(void)state;
	pass_request(&transparent,
	    "GET http://h.example./a/../%7e/./b//;c='d'?E=%zz&&|\\ HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /a/../%7e/./b//;c='d'?E=%zz&&|\\ HTTP/1.1\r\nHost: h.example.\r\n\r\n");
}

/* --- fields ----------------------------------------------------------------------------------- */

static void rows_165_196_204_fields_stay_as_they_are(void **state)
{
#define FIELDS \
	"x-A: 1\r\nCOOKIE: a=b;  c\r\ncookie: d\r\nX-a:2\r\nEmpty:\r\nBlank:   \r\nTab:\ta\tb\r\n" \
	"Authorization: Basic eDp5\r\nX-8: \x80\xff\r\nIf-None-Match: \"a\", W/\"b\"\r\n" \
	"Range: bytes=1-2\r\nCache-Control: no-transform\r\nX-Forwarded-Host: f\r\nTrailer: X\r\n"
	(void)state;
	pass_request(&transparent, GET FIELDS "\r\n", TO FIELDS "\r\n");
	pass_request(&visible, GET FIELDS "\r\n", TO FIELDS VIA "\r\n");
}

static void row_177_lengths_are_canonical(void **state)
{
	(void)state;
	pass_request(&transparent, GET "content-length: 0005\r\nA: b\r\n\r\n",
	    TO "content-length: 5\r\nA: b\r\n\r\n");
	pass_request(
	    &transparent, GET "Content-Length: 000\r\n\r\n", TO "Content-Length: 0\r\n\r\n");
	pass_request(&transparent, GET "Content-Length: 9223372036854775807\r\n\r\n",
	    TO "Content-Length: 9223372036854775807\r\n\r\n");
}

static void chunks_stay_chunks(void **state)
{
	(void)state;
	pass_request(&visible, GET "A: b\r\ntransfer-encoding:\tCHUNKED\r\nC: d\r\n\r\n",
	    TO "A: b\r\ntransfer-encoding: chunked\r\nC: d\r\n" VIA "\r\n");
}

static void row_193_fields_named_in_connection(void **state)
{
	(void)state;
	pass_request(&visible,
	    GET "A: 1\r\nb: 2\r\nConnection: a, x-none\r\nC: 3\r\nA: 4\r\nconnection: B\r\n\r\n",
	    TO "C: 3\r\n" VIA "\r\n");
}

/* What comes after stays true: we add ours to what is left. */
static void row_195_options_do_not_hide_the_client(void **state)
{
	struct endpoint client = {.address = address_from_ipv4(htonl(0xc0000201))};
	struct http_request_plan plan = {
	    .pseudonym = PROXY, .forwarded = HTTP_FORWARDED_APPEND, .client = &client};

	(void)state;
	pass_request(&plan,
	    GET "Connection: via, forwarded, x-forwarded-for, authorization, cookie\r\n"
	        "Via: 1.1 a\r\nForwarded: for=a\r\nX-Forwarded-For: a\r\nAuthorization: b\r\n"
	        "Cookie: c\r\n\r\n",
	    TO VIA "Forwarded: for=192.0.2.1;host=example.com;proto=http\r\n"
	           "X-Forwarded-For: 192.0.2.1\r\n\r\n");
}

#define OURS \
	"Proxy-Connection: keep-alive\r\nKeep-Alive: 300\r\nTE: trailers, gzip\r\n" \
	"Upgrade: websocket\r\nProxy-Authorization: Basic eDp5\r\nProxy-Authenticate: Basic\r\n" \
	"proxy-authentication-info: a\r\nHTTP2-Settings: AAA\r\n"

static void rows_194_239_fields_that_are_always_ours(void **state)
{
	(void)state;
	pass_request(&visible, GET "A: b\r\n" OURS "Connection: close\r\nC: d\r\n\r\n",
	    TO "A: b\r\nC: d\r\n" VIA "\r\n");
	pass_request(&transparent, GET "A: b\r\n" OURS "Connection: TE\r\nC: d\r\n\r\n",
	    TO "A: b\r\nC: d\r\n\r\n");
}

static void row_197_via(void **state)
{
	struct http_request_plan plan = {.pseudonym = "a-long.pseudonym"};

	(void)state;
	pass_request(&visible, GET "vIA: 1.0 fred (x, \"y)\r\nA: b\r\n\r\n",
	    TO "vIA: 1.0 fred (x, \"y), 1.1 proxy\r\nA: b\r\n\r\n");
	pass_request(&visible, GET "Via: 1.0 a\r\nA: b\r\nVia:\r\nVia: 1.1 b, 1.1 c\r\n\r\n",
	    TO "Via: 1.0 a, 1.1 b, 1.1 c, 1.1 proxy\r\nA: b\r\n\r\n");
	pass_request(&plan, GET "\r\n", TO "Via: 1.1 a-long.pseudonym\r\n\r\n");
	pass_request(
	    &transparent, GET "Via: 1.0 a\r\nVia: b\r\n\r\n", TO "Via: 1.0 a\r\nVia: b\r\n\r\n");
}

static void rows_200_201_max_forwards(void **state)
{
#define FORWARDS(method, n) method " http://h/ HTTP/1.1\r\nHost: h\r\nmax-forwards: " n "\r\n\r\n"
#define FORWARDED(method, n) method " / HTTP/1.1\r\nHost: h\r\nmax-forwards: " n "\r\n\r\n"
	(void)state;
	pass_request(&transparent, FORWARDS("TRACE", "1"), FORWARDED("TRACE", "0"));
	pass_request(&transparent, FORWARDS("OPTIONS", "0010"), FORWARDED("OPTIONS", "9"));
	pass_request(
	    &transparent, FORWARDS("TRACE", "99999999999999999999"), FORWARDED("TRACE", "255"));
	pass_request(&transparent, FORWARDS("GET", "0"), FORWARDED("GET", "0"));
	pass_request(&transparent, FORWARDS("POST", "x"), FORWARDED("POST", "x"));
	pass_request(&visible, "TRACE http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
	    "TRACE / HTTP/1.1\r\nHost: h\r\n" VIA "\r\n");
}

static void row_208_expect_of_http_1_0(void **state)
{
	(void)state;
	pass_request(
	    &transparent, GET "Expect: 100-continue\r\n\r\n", TO "Expect: 100-continue\r\n\r\n");
	pass_request(&transparent,
	    "GET http://h/ HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

static void rows_210_211_upgrade(void **state)
{
	static const char http_1_0[] = "GET http://h/ HTTP/1.0\r\nHost: h\r\n"
	                               "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

	(void)state;
	pass_request(&visible,
	    GET "Connection: keep-alive, Upgrade\r\nA: b\r\nUpgrade: websocket\r\n\r\n",
	    TO "Connection: Upgrade\r\nA: b\r\nUpgrade: websocket\r\n" VIA "\r\n");
	pass_request(&transparent,
	    GET "Connection: keep-alive, Upgrade\r\nA: b\r\nUpgrade: websocket\r\n\r\n",
	    TO "Connection: keep-alive, Upgrade\r\nA: b\r\nUpgrade: websocket\r\n\r\n");
	/* An h2c is not passed on, with or without others. */
	pass_request(&transparent,
	    GET "Upgrade: h2c,websocket\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	        "HTTP2-Settings: AAA\r\nUpgrade: a,b\r\nUpgrade: HTTP/2.0, TLS/1.0, HTTP/3\r\n\r\n",
	    TO "Upgrade: websocket\r\nConnection: Upgrade\r\nUpgrade: a,b\r\nUpgrade: TLS/1.0\r\n"
	       "\r\n");
	pass_request(&transparent,
	    GET
	    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n",
	    TO "\r\n");
	pass_request(&transparent, GET "Connection: keep-alive\r\nUpgrade: websocket\r\n\r\n",
	    TO "Connection: keep-alive\r\n\r\n");
	pass_request(&transparent, http_1_0, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
}

/* --- who asks --------------------------------------------------------------------------------- */

static const char forged[] =
    GET "forwarded: for=a\r\nX-FORWARDED-FOR: b\r\nA: b\r\nX-Forwarded-Proto: https\r\n"
        "Forwarded: for=\"[::1]:8\";x=\"\\\"\"\r\nForwarded: for=\"c\r\nX-Forwarded-For:\r\n"
        "Forwarded: for=\"d\\\"\r\nX-Forwarded-For: e, f\r\nX-Forwarded-Host: g\r\n\r\n";

static void row_223_off_passes_what_the_client_says(void **state)
{
	struct http_request_plan plan = {.pseudonym = NULL, .forwarded = HTTP_FORWARDED_OFF};
	char expected[1024] = TO;

	(void)state;
	pass_request(&plan, forged, strcat(expected, forged + strlen(GET)));
}

/* A string that is left open would hide ours. */
static void row_223_append_has_the_last_word(void **state)
{
	struct endpoint client = {.address = address_from_ipv4(htonl(0xc0000201)), .port = 5};
	struct http_request_plan plan = {.forwarded = HTTP_FORWARDED_APPEND, .client = &client};

	(void)state;
	pass_request(&plan, forged,
	    TO "forwarded: for=a, for=\"[::1]:8\";x=\"\\\"\", "
	       "for=192.0.2.1;host=example.com;proto=http\r\n"
	       "X-FORWARDED-FOR: b, e, f, 192.0.2.1\r\nA: b\r\nX-Forwarded-Proto: https\r\n"
	       "X-Forwarded-Host: g\r\n\r\n");
	inet_pton(AF_INET6, "2001:db8::1", &client.address);
	client.scope = 2;
	pass_request(&plan, "GET http://h:81/ HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h:81\r\nX: y\r\n"
	    "Forwarded: for=\"[2001:db8::1]\";host=\"h:81\";proto=http\r\n"
	    "X-Forwarded-For: 2001:db8::1\r\n\r\n");
	plan.client = NULL;
	plan.pseudonym = PROXY;
	pass_request(&plan, "GET http://[::1]/ HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: [::1]\r\n" VIA
	    "Forwarded: for=unknown;host=\"[::1]\";proto=http\r\nX-Forwarded-For: unknown\r\n\r\n");
}

static void row_223_strip_says_nothing(void **state)
{
	struct http_request_plan plan = {.forwarded = HTTP_FORWARDED_STRIP};

	(void)state;
	pass_request(&plan, forged, TO "A: b\r\n\r\n");
	pass_request(&plan, GET "x-forwarded-anything: a\r\nX-Forwarded: b\r\nforwarded:\r\n\r\n",
	    TO "X-Forwarded: b\r\n\r\n");
}

/* --- transparent ------------------------------------------------------------------------------ */

/* What programs say to a proxy, and what they would say to the origin. */
static void transparent_origins_see_what_the_client_means(void **state)
{
	(void)state;
	pass_request(&transparent,
	    "GET http://127.0.0.1:8000/ HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
	    "User-Agent: curl/7.88.1\r\nAccept: */*\r\nProxy-Connection: Keep-Alive\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
	    "User-Agent: curl/7.88.1\r\nAccept: */*\r\nConnection: Keep-Alive\r\n\r\n");
	pass_request(&transparent,
	    "GET http://h/ HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\n"
	    "Upgrade-Insecure-Requests: 1\r\nAccept-Encoding: gzip, deflate\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n"
	    "Upgrade-Insecure-Requests: 1\r\nAccept-Encoding: gzip, deflate\r\n\r\n");
	pass_request(&transparent,
	    "POST http://h/ HTTP/1.1\r\nUser-Agent: a\r\nHost: h\r\nContent-Length: 3\r\n"
	    "proxy-connection: keep-alive\r\nconnection: keep-alive\r\n\r\n",
	    "POST / HTTP/1.1\r\nUser-Agent: a\r\nHost: h\r\nContent-Length: 3\r\n"
	    "connection: keep-alive\r\n\r\n");
	pass_request(&transparent,
	    "GET http://h/ HTTP/1.1\r\nhost: h\r\nproxy-connection: keep-alive\r\n\r\n",
	    "GET / HTTP/1.1\r\nhost: h\r\nconnection: keep-alive\r\n\r\n");
}

static void transparent_close_is_for_our_side(void **state)
{
	(void)state;
	pass_request(&transparent, GET "Connection: close\r\nA: b\r\n\r\n", TO "A: b\r\n\r\n");
	pass_request(&transparent, GET "Proxy-Connection: close\r\n\r\n", TO "\r\n");
	pass_request(&transparent, GET "Connection: close\r\nProxy-Connection: keep-alive\r\n\r\n",
	    TO "\r\n");
	pass_request(&transparent, GET "Connection: a, Keep-Alive,close\r\nA: b\r\n\r\n",
	    TO "Connection: Keep-Alive\r\n\r\n");
	pass_request(&visible, GET "Connection: keep-alive\r\n\r\n", TO VIA "\r\n");
	pass_request(&visible, GET "Proxy-Connection: keep-alive\r\n\r\n", TO VIA "\r\n");
}

/* --- back to the client ----------------------------------------------------------------------- */

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static void echo(const char *text, bool persists, const char *expected)
{
	struct http_request request;
	struct http_head head;
	struct buffer out;

	assert_int_equal(judge(&request, &head, text, PROXY), REASON_OK);
	assert_int_equal(request.receiver, HTTP_TO_US);
	buffer_init(&out, NULL, HTTP_ECHO_MAX(head.length));
	assert_true(http_request_echo(&out, &head, &request, persists, 784111777));
	assert_bytes(&out, expected);
	buffer_clear(&out);
	for (size_t max = 0; max < strlen(expected); max++) {
		buffer_init(&out, NULL, max);
		assert_false(http_request_echo(&out, &head, &request, persists, 784111777));
		buffer_clear(&out);
	}
}

static void row_200_options_for_us(void **state)
{
	static const char options[] =
	    "OPTIONS http://h HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n";

	(void)state;
	echo(options, true, "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 0\r\n\r\n");
	echo(options, false,
	    "HTTP/1.1 200 OK\r\n" DATE "Connection: close\r\nContent-Length: 0\r\n\r\n");
}

static void row_202_trace_without_secrets(void **state)
{
#define SECRETS \
	"Cookie: a\r\ncookie2: a\r\nAUTHORIZATION: Basic a\r\nProxy-Authorization: Basic a\r\n"
#define ECHOED(version) \
	"TRACE http://h/?<b> HTTP/1." version "\r\nHost: x\r\nA:b\r\nMax-Forwards: 0\r\n\r\n"
#define MESSAGE "Content-Type: message/http\r\nX-Content-Type-Options: nosniff\r\n"
	(void)state;
	echo("TRACE http://h/?<b> HTTP/1.1\r\nHost: x\r\n" SECRETS "A:b\r\nMax-Forwards: 0\r\n\r\n",
	    true, "HTTP/1.1 200 OK\r\n" DATE MESSAGE "Content-Length: 63\r\n\r\n" ECHOED("1"));
	echo(ECHOED("0"), false,
	    "HTTP/1.1 200 OK\r\n" DATE "Connection: close\r\n" MESSAGE
	    "Content-Length: 63\r\n\r\n" ECHOED("0"));
	assert_int_equal(strlen(ECHOED("0")), 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_142_always_our_version),
	    cmocka_unit_test(row_148_unknown_methods),
	    cmocka_unit_test(row_150_host_is_the_target),
	    cmocka_unit_test(row_150_as_the_client_wrote_it),
	    cmocka_unit_test(row_151_origin_form),
	    cmocka_unit_test(row_152_absolute_form_to_a_proxy),
	    cmocka_unit_test(row_153_options_of_the_whole_server),
	    cmocka_unit_test(row_203_paths_are_not_touched),
	    cmocka_unit_test(rows_165_196_204_fields_stay_as_they_are),
	    cmocka_unit_test(row_177_lengths_are_canonical),
	    cmocka_unit_test(chunks_stay_chunks),
	    cmocka_unit_test(row_193_fields_named_in_connection),
	    cmocka_unit_test(row_195_options_do_not_hide_the_client),
	    cmocka_unit_test(rows_194_239_fields_that_are_always_ours),
	    cmocka_unit_test(row_197_via),
	    cmocka_unit_test(rows_200_201_max_forwards),
	    cmocka_unit_test(row_208_expect_of_http_1_0),
	    cmocka_unit_test(rows_210_211_upgrade),
	    cmocka_unit_test(row_223_off_passes_what_the_client_says),
	    cmocka_unit_test(row_223_append_has_the_last_word),
	    cmocka_unit_test(row_223_strip_says_nothing),
	    cmocka_unit_test(transparent_origins_see_what_the_client_means),
	    cmocka_unit_test(transparent_close_is_for_our_side),
	    cmocka_unit_test(row_200_options_for_us),
	    cmocka_unit_test(row_202_trace_without_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
