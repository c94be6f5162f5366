/* SPDX-License-Identifier: ISC */
/* hopgate run: serve, as the first process or as the one that it starts. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/verb.h"
#include "gateway/keeper.h"
#include "gateway/value.h"

static const char help[] =
    "usage: hopgate [run] [-c FILE] [-d] [-D] [--ready-fd N]\n"
    "       hopgate [run] [--listen ADDRESS]… [--via URI]… [--users FILE]… [--allow PREFIX]…\n"
    "                     [--auth none] [-d] [-D] [--ready-fd N]\n"
    "Serve, until SIGTERM or SIGINT.\n\n"
    "  -c, --config FILE   the configuration; without -c and without the options below it is\n"
    "                      " SYSCONFDIR "/hopgate/hopgate.conf\n"
    "                      if that exists, else SOCKS4, 4a, 5 and HTTP on port 1080 of the\n"
    "                      loopback, everything direct\n"
    "  -d, --debug         log debug\n"
    "  -D, --daemon        go to the background; a log to standard error goes to syslog\n"
    "  --ready-fd N        write the `listening on` lines to descriptor N, then close it\n\n"
    "Without a file (each option takes one word and may be repeated):\n"
    "  --listen ADDRESS    1080 (loopback), :1080 (every address), HOST:1080, unix:/PATH …\n"
    "  --via URI           the next hop, in travel order: socks5://HOST:1080 …\n"
    "  --users FILE        demand a password from this file (see hopgate passwd)\n"
    "  --allow PREFIX      serve these clients only\n"
    "  --auth none         nobody has to log in, and that is meant\n";

enum { OPTION_LISTEN = 256, OPTION_VIA, OPTION_USERS, OPTION_ALLOW, OPTION_AUTH, OPTION_READY };

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
    {"debug", no_argument, NULL, 'd'}, {"daemon", no_argument, NULL, 'D'},
    {"help", no_argument, NULL, 'h'}, {"listen", required_argument, NULL, OPTION_LISTEN},
    {"via", required_argument, NULL, OPTION_VIA}, {"users", required_argument, NULL, OPTION_USERS},
    {"allow", required_argument, NULL, OPTION_ALLOW},
    {"auth", required_argument, NULL, OPTION_AUTH},
    {"ready-fd", required_argument, NULL, OPTION_READY}, {0}};

struct run {
	struct conf_options conf;
	const char **lists[4]; /* listen, via, users, allow: room for all arguments and a NULL */
	size_t counts[4];
	int ready_fd;
	bool help, wrong;
};

static void add_word(struct run *run, int option, const char *word)
{
	int list = option - OPTION_LISTEN;

	run->lists[list][run->counts[list]++] = word;
}

static bool read_descriptor(const char *text, int *fd)
{
	unsigned long number;

	if (!value_number(text, 0, 65535, &number)) {
		fprintf(stderr, "hopgate: '%s' is not a descriptor\n", text);
		return false;
	}
	*fd = (int)number;
	return true;
}

static void read_option(struct run *run, int option)
{
	switch (option) {
	case 'c':
		run->conf.path = optarg;
		break;
	case 'd':
		run->conf.debug = true;
		break;
	case 'D':
		run->conf.daemon = true;
		break;
	case 'h':
		run->help = true;
		break;
	case OPTION_LISTEN:
	case OPTION_VIA:
	case OPTION_USERS:
	case OPTION_ALLOW:
		add_word(run, option, optarg);
		break;
	case OPTION_AUTH:
		run->conf.auth = optarg;
		break;
	case OPTION_READY:
		run->wrong |= !read_descriptor(optarg, &run->ready_fd);
		break;
	default:
		run->wrong = true;
	}
}

static void read_options(struct run *run, int argc, char **argv)
{
	const char *const **fields[] = {
	    &run->conf.listen, &run->conf.via, &run->conf.users, &run->conf.allow};
	bool one_liner = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:dDh", options, NULL)) != -1)
		read_option(run, option);
	for (size_t i = 0; i < 4; i++)
		if (run->counts[i] > 0) {
			*fields[i] = run->lists[i];
			one_liner = true;
		}
	one_liner |= run->conf.auth != NULL;
	if (optind < argc) {
		fprintf(stderr, "hopgate: unexpected word '%s'\n", argv[optind]);
		run->wrong = true;
	} else if (one_liner && run->conf.path != NULL) {
		fputs("hopgate: with a file, what --listen, --via, --users, --allow and --auth "
		      "say belongs into it\n",
		    stderr);
		run->wrong = true;
	}
}

/* The gateway process reads it again, which a pipe does not allow. */
static bool can_be_read_twice(const char *path)
{
	struct stat status;

	if (path == NULL || stat(path, &status) != 0 || S_ISREG(status.st_mode))
		return true;
	fprintf(
	    stderr, "hopgate: %s is no regular file, and a configuration is read twice\n", path);
	return false;
}

static int serve(struct run *run, char **argv)
{
	const char *channel = getenv("HOPGATE_CHANNEL");
	struct keeper_options keeper = {
	    .argv = argv, .daemon = run->conf.daemon, .ready_fd = run->ready_fd};
	struct conf *conf;
	int status, fd = -1;

	if (channel != NULL && !read_descriptor(channel, &fd))
		return STATUS_USAGE;
	if (!can_be_read_twice(run->conf.path))
		return STATUS_CONFIGURATION;
	run->conf.messages = stderr;
	run->conf.quiet = channel != NULL;
	conf = conf_load(&run->conf);
	if (conf == NULL)
		return STATUS_CONFIGURATION;
	keeper.conf = conf;
	if (channel == NULL)
		conf_forget_ways(conf);
	status = channel != NULL ? gateway_run(conf, fd) : keeper_run(&keeper);
	conf_free(conf);
	return status;
}

static int start(int argc, char **argv)
{
	struct run run = {.ready_fd = -1};
	int status = STATUS_FAILURE;

	for (size_t i = 0; i < 4; i++)
		if ((run.lists[i] = calloc((size_t)argc + 1, sizeof *run.lists[i])) == NULL)
			goto out;
	read_options(&run, argc, argv);
	if (run.wrong)
		status = verb_usage(&verb_run);
	else if (run.help)
		status = verb_help(&verb_run);
	else
		status = serve(&run, argv);
out:
	for (size_t i = 0; i < 4; i++)
		free(run.lists[i]);
	return status;
}

const struct verb verb_run = {"run", "serve (the default)", help, start};
