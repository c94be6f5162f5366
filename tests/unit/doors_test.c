/* SPDX-License-Identifier: ISC */
/* Which destinations are the gateway's own doors, however they are spelt. */
#include "config.h"

#include "gateway/doors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static enum door check(struct doors *doors, const char *text, uint16_t port)
{
	struct in6_addr a;

	assert_true(address_parse(&a, text, strlen(text)));
	return doors_check(doors, &a, port);
}

static void listen_at(struct doors *doors, const char *text, uint16_t port)
{
	struct endpoint e = {.port = port};

	assert_true(address_parse(&e.address, text, strlen(text)));
	assert_int_equal(doors_add(doors, &e), 0);
}

static void special_addresses(void **state)
{
	static const struct {
		const char *address;
		enum door door;
	} rows[] = {
	    {"0.0.0.0", DOOR_NOWHERE},
	    {"0.1.2.3", DOOR_NOWHERE},
	    {"::", DOOR_NOWHERE},
	    {"224.0.0.1", DOOR_NOWHERE},
	    {"239.255.255.255", DOOR_NOWHERE},
	    {"255.255.255.255", DOOR_NOWHERE},
	    {"ff02::1", DOOR_NOWHERE},
	    {"::ffff:0.0.0.0", DOOR_NOWHERE},
	    {"127.0.0.1", DOOR_SPECIAL},
	    {"127.255.255.254", DOOR_SPECIAL},
	    {"169.254.169.254", DOOR_SPECIAL},
	    {"::1", DOOR_SPECIAL},
	    {"fe80::1", DOOR_SPECIAL},
	    {"febf::1", DOOR_SPECIAL},
	    {"::ffff:127.0.0.1", DOOR_SPECIAL},
	    {"::127.0.0.1", DOOR_SPECIAL},
	    {"64:ff9b::127.0.0.1", DOOR_SPECIAL},
	    {"64:ff9b::169.254.169.254", DOOR_SPECIAL},
	    {"2002:7f00:1::", DOOR_SPECIAL},
	    {"192.0.2.1", DOOR_NONE},
	    {"2001:db8::1", DOOR_NONE},
	    {"fec0::1", DOOR_NONE},
	    {"1.0.0.0", DOOR_NONE},
	    {"128.0.0.1", DOOR_NONE},
	};
	struct doors *doors = doors_new();

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (check(doors, rows[i].address, 80) != rows[i].door)
			fail_msg("%s is not %d", rows[i].address, (int)rows[i].door);
	doors_free(doors);
}

static void own_listeners(void **state)
{
	struct doors *doors = doors_new();

	(void)state;
	listen_at(doors, "192.0.2.1", 1080);
	listen_at(doors, "2001:db8::1", 1081);
	assert_int_equal(check(doors, "192.0.2.1", 1080), DOOR_LISTENER);
	assert_int_equal(check(doors, "::ffff:192.0.2.1", 1080), DOOR_LISTENER);
	assert_int_equal(check(doors, "64:ff9b::192.0.2.1", 1080), DOOR_LISTENER);
	assert_int_equal(check(doors, "192.0.2.1", 1081), DOOR_NONE);
	assert_int_equal(check(doors, "192.0.2.2", 1080), DOOR_NONE);
	assert_int_equal(check(doors, "2001:db8::1", 1081), DOOR_LISTENER);
	doors_free(doors);
}

static void a_listener_on_every_address(void **state)
{
	struct doors *doors = doors_new();

	(void)state;
	listen_at(doors, "0.0.0.0", 1080);
	assert_int_equal(check(doors, "127.0.0.1", 1080), DOOR_LISTENER);
	assert_int_equal(check(doors, "127.9.9.9", 1080), DOOR_LISTENER);
	assert_int_equal(check(doors, "::1", 1080), DOOR_SPECIAL);
	assert_int_equal(check(doors, "192.0.2.77", 1080), DOOR_NONE);
	assert_int_equal(check(doors, "127.0.0.1", 1081), DOOR_SPECIAL);
	listen_at(doors, "::", 1080);
	assert_int_equal(check(doors, "::1", 1080), DOOR_LISTENER);
	doors_free(doors);
}

/* Without descriptors the machine's addresses cannot be asked for. */
static void not_to_know_opens_no_door(void **state)
{
	struct doors *doors = doors_new();
	struct rlimit before, none;

	(void)state;
	listen_at(doors, "0.0.0.0", 1080);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(check(doors, "192.0.2.77", 1080), DOOR_LISTENER);
	assert_int_equal(check(doors, "192.0.2.77", 1081), DOOR_NONE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	doors_free(doors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(special_addresses),
	    cmocka_unit_test(own_listeners),
	    cmocka_unit_test(a_listener_on_every_address),
	    cmocka_unit_test(not_to_know_opens_no_door),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
