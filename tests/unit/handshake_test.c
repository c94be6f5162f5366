/* SPDX-License-Identifier: ISC */
/* What all handshakes share: no room for our words, early ends, endings that stay. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "gateway/handshake_steps.h"

static void (*const servers[])(struct handshake *, const uint8_t *, size_t) = {
    socks4_server_init, socks5_server_init, http_server_init};
static void (*const clients[])(
    struct handshake *, const struct request *, const struct credentials *) = {
    socks4_client_init, socks4a_client_init, socks5_client_init, http_client_init};
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct request request(const char *target)
{
	struct request asked = {.command = COMMAND_CONNECT};

	assert_null(target_parse(&asked.target, target, strlen(target)));
	return asked;
}

static void client_without_room_fails(void **state)
{
	const struct request asked = request("192.0.2.1:80");

	(void)state;
	for (size_t i = 0; i < COUNT(clients); i++) {
		struct buffer in, out;
		struct handshake h;

		buffer_init(&in, NULL, CLIENT_HANDSHAKE_MAX);
		buffer_init(&out, NULL, 2);
		clients[i](&h, &asked, NULL);
		assert_int_equal(h.ops->feed(&h, &in, &out), HS_FAIL);
		assert_int_equal(h.reason, REASON_RESOURCES);
		assert_int_equal(buffer_length(&out), 0);
	}
}

static void server_without_room_fails(void **state)
{
	const uint8_t methods[] = {METHOD_PASSWORD};
	struct buffer in, out;
	struct handshake h;

	(void)state;
	buffer_init(&in, NULL, SERVER_HANDSHAKE_MAX);
	buffer_init(&out, NULL, 1);
	socks5_server_init(&h, methods, 1);
	assert_true(buffer_add(&in, "\5\1\2\1\1u\1p", 8));
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_FAIL);
	assert_int_equal(h.reason, REASON_RESOURCES);
	buffer_clear(&in);

	out.max = 3;
	socks5_server_init(&h, methods, 1);
	assert_true(buffer_add(&in, "\5\1\2\1\1u\1p", 8));
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_ASK);
	h.ops->verdict(&h, true, REASON_OK, &out);
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_FAIL);
	assert_int_equal(h.reason, REASON_RESOURCES);
	buffer_clear(&in);
	buffer_clear(&out);
}

static void early_end_has_a_reason(void **state)
{
	const struct request asked = request("192.0.2.1:80");
	const uint8_t methods[] = {METHOD_NO_AUTH};
	struct handshake h;
	struct buffer in;

	(void)state;
	buffer_init(&in, NULL, 100);
	for (size_t i = 0; i < COUNT(servers); i++) {
		servers[i](&h, methods, 1);
		handshake_end(&h, &in);
		assert_int_equal(h.reason, REASON_CLIENT_GONE);
		assert_int_equal(h.ops->feed(&h, &in, NULL), HS_FAIL);
	}
	for (size_t i = 0; i < COUNT(clients); i++) {
		clients[i](&h, &asked, NULL);
		handshake_end(&h, &in);
		assert_int_equal(h.reason, REASON_HOP_CLOSED);
		assert_int_equal(h.ops->feed(&h, &in, NULL), HS_FAIL);
	}
}

static void end_after_the_end_changes_nothing(void **state)
{
	const uint8_t methods[] = {METHOD_NO_AUTH};
	struct buffer in, out;
	struct handshake h;

	(void)state;
	buffer_init(&in, NULL, 100);
	buffer_init(&out, NULL, 100);
	socks4_server_init(&h, methods, 1);
	assert_true(buffer_add(&in, "\4\1\0\x50\xc0\0\2\1\0", 9));
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_DONE);
	handshake_end(&h, &in);
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_DONE);

	socks4_server_init(&h, methods, 1);
	assert_true(buffer_add(&in, "\4\0", 2));
	assert_int_equal(h.ops->feed(&h, &in, &out), HS_FAIL);
	handshake_end(&h, &in);
	assert_int_equal(h.reason, REASON_BAD_COMMAND);
	buffer_clear(&in);
	buffer_clear(&out);
}

static void requests_that_cannot_be_met(void **state)
{
	struct request asked = request("192.0.2.1:80");

	(void)state;
	assert_int_equal(handshake_check(&asked), REASON_OK);
	asked.target.port = 0;
	assert_int_equal(handshake_check(&asked), REASON_BAD_PORT);
	asked.command = COMMAND_BIND;
	assert_int_equal(handshake_check(&asked), REASON_OK);
	asked = request("[::]:80");
	assert_int_equal(handshake_check(&asked), REASON_OWN_DOOR);
	asked = request("[::ffff:0.0.0.0]:80");
	assert_int_equal(handshake_check(&asked), REASON_OWN_DOOR);
	asked = request("[::1]:80");
	assert_int_equal(handshake_check(&asked), REASON_OK);
	asked = request("h:80");
	assert_int_equal(handshake_check(&asked), REASON_OK);
}

static void clearing_wipes(void **state)
{
	const struct request asked = request("h:80");
	const struct credentials credentials = {.user_length = 4, .user = "user"};
	static const struct handshake zeros;
	struct handshake h;

	(void)state;
	socks5_client_init(&h, &asked, &credentials);
	assert_string_equal(h.credentials.user, "user");
	handshake_clear(&h);
	assert_memory_equal(&h, &zeros, sizeof(h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(client_without_room_fails),
	    cmocka_unit_test(server_without_room_fails),
	    cmocka_unit_test(early_end_has_a_reason),
	    cmocka_unit_test(end_after_the_end_changes_nothing),
	    cmocka_unit_test(requests_that_cannot_be_met),
	    cmocka_unit_test(clearing_wipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
