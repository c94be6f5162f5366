/* SPDX-License-Identifier: ISC */
/*
 * Forwarding as a whole: a client and origins that say anything, in any pieces, around a worker
 * that is real but for dialling.  Origins must be asked what the client asked, no more and nothing
 * else; the client must hear what they answered, each answer in its place.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/conf_read.h"
#include "gateway/http_pool.h"
#include "gateway/setup.h"
#include "tests/fuzz/forward.h"
#include "tests/fuzz/promise.h"

#define TURNS_MAX 200000
#define QUIET 3        /* turns in which nobody did anything */
#define RELAY_TURNS 50 /* of 100 ms: a relay waits for what the other side still has to read */

/* Names go to a hop, so that no server is asked for them. */
static const char text[] =
    "workers 1\n"
    "log file /dev/null debug\n"
    "access-log file /dev/null json\n"
    "routes mixed {\n"
    "	resolve-for-routing off\n"
    "	route ipv4 direct; route ipv6 direct\n"
    "	route localhost via socks5://192.0.2.1:1080\n"
    "	route default via socks5://192.0.2.1:1080\n"
    "}\n"
    "routes proxy {\n"
    "	resolve-for-routing off\n"
    "	route localhost via http://user:pass@192.0.2.2:3128\n"
    "	route default via http://user:pass@192.0.2.2:3128\n"
    "}\n"
    "listen usual { address 1080; protocols http; commands http; routes mixed }\n"
    "listen proxied { address 1081; protocols http; commands http; routes proxy }\n"
    "listen transparent { address 1082; protocols http; commands http; routes mixed\n"
    "	http { via off; forwarded off } }\n"
    "listen telling { address 1083; protocols http; commands http; routes mixed\n"
    "	http { forwarded append } }\n";

static struct gateway gateway = {.worker_count = 1,
    .sessions_max = 16,
    .descriptors_max = 1024,
    .origins_max = 8,
    .pseudonym = "hopgate-fuzz"};
static struct worker *worker;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct conf *load(void)
{
	const struct conf_options options = {.messages = stderr};

	return conf_load_text(&options, text, sizeof(text) - 1, true);
}

/* Once; the worker lives as long as the process. */
static void start(void)
{
	signal(SIGPIPE, SIG_IGN);
	gateway.conf = load();
	gateway.account = account_new();
	gateway.doors = doors_new();
	gateway.workers = &worker;
	PROMISE(gateway.conf && gateway.account && gateway.doors);
	log_to(gateway.conf->logs, gateway.conf->log_count);
	PROMISE(log_file(0, open("/dev/null", O_WRONLY | O_CLOEXEC)) == 0);
	log_access_file(open("/dev/null", O_WRONLY | O_CLOEXEC));
	PROMISE(resolver_library_init() == 0);
	worker = worker_new(&gateway, 0, -1);
	PROMISE(worker);
}

/* --- the client ------------------------------------------------------------------------------- */

void client_hear(struct run *run)
{
	const struct ear *client = &run->client;
	bool on = true;

	ear_hear(&run->client, &run->progress);
	while (on && run->heard < client->n) {
		bool head = run->finals < run->model.count &&
		    span_equal(run->model.wishes[run->finals].message.method, "HEAD");
		struct message m;

		read_response(&m, client->bytes + run->heard, client->n - run->heard, head, false);
		on = m.reading == READING_WHOLE && m.status != 101;
		/* RFC 9110, 7.8: only behind the request. */
		if (m.status == 101 && !run->switched)
			PROMISE(origin_was_asked(run, run->finals));
		run->switched |= m.status == 101;
		if (on) {
			run->heard += m.length;
			run->finals += m.status >= 200;
		}
		message_clear(&m);
	}
}

/* The next piece. */
static void client_speak(struct run *run)
{
	size_t n = run->model.n - run->said, piece = run->pieces;

	if (n == 0)
		return;
	if (piece > 0 && piece < run->model.n / 256)
		piece = run->model.n / 256;
	if (piece > 0 && piece < n)
		n = piece;
	run->said += ear_say(&run->client, run->model.bytes + run->said, n, &run->progress);
	if (run->said == run->model.n && run->options & OPTION_HALF_CLOSE)
		shutdown(run->client.fd, SHUT_WR);
}

static void client_connect(struct run *run)
{
	const struct listener *listener = &gateway.conf->listeners[run->options & OPTION_LISTENER];
	struct sockaddr_storage peer = {.ss_family = AF_UNIX};
	socklen_t length = sizeof(peer);
	int fds[2];

	ears_pair(run->options & OPTION_CLIENT_TCP, fds);
	ear_open(&run->client, fds[0], run->options & OPTION_CLIENT_TCP);
	if (run->client.tcp)
		PROMISE(getpeername(fds[1], (struct sockaddr *)&peer, &length) == 0);
	atomic_fetch_add(&gateway.clients, 1);
	client_start(worker, listener, fds[1], (struct sockaddr *)&peer);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void turn(struct run *run)
{
	run->progress = false;
	if (!(run->options & OPTION_PATIENT))
		client_speak(run);
	event_base_loop(worker->loop.base, EVLOOP_NONBLOCK);
	client_hear(run);
	origins_turn(run);
}

/* Until nobody has anything more to do. */
static void settle(struct run *run)
{
	unsigned quiet = 0, turns = 0;

	while (quiet < QUIET) {
		PROMISE(turns++ < TURNS_MAX);
		turn(run);
		quiet = run->progress ? 0 : quiet + 1;
	}
}

static void converse(struct run *run)
{
	size_t said;

	do {
		settle(run);
		said = run->said;
		client_speak(run);
	} while (run->said > said);
}

/* A relay looks at a clock before it resets. */
static void wait_for_relays(void)
{
	const struct timeval tv = {.tv_usec = 100000};

	for (unsigned i = 0; i < RELAY_TURNS && !TAILQ_EMPTY(&worker->clients); i++) {
		PROMISE(TAILQ_FIRST(&worker->clients)->session->relay);
		event_base_loopexit(worker->loop.base, &tv);
		event_base_loop(worker->loop.base, 0);
	}
}

/* Whatever was going on, it ends with those who wanted it. */
static void finish(struct run *run)
{
	ear_close(&run->client, true);
	settle(run);
	origins_end(run);
	settle(run);
	wait_for_relays();
	PROMISE(TAILQ_EMPTY(&worker->clients) && atomic_load(&gateway.clients) == 0);
	PROMISE(http_pool_count(worker->origins) == 0);
}

/* The lowest descriptor that is free. */
static int free_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	PROMISE(fd >= 0);
	close(fd);
	return fd;
}

/* --- the input -------------------------------------------------------------------------------- */

static size_t next_part(const uint8_t **data, const uint8_t *end, const uint8_t **part)
{
	const uint8_t *stop = memchr(*data, INPUT_SEPARATOR, (size_t)(end - *data));

	*part = *data;
	*data = stop ? stop + 1 : end;
	return (size_t)((stop ? stop : end) - *part);
}

static void read_input(struct run *run, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *part;
	size_t n;

	run->options = data[0];
	run->pieces = data[1];
	data += INPUT_PREFIX;
	n = next_part(&data, end, &part);
	model_read(&run->model, part, n);
	while (data < end && run->answer_count < ANSWERS_MAX) {
		n = next_part(&data, end, &part);
		if (n > 0)
			run->answers[run->answer_count++] =
			    (struct answer){.how = part[0], .bytes = part + 1, .n = n - 1};
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *run;
	int descriptor;

	if (size <= INPUT_PREFIX)
		return 0;
	if (!worker)
		start();
	run = calloc(1, sizeof(*run));
	PROMISE(run);
	read_input(run, data, data + size);
	origins_begin(run);
	descriptor = free_descriptor();
	client_connect(run);
	converse(run);
	finish(run);
	PROMISE(free_descriptor() == descriptor);
	check_asked(run);
	check_answered(run);
	origins_clear(run);
	model_clear(&run->model);
	free(run->client.bytes);
	free(run);
	return 0;
}
