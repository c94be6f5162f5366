/* SPDX-License-Identifier: ISC */
/* A small name server for tests, which can misbehave in the ways that real ones do. */
#include "config.h"

#include "tests/unit/dns_server.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HEADER 12
#define EDNS_SIZE 1232

enum { NOERROR = 0, FORMERR = 1, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5 };

struct packet {
	size_t length;
	unsigned char bytes[16384];
};

static void put(struct packet *packet, const void *bytes, size_t length)
{
	if (packet->length + length > sizeof(packet->bytes))
		abort();
	memcpy(packet->bytes + packet->length, bytes, length);
	packet->length += length;
}

static void put16(struct packet *packet, unsigned value)
{
	put(packet, (unsigned char[]){(unsigned char)(value >> 8), (unsigned char)value}, 2);
}

static void put_name(struct packet *packet, const char *name)
{
	while (*name != '\0') {
		unsigned char length = (unsigned char)strcspn(name, ".");

		put(packet, &length, 1);
		put(packet, name, length);
		name += length + (name[length] == '.');
	}
	put(packet, "", 1);
}

static void put_record(
    struct packet *packet, const char *owner, enum dns_kind kind, uint32_t ttl, size_t length)
{
	put_name(packet, owner);
	put16(packet, kind);
	put16(packet, 1);
	put16(packet, ttl >> 16);
	put16(packet, ttl & 0xffff);
	put16(packet, (unsigned)length);
}

static void set_flags(struct packet *packet, unsigned rcode, bool truncated)
{
	packet->bytes[2] = truncated ? 0x83 : 0x81; /* QR, RD and perhaps TC */
	packet->bytes[3] = (unsigned char)(0x80 | rcode);
}

static unsigned put_addresses(
    struct packet *packet, const struct dns_row *row, const char *owner, enum dns_kind kind)
{
	const char *list = kind == DNS_A ? row->a : row->aaaa;
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN];
	unsigned count = 0;

	while (list != NULL && *list != '\0') {
		size_t length = strcspn(list, " ");

		snprintf(text, sizeof(text), "%.*s", (int)length, list);
		if (inet_pton(kind == DNS_A ? AF_INET : AF_INET6, text, address) != 1)
			abort();
		put_record(packet, owner, kind, row->ttl, kind == DNS_A ? 4 : 16);
		put(packet, address, kind == DNS_A ? 4 : 16);
		list += length + (list[length] == ' ');
		count++;
	}
	for (unsigned i = 1; kind == DNS_A && i <= row->many; i++, count++) {
		put_record(packet, owner, kind, row->ttl, 4);
		put16(packet, 10 << 8);
		put16(packet, i);
	}
	return count;
}

static void put_answers(
    struct packet *packet, const struct dns_row *row, enum dns_kind kind, enum dns_fault fault)
{
	const char *owner = row->name;
	unsigned count = 0;

	if (row->cname != NULL) {
		put_record(packet, owner, DNS_CNAME, row->cname_ttl, strlen(row->cname) + 2);
		put_name(packet, row->cname);
		owner = row->cname;
		count++;
	}
	count += put_addresses(packet, row, owner, fault == DNS_WRONG_KIND ? DNS_A : kind);
	packet->bytes[6] = (unsigned char)(count >> 8);
	packet->bytes[7] = (unsigned char)count;
	if (fault == DNS_CUT)
		packet->length -= 3;
}

struct query {
	unsigned char id[2];
	char name[256];
	enum dns_kind kind;
	bool edns;
};

static bool parse(struct query *query, const unsigned char *bytes, size_t length)
{
	size_t at = HEADER, used = 0;

	if (length < HEADER + 5)
		return false;
	memcpy(query->id, bytes, 2);
	query->edns = bytes[11] != 0;
	while (at < length && bytes[at] != 0) {
		size_t label = bytes[at];

		if (at + 1 + label >= length || used + label + 2 > sizeof(query->name))
			return false;
		if (used > 0)
			query->name[used++] = '.';
		memcpy(query->name + used, bytes + at + 1, label);
		used += label;
		at += 1 + label;
	}
	query->name[used] = '\0';
	if (at + 5 > length)
		return false;
	query->kind = bytes[at + 2];
	return true;
}

static const struct dns_row *find(const struct dns_server *server, const char *name)
{
	for (const struct dns_row *row = server->rows; row->name != NULL; row++)
		if (strcasecmp(row->name, name) == 0)
			return row;
	return NULL;
}

static enum dns_fault fault_of(const struct dns_row *row, const struct query *query)
{
	if (row == NULL)
		return DNS_NXDOMAIN;
	if (row->only != DNS_BOTH && row->only != query->kind)
		return DNS_HONEST;
	return row->fault;
}

/* Returns false to say nothing at all. */
static bool answer(
    struct packet *out, const struct query *query, const struct dns_row *row, bool tcp)
{
	enum dns_fault fault = fault_of(row, query);
	size_t end;

	memset(out->bytes, 0, HEADER);
	memcpy(out->bytes, query->id, 2);
	out->bytes[0] ^= fault == DNS_WRONG_ID;
	out->bytes[5] = 1;
	out->length = HEADER;
	put_name(out, fault == DNS_WRONG_NAME ? "other.test" : query->name);
	put16(out, query->kind);
	put16(out, 1);
	end = out->length;
	switch (fault) {
	case DNS_SILENT:
		return false;
	case DNS_SERVFAIL:
		set_flags(out, SERVFAIL, false);
		return true;
	case DNS_REFUSED:
		set_flags(out, REFUSED, false);
		return true;
	case DNS_NXDOMAIN:
		set_flags(out, NXDOMAIN, false);
		return true;
	case DNS_HANG_UP:
		set_flags(out, NOERROR, true);
		return !tcp;
	case DNS_FORMERR_EDNS:
		set_flags(out, FORMERR, false);
		if (query->edns)
			return true;
		break;
	default:
		break;
	}
	set_flags(out, NOERROR, false);
	put_answers(out, row, query->kind, fault);
	if (!tcp && out->length > (query->edns ? EDNS_SIZE : 512)) {
		out->length = end;
		out->bytes[6] = out->bytes[7] = 0;
		set_flags(out, NOERROR, true);
	}
	return true;
}

static void count(struct dns_server *server, const struct query *query, bool tcp)
{
	server->a += query->kind == DNS_A;
	server->aaaa += query->kind == DNS_AAAA;
	server->over_tcp += tcp;
	server->with_edns += query->edns;
	memcpy(server->last_name, query->name, sizeof(query->name));
}

static void answer_datagram(struct dns_server *server, const struct dns_held *in)
{
	struct packet out;
	struct query query;
	const struct dns_row *row;

	if (!parse(&query, in->packet, in->length))
		return;
	row = find(server, query.name);
	if (fault_of(row, &query) == DNS_EMPTY)
		sendto(server->udp, "", 0, 0, (const struct sockaddr *)&in->peer, sizeof(in->peer));
	if (answer(&out, &query, row, false))
		sendto(server->udp, out.bytes, out.length, 0, (const struct sockaddr *)&in->peer,
		    sizeof(in->peer));
}

static void datagram(evutil_socket_t fd, short what, void *arg)
{
	struct dns_server *server = arg;
	struct dns_held in;
	socklen_t size = sizeof(in.peer);
	struct query query;
	ssize_t n;

	(void)what;
	n = recvfrom(fd, in.packet, sizeof(in.packet), 0, (struct sockaddr *)&in.peer, &size);
	if (n < 0)
		return;
	in.length = (size_t)n;
	if (!parse(&query, in.packet, in.length))
		return;
	count(server, &query, false);
	if (fault_of(find(server, query.name), &query) != DNS_HELD)
		answer_datagram(server, &in);
	else if (server->held_count < DNS_HELD_MAX)
		server->held[server->held_count++] = in;
}

void dns_server_release(struct dns_server *server)
{
	for (size_t i = 0; i < server->held_count; i++)
		answer_datagram(server, &server->held[i]);
	server->held_count = 0;
}

struct dns_connection {
	struct dns_connection *next;
	struct dns_server *server;
	struct event *event;
	size_t length;
	unsigned char bytes[2048];
};

static void hang_up(struct dns_connection *connection)
{
	evutil_socket_t fd = event_get_fd(connection->event);
	struct dns_connection **at = &connection->server->connections;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	event_free(connection->event);
	close(fd);
	free(connection);
}

/* False: the connection is to be closed. */
static bool answer_stream(struct dns_connection *connection, evutil_socket_t fd)
{
	struct query query;
	struct packet out;
	unsigned char size[2];
	size_t length;

	while (connection->length > 2) {
		length = (size_t)connection->bytes[0] << 8 | connection->bytes[1];
		if (connection->length < 2 + length)
			break;
		if (!parse(&query, connection->bytes + 2, length))
			return false;
		count(connection->server, &query, true);
		if (!answer(&out, &query, find(connection->server, query.name), true))
			return false;
		size[0] = (unsigned char)(out.length >> 8);
		size[1] = (unsigned char)out.length;
		if (send(fd, size, 2, MSG_NOSIGNAL | MSG_MORE) != 2 ||
		    send(fd, out.bytes, out.length, MSG_NOSIGNAL) != (ssize_t)out.length)
			return false;
		connection->length -= 2 + length;
		memmove(connection->bytes, connection->bytes + 2 + length, connection->length);
	}
	return true;
}

static void stream(evutil_socket_t fd, short what, void *arg)
{
	struct dns_connection *connection = arg;
	ssize_t n = recv(fd, connection->bytes + connection->length,
	    sizeof(connection->bytes) - connection->length, 0);

	(void)what;
	if (n > 0)
		connection->length += (size_t)n;
	if (n <= 0 || !answer_stream(connection, fd))
		hang_up(connection);
}

static void connected(evutil_socket_t fd, short what, void *arg)
{
	struct dns_server *server = arg;
	struct dns_connection *connection = calloc(1, sizeof(*connection));
	int peer = accept(fd, NULL, NULL);

	(void)what;
	if (connection == NULL || peer == -1)
		abort();
	connection->server = server;
	connection->next = server->connections;
	server->connections = connection;
	connection->event = event_new(server->base, peer, EV_READ | EV_PERSIST, stream, connection);
	event_add(connection->event, NULL);
}

/* UDP and TCP on one port, which TCP chooses and UDP may find taken: false. */
static bool open_sockets(struct dns_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	server->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(server->udp, SOL_SOCKET, SO_RCVBUF, &(int){1 << 20}, sizeof(int));
	if (bind(server->tcp, (struct sockaddr *)&address, size) == 0 &&
	    getsockname(server->tcp, (struct sockaddr *)&address, &size) == 0 &&
	    bind(server->udp, (struct sockaddr *)&address, size) == 0 &&
	    listen(server->tcp, 16) == 0) {
		snprintf(server->servers, sizeof(server->servers), "127.0.0.1:%u",
		    (unsigned)ntohs(address.sin_port));
		return true;
	}
	close(server->tcp);
	close(server->udp);
	return false;
}

struct dns_server *dns_server_new(struct event_base *base, const struct dns_row *rows)
{
	struct dns_server *server = calloc(1, sizeof(*server));

	if (server == NULL)
		abort();
	server->base = base;
	server->rows = rows;
	for (int tries = 0; !open_sockets(server); tries++)
		if (tries == 20)
			abort();
	server->udp_event = event_new(base, server->udp, EV_READ | EV_PERSIST, datagram, server);
	server->tcp_event = event_new(base, server->tcp, EV_READ | EV_PERSIST, connected, server);
	event_add(server->udp_event, NULL);
	event_add(server->tcp_event, NULL);
	return server;
}

void dns_server_free(struct dns_server *server)
{
	while (server->connections != NULL)
		hang_up(server->connections);
	event_free(server->udp_event);
	event_free(server->tcp_event);
	close(server->udp);
	close(server->tcp);
	free(server);
}

unsigned dns_server_queries(const struct dns_server *server)
{
	return server->a + server->aaaa;
}
