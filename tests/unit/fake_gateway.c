/* SPDX-License-Identifier: ISC */
/* The other side of the channel, without a gateway. */
#include "config.h"

#include "tests/unit/fake_gateway.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/channel.h"
#include "gateway/process.h"

#define PATIENCE_MS 20000

static struct {
	int channel, sockets[8];
	int socket_count, auth_count, log_count;
} fake;

static void receive_all(void)
{
	struct channel_message message;
	int fd;

	while (channel_receive(fake.channel, &message, &fd) == 1) {
		if (message.kind == CHANNEL_SOCKET)
			fake.sockets[fake.socket_count++] = fd;
		else if (message.kind == CHANNEL_AUTH)
			fake.auth_count++;
		else if (message.kind == CHANNEL_LOG)
			fake.log_count++;
		else if (message.kind == CHANNEL_GO)
			return;
	}
	_exit(9);
}

static void serve_client(int listening)
{
	int fd = accept(listening, NULL, NULL);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char byte;

	if (fd < 0)
		return;
	dprintf(fd, "pid %ld sockets %d auth %d logs %d\n", (long)getpid(), fake.socket_count,
	    fake.auth_count, fake.log_count);
	if (poll(&pfd, 1, PATIENCE_MS) == 1 && read(fd, &byte, 1) == 1 && byte == 'c')
		abort();
	close(fd);
}

/* Drains as long as it says: long enough for the test to see that nobody is let in. */
static void drain(int64_t ms)
{
	for (int i = 0; i < fake.socket_count; i++)
		close(fake.sockets[i]);
	if (ms > 0)
		poll(NULL, 0, (int)ms);
	_exit(0);
}

static void obey(bool hangs)
{
	struct channel_message message;
	int fd;

	switch (channel_receive(fake.channel, &message, &fd)) {
	case 0:
		_exit(0);
	case 1:
		if (message.kind == CHANNEL_DRAIN)
			drain(message.value);
		if (message.kind == CHANNEL_STOP && !hangs)
			_exit(0);
	}
}

int fake_gateway(const char *how)
{
	const struct channel_message ready = {.kind = CHANNEL_READY};
	struct pollfd set[9];

	fake.channel = atoi(getenv(PROCESS_CHANNEL));
	if (strcmp(how, "configuration") == 0)
		return 1;
	if (strcmp(how, "failure") == 0)
		return 3;
	receive_all();
	if (strcmp(how, "crash") == 0)
		abort();
	channel_send(fake.channel, &ready, -1);
	for (;;) {
		set[0] = (struct pollfd){.fd = fake.channel, .events = POLLIN};
		for (int i = 0; i < fake.socket_count; i++)
			set[1 + i] = (struct pollfd){.fd = fake.sockets[i], .events = POLLIN};
		poll(set, (nfds_t)fake.socket_count + 1, -1);
		if (set[0].revents != 0)
			obey(strcmp(how, "hang") == 0);
		for (int i = 0; i < fake.socket_count; i++)
			if (set[1 + i].revents != 0)
				serve_client(fake.sockets[i]);
	}
}
