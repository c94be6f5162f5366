/* SPDX-License-Identifier: ISC */
/* Ways that lead nowhere: hops that close, reset, say nothing or nonsense at every place. */
#include "config.h"

#include "gateway/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/journey.h"

/* What each protocol says until the target is reached, and what it stands at after a cut. */
static const struct dialect {
	enum hop_protocol protocol;
	struct step script[3];
} dialects[] = {
    {HOP_SOCKS5, {SOCKS5_STEPS, NOTHING_MORE}},
    {HOP_SOCKS4A, {SOCKS4A_STEPS, NOTHING_MORE}},
    {HOP_HTTP, {HTTP_STEPS, NOTHING_MORE}},
};
#define DIALECTS (sizeof dialects / sizeof *dialects)

static void set_script(struct journey *j, const struct step *script)
{
	j->fake.connections = 0;
	for (size_t i = 0; i < SCRIPTS_MAX; i++)
		j->fake.scripts[i] = script;
}

static void check_failure(const struct journey *j, enum reason reason, size_t failed)
{
	assert_string_equal(reason_row(j->outcome.reason)->log_name, reason_row(reason)->log_name);
	assert_int_equal(j->outcome.failed, failed);
	assert_null(j->outcome.stream);
}

/* --- cut short ------------------------------------------------------------------------------- */

/* With that fault after each byte of what the hop has to say. */
static void cut_everywhere(struct journey *j, enum fault fault, enum reason reason)
{
	for (size_t d = 0; d < DIALECTS; d++) {
		journey_hop(j, 0, dialects[d].protocol);
		j->fake.fault = fault;
		for (size_t n = 0; n < fake_hop_length(dialects[d].script); n++) {
			set_script(j, dialects[d].script);
			j->fake.limit = n;
			journey_dial(j);
			check_failure(j, reason, 0);
			assert_int_equal(j->outcome.hops_ms[0], -1);
			assert_int_equal(j->fake.connections, 1);
		}
	}
}

static void test_closed_at_every_place(void **state)
{
	cut_everywhere(*state, FAULT_CLOSE, REASON_HOP_CLOSED);
}

static void test_reset_at_every_place(void **state)
{
	cut_everywhere(*state, FAULT_RESET, REASON_HOP_CLOSED);
}

static void test_silent_at_every_place(void **state)
{
	struct journey *j = *state;

	j->plan.connect_ms = 20;
	cut_everywhere(j, FAULT_SILENCE, REASON_HOP_TIMEOUT);
}

/* The time for everything may be shorter than that for a hop; a hop may have a time of its own. */
static void test_times(void **state)
{
	struct journey *j = *state;
	int64_t before = loop_now();
	struct hop *hop = journey_hop(j, 0, HOP_SOCKS5);

	j->fake.fault = FAULT_SILENCE;
	j->plan.dial_ms = 50;
	set_script(j, dialects[0].script);
	journey_dial(j);
	check_failure(j, REASON_HOP_TIMEOUT, 0);
	j->plan.dial_ms = 0;
	hop->connect_ms = 50;
	journey_dial(j);
	check_failure(j, REASON_HOP_TIMEOUT, 0);
	assert_in_range(loop_now() - before, 80, 2000);
}

/* Each hop has its time, and the one that is silent is named. */
static void test_silent_second_hop(void **state)
{
	static const struct step script[] = {
	    STEP(3, "\5\0"), LAST(16, SOCKS5_BOUND), SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	journey_hop(j, 1, HOP_SOCKS5);
	j->plan.connect_ms = 300;
	j->fake.fault = FAULT_SILENCE;
	j->fake.limit = 12;
	set_script(j, script);
	journey_dial(j);
	check_failure(j, REASON_HOP_TIMEOUT, 1);
	assert_true(j->outcome.hops_ms[0] >= 0);
	assert_int_equal(j->outcome.hops_ms[1], -1);
}

/* --- nonsense and refusals ------------------------------------------------------------------- */

static void test_garbage(void **state)
{
	static const struct {
		enum hop_protocol protocol;
		struct step script[2];
	} rows[] = {
	    {HOP_SOCKS5, {STEP(3, "HTTP/1.1 400 Bad Request\r\n\r\n"), NOTHING_MORE}},
	    {HOP_SOCKS5, {STEP(3, "\4\132"), NOTHING_MORE}},
	    {HOP_SOCKS5, {STEP(3, "\5\7"), NOTHING_MORE}},
	    {HOP_SOCKS4A, {STEP(21, "\5\0\0\0\0\0\0\0"), NOTHING_MORE}},
	    {HOP_HTTP, {STEP(0, "SSH-2.0-OpenSSH_9.2\r\n"), NOTHING_MORE}},
	    {HOP_HTTP, {STEP(0, "HTTP/1.1 2x0 OK\r\n\r\n"), NOTHING_MORE}},
	};
	struct journey *j = *state;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		journey_hop(j, 0, rows[i].protocol);
		set_script(j, rows[i].script);
		journey_dial(j);
		check_failure(j, REASON_HOP_PROTOCOL, 0);
	}
}

/* A hop that answers without end is left. */
static void test_endless_answer(void **state)
{
	static char reply[100000];
	const struct step script[] = {{0, reply, sizeof reply, false}, NOTHING_MORE};
	struct journey *j = *state;

	memset(reply, 'a', sizeof reply);
	memcpy(reply, "HTTP/1.1 200 OK\r\nA: ", 20);
	journey_hop(j, 0, HOP_HTTP);
	set_script(j, script);
	assert_int_not_equal(journey_dial(j), REASON_OK);
	assert_int_equal(j->outcome.failed, 0);
}

/* Conformance 60: what a hop says of the target is not what it says of itself. */
static void test_refusals(void **state)
{
	static const struct {
		struct step script[3];
		enum reason reason;
		size_t failed;
		int detail;
	} rows[] = {
	    {{STEP(3, "\5\377"), NOTHING_MORE}, REASON_HOP_AUTH, 0, 255},
	    {{STEP(3, "\5\0"), STEP(18, "\5\1"), NOTHING_MORE}, REASON_HOP_FAILED, 0, 1},
	    {{STEP(3, "\5\0"), STEP(18, "\5\2\0\1"), NOTHING_MORE}, REASON_HOP_DENIED, 0, 2},
	    {{STEP(3, "\5\0"), STEP(18, "\5\3\0\1\0\0\0\0\0\0"), NOTHING_MORE},
	        REASON_NET_UNREACHABLE, 1, 3},
	    {{STEP(3, "\5\0"), STEP(18, "\5\4"), NOTHING_MORE}, REASON_HOST_UNREACHABLE, 1, 4},
	    {{STEP(3, "\5\0"), STEP(18, "\5\5"), NOTHING_MORE}, REASON_REFUSED, 1, 5},
	    {{STEP(3, "\5\0"), STEP(18, "\5\6"), NOTHING_MORE}, REASON_TIMEOUT, 1, 6},
	    {{STEP(3, "\5\0"), STEP(18, "\5\7"), NOTHING_MORE}, REASON_HOP_NO_COMMAND, 0, 7},
	};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		set_script(j, rows[i].script);
		journey_dial(j);
		check_failure(j, rows[i].reason, rows[i].failed);
		assert_int_equal(j->outcome.detail, rows[i].detail);
	}
}

static void test_http_refusal(void **state)
{
	static const struct step script[] = {
	    STEP(0, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_HTTP);
	set_script(j, script);
	journey_dial(j);
	check_failure(j, REASON_HOP_AUTH, 0);
	assert_int_equal(j->outcome.detail, 407);
}

/* What the first hop says of the second is no news of the target. */
static void test_refusals_in_mid_chain(void **state)
{
	static const struct {
		struct step script[3];
		enum reason reason;
		size_t failed;
	} rows[] = {
	    {{STEP(3, "\5\0"), STEP(16, "\5\5"), NOTHING_MORE}, REASON_HOP_UNREACHABLE, 1},
	    {{STEP(3, "\5\0"), STEP(16, "\5\4"), NOTHING_MORE}, REASON_HOP_UNREACHABLE, 1},
	    {{STEP(3, "\5\0"), STEP(16, "\5\6"), NOTHING_MORE}, REASON_HOP_TIMEOUT, 1},
	    {{STEP(3, "\5\0"), STEP(16, "\5\2"), NOTHING_MORE}, REASON_HOP_DENIED, 0},
	};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	journey_hop(j, 1, HOP_HTTP);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		set_script(j, rows[i].script);
		journey_dial(j);
		check_failure(j, rows[i].reason, rows[i].failed);
	}
}

/* --- not reached at all ---------------------------------------------------------------------- */

/* A hop that refuses is not a target that refuses. */
static void test_first_hop_refuses(void **state)
{
	struct journey *j = *state;
	struct hop *hop = journey_hop(j, 0, HOP_SOCKS5);

	assert_null(host_parse(&hop->host, "127.0.0.2", 9));
	journey_dial(j);
	check_failure(j, REASON_HOP_UNREACHABLE, 0);
	assert_int_equal(j->outcome.connect_ms, -1);
}

static void test_target_refuses(void **state)
{
	struct journey *j = *state;

	journey_target(j, "127.0.0.2");
	j->request.target.port = j->fake.port;
	journey_dial(j);
	check_failure(j, REASON_REFUSED, 0);
}

/* --- `socks`: SOCKS5, and SOCKS4a on a new connection ---------------------------------------- */

static const struct step four[] = {SOCKS4A_STEPS, NOTHING_MORE};

static void begin_with(struct journey *j, const struct step *script)
{
	set_script(j, four);
	j->fake.scripts[0] = script;
}

static void test_socks_speaks_five(void **state)
{
	static const struct step script[] = {SOCKS5_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS);
	set_script(j, script);
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, SOCKS5_ASKED);
}

static void test_socks_answered_by_another_version(void **state)
{
	static const struct step script[] = {STEP(3, "\0\133\0\0\0\0\0\0"), NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS);
	begin_with(j, script);
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_heard(j, SOCKS4A_ASKED);
	assert_int_equal(j->fake.connections, 2);
}

/* Closing before there is an answer means another version, closing after it does not. */
static void test_socks_closed(void **state)
{
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS);
	j->fake.fault = FAULT_CLOSE;
	for (size_t n = 0; n < 8; n++) {
		begin_with(j, dialects[0].script);
		j->fake.limit = n;
		journey_dial(j);
		check_failure(j, REASON_HOP_CLOSED, 0);
		/* A layer that fails says nothing of the version. */
		if (n > 0 || !j->fake.layered)
			assert_int_equal(j->fake.connections, n < 2 ? 2 : 1);
	}
}

static void test_socks_refused_for_good(void **state)
{
	static const struct step scripts[][3] = {
	    {STEP(3, "\5\377"), NOTHING_MORE},
	    {STEP(3, "\5\0"), STEP(18, "\5\2"), NOTHING_MORE},
	    {STEP(3, "\5\0"), STEP(18, "HTTP/1.1"), NOTHING_MORE},
	};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS);
	for (size_t i = 0; i < 3; i++) {
		begin_with(j, scripts[i]);
		assert_int_not_equal(journey_dial(j), REASON_OK);
		assert_int_equal(j->fake.connections, 1);
	}
}

static void test_socks_silent(void **state)
{
	static const struct step script[] = {NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS);
	begin_with(j, script);
	j->plan.connect_ms = 50;
	journey_dial(j);
	check_failure(j, REASON_HOP_TIMEOUT, 0);
	assert_int_equal(j->fake.connections, 1);
}

/* In mid-chain the whole chain is dialled anew. */
static void test_socks_as_second_hop(void **state)
{
	static const struct step first[] = {
	    STEP(3, "\5\0"), LAST(16, SOCKS5_BOUND), STEP(3, "\0\133"), NOTHING_MORE};
	static const struct step second[] = {
	    STEP(3, "\5\0"), LAST(16, SOCKS5_BOUND), SOCKS4A_STEPS, NOTHING_MORE};
	struct journey *j = *state;

	journey_hop(j, 0, HOP_SOCKS5);
	journey_hop(j, 1, HOP_SOCKS);
	j->fake.scripts[0] = first;
	j->fake.scripts[1] = second;
	assert_int_equal(journey_dial(j), REASON_OK);
	assert_int_equal(j->fake.connections, 2);
	assert_true(j->outcome.hops_ms[0] >= 0 && j->outcome.hops_ms[1] >= 0);
}

/* --- cancelled ------------------------------------------------------------------------------- */

/* Conformance 135: at each stage, and then there is no call and nothing is left. */
static void test_cancelled_at_every_place(void **state)
{
	struct journey *j = *state;

	dial_free(NULL);
	journey_hop(j, 0, HOP_SOCKS5);
	j->fake.fault = FAULT_SILENCE;
	for (size_t n = 0; n < 12; n++) {
		set_script(j, dialects[0].script);
		j->fake.limit = n;
		journey_start(j);
		if (n > 0)
			rig_pass(&j->rig, 15);
		dial_free(j->dial);
		j->dial = NULL;
		rig_pass(&j->rig, 15);
		assert_int_equal(j->calls, 0);
		assert_true(n == 0 || j->fake.gone);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    LAYERED(closed_at_every_place),
	    LAYERED(reset_at_every_place),
	    LAYERED(silent_at_every_place),
	    LAYERED(times),
	    LAYERED(silent_second_hop),
	    LAYERED(garbage),
	    LAYERED(endless_answer),
	    LAYERED(refusals),
	    LAYERED(http_refusal),
	    LAYERED(refusals_in_mid_chain),
	    PLAIN_ONLY(first_hop_refuses),
	    PLAIN_ONLY(target_refuses),
	    LAYERED(socks_speaks_five),
	    LAYERED(socks_answered_by_another_version),
	    LAYERED(socks_closed),
	    LAYERED(socks_refused_for_good),
	    LAYERED(socks_silent),
	    LAYERED(socks_as_second_hop),
	    LAYERED(cancelled_at_every_place),
	};

	return cmocka_run_group_tests_name("dial faults", tests, NULL, NULL);
}
