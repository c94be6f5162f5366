/* SPDX-License-Identifier: ISC */
/* Asking a client's identd: what its line may be, and what becomes of the question. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "auth/ident.h"

#define THEIRS 6193
#define OURS 23

/* --- the line -------------------------------------------------------------------------------- */

static enum ident_said say(const char *text, char user[AUTH_IDENT_USER_MAX + 1])
{
	return ident_read(user, text, strlen(text), THEIRS, OURS);
}

static void test_question(void **state)
{
	char out[IDENT_QUESTION_MAX];

	(void)state;
	assert_int_equal(ident_question(out, THEIRS, OURS), strlen("6193 , 23\r\n"));
	assert_string_equal(out, "6193 , 23\r\n");
	assert_int_equal(ident_question(out, 65535, 65535), sizeof(out) - 1);
}

static void test_users(void **state)
{
	static const struct {
		const char *line, *user;
	} rows[] = {
	    {"6193, 23 : USERID : UNIX : stjohns\r\n", "stjohns"}, /* RFC 1413, 5 */
	    {"6193,23:USERID:UNIX:stjohns\r\n", "stjohns"},
	    {"  6193\t,\t23 :USERID : UNIX :\tstjohns \r\n", "stjohns"},
	    {"6193, 23 : USERID : UNIX , US-ASCII :a\n", "a"},
	    {"6193, 23 : USERID : OTHER : Jim's: the 2nd\r\n", "Jim's: the 2nd"},
	    {"6193, 23 : USERID : UNIX : w\xc3\xb6rd\r\n", "w\xc3\xb6rd"},
	    {"06193, 00023 : USERID : UNIX : a\r\nmore", "a"},
	};
	char user[AUTH_IDENT_USER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(say(rows[i].line, user), IDENT_USER);
		assert_string_equal(user, rows[i].user);
	}
}

static void test_nobody(void **state)
{
	static const char *const lines[] = {
	    "6193, 23 : ERROR : NO-USER\r\n",
	    "6193, 23 : ERROR : HIDDEN-USER\r\n",
	    "6193, 23 : ERROR : USERID : UNIX : a\r\n",
	    "6193, 24 : USERID : UNIX : a\r\n", /* another question's */
	    "6194, 23 : USERID : UNIX : a\r\n",
	    "23, 6193 : USERID : UNIX : a\r\n",
	    "71729, 23 : USERID : UNIX : a\r\n", /* 6193 + 65536 */
	    "006193, 23 : USERID : UNIX : a\r\n",
	    "-6193, 23 : USERID : UNIX : a\r\n",
	    "6193 23 : USERID : UNIX : a\r\n",
	    "6193, 23 : userid : UNIX : a\r\n",
	    "6193, 23 : USERIDS : UNIX : a\r\n",
	    "6193, 23 : USERID : : a\r\n",
	    "6193, 23 : USERID : U\1X : a\r\n",
	    "6193, 23 : USERID : UNIX a\r\n",
	    "6193, 23 : USERID : UNIX :\r\n",
	    "6193, 23 : USERID : UNIX :  \t\r\n",
	    "6193, 23 : USERID : UNIX : a\rb\r\n",
	    "6193, 23 : USERID : UNIX : a\x7f\r\n",
	    "6193, 23 : USERID : UNIX : \x1b[2J\r\n",
	    "\r\n",
	    "\n",
	};
	char user[AUTH_IDENT_USER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_int_equal(say(lines[i], user), IDENT_NOBODY);
	/* A NUL would cut the name. */
	assert_int_equal(
	    ident_read(user, "6193,23:USERID:U:a\0b\n", 21, THEIRS, OURS), IDENT_NOBODY);
}

static void test_lengths(void **state)
{
	char line[2048], user[AUTH_IDENT_USER_MAX + 1];
	int n = snprintf(line, sizeof(line), "6193,23:USERID:UNIX:");

	(void)state;
	memset(line + n, 'x', sizeof(line) - (size_t)n);
	line[n + AUTH_IDENT_USER_MAX] = '\n';
	assert_int_equal(ident_read(user, line, sizeof(line), THEIRS, OURS), IDENT_USER);
	assert_int_equal(strlen(user), AUTH_IDENT_USER_MAX);
	line[n + AUTH_IDENT_USER_MAX] = 'x';
	line[n + AUTH_IDENT_USER_MAX + 1] = '\n';
	assert_int_equal(ident_read(user, line, sizeof(line), THEIRS, OURS), IDENT_NOBODY);
	/* Without an end: not for ever. */
	memset(line, ' ', sizeof(line));
	assert_int_equal(ident_read(user, line, IDENT_LINE_MAX - 1, THEIRS, OURS), IDENT_MORE);
	assert_int_equal(ident_read(user, line, IDENT_LINE_MAX, THEIRS, OURS), IDENT_NOBODY);
	line[IDENT_LINE_MAX] = '\n';
	assert_int_equal(ident_read(user, line, IDENT_LINE_MAX + 1, THEIRS, OURS), IDENT_NOBODY);
}

/* However it is cut: nothing is said before its end has come. */
static void test_cut(void **state)
{
	static const char line[] = "6193, 23 : USERID : UNIX : stjohns\r\n";
	char user[AUTH_IDENT_USER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(line) - 1; i++)
		assert_int_equal(ident_read(user, line, i, THEIRS, OURS), IDENT_MORE);
}

/* --- the question ---------------------------------------------------------------------------- */

struct asked {
	struct event_base *base;
	int listener, answerer; /* the identd, and its end of the connection */
	struct sockaddr_storage ours, theirs;
	struct auth_ident_plan plan;
	struct auth_ident *ident;
	int calls;
	char user[AUTH_IDENT_USER_MAX + 1];
	char heard[64]; /* by the identd */
};

static int setup_for(void **state, int family)
{
	struct asked *a = calloc(1, sizeof(*a));
	struct sockaddr_in *in = (struct sockaddr_in *)&a->theirs;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->theirs;
	const bool v6 = family == AF_INET6;
	socklen_t length = v6 ? sizeof(*in6) : sizeof(*in);

	a->base = event_base_new();
	a->theirs.ss_family = (sa_family_t)family;
	if (v6)
		in6->sin6_addr = in6addr_loopback;
	else
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	a->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a->answerer = -1;
	if (bind(a->listener, (struct sockaddr *)&a->theirs, length) != 0 ||
	    listen(a->listener, 4) != 0 ||
	    getsockname(a->listener, (struct sockaddr *)&a->theirs, &length) != 0)
		return -1;
	a->plan.port = ntohs(v6 ? in6->sin6_port : in->sin_port);
	*(v6 ? &in6->sin6_port : &in->sin_port) = htons(THEIRS);
	a->ours = a->theirs;
	*(v6 ? &((struct sockaddr_in6 *)&a->ours)->sin6_port
	     : &((struct sockaddr_in *)&a->ours)->sin_port) = htons(OURS);
	if (!v6) /* told from the other address */
		((struct sockaddr_in *)&a->ours)->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 2);
	a->plan.base = a->base;
	a->plan.ours = (struct sockaddr *)&a->ours;
	a->plan.theirs = (struct sockaddr *)&a->theirs;
	a->plan.deadline_ms = 10000;
	*state = a;
	return 0;
}

static int setup(void **state)
{
	return setup_for(state, AF_INET);
}

static int setup_v6(void **state)
{
	return setup_for(state, AF_INET6);
}

static int teardown(void **state)
{
	struct asked *a = *state;

	auth_ident_free(a->ident);
	event_base_loop(a->base, EVLOOP_NONBLOCK);
	if (a->answerer >= 0)
		close(a->answerer);
	close(a->listener);
	event_base_free(a->base);
	free(a);
	return 0;
}

static void done(void *arg, const char *user)
{
	struct asked *a = arg;

	a->ident = NULL;
	a->calls++;
	if (user != NULL)
		strcpy(a->user, user);
}

static void begin(struct asked *a)
{
	a->ident = auth_ident_start(&a->plan, done, a);
	assert_non_null(a->ident);
	assert_int_equal(a->calls, 0);
}

/* Turn the loop until the question has come, and read it. */
static void accept_question(struct asked *a)
{
	size_t n = 0;
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);

	event_base_loop(a->base, EVLOOP_ONCE);
	a->answerer = accept(a->listener, (struct sockaddr *)&peer, &length);
	assert_true(a->answerer >= 0);
	if (peer.ss_family == AF_INET)
		assert_int_equal(
		    ((struct sockaddr_in *)&peer)->sin_addr.s_addr, htonl(INADDR_LOOPBACK + 2));
	while (n < 2 || a->heard[n - 1] != '\n') {
		ssize_t got;

		event_base_loop(a->base, EVLOOP_NONBLOCK);
		got = recv(a->answerer, a->heard + n, sizeof(a->heard) - 1 - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
	}
}

static void answer(struct asked *a, const char *text)
{
	assert_int_equal(send(a->answerer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void finish(struct asked *a)
{
	while (a->calls == 0)
		event_base_loop(a->base, EVLOOP_ONCE);
	assert_int_equal(a->calls, 1);
	assert_null(a->ident);
}

static void test_answered(void **state)
{
	struct asked *a = *state;

	begin(a);
	accept_question(a);
	assert_string_equal(a->heard, "6193 , 23\r\n");
	answer(a, "6193, 23 : USE");
	event_base_loop(a->base, EVLOOP_ONCE);
	assert_int_equal(a->calls, 0);
	answer(a, "RID : UNIX : alice\r\n");
	finish(a);
	assert_string_equal(a->user, "alice");
}

static void test_ended_too_early(void **state)
{
	struct asked *a = *state;

	begin(a);
	accept_question(a);
	answer(a, "6193, 23 : USERID : UNIX : alice");
	close(a->answerer);
	a->answerer = -1;
	finish(a);
	assert_string_equal(a->user, "");
}

static void test_endless(void **state)
{
	struct asked *a = *state;

	begin(a);
	accept_question(a);
	while (a->calls == 0) {
		send(a->answerer, "          ", 10, MSG_NOSIGNAL);
		event_base_loop(a->base, EVLOOP_ONCE);
	}
	finish(a);
	assert_string_equal(a->user, "");
}

static void test_refused(void **state)
{
	struct asked *a = *state;

	close(a->listener);
	a->listener = dup(STDIN_FILENO);
	begin(a);
	finish(a);
	assert_string_equal(a->user, "");
}

static void test_silent(void **state)
{
	struct asked *a = *state;
	struct timespec from, to;

	a->plan.deadline_ms = 50;
	clock_gettime(CLOCK_MONOTONIC, &from);
	begin(a);
	accept_question(a);
	finish(a);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_string_equal(a->user, "");
	assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 >= 45);
}

/* An address that is not ours, a family that has no ports: nobody, and not before the start
 * returned. */
static void test_impossible(void **state)
{
	struct asked *a = *state;

	((struct sockaddr_in *)&a->ours)->sin_addr.s_addr = htonl(0xc6336401);
	begin(a);
	finish(a);
	a->ours.ss_family = a->theirs.ss_family = AF_UNIX;
	a->calls = 0;
	begin(a);
	finish(a);
	assert_string_equal(a->user, "");
}

static void test_cancelled(void **state)
{
	struct asked *a = *state;

	begin(a);
	accept_question(a);
	answer(a, "6193, 23 : USERID : UNIX : alice\r\n");
	auth_ident_free(a->ident);
	a->ident = NULL;
	event_base_loop(a->base, EVLOOP_NONBLOCK);
	assert_int_equal(a->calls, 0);
	assert_true(recv(a->answerer, a->heard, 1, 0) <= 0); /* it has gone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_question),
	    cmocka_unit_test(test_users),
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test_setup_teardown(test_answered, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_answered, setup_v6, teardown),
	    cmocka_unit_test_setup_teardown(test_ended_too_early, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_impossible, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cancelled, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
