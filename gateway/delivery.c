/* SPDX-License-Identifier: ISC */
/* A queue in front of a channel: a gateway process that is slow to start holds nobody up. */
#include "config.h"

#include "gateway/delivery.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

struct parcel {
	STAILQ_ENTRY(parcel) entry;
	struct channel_message message;
	int fd;
	bool ours;
};

STAILQ_HEAD(parcel_list, parcel);

struct delivery {
	int channel;
	struct event *writable;
	struct parcel_list parcels;
};

static void drop_first(struct delivery *d)
{
	struct parcel *parcel = STAILQ_FIRST(&d->parcels);

	STAILQ_REMOVE_HEAD(&d->parcels, entry);
	if (parcel->ours && parcel->fd >= 0)
		close(parcel->fd);
	free(parcel);
}

/* If the other side has gone, whoever reads the channel notices; here it only ends. */
static void deliver(evutil_socket_t fd, short events, void *arg)
{
	struct delivery *d = arg;
	struct parcel *parcel;

	(void)events;
	while ((parcel = STAILQ_FIRST(&d->parcels)) != NULL) {
		if (channel_send(fd, &parcel->message, parcel->fd) != 0 && errno == EAGAIN)
			return;
		drop_first(d);
	}
	event_del(d->writable);
}

struct delivery *delivery_new(struct event_base *base, int channel)
{
	struct delivery *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->channel = channel;
	STAILQ_INIT(&d->parcels);
	d->writable = event_new(base, channel, EV_WRITE | EV_PERSIST, deliver, d);
	if (d->writable != NULL)
		return d;
	free(d);
	return NULL;
}

void delivery_free(struct delivery *d)
{
	if (d == NULL)
		return;
	while (!STAILQ_EMPTY(&d->parcels))
		drop_first(d);
	event_free(d->writable);
	free(d);
}

int delivery_add(struct delivery *d, const struct channel_message *message, int fd, bool ours)
{
	struct parcel *parcel = malloc(sizeof(*parcel));

	if (parcel == NULL) {
		if (ours && fd >= 0)
			close(fd);
		return -1;
	}
	*parcel = (struct parcel){.message = *message, .fd = fd, .ours = ours};
	STAILQ_INSERT_TAIL(&d->parcels, parcel, entry);
	return event_add(d->writable, NULL);
}
