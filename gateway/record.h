/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_RECORD_H
#define GATEWAY_RECORD_H

#include "gateway/conf.h"
#include "gateway/dial.h"
#include "gateway/http_head.h"

/*
 * A session's line in the access log.  Its head, all that is known when a relay starts, can be
 * written then and kept as text, so that an established session holds nothing else for it.
 */
#define RECORD_HEAD_MAX 8192 /* more than the longest names, user and file can fill */
#define RECORD_MAX (RECORD_HEAD_MAX + 8192)

struct record {
	uint64_t client_id, session_id;
	unsigned worker;
	int64_t started_ms; /* wall clock */
	const char *listener;
	const char *client;            /* "192.0.2.1:5000", "unix:uid=0" */
	const char *user;              /* NULL: nobody */
	const struct request *request; /* NULL: none was made */
	struct place rule;
	const struct route *route;          /* NULL: none was found */
	bool unresolved;                    /* the look-up for routing failed */
	const struct dial_outcome *dialled; /* NULL: nothing was dialled */
	int64_t resolve_ms;                 /* of the target's name here; -1: not asked */
};

/* What a line says of an HTTP request. */
struct record_http {
	int status;                       /* that the client was told; 0: nothing */
	const char *method, *url, *agent; /* below; url and agent NULL if there is none */
	char text[];
};
#define RECORD_URL_MAX 2048 /* a longer one is cut, and ends in "..." */
#define RECORD_AGENT_MAX 256

/*
 * `query`: the URL with what follows its question mark.  There is no URL if it could hold a
 * password.  To be freed by the caller; NULL: out of memory.
 */
struct record_http *record_http_new(const struct http_head *head, bool query);

struct record_end {
	int64_t first_byte_ms; /* from the start; -1: none came */
	uint64_t up, down;
	int64_t duration_ms;
	enum reason end;
	const struct record_http *http; /* NULL: not HTTP, or not to be understood */
};

/* The head of a line into out, which holds RECORD_HEAD_MAX bytes; returns its length. */
size_t record_head(char *out, const struct record *record, bool json);
/*
 * The rest of the line after its head, which is there already; out holds RECORD_MAX bytes.  Returns
 * the length of the whole, without newline.
 */
size_t record_line(char *out, size_t head, const struct record_end *end, bool json);

#endif
