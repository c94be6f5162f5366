/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_DAEMON_H
#define GATEWAY_DAEMON_H

/*
 * Going to the background.  The process that was started waits until its grandchild serves or has
 * failed, so that errors still come on the terminal and the exit status is true.
 */

/*
 * 0 in the grandchild, with *report for daemon_report(); 1 in the process that was started, once
 * it knows *status; -1 with errno if there is no grandchild.
 */
int daemon_fork(int *report, int *status);
/* Tell the waiting process its exit status; if that is 0, we serve and let go of the terminal. */
void daemon_report(int report, int status);

#endif
