/* SPDX-License-Identifier: ISC */
/*
 * One check in one process: it may hang, crash or take its time, and takes nobody with it.  It
 * starts as a copy of the keeper and first lets go of everything that is not its business.
 */
#include "config.h"

#include "auth/child.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "auth/pam.h"
#include "auth/password_file.h"
#include "auth/program.h"

#define NICE 10
#define PIPE_FD 3
#define CPU_SECONDS_MORE 1 /* beyond the deadline, should nobody be there to end us */

static void check(struct inquiry *inquiry, struct child_verdict *verdict)
{
	static enum auth_verify (*const verify[])(struct inquiry * inquiry) = {
	    [AUTH_PASSWORD_FILE] = password_file_verify,
	    [AUTH_PAM] = pam_verify,
	    [AUTH_EXEC] = program_verify,
	};

	memcpy(inquiry->user, inquiry->question->user, sizeof(inquiry->user));
	verdict->verify = (uint16_t)verify[inquiry->block->kind](inquiry);
	memcpy(verdict->user, inquiry->user, sizeof(verdict->user));
}

/* The handlers write to a pipe that the keeper reads: they must not run here. */
static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What a module prints goes nowhere, and nothing is typed in for it. */
static void detach(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		_exit(1);
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++)
		if (dup2(null, standard) < 0)
			_exit(1);
	/* Not for programs that are started from here: they may outlive us. */
	if (fd != PIPE_FD && dup3(fd, PIPE_FD, O_CLOEXEC) < 0)
		_exit(1);
	closefrom(PIPE_FD + 1);
	setsid();
}

static void confine(const struct message *question)
{
	const struct rlimit no_core = {0};
	const rlim_t seconds = question->deadline_ms / 1000 + 1 + CPU_SECONDS_MORE;
	const struct rlimit cpu = {.rlim_cur = seconds, .rlim_max = seconds};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0); /* no core with a password, no ptrace(2) */
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_CPU, &cpu);
	setpriority(PRIO_PROCESS, 0, NICE);
}

static void run(pid_t keeper, int fd, struct inquiry *inquiry)
{
	struct child_verdict verdict;

	reset_signals();
	detach(fd);
	confine(inquiry->question);
	if (getppid() != keeper) /* it went before it could be watched */
		_exit(1);
	check(inquiry, &verdict);
	_exit(write(PIPE_FD, &verdict, sizeof(verdict)) != sizeof(verdict));
}

pid_t child_start(
    const struct auth_block *block, const struct message *question, bool last, int *fd)
{
	struct inquiry inquiry = {.block = block, .question = question, .last = last};
	sigset_t all, before;
	pid_t pid, keeper = getpid();
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run(keeper, ends[1], &inquiry);
	error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		errno = error;
		return -1;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*fd = ends[0];
	return pid;
}

void child_kill(pid_t pid)
{
	/* One that does not lead a group yet has not started anybody. */
	kill(pid, SIGKILL);
	kill(-pid, SIGKILL);
}
