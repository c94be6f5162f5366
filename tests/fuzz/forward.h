/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_FORWARD_H
#define TESTS_FUZZ_FORWARD_H

#include "gateway/target.h"
#include "tests/fuzz/simple_reader.h"

/*
 * A client and origins around a worker that forwards, all in one thread and without a clock: the
 * harness speaks, lets the worker's loop turn, and listens.
 */
#define WISHES_MAX 512     /* requests in one input */
#define EXCHANGES_MAX 1024 /* each of them may be said twice */
#define ANSWERS_MAX 64
#define SMALL_MAX 2048 /* what the gateway reads at once, and judges as a whole */

/* --- the input -------------------------------------------------------------------------------- */

enum {                       /* of the first octet */
	OPTION_LISTENER = 3, /* which one */
	OPTION_CLIENT_TCP = 4,
	OPTION_ORIGIN_TCP = 8,  /* else a socket with little room */
	OPTION_HALF_CLOSE = 16, /* the client's FIN follows its last octet */
	OPTION_PATIENT = 32     /* the client's pieces come when all is quiet */
};

enum { /* of an answer's */
	ANSWER_WHEN = 3,
	ANSWER_THEN = 12,
	ANSWER_CUT = 16,    /* octet by octet */
	ANSWER_REFUSED = 32 /* instead, where it would need a new connection */
};
enum { WHEN_ASKED, WHEN_HEAD, WHEN_CONNECTED }; /* after the request, its head ... */
enum { THEN_STAY = 0, THEN_FIN = 4, THEN_RESET = 8, THEN_LEAVE = 12 };

struct answer {
	uint8_t how;
	const uint8_t *bytes;
	size_t n;
};

/*
 * Two octets: options, and the length of the client's pieces (0: all at once).  Then what the
 * client says, and the answers in the order in which origins are asked, each behind an octet 0xff
 * and one that says how.
 */
#define INPUT_PREFIX 2
#define INPUT_SEPARATOR 0xff

/* --- what the client may want ----------------------------------------------------------------- */

struct wish {
	struct message message;
	size_t from; /* of the client's octets */
	struct span authority, path;
	struct target target;
};

struct model {
	const uint8_t *bytes;
	size_t n;
	struct wish wishes[WISHES_MAX]; /* what may reach origins, each once, in this order */
	size_t count;
	bool refused; /* something follows that may be answered, but never reach an origin */
};

void model_read(struct model *model, const uint8_t *bytes, size_t n);
void model_clear(struct model *model);

/* --- what happened ---------------------------------------------------------------------------- */

struct ear {    /* the harness's end of a connection */
	int fd; /* -1: closed */
	bool tcp;
	uint8_t *bytes;
	size_t n, size;
	bool ended, reset;
};

struct server;
struct exchange { /* a request as an origin sees it, and its answer */
	struct server *origin;
	size_t wish;
	size_t from, to; /* of the origin's octets; to: where the next one begins, or SIZE_MAX */
	const struct answer *answer;
	size_t sent;
	bool over;   /* all of it */
	bool fin;    /* then the connection ended as it should */
	bool lost;   /* what was sent may have been lost on the way */
	bool first;  /* of its connection */
	bool tunnel; /* it became something else */
};

struct server { /* a connection to one */
	struct ear ear;
	struct target target;
	bool to_hop;
	struct exchange *exchange; /* the present one */
};

struct run {
	uint8_t options, pieces;
	struct answer answers[ANSWERS_MAX];
	size_t answer_count, next_answer;
	struct model model;
	struct ear client;
	size_t said;   /* by the client */
	size_t heard;  /* by it: responses, whole */
	size_t finals; /* so many of them were final */
	struct exchange exchanges[EXCHANGES_MAX];
	size_t exchange_count;
	struct server *origins[EXCHANGES_MAX];
	size_t origin_count;
	bool switched; /* the client has heard 101 */
	bool progress; /* in this turn */
};

/* Two ends of a connection, not blocking; with little room if it is not TCP. */
void ears_pair(bool tcp, int fds[2]);
void ear_open(struct ear *ear, int fd, bool tcp);
/* All there is to be read. */
void ear_hear(struct ear *ear, bool *progress);
/* How many octets went. */
size_t ear_say(struct ear *ear, const uint8_t *bytes, size_t n, bool *progress);
/* As a reset where that can be told. */
void ear_close(struct ear *ear, bool reset);

/* The run that dials from now on. */
void origins_begin(struct run *run);
void origins_turn(struct run *run);
/* Has one of them got all of that request by now? */
bool origin_was_asked(struct run *run, size_t wish);
void origins_end(struct run *run); /* they all close */
void origins_clear(struct run *run);

/* The client listens: it knows how many of its requests have been answered. */
void client_hear(struct run *run);

/* --- what must hold --------------------------------------------------------------------------- */

void check_asked(const struct run *run);
void check_answered(const struct run *run);

#endif
