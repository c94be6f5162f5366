/* SPDX-License-Identifier: ISC */
/* Sets of users, who belongs to what, and the system's own users. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/unix_users.h"
#include "gateway/users.h"

#define MANY 100000

static bool add(struct users *users, const char *name)
{
	return users_add(users, name, strlen(name));
}

static void test_empty(void **state)
{
	struct users users = {.name = "nobody"};

	(void)state;
	assert_false(users_have(&users, "alice"));
	assert_false(users_have(&users, ""));
	users_clear(&users);
}

static void test_names(void **state)
{
	struct users users = {.name = "ops"};

	(void)state;
	assert_true(add(&users, "alice") && add(&users, "bob") && add(&users, "alice"));
	assert_true(users_add(&users, "carolyn", 5)); /* carol */
	assert_int_equal(users.count, 3);
	assert_true(users_have(&users, "alice") && users_have(&users, "carol"));
	assert_false(users_have(&users, "ALICE") || users_have(&users, "alic") ||
	    users_have(&users, "alicea") || users_have(&users, "carolyn") ||
	    users_have(&users, ""));
	users_clear(&users);
	assert_false(users_have(&users, "alice"));
}

static void test_many(void **state)
{
	struct users users = {.name = "all"};
	char name[32];

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "user%u", i);
		assert_true(add(&users, name));
	}
	assert_int_equal(users.count, MANY);
	for (unsigned i = 0; i < 2 * MANY; i++) {
		snprintf(name, sizeof name, "user%u", i);
		assert_int_equal(users_have(&users, name), i < MANY);
	}
	users_clear(&users);
}

static void test_wrong_names(void **state)
{
	char name[USER_NAME_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof name);
	assert_null(users_wrong(name, USER_NAME_MAX));
	assert_non_null(users_wrong(name, USER_NAME_MAX + 1));
	assert_non_null(users_wrong(name, 0));
	assert_null(users_wrong("w\xc3\xb6rd @-:", 9));
	assert_non_null(users_wrong("a\0b", 3));
	assert_non_null(users_wrong("a\n", 2));
	assert_non_null(users_wrong("\x7f", 1));
}

static void test_members(void **state)
{
	struct users sets[] = {{.name = "ops"},
	    {.name = "few",
	        .sessions = 2,
	        .has_sessions = true,
	        .bandwidth = 7,
	        .has_bandwidth = true,
	        .quota = {8, true},
	        .has_quota = true},
	    {.name = "more", .sessions = 9, .has_sessions = true}};
	static const char *const proven[] = {"lan", "staff"};
	const struct allotment none = {0};
	struct member member = {
	    .sets = sets, .set_count = 3, .user = "alice", .proven = proven, .proven_count = 2};

	(void)state;
	assert_true(add(&sets[0], "alice") && add(&sets[2], "alice"));
	assert_true(member_belongs(&member, "ops") && member_belongs(&member, "more"));
	assert_true(member_belongs(&member, "lan") && member_belongs(&member, "staff"));
	assert_false(member_belongs(&member, "few") || member_belongs(&member, "corp"));
	assert_int_equal(member_sessions(&member, 5), 9);
	assert_int_equal(member_bandwidth(&member, 5), 5);
	assert_int_equal(member_quota(&member, none).bytes, 0);
	assert_true(add(&sets[1], "alice"));
	assert_int_equal(member_sessions(&member, 5), 2);
	assert_int_equal(member_bandwidth(&member, 5), 7);
	assert_int_equal(member_quota(&member, none).bytes, 8);
	member.user = "bob";
	assert_int_equal(member_sessions(&member, 5), 5);
	assert_true(member_belongs(&member, "staff"));
	assert_false(member_belongs(&member, "ops"));
	member.user = NULL;
	assert_false(member_belongs(&member, "ops") || member_belongs(&member, "staff"));
	assert_int_equal(member_sessions(&member, 5), 5);
	for (size_t i = 0; i < 3; i++)
		users_clear(&sets[i]);
}

static void note(void *arg, const char *user)
{
	strcat(arg, user);
	strcat(arg, " ");
}

static void test_the_system(void **state)
{
	struct unix_users *users = unix_users_new();
	const struct passwd *root = getpwuid(0);
	char text[UNIX_USER_TEXT], found[4096] = "", expected[64];

	(void)state;
	assert_non_null(users);
	assert_non_null(root);
	snprintf(expected, sizeof expected, "%s ", root->pw_name);
	assert_string_equal(unix_users_name(users, 0), root->pw_name);
	assert_string_equal(unix_users_text(users, 0, text), root->pw_name);
	assert_null(unix_users_name(users, 3999999999u));
	assert_string_equal(unix_users_text(users, 3999999999u, text), "uid:3999999999");
	assert_null(unix_users_text(users, (uid_t)-1, text));
	assert_string_equal(unix_users_text(NULL, 7, text), "uid:7");
	/* It is root's own group, which does not list it. */
	assert_true(unix_users_of(users, getgrgid(root->pw_gid)->gr_name, note, found));
	assert_non_null(strstr(found, expected));
	assert_false(unix_users_of(users, "no such group", note, found));
	unix_users_free(users);
	unix_users_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_empty),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_wrong_names),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_the_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
