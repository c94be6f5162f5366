/* SPDX-License-Identifier: ISC */
/* hopgate passwd: set a password in a password file. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/auth.h"
#include "gateway/verb.h"

static const char help[] =
    "usage: hopgate passwd FILE USER\n"
    "Set the password of USER in FILE, which is made if it is not there.  Asks for the password\n"
    "twice; or reads one line if standard input is not a terminal.\n";

#define PASSWORD_MAX 255 /* RFC 1929, 2 */
#define LINE_SIZE (PASSWORD_MAX + 2)

/* One line without its newline; false at the end of the input or if it is too long. */
static bool read_line(char line[LINE_SIZE])
{
	size_t length;

	if (fgets(line, LINE_SIZE, stdin) == NULL)
		return false;
	length = strlen(line);
	if (length > 0 && line[length - 1] == '\n')
		line[--length] = '\0';
	return length > 0 && length <= PASSWORD_MAX;
}

static bool prompt(const char *text, char line[LINE_SIZE])
{
	struct termios before, silent;
	bool terminal = tcgetattr(STDIN_FILENO, &before) == 0, good;

	if (terminal) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
		fputs(text, stderr);
	}
	good = read_line(line);
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
		fputc('\n', stderr);
	}
	return good;
}

static const char *ask(char password[LINE_SIZE])
{
	char again[LINE_SIZE];
	const char *wrong = NULL;

	if (!prompt("New password: ", password))
		return "a password has 1 to 255 bytes";
	if (!isatty(STDIN_FILENO))
		return NULL;
	if (!prompt("Again: ", again) || strcmp(password, again) != 0)
		wrong = "the two are not the same";
	explicit_bzero(again, sizeof again);
	return wrong;
}

static int start(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {0}};
	char password[LINE_SIZE] = "";
	const char *wrong;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		return option == 'h' ? verb_help(&verb_passwd) : verb_usage(&verb_passwd);
	if (optind != argc - 2) {
		fputs("hopgate: FILE and USER are expected\n", stderr);
		return verb_usage(&verb_passwd);
	}
	wrong = ask(password);
	if (wrong == NULL)
		wrong = auth_password_file_set(argv[optind], argv[optind + 1], password);
	explicit_bzero(password, sizeof password);
	if (wrong != NULL) {
		fprintf(stderr, "hopgate: %s\n", wrong);
		return STATUS_FAILURE;
	}
	return STATUS_GOOD;
}

const struct verb verb_passwd = {"passwd", "set a password in a password file", help, start};
