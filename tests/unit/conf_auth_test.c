/* SPDX-License-Identifier: ISC */
/* What a configuration says about who may come in: `auth`, `users`, and the words that use them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include "loading.h"

#define LISTEN "listen main { address 1080; auth "

/* --- good ones ---------------------------------------------------------------------------------
 */

static struct conf *good(struct loaded *l, const char *text)
{
	*l = load_text(text, true);
	if (l->conf == NULL)
		fail_msg("%s", l->said);
	return l->conf;
}

static void test_kinds(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "auth corp { pam hopgate; checks 3; cache 5s }\n"
	    "auth local { unix-peer }\n"
	    "auth file { password-file /u; cache off }\n"
	    "auth lan { source 10.0.0.0/8 2001:db8::1; user lan }\n"
	    "auth tool { exec /bin/check --strict 'a b' }\n"
	    "auth who { ident }\n"
	    "auth maybe { required off; ident }\n" LISTEN "corp local file lan tool who maybe }");
	const struct identity_block *i = conf->identities;

	(void)state;
	assert_int_equal(conf->identity_count, 7);
	assert_int_equal(conf->auth_count, 3);
	assert_int_equal(i[0].kind, IDENTITY_PASSWORD);
	assert_int_equal(i[0].check, 0);
	assert_string_equal(conf->auths[0].name, "corp");
	assert_int_equal(conf->auths[0].kind, AUTH_PAM);
	assert_string_equal(conf->auths[0].service, "hopgate");
	assert_int_equal(conf->auths[0].checks, 3);
	assert_int_equal(conf->auths[0].cache_ms, 5000);
	assert_int_equal(i[1].kind, IDENTITY_UNIX_PEER);
	assert_int_equal(i[2].check, 1);
	assert_int_equal(conf->auths[1].kind, AUTH_PASSWORD_FILE);
	assert_int_equal(conf->auths[1].cache_ms, 0);
	assert_int_equal(i[3].kind, IDENTITY_SOURCE);
	assert_int_equal(i[3].prefix_count, 2);
	assert_string_equal(i[3].user, "lan");
	assert_int_equal(i[4].check, 2);
	assert_int_equal(conf->auths[2].kind, AUTH_EXEC);
	assert_string_equal(conf->auths[2].command[0], "/bin/check");
	assert_string_equal(conf->auths[2].command[1], "--strict");
	assert_string_equal(conf->auths[2].command[2], "a b");
	assert_null(conf->auths[2].command[3]);
	assert_int_equal(conf->auths[2].checks, AUTH_CHECKS);
	assert_int_equal(conf->auths[2].cache_ms, AUTH_CACHE_MS);
	assert_true(i[5].kind == IDENTITY_IDENT && i[5].required);
	assert_true(i[6].kind == IDENTITY_IDENT && !i[6].required);
	unload(&l);
}

static void test_both(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "auth staff { password-file /u }\nauth lan { source 10.0.0.0/8; user lan }\n"
	    "auth who { ident }\n" LISTEN "lan+who+staff none \"staff+lan\" }");
	const struct identity_gate *gate = &conf->listeners[0].auth;

	(void)state;
	assert_int_equal(gate->choice_count, 3);
	assert_int_equal(gate->choices[0].part_count, 3);
	assert_ptr_equal(gate->choices[0].parts[0], conf_identity(conf, "lan"));
	assert_ptr_equal(gate->choices[0].parts[1], conf_identity(conf, "who"));
	assert_ptr_equal(gate->choices[0].parts[2], conf_identity(conf, "staff"));
	assert_int_equal(gate->choices[1].part_count, 0);
	assert_ptr_equal(gate->choices[2].parts[1], conf_identity(conf, "lan"));
	unload(&l);
}

static void test_users(void **state)
{
	struct loaded l;
	const struct conf *conf = good(&l,
	    "users ops { alice bob; carol; \"file\" 'limits'; \"@at\"; limits { sessions 10 } }\n"
	    "users all { alice\n limits { sessions off; bandwidth 2m/s; quota 3k/day } }\n"
	    "users more { \"a b\" }\nquota-file /var/lib/hopgate/quota\n"
	    "access { pass any user @ops not user @all @more }\n");
	const struct users *ops = conf_users(conf, "ops");

	(void)state;
	assert_int_equal(ops->count, 6);
	assert_true(users_have(ops, "alice") && users_have(ops, "carol") &&
	    users_have(ops, "file") && users_have(ops, "limits") && users_have(ops, "@at"));
	assert_true(ops->has_sessions && ops->sessions == 10);
	assert_true(conf->users[1].has_sessions && conf->users[1].sessions == 0);
	assert_false(conf->users[2].has_sessions);
	assert_true(conf->users[1].has_bandwidth && conf->users[1].bandwidth == 2 << 20);
	assert_true(conf->users[1].has_quota && conf->users[1].quota.bytes == 3072);
	assert_false(conf->users[1].quota.monthly);
	assert_false(conf->users[2].has_bandwidth || conf->users[2].has_quota);
	assert_string_equal(conf->quota_path, "/var/lib/hopgate/quota");
	assert_true(users_have(&conf->users[2], "a b"));
	assert_null(conf_users(conf, "none"));
	unload(&l);
}

static char *dump(const char *text)
{
	struct loaded l = load_text(text, true);
	size_t size;
	char *dumped;
	FILE *out = open_memstream(&dumped, &size);

	assert_non_null(l.conf);
	conf_dump(l.conf, out);
	fclose(out);
	unload(&l);
	return dumped;
}

static void test_dump(void **state)
{
	static const char text[] =
	    "auth lan { source 10.0.0.0/8; user lan }\nauth p { pam x; checks 2 }\n"
	    "auth e { exec bin/check a }\nauth i { ident; required off }\n"
	    "users ops { alice \"file\"; file names; unix-group wheel; limits { sessions 3 } "
	    "}\n" LISTEN "lan+p e i none }\n"
	    "expect x:1 user alice @ops @lan direct\n";
	char *first = dump(text), *second = dump(first);

	(void)state;
	assert_string_equal(first, second);
	assert_non_null(strstr(first, "\nauth lan {\n    source 10.0.0.0/8\n    user lan\n}\n"));
	assert_non_null(strstr(first, "\nusers ops {\n    alice \"file\"\n"));
	assert_non_null(strstr(first, "    auth lan+p e i none\n"));
	free(first);
	free(second);
}

/* --- wrong ones --------------------------------------------------------------------------------
 */

#define STAFF "auth staff { password-file /u }\n"
#define CORP "auth corp { pam x }\n"

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"auth a { pam a/b }", "1:14: error: 'a/b' is not the name of a PAM service"},
	    {"auth a { pam x; checks 0 }",
	        "1:24: error: '0' is not a number of checks, expected 1 to 1024"},
	    {"auth a { pam x; password-file /u }",
	        "1:17: error: 'password-file' beside 'pam' at text:1:10: an 'auth' has one kind"},
	    {"auth a { unix-peer; checks 3 }",
	        "1:21: error: 'checks' does not belong to 'unix-peer'"},
	    {"auth a { password-file /u; user x }",
	        "1:28: error: 'user' does not belong to 'password-file'"},
	    {"auth a { ident; user x }", "1:17: error: 'user' does not belong to 'ident'"},
	    {"auth a { required on }",
	        "1:1: error: 'auth' says nothing, expected: password-file, pam, exec, unix-peer, "
	        "source or ident"},
	    {"auth a { source 10.0.0.0/8 }", "1:1: error: 'source' needs 'user' beside it"},
	    {"auth a { source 10.0.0.0/40; user x }", "1:17: error: '10.0.0.0/40': *"},
	    {"auth a { source 10.0.0.0/8; user - }", "1:34: error: '-' is not a user's name"},
	    {"auth a { source 10.0.0.0/8; user @x }", "1:34: error: '@x' is not a user's name"},
	    {"auth a { unix-peer x }",
	        "1:20: error: 'unix-peer' has too many words, expected: unix-peer"},
	    {"auth a { ident; required maybe }", "1:26: error: 'maybe' *"},
	    {"auth a { unix-pear }",
	        "1:10: error: unknown directive 'unix-pear' in 'auth'; did you mean 'unix-peer'?"},
	    /* A listener's words. */
	    {STAFF LISTEN "staff+stuff }",
	        "2:40: error: no 'auth' is named 'stuff'; did you mean 'staff'?"},
	    {STAFF LISTEN "staff+ }", "2:40: error: no 'auth' is named ''*"},
	    {STAFF LISTEN "none+staff }", "2:34: error: no 'auth' is named 'none'*"},
	    {STAFF CORP LISTEN "staff+corp }",
	        "3:40: error: 'staff+corp' demands two passwords, and a client sends one"},
	    {"auth i { ident }\n" LISTEN "i+i+i+i+i+i+i+i+i }",
	        "2:50: error: 'i+i+i+i+i+i+i+i+i' has too many parts, expected at most 8"},
	    {"users ops { a }\n" LISTEN "ops }", "2:34: error: no 'auth' is named 'ops'"},
	    /* Sets. */
	    {"users ops { }",
	        "1:1: error: 'users' names nobody, expected: NAME …, file or unix-group"},
	    {"users ops { limits { sessions 3 } }",
	        "1:1: error: 'users' names nobody, expected: NAME …, file or unix-group"},
	    {"users ops { a; limits { sessions 0 } }", "1:34: error: '0' *"},
	    {"users ops { a @b }", "1:15: error: '@b' is not a user's name"},
	    {"users ops { a - }", "1:15: error: '-' is not a user's name"},
	    {"users ops { \"\" }", "1:13: error: a user's name is empty"},
	    {"users ops { \"a\\n\" }", "1:13: error: a user's name holds control characters"},
	    {"users ops { alice { } }", "1:13: error: 'alice' takes no block, expected: USER …"},
	    {"users none { a }", "1:7: error: the name 'none' is reserved"},
	    {"users a { x }\nauth a { ident }",
	        "2:6: error: 'a' is given twice, first at text:1:7"},
	    {"users a { x }\nusers a { y }", "2:7: error: 'a' is given twice, first at text:1:7"},
	    /* Who is meant by @. */
	    {"users ops { a }\naccess { pass any user @opps }",
	        "2:24: error: no 'auth' and no 'users' is named 'opps'; did you mean 'ops'?"},
	    {"users ops { a }\nexpect x:1 user a @opps direct",
	        "2:19: error: no 'auth' and no 'users' is named 'opps'; did you mean 'ops'?"},
	    {"users ops { a }\nexpect x:1 user b @ops direct",
	        "2:19: error: '@ops' does not name that user"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct loaded l = load_text(rows[i].text, true);
		char expected[512];
		char *star;

		snprintf(expected, sizeof expected, "text:%s\n", rows[i].said);
		star = strstr(expected, "*\n");
		if (star != NULL) {
			*star = '\0';
			l.said[strnlen(l.said, (size_t)(star - expected))] = '\0';
		}
		assert_string_equal(l.said, expected);
		assert_null(l.conf);
		unload(&l);
	}
}

/* Good, but something is said. */
static void test_told(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
	    {"users ops { fiel /etc/ops; limits { sessions 1 } }",
	        "text:1:13: warning: 'fiel' is taken for a user's name; did you mean 'file'?\n"},
	    {"users ops { a }\nusers few { a }\naccess { pass any user @few }",
	        "text:1:7: warning: no row asks for the users 'ops'\n"},
	    {"auth p { unix-peer }\nauth i { ident }\n"
	     "listen x { address 127.0.0.1:1; auth i none p+i }\n"
	     "listen y { address unix:/x; auth p none i }",
	        "text:3:45: warning: 'p' holds for no client of 'x', which has no unix sockets\n"
	        "text:4:41: warning: 'i' holds for no client of 'y', which has only unix "
	        "sockets\n"},
	    {"auth p { unix-peer }\nlisten x { address fd:3; auth p }", ""},
	    {"users ops { a; limits { bandwidth 1m/s } }", ""},
	    {"auth who { ident }\nlisten x { address 1080 }",
	        "text:1:6: warning: no listener uses the auth 'who'\n"
	        "text:2:20: note: '1080' is the loopback only; ':1080' is every address\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct loaded l = load_text(rows[i].text, true);

		assert_string_equal(l.said, rows[i].said);
		assert_non_null(l.conf);
		unload(&l);
	}
}

static void test_no_open_proxy_by_accident(void **state)
{
	static const struct {
		const char *auth;
		bool starts;
	} rows[] = {{"who", true}, {"maybe", false}, {"maybe none", true}, {"lan", true},
	    {"world", false}, {"world6", false}, {"world+who", true}, {"world+maybe", false},
	    {"lan maybe", false}, {"world none", true}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[512];
		struct loaded l;

		snprintf(text, sizeof text,
		    "auth who { ident }; auth maybe { ident; required off }\n"
		    "auth lan { source 10.0.0.0/8; user x }\n"
		    "auth world { source 0.0.0.0/0; user x }\n"
		    "auth world6 { source 10.0.0.0/8 ::/0; user x }\n"
		    "listen x { address 192.0.2.1:1; auth %s }",
		    rows[i].auth);
		l = load_text(text, true);
		assert_int_equal(l.conf != NULL, rows[i].starts);
		assert_int_equal(strstr(l.said, "lets everybody in") != NULL, !rows[i].starts);
		unload(&l);
	}
}

/* --- with a look at the system ------------------------------------------------------------------
 */

static char path[] = "conf_auth_test.XXXXXX";

static struct loaded load_file(const char *text, const char *format)
{
	char whole[512];
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(whole, sizeof whole, format, path);
	return load_text(whole, false);
}

static void test_file(void **state)
{
	struct loaded l;

	(void)state;
	strcpy(path, "conf_auth_test.XXXXXX");
	close(mkstemp(path));
	l = load_file("# names\n\nalice\nbob:$5$x:more\r\n  \ncarol b  \nlast",
	    "listen l { address 127.0.0.1:1 }\nusers ops { file %s; limits { sessions 1 } }");
	assert_string_equal(l.said, "");
	assert_int_equal(l.conf->users[0].count, 4);
	assert_true(users_have(&l.conf->users[0], "bob"));
	assert_true(users_have(&l.conf->users[0], "carol b"));
	assert_true(users_have(&l.conf->users[0], "last"));
	unload(&l);
	l = load_file(
	    "alice\n:x\nb\001b\n", "listen l { address 127.0.0.1:1 }\nusers ops { file %s }");
	assert_null(l.conf);
	assert_non_null(strstr(l.said, ":2: error: a user's name is empty\n"));
	assert_non_null(strstr(l.said, ":3: error: a user's name holds control characters\n"));
	unload(&l);
	unlink(path);
	l = load_text("listen l { address 127.0.0.1:1 }\nusers ops { file nosuch }", false);
	assert_null(l.conf);
	assert_non_null(strstr(l.said, "text:2:18: error: cannot read '"));
	unload(&l);
}

static void test_system(void **state)
{
	const struct group *root = getgrgid(0);
	char text[256];
	struct loaded l;

	(void)state;
	assert_non_null(root);
	snprintf(text, sizeof text,
	    "auth p { unix-peer }\nusers ops { unix-group %s }\n"
	    "listen l { address unix:@conf_auth_test; auth p }\naccess { pass any user @ops }",
	    root->gr_name);
	l = load_text(text, false);
	assert_string_equal(l.said, "");
	assert_true(users_have(&l.conf->users[0], "root"));
	assert_string_equal(unix_users_name(l.conf->unix_users, 0), "root");
	unload(&l);
	l = load_text(
	    "listen l { address 127.0.0.1:1 }\nusers ops { unix-group no-such-group }", false);
	assert_string_equal(l.said, "text:2:24: error: the system has no group 'no-such-group'\n");
	unload(&l);
}

static void test_programs(void **state)
{
	static const struct {
		const char *auth, *said;
	} rows[] = {{"exec /bin/sh", NULL}, {"exec /", "'/': it is no program"},
	    {"exec /etc/passwd", "'/etc/passwd': it is no program"},
	    {"exec /no/such", "'/no/such': No such file or directory"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char text[256], expected[256];
		struct loaded l;

		snprintf(text, sizeof text,
		    "auth a { %s }\nlisten l { address 127.0.0.1:1; auth a }", rows[i].auth);
		snprintf(
		    expected, sizeof expected, "text:1:15: error: cannot run %s\n", rows[i].said);
		l = load_text(text, false);
		assert_string_equal(l.said, rows[i].said != NULL ? expected : "");
		assert_int_equal(l.conf == NULL, rows[i].said != NULL);
		unload(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_both),
	    cmocka_unit_test(test_users),
	    cmocka_unit_test(test_dump),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_told),
	    cmocka_unit_test(test_no_open_proxy_by_accident),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_system),
	    cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
