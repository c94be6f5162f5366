/* SPDX-License-Identifier: ISC */
/* SOCKS5 as a server; a test is named after its row of the list of conformance. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/transcript.h"

#define OPEN BYTES("\0")
#define CLOSED BYTES("\2")
#define HELLO BYTES("\5\1\0")
#define NO_AUTH BYTES("\5\0")
#define HELLO_PASSWORD BYTES("\5\1\2")
#define PASSWORD BYTES("\5\2")
#define NO_METHOD BYTES("\5\xff")
#define LOGIN BYTES("\1\4user\4pass")
#define RIGHT BYTES("\1\0")
#define WRONG BYTES("\1\1")
#define REQUEST BYTES("\5\1\0\1\xc0\0\2\1\0\x50")
#define REPLY(code) BYTES("\5" code "\0\1\0\0\0\0\0\0")

/* A greeting is answered by one method or by none. */
static void greeted(struct bytes methods, struct bytes greeting, struct bytes reply)
{
	bool refused = reply.text[1] == '\xff';

	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = methods,
	    .turns = {{greeting, reply}},
	    .end = refused ? HS_FAIL : HS_MORE,
	    .reason = REASON_AUTH_REQUIRED});
}

static void login_refused(struct bytes login, enum reason reason)
{
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {login, WRONG}},
	    .end = HS_FAIL,
	    .reason = reason});
}

#define GREETED(methods, greeting, reply) \
	greeted((struct bytes)methods, (struct bytes)BYTES(greeting), (struct bytes)BYTES(reply))
#define LOGIN_REFUSED(login, reason) login_refused((struct bytes)BYTES(login), reason)

/* --- negotiation ------------------------------------------------------------------------------ */

static void row_021_no_auth(void **state)
{
	(void)state;
	GREETED(OPEN, "\5\1\0", "\5\0");
}

static void row_022_password_needed_none_offered(void **state)
{
	(void)state;
	GREETED(CLOSED, "\5\1\0", "\5\xff");
	GREETED(OPEN, "\5\1\2", "\5\xff");
	GREETED({0}, "\5\2\0\2", "\5\xff");
}

static void row_023_nothing_is_processed_after_no_method(void **state)
{
	(void)state;
	GREETED(CLOSED, "\5\1\0\5\1\0\1\xc0\0\2\1\0\x50", "\5\xff");
	GREETED(CLOSED, "\5\1\0\1\4user\4pass\5\1\0\1\xc0\0\2\1\0\x50", "\5\xff");
}

static void row_024_our_preference_decides(void **state)
{
	(void)state;
	GREETED(BYTES("\2\0"), "\5\2\0\2", "\5\2");
	GREETED(BYTES("\0\2"), "\5\2\2\0", "\5\0");
	GREETED(BYTES("\2\0"), "\5\1\0", "\5\0");
}

static void row_025_no_methods_offered(void **state)
{
	(void)state;
	GREETED(OPEN, "\5\0", "\5\xff");
}

static void row_026_all_methods_offered(void **state)
{
	char greeting[2 + 255] = "\5\xff";

	(void)state;
	memset(greeting + 2, 0x80, 254);
	greeting[256] = METHOD_PASSWORD;
	greeted((struct bytes)CLOSED, (struct bytes){greeting, sizeof(greeting)},
	    (struct bytes)PASSWORD);
	memset(greeting + 2, METHOD_NO_AUTH, 255);
	greeted(
	    (struct bytes)OPEN, (struct bytes){greeting, sizeof(greeting)}, (struct bytes)NO_AUTH);
}

static void row_027_ff_is_no_method(void **state)
{
	(void)state;
	GREETED(OPEN, "\5\1\xff", "\5\xff");
	GREETED(CLOSED, "\5\2\xff\0", "\5\xff");
}

static void row_028_other_version_gets_no_reply(void **state)
{
	static const struct bytes hellos[] = {BYTES("\6\1\0"), BYTES("\0\1\0"), BYTES("\4\1")};

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(*hellos); i++)
		transcript_run(&(struct transcript){.server = socks5_server_init,
		    .methods = OPEN,
		    .turns = {{hellos[i], {0}}},
		    .end = HS_FAIL,
		    .reason = REASON_NOT_SPOKEN});
}

static void row_029_http_does_not_hang(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("GET / HTTP/1.1\r\n"), {0}}},
	    .end = HS_FAIL,
	    .reason = REASON_NOT_SPOKEN});
}

static void row_030_gssapi_alone_is_refused(void **state)
{
	(void)state;
	GREETED(OPEN, "\5\1\1", "\5\xff");
	GREETED(BYTES("\2\0"), "\5\1\1", "\5\xff");
}

/* Every transcript is also fed byte by byte; this is the longest of them. */
static void row_031_everything_byte_by_byte(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {LOGIN, RIGHT},
	        {BYTES("\5\1\0\3\17www.example.com\1\xbb"), {0}}},
	    .end = HS_DONE,
	    .target = "www.example.com:443"});
}

static void row_032_everything_in_one_segment(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{BYTES("\5\1\0\5\1\0\1\xc0\0\2\1\0\x50GET /"), NO_AUTH}},
	    .end = HS_DONE,
	    .target = "192.0.2.1:80",
	    .left = BYTES("GET /")});
}

static void row_033_login_and_payload_in_one_segment(void **state)
{
	struct transcript t = {.server = socks5_server_init,
	    .methods = CLOSED,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {LOGIN, RIGHT}, {REQUEST, {0}},
	        {BYTES("payload"), {0}}},
	    .end = HS_DONE,
	    .target = "192.0.2.1:80",
	    .left = BYTES("payload")};

	(void)state;
	transcript_run(&t);
	t.verdict = REASON_AUTH_FAILED;
	t.turns[1].ours = (struct bytes)WRONG;
	t.end = HS_FAIL;
	t.reason = REASON_AUTH_FAILED;
	transcript_run(&t);
}

static void row_034_end_after_the_greeting(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = OPEN,
	    .turns = {{HELLO, NO_AUTH}},
	    .ended = true,
	    .end = HS_FAIL,
	    .reason = REASON_CLIENT_GONE});
}

/* --- user name and password ------------------------------------------------------------------- */

static void row_093_right_and_wrong(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {LOGIN, RIGHT}, {REQUEST, {0}}},
	    .end = HS_DONE});
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .verdict = REASON_AUTH_UNAVAILABLE,
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {LOGIN, WRONG}, {REQUEST, {0}}},
	    .end = HS_FAIL,
	    .reason = REASON_AUTH_UNAVAILABLE});
}

static void row_094_answer_has_the_version_of_the_login(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .user = BYTES("user"),
	    .password = BYTES("pass"),
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {LOGIN, BYTES("\1\0")}},
	    .end = HS_MORE});
}

static void row_095_other_version_of_the_login(void **state)
{
	(void)state;
	LOGIN_REFUSED("\5\4user\4pass", REASON_MALFORMED);
	LOGIN_REFUSED("\0", REASON_MALFORMED);
}

static void row_096_empty_name_or_password(void **state)
{
	(void)state;
	LOGIN_REFUSED("\1\0\4pass", REASON_AUTH_FAILED);
	LOGIN_REFUSED("\1\4user\0", REASON_AUTH_FAILED);
	LOGIN_REFUSED("\1\0\0", REASON_AUTH_FAILED);
}

static void row_022_why_no_method_will_do(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .refusal = REASON_IDENT_FAILED,
	    .turns = {{BYTES("\5\2\0\2"), BYTES("\5\xff")}},
	    .end = HS_FAIL,
	    .reason = REASON_IDENT_FAILED});
}

static void row_097_longest_name_and_password(void **state)
{
	char login[3 + 2 * 255] = "\1\xff";

	(void)state;
	memset(login + 2, 'u', 255);
	login[257] = '\xff';
	memset(login + 258, 'p', 255);
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .user = {login + 2, 255},
	    .password = {login + 258, 255},
	    .turns = {{HELLO_PASSWORD, PASSWORD}, {{login, sizeof(login)}, RIGHT}, {REQUEST, {0}}},
	    .end = HS_DONE});
}

static void row_098_nul_in_a_password(void **state)
{
	(void)state;
	LOGIN_REFUSED("\1\4user\11pass\0junk", REASON_AUTH_FAILED);
	LOGIN_REFUSED("\1\6user\0x\4pass", REASON_AUTH_FAILED);
}

static void row_101_password_is_wiped_after_the_verdict(void **state)
{
	static const char said[] = "\5\1\2\1\4user\4pass";
	const uint8_t methods[] = {METHOD_PASSWORD};
	struct buffer in, out;
	struct handshake h;

	(void)state;
	buffer_init(&in, NULL, SERVER_HANDSHAKE_MAX);
	buffer_init(&out, NULL, SERVER_HANDSHAKE_MAX);
	socks5_server_init(&h, methods, 1);
	assert_true(buffer_add(&in, said, sizeof(said) - 1));
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_ASK);
	assert_string_equal(h.credentials.password, "pass");
	assert_null(in.data);
	h.ops->verdict(&h, true, REASON_OK, &out);
	assert_memory_equal(h.credentials.password, "\0\0\0\0", 4);
	assert_string_equal(h.credentials.user, "user");
	handshake_clear(&h);
	assert_memory_equal(h.credentials.user, "\0\0\0\0", 4);
	buffer_clear(&out);
}

/* --- refusals in the middle ------------------------------------------------------------------- */

static void refusal_is_readable_at_any_place(void **state)
{
	static const struct {
		struct bytes said, answered, refused;
	} places[] = {
	    {{0}, {0}, NO_METHOD},
	    {BYTES("\5"), {0}, NO_METHOD},
	    {HELLO, NO_AUTH, REPLY("\1")},
	    {BYTES("\5\1\0\5\1\0\1\xc0"), NO_AUTH, REPLY("\1")},
	    {HELLO_PASSWORD, PASSWORD, WRONG},
	    {BYTES("\5\1\2\1\4us"), PASSWORD, WRONG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		transcript_run(&(struct transcript){.server = socks5_server_init,
		    .methods = BYTES("\2\0"),
		    .turns = {{places[i].said, places[i].answered}},
		    .end = HS_MORE,
		    .answer = REASON_HANDSHAKE_TIMEOUT,
		    .answered = places[i].refused});
}

static void refusal_is_said_once(void **state)
{
	(void)state;
	transcript_run(&(struct transcript){.server = socks5_server_init,
	    .methods = CLOSED,
	    .turns = {{HELLO, NO_METHOD}},
	    .end = HS_FAIL,
	    .reason = REASON_AUTH_REQUIRED,
	    .answer = REASON_AUTH_REQUIRED,
	    .answered = BYTES("")});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_021_no_auth),
	    cmocka_unit_test(row_022_password_needed_none_offered),
	    cmocka_unit_test(row_023_nothing_is_processed_after_no_method),
	    cmocka_unit_test(row_024_our_preference_decides),
	    cmocka_unit_test(row_025_no_methods_offered),
	    cmocka_unit_test(row_026_all_methods_offered),
	    cmocka_unit_test(row_027_ff_is_no_method),
	    cmocka_unit_test(row_028_other_version_gets_no_reply),
	    cmocka_unit_test(row_029_http_does_not_hang),
	    cmocka_unit_test(row_030_gssapi_alone_is_refused),
	    cmocka_unit_test(row_031_everything_byte_by_byte),
	    cmocka_unit_test(row_032_everything_in_one_segment),
	    cmocka_unit_test(row_033_login_and_payload_in_one_segment),
	    cmocka_unit_test(row_034_end_after_the_greeting),
	    cmocka_unit_test(row_093_right_and_wrong),
	    cmocka_unit_test(row_094_answer_has_the_version_of_the_login),
	    cmocka_unit_test(row_095_other_version_of_the_login),
	    cmocka_unit_test(row_096_empty_name_or_password),
	    cmocka_unit_test(row_022_why_no_method_will_do),
	    cmocka_unit_test(row_097_longest_name_and_password),
	    cmocka_unit_test(row_098_nul_in_a_password),
	    cmocka_unit_test(row_101_password_is_wiped_after_the_verdict),
	    cmocka_unit_test(refusal_is_readable_at_any_place),
	    cmocka_unit_test(refusal_is_said_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
