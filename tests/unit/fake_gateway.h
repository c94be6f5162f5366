/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_FAKE_GATEWAY_H
#define TESTS_UNIT_FAKE_GATEWAY_H

/*
 * A gateway process for tests of the keeper, over the channel that PROCESS_CHANNEL names.  `how`:
 * `configuration` and `failure` end at once with 1 and 3, `crash` aborts before it serves,
 * `serve` obeys, `hang` serves and does not stop.  Each client is told the pid and what was handed
 * over; one that sends `c` makes it abort.
 */
int fake_gateway(const char *how);

#endif
