/* SPDX-License-Identifier: ISC */
/* Responses on their way through a proxy; a test is named after its row of the list of
 * conformance. */
#include "config.h"

#include <stdio.h>

#include "gateway/http_response.h"
#include "tests/unit/heads.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define NO "HTTP/1.1 204 No Content\r\n"
#define CL "Content-Length: "
#define TE "Transfer-Encoding: "
#define CHUNKED TE "chunked\r\n"
#define VIA "Via: 1.1 proxy\r\n"
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define ADDED VIA DATE "\r\n"

static const struct http_request get = {.persists = true};
static const struct http_request head = {.persists = true, .head = true};
static const struct http_request old = {.old = true};
static const struct http_request upgrade = {.persists = true, .upgrade = true};

/* --- what it is ------------------------------------------------------------------------------- */

static enum reason judge(struct http_response *response, struct http_head *parsed,
    const struct http_request *request, const char *text)
{
	int got = http_head_response(parsed, (const uint8_t *)text, strlen(text), HEAD_MAX);

	if (got != 1 || parsed->length != strlen(text))
		fail_msg("%s: no head (%s)", text, reason_row(parsed->reason)->log_name);
	return http_response_read(response, parsed, request);
}

static struct http_response read_response(const struct http_request *request, const char *text)
{
	struct http_response response;
	struct http_head parsed;
	enum reason reason = judge(&response, &parsed, request, text);

	if (reason != REASON_OK)
		fail_msg("%s: %s", text, reason_row(reason)->log_name);
	return response;
}

static void refuse(const struct http_request *request, const char *text)
{
	struct http_response response;
	struct http_head parsed;
	enum reason reason = judge(&response, &parsed, request, text);

	if (reason != REASON_BAD_RESPONSE)
		fail_msg("%s: %s", text, reason_row(reason)->log_name);
}

static void framed(const struct http_request *request, const char *text, enum http_framing framing,
    uint64_t length)
{
	struct http_response response = read_response(request, text);

	if (response.framing != framing || response.length != length)
		fail_msg("%s: framed as %d", text, response.framing);
}

static void rows_168_171_two_ways_to_end(void **state)
{
	(void)state;
	refuse(&get, OK CL "5\r\n" CHUNKED "\r\n");
	refuse(&get, OK TE "identity\r\n" CL "5\r\n\r\n");
	refuse(&get, "HTTP/1.0 200 OK\r\n" CHUNKED "\r\n");
	refuse(&get, "HTTP/1.0 200 OK\r\n" TE "identity\r\n\r\n");
	refuse(&head, OK CL "5\r\n" CHUNKED "\r\n");
	refuse(&get, NO CL "0\r\n" CHUNKED "\r\n");
}

/* RFC 9112, 6.3, would read to the end; but what would the client do with it?  It was not asked
 * whether it knows the coding. */
static void row_170_codings_that_nobody_asked_for(void **state)
{
	static const char *const codings[] = {"gzip", "gzip, chunked", "chunked, gzip", "xchunked",
	    "chunked, identity", "chunked, chunked", ",chunked", "chunked;q=1", "\"chunked\"", ""};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
		snprintf(text, sizeof(text), OK TE "%s\r\n\r\n", codings[i]);
		refuse(&get, text);
	}
	refuse(&get, OK CHUNKED CHUNKED "\r\n");
	framed(&get, OK "transfer-encoding: CHUNKED\r\n\r\n", HTTP_BODY_CHUNKED, 0);
	framed(&get, OK TE "Identity\r\n\r\n", HTTP_BODY_CLOSE, 0);
}

static void rows_174_176_lengths_that_are_no_numbers(void **state)
{
	static const char *const lengths[] = {"", "+5", "-1", "0x5", "5_0", "\"5\"", "5a", "5 5",
	    "5;", "5,", ",5", "5, 6", "5,,5", "9223372036854775808", "18446744073709551621"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		snprintf(text, sizeof(text), OK CL "%s\r\n\r\n", lengths[i]);
		refuse(&get, text);
		refuse(&head, text);
	}
	refuse(&get, OK CL "5\r\n" CL "6\r\n\r\n");
	refuse(&get, OK CL "5\r\n" CL "\r\n\r\n");
	framed(&get, OK CL "9223372036854775807\r\n\r\n", HTTP_BODY_LENGTH, INT64_MAX);
}

static void row_175_equal_lengths_are_one(void **state)
{
	(void)state;
	framed(&get, OK CL "5, 05 ,5\r\n\r\n", HTTP_BODY_LENGTH, 5);
	framed(&get, OK CL "5\r\ncontent-length: 5\r\n\r\n", HTTP_BODY_LENGTH, 5);
}

static void row_181_responses_without_content(void **state)
{
	(void)state;
	framed(&head, OK CL "5\r\n\r\n", HTTP_BODY_NONE, 5);
	framed(&head, OK CHUNKED "\r\n", HTTP_BODY_NONE, 0);
	framed(&head, OK "\r\n", HTTP_BODY_NONE, 0);
	framed(&get, NO CL "5\r\n\r\n", HTTP_BODY_NONE, 5);
	framed(&get, NO "\r\n", HTTP_BODY_NONE, 0);
	framed(&get, "HTTP/1.1 304\r\n" CL "5\r\n\r\n", HTTP_BODY_NONE, 5);
	framed(&get, "HTTP/1.1 304\r\n" CHUNKED "\r\n", HTTP_BODY_NONE, 0);
	framed(&get, "HTTP/1.1 100\r\n" CL "5\r\n\r\n", HTTP_BODY_NONE, 5);
	framed(&get, "HTTP/1.1 205\r\n\r\n", HTTP_BODY_CLOSE, 0);
	framed(&get, OK "\r\n", HTTP_BODY_CLOSE, 0);
	framed(&get, "HTTP/1.1 999\r\n" CL "0\r\n\r\n", HTTP_BODY_LENGTH, 0);
}

/* What may have no content and says it has some could be followed by it. */
static void row_183_content_where_none_may_be(void **state)
{
	(void)state;
	assert_true(read_response(&get, NO "\r\n").persists);
	assert_true(read_response(&get, NO CL "0\r\n\r\n").persists);
	assert_false(read_response(&get, NO CL "5\r\n\r\n").persists);
	assert_false(read_response(&get, NO CHUNKED "\r\n").persists);
	assert_true(read_response(&get, "HTTP/1.1 304\r\n" CL "5\r\n\r\n").persists);
	assert_true(read_response(&head, OK CL "5\r\n\r\n").persists);
	assert_true(read_response(&head, OK CHUNKED "\r\n").persists);
}

static void row_195_options_of_a_response(void **state)
{
	(void)state;
	refuse(&get, OK "Connection: content-length\r\n" CL "5\r\n\r\n");
	refuse(&get, OK "Connection: close, Content-Length\r\n\r\n");
	framed(&get, OK "Connection: Transfer-Encoding\r\n" CHUNKED "\r\n", HTTP_BODY_CHUNKED, 0);
}

static void row_206_interim_responses(void **state)
{
	(void)state;
	assert_true(read_response(&get, "HTTP/1.1 100 Continue\r\n\r\n").interim);
	assert_true(read_response(&get, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").interim);
	assert_true(read_response(&upgrade, "HTTP/1.1 199\r\n\r\n").interim);
	assert_false(read_response(&get, OK "\r\n").interim);
}

static void row_210_upgrades_that_were_asked_for(void **state)
{
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"
	struct http_response response;

	(void)state;
	response =
	    read_response(&upgrade, SWITCH "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	assert_true(response.upgraded);
	assert_false(response.interim || response.persists);
	assert_int_equal(response.framing, HTTP_BODY_NONE);
	assert_true(read_response(&upgrade, SWITCH "Upgrade: TLS/1.0,a\r\n\r\n").upgraded);
	assert_false(read_response(&upgrade, OK "Upgrade: websocket\r\n\r\n").upgraded);
	refuse(&get, SWITCH "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	refuse(&upgrade, SWITCH "Connection: Upgrade\r\n\r\n");
	refuse(&upgrade, SWITCH "Connection: Upgrade\r\nUpgrade: ,\r\n\r\n");
	refuse(&upgrade, SWITCH "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
	refuse(&upgrade, SWITCH "Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n\r\n");
}

static void persistence_of_origins(void **state)
{
#define OLD "HTTP/1.0 200 OK\r\n"
#define END CL "0\r\n\r\n"
	(void)state;
	assert_true(read_response(&get, OK END).persists);
	assert_true(read_response(&old, OK END).persists);
	assert_true(read_response(&get, OK CHUNKED "\r\n").persists);
	assert_false(read_response(&get, OK "\r\n").persists);
	assert_false(read_response(&get, OK "Connection: keep-alive\r\n\r\n").persists);
	assert_false(read_response(&get, OK "Connection: a,CLOSE\r\n" END).persists);
	assert_false(read_response(&get, OK "Connection: a\r\nconnection: close\r\n" END).persists);
	assert_false(read_response(&get, OK "Proxy-Connection: close\r\n" END).persists);
	assert_false(read_response(&get, OLD END).persists);
	assert_true(read_response(&get, OLD "Connection: Keep-Alive\r\n" END).persists);
	assert_false(read_response(&get, OLD "Connection: keep-alive, close\r\n" END).persists);
	assert_false(read_response(&get, OLD "Connection: keep-alive\r\n\r\n").persists);
	/* Not a list of tokens. */
	assert_false(read_response(&get, OK "Connection: close;\r\n" END).persists);
	assert_false(read_response(&get, OK "Connection: keep alive\r\n" END).persists);
}

static void row_226_logins_of_connections(void **state)
{
#define ASK "HTTP/1.1 401\r\nWWW-Authenticate: "
	(void)state;
	assert_true(read_response(&get, ASK "NTLM\r\n" END).pins);
	assert_true(read_response(&get, ASK "Basic realm=\"a\", negotiate\r\n" END).pins);
	assert_true(
	    read_response(&get, ASK "Basic\r\nwww-authenticate: Negotiate YII=\r\n" END).pins);
	assert_false(read_response(&get, ASK "Basic realm=\"NTLM\"\r\n" END).pins);
	assert_false(read_response(&get, OK END).pins);
}

static void row_242_refusals_of_heads_and_bodies(void **state)
{
	(void)state;
	assert_int_equal(http_response_refusal(REASON_TOO_LARGE), REASON_RESPONSE_TOO_LARGE);
	assert_int_equal(http_response_refusal(REASON_MALFORMED), REASON_BAD_RESPONSE);
	assert_int_equal(http_response_refusal(REASON_HTTP_VERSION), REASON_BAD_RESPONSE);
}

/* --- what is said again ----------------------------------------------------------------------- */

struct how {
	const struct http_request *request;
	bool transparent, closes;
};

static const struct how visible = {.request = &get};
static const struct how transparent = {.request = &get, .transparent = true};

static void pass(const struct how *how, const char *text, const char *expected)
{
	struct http_response response;
	struct http_head parsed;
	struct http_response_plan plan = {.head = &parsed,
	    .request = how->request,
	    .response = &response,
	    .pseudonym = how->transparent ? NULL : "proxy",
	    .persists = !how->closes,
	    .now = 784111777};
	struct buffer out;

	assert_int_equal(judge(&response, &parsed, how->request, text), REASON_OK);
	buffer_init(&out, NULL, HTTP_RESPONSE_MAX(parsed.length));
	assert_true(http_response_write(&out, &plan));
	if (buffer_length(&out) != strlen(expected) ||
	    memcmp(buffer_bytes(&out), expected, strlen(expected)) != 0)
		fail_msg("said:\n%.*s\nnot:\n%s", (int)buffer_length(&out),
		    (const char *)buffer_bytes(&out), expected);
	buffer_clear(&out);
	for (size_t max = 0; max < strlen(expected); max++) {
		buffer_init(&out, NULL, max);
		assert_false(http_response_write(&out, &plan));
		buffer_clear(&out);
	}
}

static void rows_142_167_status_lines(void **state)
{
	(void)state;
	pass(&transparent, "HTTP/1.1 299 \x80 Odd  phrase\r\n" END,
	    "HTTP/1.1 299 \x80 Odd  phrase\r\n" END);
	pass(&visible, "HTTP/1.0 200\r\n" END,
	    "HTTP/1.1 200 \r\n" CL "0\r\nVia: 1.0 proxy\r\n" DATE "\r\n");
}

static void rows_160_165_204_fields_stay_as_they_are(void **state)
{
#define FIELDS \
	"Server: a\r\nSet-Cookie: b=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT\r\nset-cookie: c\r\n" \
	"WWW-Authenticate: Basic realm=\"d\", NTLM\r\nAllow: \r\nX-A:e\r\nTrailer: f\r\n" \
	"Proxy-Status: g\r\n"
	(void)state;
	pass(&transparent, OK FIELDS END, OK FIELDS END);
	pass(&visible, OK FIELDS DATE END, OK FIELDS DATE CL "0\r\n" VIA "\r\n");
	pass(&transparent, OK "Server \t: a\r\n" CL "0\r\n\r\n", OK "Server: a\r\n" END);
}

static void row_175_177_one_canonical_length(void **state)
{
	(void)state;
	pass(&transparent, OK "content-length: 005\r\nA: b\r\n" CL "5,5\r\n\r\n",
	    OK "content-length: 5\r\nA: b\r\n\r\n");
}

static void row_190_content_for_http_1_0(void **state)
{
	static const struct how how = {.request = &old, .closes = true};

	(void)state;
	pass(&how, OK CHUNKED "A: b\r\n\r\n", OK "A: b\r\nConnection: close\r\n" ADDED);
	pass(&how, OK "\r\n", OK "Connection: close\r\n" ADDED);
	pass(&how, OK CL "5\r\nConnection: close\r\nA: b\r\n\r\n",
	    OK CL "5\r\nConnection: close\r\nA: b\r\n" ADDED);
}

static void content_that_the_end_of_the_connection_ends(void **state)
{
	(void)state;
	pass(&visible, OK "Connection: close\r\nA: b\r\n\r\n", OK "A: b\r\n" CHUNKED ADDED);
	pass(&visible, OK "te: a\r\ntransfer-encoding: identity\r\nA: b\r\n\r\n",
	    OK "transfer-encoding: chunked\r\nA: b\r\n" ADDED);
	pass(&visible, OK "A: b\r\n" TE "\tChunked\r\nC: d\r\n\r\n",
	    OK "A: b\r\n" CHUNKED "C: d\r\n" ADDED);
	pass(&visible, OK "Connection: transfer-encoding\r\n" CHUNKED "C: d\r\n\r\n",
	    OK "C: d\r\n" CHUNKED ADDED);
}

static void rows_181_191_no_framing_of_nothing(void **state)
{
	static const struct how to_head = {.request = &head, .transparent = true};

	(void)state;
	pass(&visible, NO CHUNKED "A: b\r\n\r\n", NO "A: b\r\n" ADDED);
	pass(&visible, NO CL "05\r\nA: b\r\n\r\n", NO "A: b\r\n" ADDED);
	pass(&visible, "HTTP/1.1 103 Hints\r\nLink: </a>\r\n" CHUNKED "\r\n",
	    "HTTP/1.1 103 Hints\r\nLink: </a>\r\n" VIA "\r\n");
	pass(&transparent, "HTTP/1.1 304 Same\r\n" CL "05\r\n\r\n",
	    "HTTP/1.1 304 Same\r\n" CL "5\r\n\r\n");
	pass(&to_head, OK CL "05\r\n\r\n", OK CL "5\r\n\r\n");
	pass(&to_head, OK CHUNKED "\r\n", OK "\r\n");
	pass(&to_head, OK "\r\n", OK "\r\n");
}

static void rows_193_194_hop_by_hop(void **state)
{
#define HOPS \
	"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authenticate: Basic\r\n" \
	"proxy-authentication-info: a\r\nTE: trailers\r\nUpgrade: h2,h2c\r\n"
	(void)state;
	pass(&visible,
	    OK "A: 1\r\nb: 2\r\n" HOPS
	       "Connection: Upgrade, Keep-Alive, a\r\nconnection: B\r\n" END,
	    OK CL "0\r\n" ADDED);
	pass(&transparent, OK HOPS "Connection: upgrade,\tKeep-Alive, a\r\nA: b\r\n" END,
	    OK "Connection: Keep-Alive\r\n" END);
	/* A Date that is gone is missing. */
	pass(&visible, OK "Connection: date, via\r\nDate: a\r\nVia: 1.1 a\r\n" END,
	    OK CL "0\r\n" ADDED);
}

static void row_197_via_of_responses(void **state)
{
	(void)state;
	pass(&visible, OK "via: 1.0 a\r\n" DATE "Via: 1.1 b (c)\r\n" END,
	    OK "via: 1.0 a, 1.1 b (c), 1.1 proxy\r\n" DATE END);
	pass(&visible, "HTTP/1.0 200 OK\r\n" DATE END, OK DATE CL "0\r\nVia: 1.0 proxy\r\n\r\n");
	pass(&transparent, OK "Via: 1.0 a\r\n" END, OK "Via: 1.0 a\r\n" END);
}

static void row_205_date(void **state)
{
	(void)state;
	pass(&visible, OK END, OK CL "0\r\n" ADDED);
	pass(&visible, "HTTP/1.1 404 No\r\ndate:\r\n" END,
	    "HTTP/1.1 404 No\r\ndate:\r\n" CL "0\r\n" VIA "\r\n");
	pass(&visible, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n" VIA "\r\n");
}

static void row_210_upgrade_goes_with_101_and_426(void **state)
{
	static const struct how how = {.request = &upgrade, .closes = true};
	static const struct how kept = {.request = &get, .transparent = true};

	(void)state;
	pass(&how, SWITCH "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nA: b\r\n\r\n",
	    SWITCH "Connection: Upgrade\r\nUpgrade: websocket\r\nA: b\r\n" VIA "\r\n");
	pass(&how, SWITCH "Upgrade: websocket\r\n" CL "5\r\n\r\n",
	    SWITCH "Upgrade: websocket\r\nConnection: upgrade\r\n" VIA "\r\n");
	pass(&kept,
	    "HTTP/1.1 426 Not so\r\nConnection: upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n" END,
	    "HTTP/1.1 426 Not so\r\nConnection: upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n" END);
	pass(&kept, "HTTP/1.1 426 Not so\r\nConnection: upgrade\r\n" END,
	    "HTTP/1.1 426 Not so\r\n" END);
	pass(&how, "HTTP/1.1 426 Not so\r\nUpgrade: a\r\n" END,
	    "HTTP/1.1 426 Not so\r\nUpgrade: a\r\n" CL
	    "0\r\nConnection: upgrade\r\nConnection: close\r\n" ADDED);
}

static void row_216_the_client_is_told_of_the_end(void **state)
{
	static const struct how seen = {.request = &get, .closes = true};
	static const struct how unseen = {.request = &get, .closes = true, .transparent = true};

	(void)state;
	pass(&seen, OK "Connection: keep-alive\r\n" END, OK CL "0\r\nConnection: close\r\n" ADDED);
	pass(&unseen, OK "connection: keep-alive, Close\r\n" END, OK "connection: Close\r\n" END);
	pass(&transparent, OK "Connection: close\r\n" END, OK END);
	pass(&seen, "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n" VIA "\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_168_171_two_ways_to_end),
	    cmocka_unit_test(row_170_codings_that_nobody_asked_for),
	    cmocka_unit_test(rows_174_176_lengths_that_are_no_numbers),
	    cmocka_unit_test(row_175_equal_lengths_are_one),
	    cmocka_unit_test(row_181_responses_without_content),
	    cmocka_unit_test(row_183_content_where_none_may_be),
	    cmocka_unit_test(row_195_options_of_a_response),
	    cmocka_unit_test(row_206_interim_responses),
	    cmocka_unit_test(row_210_upgrades_that_were_asked_for),
	    cmocka_unit_test(persistence_of_origins),
	    cmocka_unit_test(row_226_logins_of_connections),
	    cmocka_unit_test(row_242_refusals_of_heads_and_bodies),
	    cmocka_unit_test(rows_142_167_status_lines),
	    cmocka_unit_test(rows_160_165_204_fields_stay_as_they_are),
	    cmocka_unit_test(row_175_177_one_canonical_length),
	    cmocka_unit_test(row_190_content_for_http_1_0),
	    cmocka_unit_test(content_that_the_end_of_the_connection_ends),
	    cmocka_unit_test(rows_181_191_no_framing_of_nothing),
	    cmocka_unit_test(rows_193_194_hop_by_hop),
	    cmocka_unit_test(row_197_via_of_responses),
	    cmocka_unit_test(row_205_date),
	    cmocka_unit_test(row_210_upgrade_goes_with_101_and_426),
	    cmocka_unit_test(row_216_the_client_is_told_of_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
