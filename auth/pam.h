/* SPDX-License-Identifier: ISC */
#ifndef AUTH_PAM_H
#define AUTH_PAM_H

#include "auth/inquiry.h"

/*
 * Ask the block's PAM service, in a process that can be spared: modules hang, crash, fork and
 * print.  What the service makes of the name, PAM_USER in the end, becomes inquiry->user.  Anything
 * but PAM_SUCCESS from both authentication and account management is a denial.
 */
enum auth_verify pam_verify(struct inquiry *inquiry);

#endif
