/* SPDX-License-Identifier: ISC */
/* Base64 has one spelling for each value (test vectors: RFC 4648, 10). */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/base64.h"

static void both_ways(const void *bytes, size_t length, const char *text)
{
	char out[64];
	uint8_t back[64];
	size_t n;

	assert_int_equal(base64_encode(out, bytes, length), strlen(text));
	assert_int_equal(BASE64_LENGTH(length), strlen(text));
	assert_string_equal(out, text);
	assert_true(base64_decode(back, length, &n, text, strlen(text)));
	assert_int_equal(n, length);
	if (length > 0) {
		assert_memory_equal(back, bytes, length);
		assert_false(base64_decode(back, length - 1, &n, text, strlen(text)));
	}
}

static void vectors_of_the_rfc(void **state)
{
	(void)state;
	both_ways("", 0, "");
	both_ways("f", 1, "Zg==");
	both_ways("fo", 2, "Zm8=");
	both_ways("foo", 3, "Zm9v");
	both_ways("foob", 4, "Zm9vYg==");
	both_ways("fooba", 5, "Zm9vYmE=");
	both_ways("foobar", 6, "Zm9vYmFy");
	both_ways("\xfb\xef\xbe\xff", 4, "++++/w==");
}

static void all_octets(void **state)
{
	uint8_t bytes[256], back[256];
	char text[BASE64_LENGTH(256) + 1];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	n = base64_encode(text, bytes, sizeof(bytes));
	assert_int_equal(n, BASE64_LENGTH(256));
	assert_true(base64_decode(back, sizeof(back), &n, text, n));
	assert_int_equal(n, 256);
	assert_memory_equal(back, bytes, 256);
}

static void row_248_other_spellings_are_refused(void **state)
{
	static const char *const texts[] = {"Z", "Zg",
	    "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=Zm8=", "Zg==Zg==", "Zm 8", " Zg==", "Zg==\n",
	    "Z===", "====", "=Zg=", "Zm=8", "Zm-_", "Zm9\x80", "Zm9v\r\nYmFy"};
	uint8_t out[64];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (base64_decode(out, sizeof(out), &n, texts[i], strlen(texts[i])))
			fail_msg("%s is accepted", texts[i]);
	assert_false(base64_decode(out, sizeof(out), &n, "Zm\0v", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors_of_the_rfc),
	    cmocka_unit_test(all_octets),
	    cmocka_unit_test(row_248_other_spellings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
