/* SPDX-License-Identifier: ISC */
/* One time for a dead peer, as the three that TCP asks for. */
#include "config.h"

#include "gateway/keepalive.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PROBES 4

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value);
}

int keepalive_set(int fd, int keepalive)
{
	int half = keepalive / 2, probes = half < PROBES ? half : PROBES, interval;

	if (set(fd, SOL_SOCKET, SO_KEEPALIVE, keepalive != KEEPALIVE_OFF) < 0)
		return -1;
	if (keepalive < KEEPALIVE_MIN)
		return 0;
	interval = half / probes;
	return set(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive - probes * interval) |
	    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval) |
	    set(fd, IPPROTO_TCP, TCP_KEEPCNT, probes);
}

int64_t keepalive_begin(int keepalive)
{
	return keepalive < KEEPALIVE_MIN ? INT64_MAX : loop_lately() + keepalive * 1000 / 2;
}

int64_t keepalive_look(const struct stream *peer, int keepalive)
{
	int64_t limit = keepalive * 1000, silence;

	if (keepalive < KEEPALIVE_MIN)
		return INT64_MAX;
	silence = stream_silence(peer);
	if (silence == 0)
		return keepalive_begin(keepalive);
	return silence < limit ? loop_lately() + limit - silence : 0;
}
