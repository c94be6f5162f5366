/* SPDX-License-Identifier: ISC */
#ifndef TESTS_FUZZ_SIMPLE_READER_H
#define TESTS_FUZZ_SIMPLE_READER_H

#include "gateway/http_head.h"

/*
 * One HTTP/1 message, read as plainly as RFC 9112 puts it, whole from its beginning and without a
 * thought of speed: a model's opinion.  Of what two readers could understand differently it says
 * WRONG; it need not be as strict as the gateway in what cannot move the end of a message.
 */
enum reading { READING_MORE, READING_WHOLE, READING_WRONG };

struct message {
	enum reading reading;
	bool head;     /* the head is whole and good */
	size_t length; /* octets read: of the head, then of all that is good */
	int minor;     /* 0 or 1 */
	struct span method, target;
	int status;
	struct span lines; /* the fields */
	enum http_framing framing;
	uint64_t told;    /* Content-Length */
	uint8_t *content; /* decoded */
	size_t content_length;
};

/* The spans point into `bytes`.  message_clear() after each. */
void read_request(struct message *m, const uint8_t *bytes, size_t n);
/* `bodiless`: the answer to HEAD; `ended`: nothing follows `bytes`. */
void read_response(struct message *m, const uint8_t *bytes, size_t n, bool bodiless, bool ended);
void message_clear(struct message *m);

/* How many fields have that name, and the value of the last of them. */
unsigned message_field(const struct message *m, const char *name, struct span *value);
/* Is it a member of a list in one of them? */
bool message_lists(const struct message *m, const char *name, const char *member);

#endif
