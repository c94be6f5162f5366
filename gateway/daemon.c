/* SPDX-License-Identifier: ISC */
/* Two forks: the first leaves the terminal's session, the second cannot get one again. */
#include "config.h"

#include "gateway/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_FAILED 3

/* No byte: the daemon ended before it served, and has said why. */
static int wait_for_report(int fd)
{
	char status;
	ssize_t n;

	do
		n = read(fd, &status, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? status : EXIT_FAILED;
}

static void second_fork(void)
{
	pid_t pid;

	setsid();
	pid = fork();
	if (pid != 0)
		_exit(pid < 0 ? EXIT_FAILED : 0);
}

int daemon_fork(int *report, int *status)
{
	int ends[2], error;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid < 0) {
		error = errno;
		close(ends[0]);
		close(ends[1]);
		errno = error;
		return -1;
	}
	if (pid == 0) {
		close(ends[0]);
		second_fork();
		*report = ends[1];
		return 0;
	}
	close(ends[1]);
	waitpid(pid, NULL, 0);
	*status = wait_for_report(ends[0]);
	close(ends[0]);
	return 1;
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
}

void daemon_report(int report, int status)
{
	const char byte = (char)status;

	if (status == 0)
		leave_terminal();
	if (write(report, &byte, 1) < 0)
		errno = 0; /* nobody waits any more */
	close(report);
}
