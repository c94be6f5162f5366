/* SPDX-License-Identifier: ISC */
/* Content of messages, however it comes cut; a test is named after its row of the list of
 * conformance. */
#include "config.h"

#include <stdio.h>

#include "tests/unit/bodies.h"

#define END "0\r\n\r\n"

static void row_170_to_the_end_of_the_connection(void **state)
{
	static const char text[] = "5\r\nhello\r\n0\r\n\r\n";
	struct decoded d;

	(void)state;
	decode_all_ways(&d, HTTP_BODY_CLOSE, 0, text, sizeof(text));
	assert_false(d.refused || d.body.ended);
	assert_int_equal(d.length, sizeof(text));
	assert_memory_equal(d.content, text, sizeof(text));
	assert_true(http_body_finish(&d.body) && d.body.ended);
	assert_int_equal(http_body_plain(&d.body), 0);
}

static void chunks_are_decoded(void **state)
{
	(void)state;
	ACCEPT(END, "");
	ACCEPT("5\r\nhello\r\n" END, "hello");
	ACCEPT("1\r\n\n\r\n1\r\n\r\r\n" END, "\n\r");
	ACCEPT(
	    "a\r\n0123456789\r\nA\r\n0\r\n\r\n\0\0\0\0\0\r\n" END, "01234567890\r\n\r\n\0\0\0\0\0");
	ACCEPT("1f\r\n0123456789abcdef0123456789abcde\r\n" END, "0123456789abcdef0123456789abcde");
}

static void row_179_short_content_is_not_whole(void **state)
{
	(void)state;
	wait_for_more(HTTP_BODY_LENGTH, 6, "hello", 5);
	wait_for_more(HTTP_BODY_LENGTH, 1, "", 0);
	wait_for_more(HTTP_BODY_LENGTH, INT64_MAX, "hello", 5);
}

static void row_180_181_no_framing_no_content(void **state)
{
	(void)state;
	accept_bytes(HTTP_BODY_NONE, 0, "", 0, "", 0);
	accept_bytes(HTTP_BODY_LENGTH, 0, "", 0, "", 0);
}

static void row_183_what_follows_is_left(void **state)
{
	(void)state;
	accept_bytes(HTTP_BODY_LENGTH, 5, "hello", 5, "hello", 5);
	accept_bytes(HTTP_BODY_LENGTH, 7, "5\r\n\0\xff\r\n", 7, "5\r\n\0\xff\r\n", 7);
	ACCEPT("5\r\nhello\r\n0\r\nA: b\r\n\r\n", "hello");
}

static void row_184_sizes_that_overflow(void **state)
{
	(void)state;
	MORE("7fffffffffffffff\r\n");
	REFUSE("8000000000000000\r\n");
	REFUSE("ffffffffffffffff\r\n");
	REFUSE("10000000000000000\r\n");
	REFUSE("10000000000000005\r\nhello\r\n");
	/* Zeros in front are digits, too. */
	ACCEPT("0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n", "hello");
	REFUSE("00000000000000005\r\nhello\r\n");
	REFUSE("00000000000000000\r\n\r\n");
}

static void row_185_sizes_are_plain_digits(void **state)
{
	(void)state;
	REFUSE("0x0\r\n\r\n");
	REFUSE("0X5\r\nhello\r\n");
	REFUSE("+0\r\n\r\n");
	REFUSE("-0\r\n\r\n");
	REFUSE("-1\r\n");
	REFUSE(" 0\r\n\r\n");
	REFUSE("\t5\r\nhello\r\n");
	REFUSE("5zz\r\nhello\r\n");
	REFUSE("5 \r\nhello\r\n");
	REFUSE("5\t\r\nhello\r\n");
	REFUSE("5 5\r\nhello\r\n");
	REFUSE("5_0\r\n");
	REFUSE("5,5\r\n");
	REFUSE("5.\r\n");
	REFUSE("g\r\n");
	REFUSE("\r\n");
	REFUSE("\r\n5\r\nhello\r\n");
	REFUSE(";a=b\r\n");
	REFUSE("\0\r\n");
	REFUSE("5\0\r\nhello\r\n");
	REFUSE("\xef\xbc\x95\r\nhello\r\n");
	REFUSE("5\r\nhello\r\n\r\n0\r\n\r\n");
}

static void row_186_extensions_are_dropped(void **state)
{
	(void)state;
	ACCEPT("5;a\r\nhello\r\n0;b\r\n\r\n", "hello");
	ACCEPT("5;a=b;c=\"d\"\r\nhello\r\n" END, "hello");
	ACCEPT("5 ; a = b\t; c\r\nhello\r\n" END, "hello");
	ACCEPT("5;a=\";\\\"\\\\\x80\t\"\r\nhello\r\n" END, "hello");
	ACCEPT("5;chunk-signature=0123456789abcdef\r\nhello\r\n" END, "hello");
	REFUSE("5 a\r\nhello\r\n");
	REFUSE("5 \"a\"\r\nhello\r\n");
}

static void row_187_lines_end_in_crlf_only(void **state)
{
	(void)state;
	REFUSE("5\nhello\r\n");
	REFUSE("5\rhello\r\n");
	REFUSE("5\r\rhello\r\n");
	REFUSE("5\r\r\nhello\r\n");
	REFUSE("5;a\nhello\r\n");
	REFUSE("5;\nxx\r\n45\r\n0\r\n\r\n");
	REFUSE("5;a\rhello\r\n");
	REFUSE("5;a\r\rhello\r\n");
	REFUSE("5;a=\"\n\"\r\nhello\r\n");
	REFUSE("5;a=\"\r\n\"\r\nhello\r\n");
	REFUSE("5;a=\"b\r\nhello\r\n");
	REFUSE("5;a=\"\\\r\n\"\r\nhello\r\n");
	REFUSE("5;a=\"\\\"\r\nhello\r\n");
	REFUSE("5;a\0\r\nhello\r\n");
	REFUSE("5;a=\"\\\0\"\r\nhello\r\n");
	REFUSE("5;a\v\r\nhello\r\n");
	REFUSE("5;a\x7f\r\nhello\r\n");
	/* After chunk-data */
	REFUSE("5\r\nhello\n0\r\n\r\n");
	REFUSE("5\r\nhello\r0\r\n\r\n");
	REFUSE("5\r\nhello0\r\n\r\n");
	REFUSE("5\r\nhello!\r\n0\r\n\r\n");
	REFUSE("5\r\nhelloXX0\r\n\r\n");
	REFUSE("5\r\nhello\n\r0\r\n\r\n");
	REFUSE("5\r\nhell\r\n0\r\n\r\n");
	/* The last chunk */
	REFUSE("0\n\n");
	REFUSE("0\r\n\n");
	REFUSE("0\r\n\rX");
	REFUSE("0\r\nX\r\n");
}

/* `n` chunks of one size, the lines of which end in `extension`: the verdict, and on which. */
static bool many_chunks(size_t n, size_t size, const char *extension, size_t *at)
{
	char *chunk = malloc(size + strlen(extension) + 24);
	struct http_body body;
	bool accepted = true;

	assert_non_null(chunk);
	http_body_begin(&body, HTTP_BODY_CHUNKED, 0);
	for (*at = 0; *at < n && accepted; ++*at) {
		int line = sprintf(chunk, "%zx%s\r\n", size, extension);
		size_t length = (size_t)line + size + 2, content;

		memset(chunk + line, 'x', size);
		memcpy(chunk + line + size, "\r\n", 2);
		accepted = http_body_decode(&body, (uint8_t *)chunk, length, &content) > 0;
		assert_int_equal(content, accepted ? size : 0);
	}
	assert_true(accepted || body.reason == REASON_TOO_LARGE);
	free(chunk);
	return accepted;
}

static void row_188_extensions_have_a_budget(void **state)
{
	char extension[20480] = ";", line[sizeof(extension) + 32];
	size_t at;

	(void)state;
	/* One: to the byte. */
	memset(extension + 1, 'a', HTTP_CHUNK_EXTENSION_MAX - 1);
	assert_true(many_chunks(1, 1, extension, &at));
	extension[HTTP_CHUNK_EXTENSION_MAX] = 'a';
	assert_false(many_chunks(1, 1, extension, &at));
	/* 20 KB at once, however they come. */
	memset(extension + 1, 'a', sizeof(extension) - 2);
	sprintf(line, "1%.5000s", extension);
	refuse_bytes(line, strlen(line), REASON_TOO_LARGE);
	/* 1 KiB with every byte of content. */
	extension[1024] = '\0';
	assert_false(many_chunks(1000000, 1, extension, &at));
	assert_int_equal(at, 17);
	/* As signed uploads have it: as long as they want. */
	extension[82] = '\0';
	assert_true(many_chunks(10000, 8192, extension, &at));
	/* Without extensions chunks are as small as they like. */
	assert_true(many_chunks(1000000, 1, "", &at));
}

static void row_189_trailers_are_dropped(void **state)
{
	(void)state;
	ACCEPT("5\r\nhello\r\n0\r\nX: a\r\nY:\r\nZ:\t\x80 b \r\n\r\n", "hello");
	ACCEPT("0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n", "");
	REFUSE("0\r\nX : a\r\n\r\n");
	REFUSE("0\r\n: a\r\n\r\n");
	REFUSE("0\r\nX\r\n\r\n");
	REFUSE("0\r\n X: a\r\n\r\n");
	REFUSE("0\r\nX: a\r\n b\r\n\r\n");
	REFUSE("0\r\nX: a\n\r\n");
	REFUSE("0\r\nX: a\r\r\n\r\n");
	REFUSE("0\r\nX: a\rY: b\r\n\r\n");
	REFUSE("0\r\nX: a\r\n\n");
	REFUSE("0\r\nX: a\r\n\rX");
	REFUSE("0\r\nX: \0\r\n\r\n");
	REFUSE("0\r\nX\0: a\r\n\r\n");
	REFUSE("0\r\n\xc3\xa4: a\r\n\r\n");
	REFUSE("0\r\nX(y): a\r\n\r\n");
	REFUSE("0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

/* A trailer section of lines that are `line` bytes long, without their CRLF. */
static bool many_trailers(size_t lines, size_t line)
{
	struct http_body body;
	size_t content;
	char *text = malloc(line + 2);
	bool accepted;

	assert_non_null(text);
	http_body_begin(&body, HTTP_BODY_CHUNKED, 0);
	accepted = http_body_decode(&body, (uint8_t *)(char[]){"0\r\n"}, 3, &content) == 3;
	for (size_t i = 0; i < lines && accepted; i++) {
		memset(text, 'a', line);
		text[1] = ':';
		memcpy(text + line, "\r\n", 2);
		accepted = http_body_decode(&body, (uint8_t *)text, line + 2, &content) > 0;
	}
	free(text);
	if (accepted)
		accepted = http_body_decode(&body, (uint8_t *)(char[]){"\r\n"}, 2, &content) == 2;
	assert_true(accepted ? body.ended : body.reason == REASON_TOO_LARGE);
	return accepted;
}

static void row_189_trailers_have_a_ceiling(void **state)
{
	(void)state;
	assert_true(many_trailers(HTTP_FIELDS_MAX, 100));
	assert_false(many_trailers(HTTP_FIELDS_MAX + 1, 2));
	assert_true(many_trailers(1, HTTP_TRAILERS_MAX));
	assert_false(many_trailers(1, HTTP_TRAILERS_MAX + 1));
	assert_true(many_trailers(4, HTTP_TRAILERS_MAX / 4));
	assert_false(many_trailers(5, HTTP_TRAILERS_MAX / 4));
}

static void row_192_without_its_end_a_message_is_not_whole(void **state)
{
	static const char text[] = "5;a=\"b\\c\"\r\nhello\r\n0;d\r\nX: y\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		wait_for_more(HTTP_BODY_CHUNKED, 0, text, n);
	ACCEPT("5;a=\"b\\c\"\r\nhello\r\n0;d\r\nX: y\r\n\r\n", "hello");
}

static void content_passes_unseen(void **state)
{
	struct http_body body;
	size_t content;

	(void)state;
	http_body_begin(&body, HTTP_BODY_LENGTH, 10);
	assert_int_equal(http_body_plain(&body), 10);
	http_body_skip(&body, 4);
	assert_int_equal(http_body_decode(&body, (uint8_t *)(char[]){"45"}, 2, &content), 2);
	assert_int_equal(http_body_plain(&body), 4);
	http_body_skip(&body, 4);
	assert_true(body.ended && body.passed == 10);

	http_body_begin(&body, HTTP_BODY_CHUNKED, 0);
	assert_int_equal(http_body_plain(&body), 0);
	assert_int_equal(http_body_decode(&body, (uint8_t *)(char[]){"a\r\n"}, 3, &content), 3);
	assert_int_equal(http_body_plain(&body), 10);
	http_body_skip(&body, 9);
	assert_int_equal(http_body_plain(&body), 1);
	http_body_skip(&body, 1);
	assert_int_equal(http_body_plain(&body), 0);
	assert_int_equal(
	    http_body_decode(&body, (uint8_t *)(char[]){"\r\n0\r\n\r\nGET"}, 10, &content), 7);
	assert_true(body.ended && body.passed == 10 && content == 0);

	http_body_begin(&body, HTTP_BODY_CLOSE, 0);
	assert_true(http_body_plain(&body) == UINT64_MAX);
	http_body_skip(&body, UINT32_MAX);
	assert_true(http_body_plain(&body) == UINT64_MAX && body.passed == UINT32_MAX);
	http_body_begin(&body, HTTP_BODY_NONE, 0);
	assert_int_equal(http_body_plain(&body), 0);
}

/* Frames n bytes between margins that nothing else may touch. */
static size_t frame(uint8_t *to, const uint8_t *content, size_t n, bool last)
{
	size_t room = n + 2 * HTTP_CHUNK_MARGIN, length = n;
	uint8_t *exact = malloc(room), *bytes = exact + HTTP_CHUNK_MARGIN;

	assert_non_null(exact);
	memcpy(bytes, content, n);
	http_chunk_frame(&bytes, &length, last);
	assert_true(bytes >= exact && bytes + length <= exact + room);
	memcpy(to, bytes, length);
	free(exact);
	return length;
}

static void framed_as_it_is_written(void **state)
{
	uint8_t to[64];

	(void)state;
	assert_int_equal(frame(to, (const uint8_t *)"", 0, false), 0);
	assert_int_equal(frame(to, (const uint8_t *)"", 0, true), 5);
	assert_memory_equal(to, "0\r\n\r\n", 5);
	assert_int_equal(frame(to, (const uint8_t *)"hello", 5, false), 10);
	assert_memory_equal(to, "5\r\nhello\r\n", 10);
	assert_int_equal(frame(to, (const uint8_t *)"0123456789abcdefg", 17, true), 28);
	assert_memory_equal(to, "11\r\n0123456789abcdefg\r\n0\r\n\r\n", 28);
}

static void what_is_framed_is_decoded(void **state)
{
	static const size_t sizes[] = {1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65535, 65536};
	enum { TOTAL = 1 << 18 };
	uint8_t *content = malloc(TOTAL), *framed = malloc(2 * TOTAL);
	size_t n = 0, at = 0, left;
	struct http_body body;

	(void)state;
	assert_true(content && framed);
	for (size_t i = 0; i < TOTAL; i++)
		content[i] = (uint8_t)(i * 31 + (i >> 8));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n += frame(framed + n, content + at, sizes[i], false);
		at += sizes[i];
	}
	n += frame(framed + n, content + at, 1, true);
	http_body_begin(&body, HTTP_BODY_CHUNKED, 0);
	assert_true(http_body_decode(&body, framed, n, &left) == (ssize_t)n);
	assert_true(body.ended);
	assert_int_equal(left, at + 1);
	assert_memory_equal(framed, content, left);
	free(content);
	free(framed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(row_170_to_the_end_of_the_connection),
	    cmocka_unit_test(chunks_are_decoded),
	    cmocka_unit_test(row_179_short_content_is_not_whole),
	    cmocka_unit_test(row_180_181_no_framing_no_content),
	    cmocka_unit_test(row_183_what_follows_is_left),
	    cmocka_unit_test(row_184_sizes_that_overflow),
	    cmocka_unit_test(row_185_sizes_are_plain_digits),
	    cmocka_unit_test(row_186_extensions_are_dropped),
	    cmocka_unit_test(row_187_lines_end_in_crlf_only),
	    cmocka_unit_test(row_188_extensions_have_a_budget),
	    cmocka_unit_test(row_189_trailers_are_dropped),
	    cmocka_unit_test(row_189_trailers_have_a_ceiling),
	    cmocka_unit_test(row_192_without_its_end_a_message_is_not_whole),
	    cmocka_unit_test(content_passes_unseen),
	    cmocka_unit_test(framed_as_it_is_written),
	    cmocka_unit_test(what_is_framed_is_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
