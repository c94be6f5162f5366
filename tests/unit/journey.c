/* SPDX-License-Identifier: ISC */
/* Dialling through a fake hop, for the tests of dial. */
#include "config.h"

#include "tests/unit/journey.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/hoard.h"

const int journey_layers[] = {false, true};

static struct stream_layer *wrap(size_t hop, void *arg)
{
	(void)hop;
	(void)arg;
	return hoard_new();
}

int journey_setup(void **state)
{
	struct journey *j = calloc(1, sizeof *j);
	const bool layered = *(const int *)*state;

	rig_setup(&j->rig);
	fake_hop_start(&j->fake, &j->rig);
	j->fake.layered = layered;
	j->request.command = COMMAND_CONNECT;
	j->request.target.port = 80;
	journey_target(j, "target.test");
	j->plan = (struct dial_plan){.loop = &j->rig.loop,
	    .hops = j->list,
	    .request = &j->request,
	    .dial_ms = 8000,
	    .connect_ms = 5000,
	    .wrap = layered ? wrap : NULL};
	*state = j;
	return 0;
}

int journey_teardown(void **state)
{
	struct journey *j = *state;

	dial_free(j->dial);
	stream_free(j->outcome.stream);
	fake_hop_stop(&j->fake);
	rig_pass(&j->rig, 6);
	rig_teardown(&j->rig);
	free(j);
	return 0;
}

struct hop *journey_hop(struct journey *j, size_t n, enum hop_protocol protocol)
{
	struct hop *hop = &j->hops[n];

	hop->protocol = protocol;
	hop->resolve_local = protocol == HOP_SOCKS4;
	assert_null(host_parse(&hop->host, n == 0 ? "127.0.0.1" : "next.test", 9));
	hop->port = n == 0 ? j->fake.port : (uint16_t)(1080 + n);
	j->list[n] = hop;
	j->plan.hop_count = n + 1;
	return hop;
}

void journey_target(struct journey *j, const char *host)
{
	assert_null(host_parse(&j->request.target.host, host, strlen(host)));
}

static void done(void *arg, const struct dial_outcome *outcome)
{
	struct journey *j = arg;

	j->calls++;
	j->outcome = *outcome;
	dial_free(j->dial);
	j->dial = NULL;
}

void journey_start(struct journey *j)
{
	stream_free(j->outcome.stream);
	memset(&j->outcome, 0, sizeof j->outcome);
	j->calls = 0;
	j->length = 0;
	j->dial = dial_start(&j->plan, done, j);
	assert_non_null(j->dial);
	assert_int_equal(j->calls, 0); /* never before the start returned */
}

static bool is_done(void *arg)
{
	return ((struct journey *)arg)->calls > 0;
}

enum reason journey_dial(struct journey *j)
{
	journey_start(j);
	rig_run(&j->rig, is_done, j);
	assert_int_equal(j->outcome.reason == REASON_OK, j->outcome.stream != NULL);
	return j->outcome.reason;
}

static void readable(void *arg, int events)
{
	struct journey *j = arg;
	ssize_t n = stream_read(j->outcome.stream, j->got + j->length, sizeof j->got - j->length);

	(void)events;
	if (n > 0)
		j->length += (size_t)n;
	else
		assert_true(n < 0 && errno == EAGAIN);
}

static bool is_read(void *arg)
{
	struct journey *j = arg;

	return j->length >= j->wanted;
}

void journey_read(struct journey *j, size_t length)
{
	j->wanted = length;
	stream_handler(j->outcome.stream, readable, j);
	stream_want(j->outcome.stream, STREAM_READ);
	rig_run(&j->rig, is_read, j);
	assert_int_equal(j->length, length);
}
