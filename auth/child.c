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

#define NICE 10
#define PIPE_FD 3
#define CPU_SECONDS_MORE 1 /* beyond the deadline, should nobody be there to end us */

static struct child_verdict check(const struct auth_block *blocks, const struct message *question)
{
	static const enum auth_result meaning[] = {
	    [AUTH_VERIFY_FAILED] = AUTH_UNAVAILABLE,
	    [AUTH_VERIFY_UNKNOWN] = AUTH_WRONG,
	    [AUTH_VERIFY_WRONG] = AUTH_WRONG,
	    [AUTH_VERIFY_RIGHT] = AUTH_ACCEPTED,
	};
	enum auth_verify answer = AUTH_VERIFY_UNKNOWN;
	struct child_verdict verdict = {.result = AUTH_WRONG};

	for (size_t i = 0; i < question->block_count && answer == AUTH_VERIFY_UNKNOWN; i++) {
		verdict.block = question->blocks[i];
		answer = auth_password_file_verify(
		    blocks[verdict.block].path, question->user, question->password);
		verdict.result = (uint16_t)meaning[answer];
	}
	return verdict;
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

static void confine(int fd, const struct message *question)
{
	const struct rlimit no_core = {0};
	const rlim_t seconds = question->deadline_ms / 1000 + 1 + CPU_SECONDS_MORE;
	const struct rlimit cpu = {.rlim_cur = seconds, .rlim_max = seconds};

	if (dup2(fd, PIPE_FD) < 0)
		_exit(1);
	closefrom(PIPE_FD + 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0); /* no core with a password, no ptrace(2) */
	setrlimit(RLIMIT_CORE, &no_core);
	setrlimit(RLIMIT_CPU, &cpu);
	setpriority(PRIO_PROCESS, 0, NICE);
}

static void run(
    pid_t keeper, int fd, const struct auth_block *blocks, const struct message *question)
{
	struct child_verdict verdict;

	reset_signals();
	confine(fd, question);
	if (getppid() != keeper) /* it went before it could be watched */
		_exit(1);
	verdict = check(blocks, question);
	_exit(write(PIPE_FD, &verdict, sizeof(verdict)) != sizeof(verdict));
}

pid_t child_start(const struct auth_block *blocks, const struct message *question, int *fd)
{
	sigset_t all, before;
	pid_t pid, keeper = getpid();
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run(keeper, ends[1], blocks, question);
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
