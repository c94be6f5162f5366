/* SPDX-License-Identifier: ISC */
/* Syntax of HTTP/1 heads; a test is named after its row of the list of conformance. */
#include "config.h"

#include "tests/unit/heads.h"

static void row_136_octets_of_values_are_opaque(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, GET "X: \x80\xff\xc3\xa4\t\"\\ ~\r\n\r\n");
	assert_span(head.fields[1].value, "\x80\xff\xc3\xa4\t\"\\ ~");
}

static void row_137_bare_lf(void **state)
{
	(void)state;
	REFUSE("GET http://example.com/ HTTP/1.1\nHost: example.com\n\n", REASON_MALFORMED);
	REFUSE("GET http://example.com/ HTTP/1.1\r\nHost: example.com\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X: a\nY: b\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "\n", REASON_MALFORMED);
	REFUSE("\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1 200 OK\n\n", REASON_MALFORMED);
}

static void row_138_bare_cr(void **state)
{
	(void)state;
	REFUSE("GET http://example.com/\r HTTP/1.1\r\nHost: example.com\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET http://example.com/ HTTP/1.1\r\r\nHost: example.com\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X: a\rY: b\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "\r\r\n", REASON_MALFORMED);
}

static void row_139_empty_lines_first(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "\r\n" GET "\r\n");
	ACCEPT(&head, "\r\n\r\n" GET "\r\n");
	REFUSE("\r\n\r\n\r\n" GET "\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("\r\nHTTP/1.1 200 OK\r\n\r\n", REASON_MALFORMED);
}

static void row_140_blank_before_the_first_field(void **state)
{
	(void)state;
	REFUSE("GET http://example.com/ HTTP/1.1\r\n Host: example.com\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET http://example.com/ HTTP/1.1\r\n\tX: a\r\nHost: example.com\r\n\r\n",
	    REASON_MALFORMED);
}

static void row_142_version_is_a_number_of_ours(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(head.minor, 0);
	ACCEPT(&head, GET "\r\n");
	assert_int_equal(head.minor, 1);
}

static void row_143_other_versions(void **state)
{
	(void)state;
	REFUSE("GET / HTTP/2.0\r\n", REASON_HTTP_VERSION);
	REFUSE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REASON_HTTP_VERSION);
	REFUSE("GET / HTTP/3.0\r\n", REASON_HTTP_VERSION);
	REFUSE("GET / HTTP/0.9\r\n", REASON_HTTP_VERSION);
	REFUSE("GET / http/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/01.1\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1.\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1.10\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1,1\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/+.1\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTPS/1.1\r\n", REASON_MALFORMED);
}

static void row_144_newer_minor_version_is_1_1(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "GET / HTTP/1.2\r\nHost: a\r\n\r\n");
	assert_int_equal(head.minor, 1);
	ACCEPT(&head, "GET / HTTP/1.9\r\nHost: a\r\n\r\n");
	assert_int_equal(head.minor, 1);
}

static void row_145_http_0_9(void **state)
{
	(void)state;
	REFUSE("GET http://example.com/\r\n", REASON_MALFORMED);
	REFUSE("GET\r\n", REASON_MALFORMED);
}

static void row_146_one_space_each(void **state)
{
	(void)state;
	REFUSE("GET  / HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET /  HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET\t/ HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET /\tHTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET /\vHTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET /\fHTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE(" GET / HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1.1 \r\n", REASON_MALFORMED);
}

static void row_147_long_request_lines(void **state)
{
	static char text[2 * HTTP_START_LINE_MAX] = "GET /";
	static const char rest[] = " HTTP/1.0\r\n\r\n";
	struct http_head head;

	(void)state;
	memset(text + 5, 'a', sizeof(text) - 5);
	memcpy(text + 8000, rest, sizeof(rest));
	accept_bytes(http_head_request, &head, text, 8000 + sizeof(rest) - 1);
	/* The line's LF is the last octet that fits. */
	memset(text + 8000, 'a', sizeof(rest));
	memcpy(text + HTTP_START_LINE_MAX - 11, rest, sizeof(rest));
	accept_bytes(http_head_request, &head, text, HTTP_START_LINE_MAX + 2);
	memset(text + 8000, 'a', sizeof(text) - 8000);
	memcpy(text + HTTP_START_LINE_MAX - 10, rest, sizeof(rest));
	refuse_bytes(http_head_request, text, HTTP_START_LINE_MAX + 3, REASON_URI_TOO_LONG);
	memset(text + 8000, 'a', sizeof(text) - 8000);
	refuse_bytes(http_head_request, text, sizeof(text), REASON_URI_TOO_LONG);
	memset(text, 'A', 64);
	memcpy(text + 64, " / HTTP/1.0\r\n\r\n", 16);
	accept_bytes(http_head_request, &head, text, 64 + 15);
	memcpy(text + 64, "A / HTTP/1.0\r\n\r\n", 17);
	refuse_bytes(http_head_request, text, 64 + 16, REASON_BAD_COMMAND);
}

static void row_148_methods_are_tokens(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "!#$%&'*+-.^_`|~azAZ09 / HTTP/1.0\r\n\r\n");
	assert_span(head.method, "!#$%&'*+-.^_`|~azAZ09");
	/* Case matters: this is no CONNECT. */
	ACCEPT(&head, "connect / HTTP/1.0\r\n\r\n");
	assert_int_equal(head.form, HTTP_ORIGIN);
	REFUSE("GE(T / HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("GE\x80T / HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("G\0T / HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE("\"GET\" / HTTP/1.1\r\n", REASON_MALFORMED);
}

static void row_149_one_valid_host(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "GET / HTTP/1.0\r\n\r\n");
	ACCEPT(&head, "GET / HTTP/1.1\r\nhOST:\r\n\r\n");
	ACCEPT(&head, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n");
	ACCEPT(&head, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n");
	REFUSE("GET / HTTP/1.1\r\nX: a\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", REASON_BAD_NAME);
	REFUSE("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", REASON_BAD_NAME);
	REFUSE("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", REASON_BAD_NAME);
	REFUSE("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", REASON_BAD_NAME);
	REFUSE("GET / HTTP/1.1\r\nHost: a:x\r\n\r\n", REASON_BAD_PORT);
	REFUSE("GET / HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n", REASON_BAD_NAME);
	REFUSE("GET http://a/ HTTP/1.1\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", REASON_BAD_NAME);
	REFUSE("CONNECT a:1 HTTP/1.1\r\n\r\n", REASON_MALFORMED);
}

static void row_150_authority_of_the_uri_is_the_target(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "GET http://A.example:81/p?q HTTP/1.1\r\nHost: b.example\r\n\r\n");
	assert_int_equal(head.form, HTTP_ABSOLUTE);
	assert_target(&head, "a.example:81");
	assert_span(head.path, "/p?q");
	assert_span(head.scheme, "http");
	assert_span(head.method, "GET");
	assert_span(head.uri, "http://A.example:81/p?q");
}

static void row_151_paths_and_fragments(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "GET http://h HTTP/1.0\r\n\r\n");
	assert_span(head.path, "");
	assert_target(&head, "h:80");
	ACCEPT(&head, "GET HTTP://h?q=1/2 HTTP/1.0\r\n\r\n");
	assert_span(head.path, "?q=1/2");
	ACCEPT(&head, "GET http://h:/ HTTP/1.0\r\n\r\n");
	assert_target(&head, "h:80");
	REFUSE("GET http://h/#f HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET /#f HTTP/1.0\r\n", REASON_MALFORMED);
}

static void row_154_forms_and_methods(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "OPTIONS * HTTP/1.0\r\n\r\n");
	assert_int_equal(head.form, HTTP_ASTERISK);
	ACCEPT(&head, "OPTIONS http://h:8001 HTTP/1.0\r\n\r\n");
	assert_int_equal(head.form, HTTP_ABSOLUTE);
	ACCEPT(&head, "CONNECT h:443 HTTP/1.0\r\n\r\n");
	assert_int_equal(head.form, HTTP_AUTHORITY);
	assert_target(&head, "h:443");
	REFUSE("GET * HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET h:443 HTTP/1.0\r\n\r\n", REASON_MALFORMED);
	REFUSE("GET urn:isbn:0 HTTP/1.0\r\n\r\n", REASON_MALFORMED);
	ACCEPT(&head, "GET ftp://h/x HTTP/1.0\r\n\r\n");
	assert_span(head.scheme, "ftp");
	REFUSE("GET example.com HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("CONNECT / HTTP/1.0\r\n", REASON_BAD_NAME);
	REFUSE("CONNECT http://h:443/ HTTP/1.0\r\n", REASON_BAD_NAME);
	REFUSE("OPTIONS *x HTTP/1.0\r\n", REASON_MALFORMED);
}

static void row_156_user_information(void **state)
{
	(void)state;
	REFUSE("GET http://u:p@h/ HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET http://127.0.0.1:80@h/ HTTP/1.0\r\n", REASON_MALFORMED);
}

static void row_157_empty_host(void **state)
{
	(void)state;
	REFUSE("GET http:///x HTTP/1.0\r\n", REASON_BAD_NAME);
	REFUSE("GET http://:80/ HTTP/1.0\r\n", REASON_BAD_NAME);
	REFUSE("GET http:/x HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET http: HTTP/1.0\r\n", REASON_MALFORMED);
}

static void row_158_ports(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, "GET http://h:65535/ HTTP/1.0\r\n\r\n");
	assert_target(&head, "h:65535");
	REFUSE("GET http://h:0/ HTTP/1.0\r\n", REASON_BAD_PORT);
	REFUSE("GET http://h:65536/ HTTP/1.0\r\n", REASON_BAD_PORT);
	REFUSE("GET http://h:4294967376/ HTTP/1.0\r\n", REASON_BAD_PORT);
	REFUSE("GET http://h:+80/ HTTP/1.0\r\n", REASON_BAD_PORT);
	REFUSE("GET http://h:080/ HTTP/1.0\r\n", REASON_BAD_PORT);
	REFUSE("GET http://h:80x/ HTTP/1.0\r\n", REASON_BAD_PORT);
	REFUSE("GET http://h: 80/ HTTP/1.0\r\n", REASON_MALFORMED);
}

static void row_159_octets_of_the_target(void **state)
{
	struct http_head head;

	(void)state;
	/* What browsers do not encode is let through, but for the fragment. */
	ACCEPT(&head, "GET /a|b{c}^`\"<>\\%zz HTTP/1.0\r\n\r\n");
	REFUSE("GET /a\x80 HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET /a\x7f HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET /a\0 HTTP/1.0\r\n", REASON_MALFORMED);
	REFUSE("GET /a\x1b HTTP/1.0\r\n", REASON_MALFORMED);
}

static void row_160_blank_before_the_colon(void **state)
{
	struct http_head head;

	(void)state;
	REFUSE(GET "X : v\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X\t: v\r\n\r\n", REASON_MALFORMED);
	ACCEPT_RESPONSE(&head, "HTTP/1.1 200 OK\r\nX \t: v\r\n\r\n");
	assert_span(head.fields[0].name, "X");
}

static void row_161_folded_fields(void **state)
{
	(void)state;
	REFUSE(GET "X: a\r\n b\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X: a\r\n\tY: b\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X: a\r\n \r\n\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\n\r\n", REASON_MALFORMED);
}

static void row_162_control_octets_in_values(void **state)
{
	(void)state;
	REFUSE(GET "X: a\0b\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X: a\x01\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "X: a\x7f\r\n\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", REASON_MALFORMED);
}

static void row_163_names_are_tokens(void **state)
{
	static const char separators[] = "(),/;<=>?@[\\]{}\"\x80";
	char text[] = GET "XaX: v\r\n\r\n";

	(void)state;
	REFUSE(GET ": v\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "\0: v\r\n\r\n", REASON_MALFORMED);
	for (size_t i = 0; i < sizeof(separators) - 1; i++) {
		text[sizeof(GET)] = separators[i];
		refuse_bytes(http_head_request, text, sizeof(text) - 1, REASON_MALFORMED);
	}
}

static void row_164_line_without_colon(void **state)
{
	(void)state;
	REFUSE(GET "X\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "Content-Length 5\r\n\r\n", REASON_MALFORMED);
}

static void row_165_order_and_repetition_stay(void **state)
{
	struct http_head head;
	bool several;

	(void)state;
	ACCEPT_RESPONSE(
	    &head, "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX:\r\nset-cookie: \t b=2 \t\r\n\r\n");
	assert_int_equal(head.field_count, 3);
	assert_span(head.fields[0].value, "a=1");
	assert_span(head.fields[1].value, "");
	assert_span(head.fields[2].name, "set-cookie");
	assert_span(head.fields[2].value, "b=2");
	assert_ptr_equal(http_head_field(&head, "SET-COOKIE", &several), &head.fields[0]);
	assert_true(several);
	assert_ptr_equal(http_head_field(&head, "x", &several), &head.fields[1]);
	assert_false(several);
	assert_null(http_head_field(&head, "Set-Cooki", &several));
	assert_null(http_head_field(&head, "Set-Cookie2", &several));
}

static void row_166_limits(void **state)
{
	static char text[4 * HEAD_MAX];
	struct http_head head;
	size_t n = sizeof(GET) - 1;

	(void)state;
	memcpy(text, GET, n);
	for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++, n += 6)
		memcpy(text + n, "X: a\r\n", 6);
	memcpy(text + n, "\r\n", 3);
	accept_bytes(http_head_request, &head, text, n + 2);
	memcpy(text + n, "X: a\r\n\r\n", 9);
	refuse_bytes(http_head_request, text, n + 8, REASON_TOO_LARGE);

	n = sizeof(GET) - 1;
	memset(text + n, 'X', sizeof(text) - n);
	refuse_bytes(http_head_request, text, HEAD_MAX, REASON_TOO_LARGE);
	refuse_bytes(http_head_request, text, HEAD_MAX + 7, REASON_TOO_LARGE);
	text[n + 1] = ':';
	memcpy(text + HEAD_MAX - 4, "\r\n\r\n", 4);
	accept_bytes(http_head_request, &head, text, HEAD_MAX);
	memcpy(text + HEAD_MAX - 4, "X\r\n\r\n", 5);
	refuse_bytes(http_head_request, text, HEAD_MAX + 1, REASON_TOO_LARGE);
	/* A field has a ceiling of its own where the head's is higher. */
	memset(text, 'X', sizeof(text));
	memcpy(text, "HTTP/1.1 200 OK\r\nX:", 19);
	memcpy(text + 17 + HTTP_FIELD_MAX, "\r\n\r\n", 4);
	n = 17 + HTTP_FIELD_MAX + 4;
	assert_int_equal(http_head_response(&head, (uint8_t *)text, n, sizeof(text)), 1);
	memcpy(text + n - 4, "X\r\n\r\n", 5);
	assert_int_equal(http_head_response(&head, (uint8_t *)text, n + 1, sizeof(text)), -1);
	assert_int_equal(head.reason, REASON_TOO_LARGE);
}

static void row_167_status_lines(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT_RESPONSE(&head, "HTTP/1.1 200 Connection established\r\n\r\n");
	assert_int_equal(head.status, 200);
	assert_span(head.phrase, "Connection established");
	ACCEPT_RESPONSE(&head, "HTTP/1.0 407\r\n\r\n");
	assert_int_equal(head.status, 407);
	assert_int_equal(head.minor, 0);
	ACCEPT_RESPONSE(&head, "HTTP/1.1 200 \r\n\r\n");
	ACCEPT_RESPONSE(&head, "HTTP/1.1 999 \x80 phrase\r\n\r\n");
	REFUSE_RESPONSE("HTTP/1.1 2000 OK\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1 20\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1 2x0 OK\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1 099 OK\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1  200 OK\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/1.1\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("ICY 200 OK\r\n", REASON_MALFORMED);
	REFUSE_RESPONSE("HTTP/2.0 200 OK\r\n", REASON_HTTP_VERSION);
	REFUSE_RESPONSE("SSH-2.0-OpenSSH\r\n", REASON_MALFORMED);
}

static void status_is_known_before_the_head_is_whole(void **state)
{
	struct http_head head;

	(void)state;
	assert_int_equal(read_exact(http_head_response, &head, "HTTP/1.1 503 No\r", 16), 0);
	assert_int_equal(head.status, 0);
	assert_int_equal(read_exact(http_head_response, &head, "HTTP/1.1 503 No\r\nX", 18), 0);
	assert_int_equal(head.status, 503);
}

static void news_are_lines_and_ceilings(void **state)
{
	static uint8_t bytes[2 * HTTP_START_LINE_MAX];

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	bytes[10] = '\n';
	assert_false(http_head_news(bytes, 0, 10, HEAD_MAX));
	assert_true(http_head_news(bytes, 0, 11, HEAD_MAX));
	assert_true(http_head_news(bytes, 10, 11, HEAD_MAX));
	assert_false(http_head_news(bytes, 11, 100, HEAD_MAX));
	assert_true(http_head_news(bytes, 11, 100, 100));
	assert_true(http_head_news(bytes, 11, HTTP_START_LINE_MAX, HEAD_MAX));
	assert_false(http_head_news(bytes, HTTP_START_LINE_MAX, HTTP_START_LINE_MAX + 9, HEAD_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_136_octets_of_values_are_opaque),
	    cmocka_unit_test(row_137_bare_lf),
	    cmocka_unit_test(row_138_bare_cr),
	    cmocka_unit_test(row_139_empty_lines_first),
	    cmocka_unit_test(row_140_blank_before_the_first_field),
	    cmocka_unit_test(row_142_version_is_a_number_of_ours),
	    cmocka_unit_test(row_143_other_versions),
	    cmocka_unit_test(row_144_newer_minor_version_is_1_1),
	    cmocka_unit_test(row_145_http_0_9),
	    cmocka_unit_test(row_146_one_space_each),
	    cmocka_unit_test(row_147_long_request_lines),
	    cmocka_unit_test(row_148_methods_are_tokens),
	    cmocka_unit_test(row_149_one_valid_host),
	    cmocka_unit_test(row_150_authority_of_the_uri_is_the_target),
	    cmocka_unit_test(row_151_paths_and_fragments),
	    cmocka_unit_test(row_154_forms_and_methods),
	    cmocka_unit_test(row_156_user_information),
	    cmocka_unit_test(row_157_empty_host),
	    cmocka_unit_test(row_158_ports),
	    cmocka_unit_test(row_159_octets_of_the_target),
	    cmocka_unit_test(row_160_blank_before_the_colon),
	    cmocka_unit_test(row_161_folded_fields),
	    cmocka_unit_test(row_162_control_octets_in_values),
	    cmocka_unit_test(row_163_names_are_tokens),
	    cmocka_unit_test(row_164_line_without_colon),
	    cmocka_unit_test(row_165_order_and_repetition_stay),
	    cmocka_unit_test(row_166_limits),
	    cmocka_unit_test(row_167_status_lines),
	    cmocka_unit_test(status_is_known_before_the_head_is_whole),
	    cmocka_unit_test(news_are_lines_and_ceilings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
