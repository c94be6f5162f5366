/* SPDX-License-Identifier: ISC */
/* Where a request ends: whatever two readers could see differently is refused. */
#include "config.h"

#include "tests/unit/heads.h"

#define CL "Content-Length: "
#define TE "Transfer-Encoding: "
#define CHUNKED TE "chunked\r\n"

static void row_168_length_and_coding(void **state)
{
	(void)state;
	REFUSE(GET CL "5\r\n" CHUNKED "\r\n", REASON_MALFORMED);
	REFUSE(GET CHUNKED CL "5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "identity\r\n" CL "5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "content-LENGTH:0\r\ntransfer-ENCODING:chunked\r\n\r\n", REASON_MALFORMED);
}

static void row_169_chunked_is_not_last(void **state)
{
	(void)state;
	REFUSE(GET TE "gzip\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "identity\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "chunked, identity\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "xchunked\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "chunkedx\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "\r\n\r\n", REASON_MALFORMED);
	/* It ends where chunks end, but what is in it we could not tell. */
	REFUSE(GET TE "gzip, chunked\r\n\r\n", REASON_BAD_CODING);
	REFUSE(GET TE "gzip,br ,chunked\r\n\r\n", REASON_BAD_CODING);
}

static void row_171_coding_in_http_1_0(void **state)
{
	(void)state;
	REFUSE("POST http://a/ HTTP/1.0\r\n" CHUNKED "\r\n", REASON_MALFORMED);
}

static void row_172_chunked_twice(void **state)
{
	(void)state;
	REFUSE(GET TE "chunked, chunked\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CHUNKED CHUNKED "\r\n", REASON_MALFORMED);
	REFUSE(GET TE "gzip\r\n" CHUNKED "\r\n", REASON_MALFORMED);
}

static void row_173_spellings_of_chunked(void **state)
{
	struct http_head head;

	(void)state;
	REFUSE(GET TE ",chunked\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "chunked,\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "chunked;q=1\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "\"chunked\"\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "\vchunked\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "\fchunked\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "\xa0"
	              "chunked\r\n\r\n",
	    REASON_MALFORMED);
	REFUSE(GET TE "chunked\0\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET TE "\r\n chunked\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET "Transfer-Encoding : chunked\r\n\r\n", REASON_MALFORMED);
	ACCEPT(&head, GET TE "CHUNKED\r\n\r\n");
	assert_int_equal(head.framing, HTTP_BODY_CHUNKED);
	ACCEPT(&head, GET "transfer-encoding:\t chunked \t\r\n\r\n");
	assert_int_equal(head.framing, HTTP_BODY_CHUNKED);
}

static void row_174_lengths_that_are_no_numbers(void **state)
{
	(void)state;
	REFUSE(GET CL "+5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "-1\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "0x5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "5_0\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "\"5\"\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "5a\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "5 5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "5.0\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "\xef\xbc\x95\r\n\r\n", REASON_MALFORMED);
}

static void row_175_lengths_said_twice(void **state)
{
	(void)state;
	REFUSE(GET CL "5, 5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "5\r\n" CL "5\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "5\r\n" CL "6\r\n\r\n", REASON_MALFORMED);
}

static void row_176_lengths_that_overflow(void **state)
{
	char text[600] = GET CL;
	struct http_head head;
	size_t n = strlen(text);

	(void)state;
	ACCEPT(&head, GET CL "9223372036854775807\r\n\r\n");
	assert_true(head.body_length == INT64_MAX);
	REFUSE(GET CL "9223372036854775808\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "18446744073709551616\r\n\r\n", REASON_MALFORMED);
	REFUSE(GET CL "18446744073709551621\r\n\r\n", REASON_MALFORMED);
	memset(text + n, '9', 400);
	memcpy(text + n + 400, "\r\n\r\n", 5);
	refuse_bytes(http_head_request, text, n + 404, REASON_MALFORMED);
}

static void row_177_leading_zeros_have_one_value(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, GET CL "00005\r\n\r\n");
	assert_int_equal(head.framing, HTTP_BODY_LENGTH);
	assert_int_equal(head.body_length, 5);
	ACCEPT(&head, GET CL "0\r\n\r\n");
	assert_int_equal(head.framing, HTTP_BODY_LENGTH);
	assert_int_equal(head.body_length, 0);
}

static void row_180_no_framing_is_no_body(void **state)
{
	struct http_head head;

	(void)state;
	ACCEPT(&head, GET "\r\n");
	assert_int_equal(head.framing, HTTP_BODY_NONE);
	/* What follows the head is not looked at. */
	assert_int_equal(
	    http_head_request(&head, (const uint8_t *)GET "\r\n\n\0GET", sizeof(GET) + 6, HEAD_MAX),
	    1);
	assert_int_equal(head.length, sizeof(GET) + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_168_length_and_coding),
	    cmocka_unit_test(row_169_chunked_is_not_last),
	    cmocka_unit_test(row_171_coding_in_http_1_0),
	    cmocka_unit_test(row_172_chunked_twice),
	    cmocka_unit_test(row_173_spellings_of_chunked),
	    cmocka_unit_test(row_174_lengths_that_are_no_numbers),
	    cmocka_unit_test(row_175_lengths_said_twice),
	    cmocka_unit_test(row_176_lengths_that_overflow),
	    cmocka_unit_test(row_177_leading_zeros_have_one_value),
	    cmocka_unit_test(row_180_no_framing_is_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
