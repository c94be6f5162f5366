/* SPDX-License-Identifier: ISC */
#ifndef TESTS_HOARD_H
#define TESTS_HOARD_H

#include "gateway/stream.h"

/*
 * A layer that is as awkward as TLS may be, for tests of whatever uses a stream.  Both ends of a
 * connection must have one.
 *  - Bytes are changed on their way, so whoever reads or writes below it is found out.
 *  - A read takes all that the socket has and gives out little of it: the rest is pending while
 *    the socket is silent.
 *  - It begins with a handshake, of its own accord if nobody calls for it, so that a first write
 *    waits for a read.
 *  - Now and then a record must be acknowledged before reading goes on, so that reads wait for
 *    writes.  Only the far end asks for that: if both did, and both sockets were full, neither
 * would ever read again.
 *  - A write that got EAGAIN must come again with the same bytes.
 *  - The end is a record; a FIN without it is a loss.
 */
struct stream_layer *hoard_new(void);     /* for the end under test */
struct stream_layer *hoard_new_far(void); /* for the other one */

#endif
