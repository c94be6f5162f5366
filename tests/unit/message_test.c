/* SPDX-License-Identifier: ISC */
/* There and back, cut at every place, and with any byte broken. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "auth/message.h"

static void test_message(void **unused)
{
	struct message sent = {.kind = MESSAGE_ASK,
	                   .id = 0xfffffffe,
	                   .block_count = 2,
	                   .user_length = 5,
	                   .password_length = 3,
	                   .rhost_length = 11,
	                   .deadline_ms = 15000,
	                   .blocks = {3, 65535},
	                   .user = "alice",
	                   .password = "p:w",
	                   .rhost = "2001:db8::1"},
	               got;
	uint8_t bytes[MESSAGE_MAX];
	size_t length = message_write(bytes, &sent);

	(void)unused;
	assert_true(message_read(&got, bytes, length));
	assert_memory_equal(&sent, &got, sizeof(got));
	for (size_t cut = 0; cut < length; cut++)
		assert_false(message_read(&got, bytes, cut));
	assert_false(message_read(&got, bytes, length + 1));
	for (int i = 0; i < 3; i++) {
		struct message nul = sent;

		(i == 0 ? nul.user : i == 1 ? nul.password : nul.rhost)[1] = '\0';
		assert_false(message_read(&got, bytes, message_write(bytes, &nul)));
	}
	for (size_t i = 0; i < length; i++) { /* whatever comes, within bounds */
		length = message_write(bytes, &sent);
		bytes[i] = 0xff;
		message_read(&got, bytes, length);
	}
}

/* Everything as long as it may be. */
static void test_longest_message(void **unused)
{
	struct message sent = {.kind = MESSAGE_FORGET,
	                   .block = MESSAGE_ALL_BLOCKS,
	                   .keep_ms = UINT32_MAX,
	                   .block_count = AUTH_BLOCKS_MAX,
	                   .user_length = MESSAGE_TEXT_MAX,
	                   .password_length = MESSAGE_TEXT_MAX,
	                   .rhost_length = MESSAGE_RHOST_MAX},
	               got;
	uint8_t bytes[MESSAGE_MAX];

	(void)unused;
	memset(sent.user, 'u', MESSAGE_TEXT_MAX);
	memset(sent.password, 'p', MESSAGE_TEXT_MAX);
	memset(sent.rhost, '1', MESSAGE_RHOST_MAX);
	assert_true(message_read(&got, bytes, message_write(bytes, &sent)));
	assert_memory_equal(&sent, &got, sizeof(got));
	sent.kind = MESSAGE_FORGET + 1;
	assert_false(message_read(&got, bytes, message_write(bytes, &sent)));
	sent.kind = 0;
	assert_false(message_read(&got, bytes, message_write(bytes, &sent)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_message),
	    cmocka_unit_test(test_longest_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
