/* SPDX-License-Identifier: ISC */
/* A last resort for when nobody reads the channel, whose end says the same. */
#include "config.h"

#include "gateway/orphan.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define GRACE_S 5

/* Nothing but this may be done in a handler; SIGALRM's default is the end. */
static void parent_died(int signal)
{
	(void)signal;
	alarm(GRACE_S);
}

int orphan_watch(void)
{
	struct sigaction action = {.sa_handler = parent_died, .sa_flags = SA_RESTART};

	sigemptyset(&action.sa_mask);
	/* A signal that neither terminals nor service managers send. */
	if (sigaction(SIGRTMIN, &action, NULL) != 0)
		return -1;
	return prctl(PR_SET_PDEATHSIG, SIGRTMIN);
}
