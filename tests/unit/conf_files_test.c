/* SPDX-License-Identifier: ISC */
/* Configurations that look at files, and those of a command line. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "loading.h"

static char directory[] = "/tmp/conf_files_test.XXXXXX";

static void write_file(const char *name, mode_t mode, const char *text)
{
	FILE *out = fopen(name, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(name, mode), 0);
}

static struct loaded load_options(struct conf_options options)
{
	struct loaded loaded = {0};
	FILE *out = open_memstream(&loaded.said, &loaded.size);

	options.messages = out;
	loaded.conf = conf_load(&options);
	fclose(out);
	drop_quotes(loaded.said);
	return loaded;
}

static struct loaded load_main(mode_t mode, const char *text)
{
	write_file("main", mode, text);
	return load_options((struct conf_options){.path = "main"});
}

static void expect(struct loaded loaded, bool good, const char *said)
{
	assert_string_equal(loaded.said, said);
	assert_int_equal(loaded.conf != NULL, good);
	unload(&loaded);
}

static void test_missing_file(void **state)
{
	(void)state;
	expect(load_options((struct conf_options){.path = "nosuch"}), false,
	    "nosuch: error: cannot read 'nosuch': No such file or directory\n");
	expect(load_options((struct conf_options){.path = "."}), false,
	    ".: error: cannot read '.': Is a directory\n");
}

/* Paths start from the file that says them. */
static void test_relative_paths(void **state)
{
	struct loaded l;
	char path[256];

	(void)state;
	write_file("d/part", 0600,
	    "auth a { password-file users }\npid-file pid\nlog file log\n"
	    "routes { file rows }\n");
	write_file("d/users", 0600,
	    "alice:$y$j9T$tJDLkkFVYA7y6lQx.FEyb1$"
	    "nwNkGlBKS7IlZeWiHgRzlgdZ9cO7VpEg8F17NzOdbg9\n");
	write_file(
	    "d/rows", 0600, "# rows\nx.example direct\n\n.y.example \\\n reject 'no'; z direct");
	l = load_main(0600, "include d/part\nlisten l { address unix:sock; auth a }\n");
	assert_string_equal(l.said, "");
	assert_non_null(l.conf);
	snprintf(path, sizeof path, "%s/d/users", directory);
	assert_string_equal(l.conf->auths[0].path, path);
	snprintf(path, sizeof path, "%s/d/pid", directory);
	assert_string_equal(l.conf->pid_file, path);
	snprintf(path, sizeof path, "%s/sock", directory);
	assert_string_equal(l.conf->listeners[0].addresses[0].path, path);
	assert_int_equal(routes_count(l.conf->tables[0]), 3);
	unload(&l);
}

/* Only where the complaints are. */
static void keep_places(char *said)
{
	char *to = said;

	for (char *line = said, *next; *line != '\0'; line = next) {
		size_t place = (size_t)(strchr(line, ' ') - line);

		next = line + strcspn(line, "\n") + 1;
		memmove(to, line, place);
		to += place;
	}
	*to = '\0';
}

static void test_route_file(void **state)
{
	struct loaded l;
	char said[160];

	(void)state;
	write_file("rows", 0600,
	    "a direct\nb drect\n\\\n \\\nc drect\n{ d }\n\"e\ne direct\nf user\ng user @x "
	    "direct");
	l = load_main(0600, "routes { file rows }");
	assert_null(l.conf);
	keep_places(l.said);
	assert_string_equal(
	    l.said, "rows:2:3:rows:5:3:rows:6:1:rows:6:5:rows:7:1:rows:9:7:rows:10:8:");
	unload(&l);
	snprintf(said, sizeof said,
	    "main:1:15: error: cannot read '%s/missing': No such file or directory\n", directory);
	expect(load_main(0600, "routes { file missing }"), false, said);
	write_file("rows", 0600, "a direct\na reject\n");
	expect(load_main(0600, "routes { file rows; route default direct; route a direct }"), true,
	    "main:1:43: warning: this row is never reached: the one at rows:2 takes everything\n"
	    "rows:2: warning: this row is never reached: the one at rows:1 takes everything\n");
}

static void test_long_rows(void **state)
{
	struct loaded l;
	FILE *out = fopen("rows", "w");

	(void)state;
	fputs("a user", out);
	for (int i = 0; i < 300; i++)
		fputs(" u", out);
	fputs(" direct\nb", out);
	for (int i = 0; i < 70000; i++)
		fputc(' ', out);
	fputs("direct\nc ", out);
	for (int i = 0; i < 7000; i++)
		fputs("\\\n         ", out);
	fputs("direct\nd drect", out);
	fclose(out);
	l = load_main(0600, "routes { file rows }");
	assert_null(l.conf);
	keep_places(l.said);
	assert_string_equal(l.said, "rows:1:516:rows:2:1:rows:3:1:rows:7004:3:");
	unload(&l);
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void test_password_in_uri(void **state)
{
	static const char hop[] = "hop a { uri socks5://u:p@127.0.0.1:1 }\nroute default via a\n";
	static const char row[] = "route default via socks5://u:p@127.0.0.1:1\n";
	static const char *const options[] = {"socks5://u:p@127.0.0.1:1", NULL};

	(void)state;
	expect(load_main(0600, hop), true, "");
	expect(load_main(0640, hop), true, "");
	expect(load_main(0604, hop), false,
	    "main:1:13: error: a password in a file that everybody can read is no secret, expected "
	    "?password-file=PATH in the URI, or mode 0600\n");
	expect(load_main(0600, row), true, "");
	expect(load_main(0644, row), false,
	    "main:1:19: error: a password in a file that everybody can read is no secret, expected "
	    "?password-file=PATH in the URI, or mode 0600\n");
	expect(load_options((struct conf_options){.via = options}), false,
	    "--via:1:1: error: a password on a command line is no secret, expected "
	    "?password-file=PATH in the URI\n");
}

static void test_password_file(void **state)
{
	struct loaded l;
	char text[160];

	(void)state;
	write_file("pw", 0600, "secret one\r\nmore\n");
	l = load_main(0644,
	    "hop a { uri socks5://127.0.0.1:1; user u; password-file pw }\nroute default via a\n");
	assert_string_equal(l.said, "");
	assert_string_equal(hops_each(l.conf->hops, 0)->password, "secret one");
	unload(&l);

	snprintf(text, sizeof text, "route default via socks5://u@127.0.0.1:1?password-file=%s/pw",
	    directory);
	l = load_main(0644, text);
	assert_string_equal(l.said, "");
	assert_string_equal(hops_each(l.conf->hops, 0)->password, "secret one");
	unload(&l);

	chmod("pw", 0644);
	snprintf(text, sizeof text,
	    "main:1:57: warning: everybody can read '%s/pw', expected mode 0600\n", directory);
	expect(load_main(0644,
	           "hop a { uri socks5://127.0.0.1:1; user u; password-file pw }\nroute default "
	           "via a\n"),
	    true, text);
}

static void test_bad_password_file(void **state)
{
	static const char text[] =
	    "hop a { uri socks5://127.0.0.1:1; user u; password-file pw }\nroute default via a\n";
	static const struct {
		const char *content, *wrong;
	} rows[] = {{"", "has no password in its first line"},
	    {"\nx", "has no password in its first line"}};
	char said[256];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		write_file("pw", 0600, rows[i].content);
		snprintf(
		    said, sizeof said, "main:1:57: error: '%s/pw' %s\n", directory, rows[i].wrong);
		expect(load_main(0600, text), false, said);
	}
	unlink("pw");
	snprintf(said, sizeof said,
	    "main:1:57: error: '%s/pw' cannot be read: No such file or directory\n", directory);
	expect(load_main(0600, text), false, said);
}

static void test_credential(void **state)
{
	static const char text[] = "hop a { uri socks5://127.0.0.1:1; user u; password-file "
	                           "credential:pw }\nroute default via a\n";
	struct loaded l;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	expect(load_main(0600, text), false,
	    "main:1:57: error: 'credential:pw' is not to be had: the service manager passed no "
	    "credentials\n");
	write_file("pw", 0600, "from systemd");
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	l = load_main(0600, text);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_string_equal(l.said, "");
	assert_string_equal(hops_each(l.conf->hops, 0)->password, "from systemd");
	unload(&l);
}

/* The lines of a password file are named, but never shown. */
static void test_users(void **state)
{
	struct loaded l;

	(void)state;
	write_file("users", 0600, "alice:hunter2\n");
	l = load_main(0600, "auth a { password-file users }\nlisten l { address 1; auth a }\n");
	assert_null(l.conf);
	assert_non_null(strstr(l.said, "/users:1: error: "));
	assert_null(strstr(l.said, "hunter2"));
	unload(&l);
	l = load_main(0600, "auth a { password-file none }\nlisten l { address 1; auth a }\n");
	assert_null(l.conf);
	assert_non_null(strstr(l.said, "main:1:24: error: cannot read '"));
	unload(&l);
}

/* --- the system ------------------------------------------------------------------------------- */

static void test_system_names(void **state)
{
	struct loaded l;

	(void)state;
	expect(load_main(0600, "chroot /none-of-that-name; resolver { hosts /none }"), false,
	    "main:1:8: error: '/none-of-that-name' is not a directory on this system\n"
	    "main:1:45: error: cannot read '/none': No such file or directory\n");
	expect(load_main(0600,
	           "run-as nobody-of-that-name none-of-that-name\n"
	           "listen l { address unix:x { group none-of-that-name } }\n"),
	    false,
	    "main:1:8: error: no user 'nobody-of-that-name' on this system\n"
	    "main:1:28: error: no group 'none-of-that-name' on this system\n"
	    "main:2:35: error: no group 'none-of-that-name' on this system\n");
	l = load_main(0600, "listen l { address localhost:0 [fe80::1%lo]:1; auth none }\n");
	assert_string_equal(l.said, "");
	assert_true(l.conf->listeners[0].addresses[0].endpoint_count >= 1);
	assert_true(l.conf->listeners[0].addresses[1].endpoints[0].scope > 0);
	unload(&l);
	expect(load_main(0600, "listen l { address [fe80::1%nosuch]:1; auth none }\n"), false,
	    "main:1:20: error: '[fe80::1%nosuch]:1' names an interface that does not exist\n");
}

/* --- the command line ------------------------------------------------------------------------- */

static void test_one_liner(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0", "unix:@x", NULL};
	static const char *const via[] = {"socks5://127.0.0.1:1", "http://127.0.0.1:2", NULL};
	static const char *const allow[] = {"127.0.0.0/8", NULL};
	static const char *const users[] = {"users", NULL};
	struct loaded l;

	(void)state;
	write_file("users", 0600, "");
	l = load_options((struct conf_options){
	    .listen = listen, .via = via, .allow = allow, .users = users, .auth = "none"});
	assert_string_equal(l.said, "");
	assert_int_equal(l.conf->listener_count, 1);
	assert_int_equal(l.conf->listeners[0].address_count, 2);
	assert_int_equal(l.conf->listeners[0].rule_count, 1);
	assert_int_equal(l.conf->listeners[0].auth.choice_count, 2);
	assert_int_equal(l.conf->listeners[0].auth.choices[0].part_count, 1);
	assert_int_equal(l.conf->listeners[0].auth.choices[1].part_count, 0);
	assert_int_equal(routes_count(l.conf->listeners[0].routes), 1);
	assert_true(l.conf->access_log);
	assert_null(l.conf->access_path);
	unload(&l);

	l = load_options((struct conf_options){.via = via});
	assert_string_equal(l.said, "");
	assert_true(l.conf->listeners[0].addresses[0].shorthand);
	unload(&l);
}

static void test_wrong_one_liner(void **state)
{
	static const char *const listen[] = {"0.0.0.0:0", "127.0.0.1", NULL};
	static const char *const via[] = {"sock5://127.0.0.1:1", NULL};
	struct loaded l;

	(void)state;
	l = load_options((struct conf_options){.listen = listen, .via = via, .auth = "staff"});
	assert_null(l.conf);
	assert_non_null(strstr(l.said, "--listen:1:1: error: '127.0.0.1' has no port"));
	assert_non_null(strstr(l.said, "--via:1:1: error: "));
	assert_non_null(strstr(l.said, "--auth:1:1: error: no 'auth' is named 'staff'\n"));
	unload(&l);
	l = load_options((struct conf_options){.listen = (const char *const[]){"0.0.0.0:0", NULL}});
	assert_null(l.conf);
	assert_non_null(strstr(l.said, "error: others can reach this listener"));
	unload(&l);
}

static void test_debug_and_daemon(void **state)
{
	struct loaded l;

	(void)state;
	write_file("main", 0600, "log stderr error; log file /x\naccess-log stderr\n");
	l = load_options((struct conf_options){.path = "main", .debug = true, .daemon = true});
	assert_string_equal(l.said, "");
	assert_int_equal(l.conf->logs[0].kind, SINK_SYSLOG);
	assert_int_equal(l.conf->logs[0].level, LEVEL_DEBUG);
	assert_int_equal(l.conf->logs[1].kind, SINK_FILE);
	assert_int_equal(l.conf->logs[1].level, LEVEL_DEBUG);
	assert_false(l.conf->access_log);
	unload(&l);
}

static void test_strict(void **state)
{
	static const char said[] = "main:1:5: warning: no route leads through the hop 'a'\n";

	(void)state;
	expect(load_main(0600, "hop a { uri direct: }"), true, said);
	expect(load_options((struct conf_options){.path = "main", .strict = true}), false, said);
	expect(load_options((struct conf_options){.path = "main", .quiet = true}), true, "");
}

static void test_lint(void **state)
{
	(void)state;
	write_file("users", 0600, "");
	write_file("main", 0600,
	    "listen l { address 1080 }\nauth a { password-file users }\n"
	    "chain c b\nhop b { uri socks5://127.0.0.1:1 }\nhop d { uri direct: }\n"
	    "routes { route 10.0.0.0/8 direct; route default via c }\n"
	    "routes spare { route default direct; route default reject }\n");
	expect(load_options((struct conf_options){.path = "main", .notes = true}), true,
	    "main:1:20: note: '1080' is the loopback only; ':1080' is every address\n"
	    "main:2:6: warning: no listener uses the auth 'a'\n"
	    "main:5:5: warning: no route leads through the hop 'd'\n"
	    "main:6:1: warning: names that a hop resolves are also looked up here, for the rows "
	    "with addresses; 'no-resolve' or 'resolve-for-routing off' stops that\n"
	    "main:7:8: warning: no listener uses the table 'spare'\n"
	    "main:7:38: warning: this row is never reached: the one at main:7 takes everything\n");
}

/* What only matters where a connection begins, on a hop that is never first. */
static void test_lint_of_sources(void **state)
{
	(void)state;
	expect(load_main(0600,
	           "hop a { uri socks5://127.0.0.1:1; mark 1 }\n"
	           "hop b { uri socks5://127.0.0.1:1; mark 2; source %lo }\n"
	           "hop c { uri socks5://127.0.0.1:1; via d; mark 3 }\n"
	           "hop d { uri socks5://127.0.0.1:1; interface lo }\n"
	           "chain e c b\nroute x via a b\nroute default via e\n"),
	    true,
	    "main:2:35: warning: 'mark' has no effect: no route goes through 'b' first\n"
	    "main:2:43: warning: 'source' has no effect: no route goes through 'b' first\n"
	    "main:3:42: warning: 'mark' has no effect: no route goes through 'c' first\n");
}

static int enter_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) == NULL || chdir(directory) != 0 || mkdir("d", 0700) != 0;
}

static int leave_directory(void **state)
{
	static const char *const files[] = {
	    "main", "rows", "users", "pw", "d/part", "d/users", "d/rows"};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(files[i]);
	return rmdir("d") != 0 || chdir("/") != 0 || rmdir(directory) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing_file),
	    cmocka_unit_test(test_relative_paths),
	    cmocka_unit_test(test_route_file),
	    cmocka_unit_test(test_long_rows),
	    cmocka_unit_test(test_password_in_uri),
	    cmocka_unit_test(test_password_file),
	    cmocka_unit_test(test_bad_password_file),
	    cmocka_unit_test(test_credential),
	    cmocka_unit_test(test_users),
	    cmocka_unit_test(test_system_names),
	    cmocka_unit_test(test_one_liner),
	    cmocka_unit_test(test_wrong_one_liner),
	    cmocka_unit_test(test_debug_and_daemon),
	    cmocka_unit_test(test_strict),
	    cmocka_unit_test(test_lint),
	    cmocka_unit_test(test_lint_of_sources),
	};

	return cmocka_run_group_tests_name("conf_files", tests, enter_directory, leave_directory);
}
