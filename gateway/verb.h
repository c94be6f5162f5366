/* SPDX-License-Identifier: ISC */
#ifndef GATEWAY_VERB_H
#define GATEWAY_VERB_H

/*
 * The commands of the program.  Each is one file, which reads the options that stand at optind and
 * after it, and returns the exit status.
 */
enum { STATUS_GOOD, STATUS_CONFIGURATION, STATUS_USAGE, STATUS_FAILURE };

struct verb {
	const char *name;
	const char *summary; /* for the list of commands */
	const char *help;    /* what --help prints */
	int (*run)(int argc, char **argv);
};

extern const struct verb verb_run, verb_check, verb_explain, verb_passwd;

/* Wrong usage: a pointer to --help, after what getopt() or the caller has said. */
int verb_usage(const struct verb *verb);
int verb_help(const struct verb *verb);

#endif
