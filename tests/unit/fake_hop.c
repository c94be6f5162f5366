/* SPDX-License-Identifier: ISC */
/* A hop that hears and says what its script tells it, or only the beginning of it. */
#include "config.h"

#include "tests/unit/fake_hop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/hoard.h"

static void hang_up(struct fake_hop *f, void (*how)(struct stream *s))
{
	how(f->stream);
	f->stream = NULL;
}

static bool heard_enough(const struct fake_hop *f)
{
	const char *bytes = f->heard + f->step_heard;
	size_t n = f->heard_length - f->step_heard;

	if (f->step->need > 0)
		return n >= f->step->need;
	return n >= 4 && memcmp(bytes + n - 4, "\r\n\r\n", 4) == 0;
}

/* False: the fault has come. */
static bool say(struct fake_hop *f)
{
	size_t start = f->said - f->said_before, n = f->step->reply_length - start;
	ssize_t written;

	if (f->fault != FAULT_NONE && n > f->limit - f->said)
		n = f->limit - f->said;
	if (n > 0 && f->drip)
		n = 1;
	written = n == 0 ? 0 : stream_write(f->stream, f->step->reply + start, n);
	if (written > 0)
		f->said += (size_t)written;
	if (f->fault == FAULT_NONE || f->said < f->limit)
		return true;
	if (f->fault == FAULT_CLOSE)
		hang_up(f, stream_free);
	else if (f->fault == FAULT_RESET)
		hang_up(f, stream_abort);
	return false;
}

static void next_step(struct fake_hop *f)
{
	if (f->step->last && f->layered)
		stream_push(f->stream, hoard_new_far());
	f->said_before += f->step->reply_length;
	f->step_heard = f->heard_length;
	f->replying = false;
	f->step++;
}

static void hear(struct fake_hop *f)
{
	size_t room = sizeof f->heard - f->heard_length;
	ssize_t n = stream_read(f->stream, f->heard + f->heard_length, room);

	if (n > 0)
		f->heard_length += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		f->gone = true;
}

static void ready(void *arg, int events)
{
	struct fake_hop *f = arg;

	if (events & STREAM_READ)
		hear(f);
	if (f->step->reply_length > 0 && !f->replying)
		f->replying = heard_enough(f);
	if (f->replying && !say(f)) {
		if (f->stream != NULL)
			stream_want(f->stream, f->gone ? 0 : STREAM_READ);
		f->replying = false;
		return;
	}
	if (f->replying && f->said == f->said_before + f->step->reply_length)
		next_step(f);
	stream_want(f->stream, (f->gone ? 0 : STREAM_READ) | (f->replying ? STREAM_WRITE : 0));
}

/* To fail here would leave the loop by a long jump: a test sees it by what does not come. */
static const struct step silent;

static void accepted(evutil_socket_t fd, short what, void *arg)
{
	struct fake_hop *f = arg;
	int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (client < 0)
		return;
	stream_free(f->stream);
	f->step = f->connections < SCRIPTS_MAX ? f->scripts[f->connections] : NULL;
	if (f->step == NULL)
		f->step = &silent;
	f->connections++;
	f->said = f->said_before = f->step_heard = f->heard_length = 0;
	f->replying = f->gone = false;
	f->stream = stream_new(&f->rig->loop, client);
	if (f->layered)
		stream_push(f->stream, hoard_new_far());
	stream_handler(f->stream, ready, f);
	stream_want(f->stream, STREAM_READ);
	if (f->fault == FAULT_CLOSE && f->limit == 0)
		hang_up(f, stream_free);
}

static void start(struct fake_hop *f, struct rig *rig, int listener)
{
	memset(f, 0, sizeof *f);
	f->rig = rig;
	f->listener = listener;
	f->accept = event_new(rig->loop.base, listener, EV_READ | EV_PERSIST, accepted, f);
	event_add(f->accept, NULL);
}

void fake_hop_start(struct fake_hop *f, struct rig *rig)
{
	struct sockaddr_storage sa;

	start(f, rig, rig_listen(AF_INET, &sa));
	f->port = ntohs(((struct sockaddr_in *)&sa)->sin_port);
}

void fake_hop_start_unix(struct fake_hop *f, struct rig *rig, const struct sockaddr_un *sa)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)sa, sizeof *sa), 0);
	assert_int_equal(listen(fd, 1), 0);
	start(f, rig, fd);
}

void fake_hop_stop(struct fake_hop *f)
{
	event_free(f->accept);
	close(f->listener);
	stream_free(f->stream);
}

size_t fake_hop_length(const struct step *script)
{
	size_t n = 0;

	for (; script->reply_length > 0; script++)
		n += script->reply_length;
	return n;
}
