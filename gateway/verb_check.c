/* SPDX-License-Identifier: ISC */
/* hopgate check: is the configuration good? */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "gateway/verb.h"
#include "gateway/conf.h"

static const char help[] =
    "usage: hopgate check [-c FILE] [--strict] [--dump]\n"
    "Read the configuration, check it, and see whether what it expects comes true.  Binds\n"
    "nothing.\n\n"
    "  -c, --config FILE   the configuration (default: as for hopgate run)\n"
    "  --strict            warnings count as errors\n"
    "  --dump              print the effective configuration, which can be read again\n\n"
    "Exit status: 0 good, 1 not.\n";

enum { OPTION_STRICT = 256, OPTION_DUMP };

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
    {"strict", no_argument, NULL, OPTION_STRICT}, {"dump", no_argument, NULL, OPTION_DUMP},
    {"help", no_argument, NULL, 'h'}, {0}};

static size_t count_routes(const struct conf *conf)
{
	size_t count = 0;

	for (size_t i = 0; i < conf->table_count; i++)
		count += routes_count(conf->tables[i]);
	return count;
}

static int check(const struct conf_options *asked, bool dump)
{
	struct conf *conf = conf_load(asked);

	if (conf == NULL)
		return STATUS_CONFIGURATION;
	if (dump)
		conf_dump(conf, stdout);
	else
		printf("%s: good, listeners %zu, routes %zu\n",
		    conf->path != NULL ? conf->path : "the built-in configuration",
		    conf->listener_count, count_routes(conf));
	conf_free(conf);
	return STATUS_GOOD;
}

static int start(int argc, char **argv)
{
	struct conf_options asked = {.messages = stderr, .notes = true};
	bool dump = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:th", options, NULL)) != -1)
		switch (option) {
		case 'c':
			asked.path = optarg;
			break;
		case 't': /* hopgate -t */
			break;
		case 'h':
			return verb_help(&verb_check);
		case OPTION_STRICT:
			asked.strict = true;
			break;
		case OPTION_DUMP:
			dump = true;
			break;
		default:
			return verb_usage(&verb_check);
		}
	if (optind < argc) {
		fprintf(stderr, "hopgate: unexpected word '%s'\n", argv[optind]);
		return verb_usage(&verb_check);
	}
	return check(&asked, dump);
}

const struct verb verb_check = {
    "check", "check the configuration, and what it expects", help, start};
