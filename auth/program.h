/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PROGRAM_H
#define AUTH_PROGRAM_H

#include "auth/inquiry.h"

/*
 * Run the block's program, in a process that can be spared.  It reads two lines on its standard
 * input, the user and the password, as those for Apache's mod_authnz_external do; its environment
 * is PATH, PROXY_USER, PROXY_CLIENT (the client's address, empty on unix sockets) and PROXY_AUTH
 * (the block).  It exits with 0: right, 1: wrong, 2: unknown user; all else is a failure.  What it
 * prints goes nowhere.  Texts that are no line and empty passwords are wrong without asking.
 */
enum auth_verify program_verify(struct inquiry *inquiry);

#endif
