/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_DNS_SERVER_H
#define TESTS_UNIT_DNS_SERVER_H

/*
 * A name server inside the test process, on 127.0.0.1, UDP and TCP, on the event base under test.
 * It answers from a table and misbehaves as the table says.
 */
#include <event2/event.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum dns_fault {
	DNS_HONEST,
	DNS_SILENT,
	DNS_HELD, /* answered by dns_server_release() */
	DNS_SERVFAIL,
	DNS_REFUSED,
	DNS_NXDOMAIN,
	DNS_FORMERR_EDNS, /* an old server: FORMERR to EDNS, the answer without */
	DNS_WRONG_ID,
	DNS_WRONG_NAME, /* in the question that comes back */
	DNS_WRONG_KIND, /* A in answer to AAAA */
	DNS_CUT,        /* the record goes on behind the end */
	DNS_EMPTY,      /* a datagram of no bytes, then the answer */
	DNS_HANG_UP     /* truncated, then the TCP connection is closed */
};

enum dns_kind { DNS_BOTH = 0, DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28 };

struct dns_row {
	const char *name;     /* NULL: the end; what is not in the table is NXDOMAIN */
	const char *a, *aaaa; /* addresses with a space between; NULL: none */
	const char *cname;    /* it is an alias of that name, whose addresses these are */
	uint32_t ttl, cname_ttl;
	unsigned many; /* that many A records more, 10.0.0.1 and on */
	enum dns_fault fault;
	enum dns_kind only; /* the fault is in answers of this kind only */
};

struct dns_held {
	struct sockaddr_in peer;
	size_t length;
	unsigned char packet[512];
};

#define DNS_HELD_MAX 600

struct dns_server {
	struct event_base *base;
	int udp, tcp;
	struct event *udp_event, *tcp_event;
	const struct dns_row *rows;
	char servers[32]; /* "127.0.0.1:PORT" */
	unsigned a, aaaa, over_tcp, with_edns;
	char last_name[256];
	size_t held_count;
	struct dns_held held[DNS_HELD_MAX];
	struct dns_connection *connections;
};

struct dns_server *dns_server_new(struct event_base *base, const struct dns_row *rows);
void dns_server_free(struct dns_server *server);
/* Answers honestly what was held so far. */
void dns_server_release(struct dns_server *server);
unsigned dns_server_queries(const struct dns_server *server);

#endif
