/* SPDX-License-Identifier: ISC */
/* Authentication by the exit status of a program. */
#include "config.h"

#include "auth/program.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define VARIABLE_MAX 16 /* the name of one, with its = and NUL */

static void become(const struct inquiry *inquiry, int input, pid_t parent)
{
	const struct auth_block *block = inquiry->block;
	const struct message *question = inquiry->question;
	char user[VARIABLE_MAX + MESSAGE_TEXT_MAX], client[VARIABLE_MAX + MESSAGE_RHOST_MAX], *auth;
	char path[] = PATH, *environment[5] = {path, user, client};

	snprintf(user, sizeof(user), "PROXY_USER=%s", question->user);
	snprintf(client, sizeof(client), "PROXY_CLIENT=%s", question->rhost);
	if (asprintf(&auth, "PROXY_AUTH=%s", block->name) < 0)
		_exit(127);
	environment[3] = auth;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || dup2(input, STDIN_FILENO) < 0)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	execve(block->command[0], (char *const *)block->command, environment);
	_exit(127);
}

/* They fit into the pipe; a program that does not read them may still say yes or no. */
static void tell(int fd, const struct message *question)
{
	char lines[2 * (MESSAGE_TEXT_MAX + 1) + 1];
	int length = snprintf(lines, sizeof(lines), "%s\n%s\n", question->user, question->password);

	while (write(fd, lines, (size_t)length) < 0 && errno == EINTR)
		;
	OPENSSL_cleanse(lines, sizeof(lines));
	close(fd);
}

static enum auth_verify meaning(int status)
{
	static const enum auth_verify said[] = {
	    AUTH_VERIFY_RIGHT, AUTH_VERIFY_WRONG, AUTH_VERIFY_UNKNOWN};

	if (!WIFEXITED(status) || WEXITSTATUS(status) >= (int)(sizeof(said) / sizeof(said[0])))
		return AUTH_VERIFY_FAILED;
	return said[WEXITSTATUS(status)];
}

enum auth_verify program_verify(struct inquiry *inquiry)
{
	const struct message *question = inquiry->question;
	pid_t pid, ours = getpid();
	int ends[2], status;

	if (question->user_length == 0)
		return AUTH_VERIFY_UNKNOWN;
	/* RFC 4513, 5.1.2: to a directory no password is a login as nobody, and a success. */
	if (question->password_length == 0 || strchr(question->user, '\n') != NULL ||
	    strchr(question->password, '\n') != NULL)
		return AUTH_VERIFY_WRONG;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return AUTH_VERIFY_FAILED;
	pid = fork();
	if (pid == 0)
		become(inquiry, ends[0], ours);
	close(ends[0]);
	tell(ends[1], question);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return AUTH_VERIFY_FAILED;
	return meaning(status);
}
