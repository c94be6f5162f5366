/* SPDX-License-Identifier: ISC */
/* There and back, cut at every place, and with any byte broken. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "auth/message.h"

static void test_message(void **unused)
{
	struct message sent = {.kind = MESSAGE_ASK,
	                   .id = 0xfffffffe,
	                   .block_count = 2,
	                   .user_length = 5,
	                   .password_length = 3,
	                   .deadline_ms = 15000,
	                   .blocks = {3, 65535},
	                   .user = "alice",
	                   .password = "p:w"},
	               got;
	uint8_t bytes[MESSAGE_MAX];
	size_t length = message_write(bytes, &sent);

	(void)unused;
	assert_true(message_read(&got, bytes, length));
	assert_memory_equal(&sent, &got, sizeof(got));
	for (size_t cut = 0; cut < length; cut++)
		assert_false(message_read(&got, bytes, cut));
	assert_false(message_read(&got, bytes, length + 1));
	sent.password[1] = '\0';
	assert_false(message_read(&got, bytes, message_write(bytes, &sent)));
	for (size_t i = 0; i < length; i++) { /* whatever comes, within bounds */
		length = message_write(bytes, &sent);
		bytes[i] = 0xff;
		message_read(&got, bytes, length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
