/* SPDX-License-Identifier: ISC */
/* Password files: which lines are good, who gets in, and how a password is set. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <crypt.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/password_file.h"

static char directory[32], path[64], complaints[8192];
static bool last = true; /* of the blocks that are asked */

static int setup(void **unused)
{
	(void)unused;
	strcpy(directory, "password_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/users", directory);
	complaints[0] = '\0';
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	unlink(path);
	return rmdir(directory);
}

static void write_file(const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static const char *read_file(void)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static void complain(void *arg, unsigned line, bool error, const char *text)
{
	size_t n = strlen(complaints);

	(void)arg;
	snprintf(complaints + n, sizeof(complaints) - n, "%u %s: %s\n", line,
	    error ? "error" : "warning", text);
}

static long check(void)
{
	complaints[0] = '\0';
	return auth_password_file_check(path, complain, NULL);
}

static enum auth_verify verify_in(const char *file, const char *user, const char *password)
{
	const struct auth_block block = {.path = file};
	struct message question = {0};
	struct inquiry inquiry = {.block = &block, .question = &question, .last = last};

	strcpy(question.user, user);
	strcpy(question.password, password);
	return password_file_verify(&inquiry);
}

static enum auth_verify verify(const char *user, const char *password)
{
	return verify_in(path, user, password);
}

/* Of the password `secret`, some of them as other programs write them. */
static const struct {
	const char *user, *hash;
} good[] = {
    {"yescrypt", "$y$j75$ZX3uFF3E0mnymwa4BngA1.$qtUbKJAdmAXs0ITPmORfrWS.yQiVAV82bmkgkY6RLZ8"},
    {"gost", "$gy$j75$I.T71SLKN52ksiTNgKaAa/$cimJzwX4Ry351DYGxlCrnJurXR9UGpamwUfe3GTPM78"},
    {"scrypt", "$7$BU..../....UANO9jPbtNsnSRiPZB1aG0$7np0k.Svgi20O/GP8l.7y2akqenT4rsA436AkmrgNN8"},
    {"bcrypt-b", "$2b$04$WSJxvlne.1sVUJJRHtAyKuiBbu6q9dCy5Wp9cGqWl7ft3.K2hnr0a"},
    {"htpasswd -B", "$2y$04$ri1nJ28pQw9Bsbfl2FVaZ.86Zd9yuqzUgQC7kinRhCqW8cRe0Xj3O"},
    {"bcrypt-a", "$2a$04$7ji31uBvtt2paaVQuHxTdOOO3kfHLkpwQqgw5tFeenfC5hAXG7UEa"},
    {"openssl passwd -6",
        "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq."
        "H91p5hVO1"},
    {"openssl passwd -5", "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA"},
    {"rounds", "$5$rounds=1000$neNwULCVv0FQGPsA$ueaJbupLY5fP9jZCoGRRciCT0LqaQ4WvHJfvniJTk4D"},
};
#define GOOD (sizeof(good) / sizeof(good[0]))

static void write_good(const char *head, const char *tail)
{
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s", head);

	for (size_t i = 0; i < GOOD; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s:%s%s", good[i].user,
		    good[i].hash, i % 2 == 0 ? "\n" : ":1000:ignored:fields\r\n");
	snprintf(text + n, sizeof(text) - (size_t)n, "%s", tail);
	write_file(text);
}

static void test_good_methods(void **unused)
{
	(void)unused;
	write_good("# comment\n\n  \n#old:secret\n", "locked:!\nstar:*\nlast:!!");
	assert_int_equal(check(), GOOD + 3);
	assert_string_equal(complaints, "");
	for (size_t i = 0; i < GOOD; i++) {
		assert_int_equal(verify(good[i].user, "secret"), AUTH_VERIFY_RIGHT);
		assert_int_equal(verify(good[i].user, "Secret"), AUTH_VERIFY_WRONG);
		assert_int_equal(verify(good[i].user, ""), AUTH_VERIFY_WRONG);
		assert_int_equal(verify(good[i].user, good[i].hash), AUTH_VERIFY_WRONG);
	}
	assert_int_equal(verify("locked", ""), AUTH_VERIFY_WRONG);
	assert_int_equal(verify("star", "*"), AUTH_VERIFY_WRONG);
	assert_int_equal(verify("nobody", "secret"), AUTH_VERIFY_UNKNOWN);
	assert_int_equal(verify("", "secret"), AUTH_VERIFY_UNKNOWN);
	assert_int_equal(verify("yescryp", "secret"), AUTH_VERIFY_UNKNOWN);
	assert_int_equal(verify("#old", "secret"), AUTH_VERIFY_UNKNOWN);
}

static void test_refused_lines(void **unused)
{
	static const struct {
		const char *line, *wrong;
	} rows[] = {
	    {"u:secret", "a plaintext password or a DES hash: set"},
	    {"u:abNANd1rDfiNc", "a plaintext password or a DES hash: set"},
	    {"u:_J9..rasmBYk8r9AiWNc", "DES hashes are too weak: set"},
	    {"u:$1$saltsalt$9xy1btjgzLYfb7hivXtC//", "MD5 hashes are too weak: set"},
	    {"u:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ", "the hash is malformed"},
	    {"u:$apr1$saltsaltx$LrttParrLPdxvgutaSXWJ0", "the hash is malformed"},
	    {"u:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "hashes of LDAP directories are too weak: set"},
	    {"u:$sha1$40000$jtNX3nZ2$hBNaIXkt4wBI2o5rsi8KejSjNqIq", "SHA-1 hashes are too weak"},
	    {"u:$3$$8846f7eaee8fb117ad06bdd830b7586c", "NT hashes are too weak: set"},
	    {"u:$9$unknown$method", "an unknown kind of hash: set"},
	    {"u:", "the password hash is missing"},
	    {"u::1000", "the password hash is missing"},
	    {"u:$y$j9T$short", "the hash is malformed"},
	    {"u:$6$", "the hash is malformed"},
	    {"u:$2b$04$WSJxvlne.1sVUJJRHtAyKuiBbu6q9dCy5Wp9cGqWl7ft3.K2hnr0", "the hash is malf"},
	    {"no colon", "no colon: a line is user:hash"},
	    {":$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", "the user name is empty"},
	    {"a\tb:*", "the user name holds a control byte"},
	};
	char line[256], wanted[256];

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(line, sizeof(line), "ok:*\n%s\n", rows[i].line);
		write_file(line);
		check();
		snprintf(wanted, sizeof(wanted), "2 error: %s", rows[i].wrong);
		if (strncmp(complaints, wanted, strlen(wanted)) != 0)
			fail_msg("%s: %s", rows[i].line, complaints);
		assert_int_equal(verify("ok", "secret"), AUTH_VERIFY_WRONG);
		assert_int_not_equal(verify("u", "secret"), AUTH_VERIFY_RIGHT);
		assert_int_not_equal(verify("u", "password"), AUTH_VERIFY_RIGHT);
		assert_int_not_equal(verify("u", ""), AUTH_VERIFY_RIGHT);
	}
}

static void test_doubles(void **unused)
{
	(void)unused;
	write_good("twice:*\n", "twice:!\n");
	assert_int_equal(check(), GOOD + 2);
	assert_string_equal(complaints, "11 error: the user stands in line 1 already\n");
	assert_int_equal(verify("twice", "secret"), AUTH_VERIFY_FAILED);
	assert_int_equal(verify(good[0].user, "secret"), AUTH_VERIFY_RIGHT);
}

static void test_long_lines_and_nul(void **unused)
{
	char text[3000], *end;
	int fd;

	(void)unused;
	memset(text, 'a', sizeof(text));
	memcpy(text + 2000, "\nu\0x:*\n", 7);
	end = stpcpy(text + 2007, "last:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA");
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, (size_t)(end - text)), end - text);
	close(fd);
	assert_int_equal(check(), 1);
	assert_string_equal(complaints,
	    "1 error: the line is longer than 1024 bytes or holds a NUL\n"
	    "2 error: the line is longer than 1024 bytes or holds a NUL\n");
	assert_int_equal(verify("last", "secret"), AUTH_VERIFY_RIGHT);
	assert_int_equal(verify("u", "secret"), AUTH_VERIFY_UNKNOWN);
}

static void test_costly_hashes(void **unused)
{
	(void)unused;
	write_file("a:$y$jFT$ZX3uFF3E0mnymwa4BngA1.$qtUbKJAdmAXs0ITPmORfrWS.yQiVAV82bmkgkY6RLZ8\n"
	           "b:$y$jGT$ZX3uFF3E0mnymwa4BngA1.$qtUbKJAdmAXs0ITPmORfrWS.yQiVAV82bmkgkY6RLZ8\n"
	           "c:$2y$15$ri1nJ28pQw9Bsbfl2FVaZ.86Zd9yuqzUgQC7kinRhCqW8cRe0Xj3O\n"
	           "d:$5$rounds=9999999$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA\n");
	assert_int_equal(check(), 4);
	assert_string_equal(complaints,
	    "2 warning: the hash is so costly that a login takes seconds\n"
	    "3 warning: the hash is so costly that a login takes seconds\n"
	    "4 warning: the hash is so costly that a login takes seconds\n");
}

static void test_files_that_cannot_be_used(void **unused)
{
	(void)unused;
	assert_int_equal(check(), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(verify("u", "secret"), AUTH_VERIFY_FAILED);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(check(), -1); /* and not for ever */
	assert_int_equal(errno, EINVAL);
	unlink(path);
	assert_int_equal(auth_password_file_check(directory, complain, NULL), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(verify_in(directory, "u", "secret"), AUTH_VERIFY_FAILED);
	write_file("");
	assert_int_equal(check(), 0);
	assert_int_equal(verify("u", "secret"), AUTH_VERIFY_UNKNOWN);
}

static void test_owner_and_mode(void **unused)
{
	static const struct {
		mode_t mode;
		const char *wrong;
	} rows[] = {
	    {0600, ""},
	    {0400, ""},
	    {0640, ""}, /* a group for it is how services share a secret */
	    {0644, "0 error: everybody can read the file\n"},
	    {0604, "0 error: everybody can read the file\n"},
	    {0620, "0 error: others than its owner can write the file\n"},
	    {0602, "0 error: others than its owner can write the file\n"},
	    {0666, "0 error: others than its owner can write the file\n"},
	};

	(void)unused;
	write_file("u:*\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		chmod(path, rows[i].mode);
		assert_int_equal(check(), 1);
		assert_string_equal(complaints, rows[i].wrong);
	}
	chmod(path, 0600);
	if (geteuid() != 0)
		return;
	assert_int_equal(chown(path, 1, 0), 0);
	assert_int_equal(check(), 1);
	assert_string_equal(
	    complaints, "0 warning: the file belongs to another user, who can let anybody in\n");
}

static void test_apache(void **unused)
{
	(void)unused;
	write_file("alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\n");
	assert_int_equal(check(), 1);
	assert_string_equal(complaints,
	    "1 warning: Apache's MD5 hashes are weak: set the password again with `hopgate "
	    "passwd`\n");
	assert_int_equal(verify("alice", "secret"), AUTH_VERIFY_RIGHT);
	assert_int_equal(verify("alice", "Secret"), AUTH_VERIFY_WRONG);
	assert_int_equal(verify("alice", ""), AUTH_VERIFY_WRONG);
	assert_int_equal(verify("bob", "secret"), AUTH_VERIFY_UNKNOWN);
}

/* --- what it costs --------------------------------------------------------------------------- */

static unsigned hashed;         /* how often */
static char hashed_method[192]; /* the last time */

/* Instead of libcrypt's, which does the work. */
char *crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
	static char *(*real)(const char *, const char *, void *, int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "crypt_rn");
	hashed++;
	snprintf(hashed_method, sizeof(hashed_method), "%s", setting);
	return real(phrase, setting, data, size);
}

static void assert_costs(const char *user, enum auth_verify result, const char *hash)
{
	hashed = 0;
	hashed_method[0] = '\0';
	assert_int_equal(verify(user, "wrong"), result);
	assert_int_equal(hashed, hash[0] != '\0');
	assert_string_equal(hashed_method, hash);
}

/* Who does not exist, or is locked, costs as much as who does: one hash of the strongest kind. */
static void row_099_unknown_user_costs_the_same(void **unused)
{
	static const char weak[] =
	    "$5$rounds=1000$neNwULCVv0FQGPsA$ueaJbupLY5fP9jZCoGRRciCT0LqaQ4WvHJfvniJTk4D";
	static const char real[] = "$2y$07$ri1nJ28pQw9Bsbfl2FVaZ.86Zd9yuqzUgQC7kinRhCqW8cRe0Xj3O";
	char text[512];

	(void)unused;
	snprintf(
	    text, sizeof(text), "locked:!\nreal:%s\nweak:%s\nfaulty:x\ntwo:*\ntwo:*\n", real, weak);
	write_file(text);
	assert_costs("real", AUTH_VERIFY_WRONG, real);
	assert_costs("weak", AUTH_VERIFY_WRONG, weak);
	assert_costs("unknown", AUTH_VERIFY_UNKNOWN, real);
	assert_costs("", AUTH_VERIFY_UNKNOWN, real);
	assert_costs("locked", AUTH_VERIFY_WRONG, real);
	assert_costs("faulty", AUTH_VERIFY_WRONG, real);
	assert_costs("two", AUTH_VERIFY_FAILED, real);
	last = false; /* the next block takes its time */
	assert_costs("unknown", AUTH_VERIFY_UNKNOWN, "");
	assert_costs("real", AUTH_VERIFY_WRONG, real);
	assert_costs("locked", AUTH_VERIFY_WRONG, real);
	last = true;
}

/* --- setting --------------------------------------------------------------------------------- */

static const char *set(const char *user, const char *password)
{
	return auth_password_file_set(path, user, password);
}

static void test_set_makes_the_file(void **unused)
{
	struct stat st;

	(void)unused;
	assert_null(set("alice", "secret"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(check(), 1);
	assert_string_equal(complaints, "");
	assert_int_equal(strncmp(read_file(), "alice:$y$", 9), 0);
	assert_int_equal(verify("alice", "secret"), AUTH_VERIFY_RIGHT);
	assert_null(set("bob", "other: secret"));
	assert_int_equal(verify("alice", "secret"), AUTH_VERIFY_RIGHT);
	assert_int_equal(verify("bob", "other: secret"), AUTH_VERIFY_RIGHT);
	assert_null(set("alice", "new"));
	assert_int_equal(verify("alice", "secret"), AUTH_VERIFY_WRONG);
	assert_int_equal(verify("alice", "new"), AUTH_VERIFY_RIGHT);
	assert_int_equal(check(), 2);
}

static void test_set_keeps_everything_else(void **unused)
{
	struct stat st;
	const char *text;

	(void)unused;
	write_file("# our users\nalic:*\nalice:plain:1000:Alice\n\nbob:!\nalice:*\nlast:*");
	chmod(path, 0640);
	assert_int_equal(geteuid() != 0 || chown(path, 1, 2) == 0, 1);
	assert_null(set("alice", "secret"));
	text = read_file();
	assert_int_equal(strncmp(text, "# our users\nalic:*\nalice:$y$", 28), 0);
	assert_non_null(strstr(text, ":1000:Alice\n\nbob:!\nlast:*\n"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 1);
		assert_int_equal(st.st_gid, 2);
	}
	assert_int_equal(check(), 4);
	assert_null(strstr(complaints, "error"));
}

static void test_set_through_a_link(void **unused)
{
	char link[80];
	struct stat st;

	(void)unused;
	write_file("bob:*\n");
	snprintf(link, sizeof(link), "%s/link", directory);
	assert_int_equal(symlink("users", link), 0);
	assert_null(auth_password_file_set(link, "alice", "secret"));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(link);
	assert_int_equal(verify("alice", "secret"), AUTH_VERIFY_RIGHT);
}

static void test_set_refuses(void **unused)
{
	char long_text[300];

	(void)unused;
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_string_equal(set("", "secret"), "the user name is empty");
	assert_string_equal(set("a:b", "secret"), "a user name cannot hold a colon");
	assert_string_equal(set("#a", "secret"), "a user name cannot begin with #");
	assert_string_equal(set("a\nb", "secret"), "the user name holds a control byte");
	assert_string_equal(set(long_text, "secret"), "the user name is longer than 255 bytes");
	assert_string_equal(set("a", ""), "the password is empty");
	assert_non_null(set("a", long_text));
	assert_int_equal(access(path, F_OK), -1);
	assert_string_equal(auth_password_file_set(directory, "a", "b"), "it is not a file");
	assert_non_null(auth_password_file_set("no/such/directory/file", "a", "b"));
}

/* Two at once: both passwords are there in the end. */
static void test_set_at_the_same_time(void **unused)
{
	char user[16];
	pid_t pids[4];
	int status;

	(void)unused;
	write_file("");
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			snprintf(user, sizeof(user), "user%d", i);
			_exit(set(user, "secret") != NULL);
		}
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(check(), 4);
	assert_string_equal(complaints, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_good_methods),
	    TEST(test_refused_lines),
	    TEST(test_doubles),
	    TEST(test_long_lines_and_nul),
	    TEST(test_costly_hashes),
	    TEST(test_files_that_cannot_be_used),
	    TEST(test_owner_and_mode),
	    TEST(test_apache),
	    TEST(row_099_unknown_user_costs_the_same),
	    TEST(test_set_makes_the_file),
	    TEST(test_set_keeps_everything_else),
	    TEST(test_set_through_a_link),
	    TEST(test_set_refuses),
	    TEST(test_set_at_the_same_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
