/* SPDX-License-Identifier: ISC */
/* hopgate explain: which way would a request go, and why? */
#include "config.h"

#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/verb.h"
#include "gateway/explain.h"

static const char help[] =
    "usage: hopgate explain [-c FILE] [--user USER] [--user @NAME] [--from ADDRESS]\n"
    "                       [--listener NAME] [--command COMMAND] [--protocol PROTOCOL]\n"
    "                       [--at DAY/TIME] [--resolves ADDRESS,… | --resolve] HOST:PORT\n"
    "Tell which way a request would go.  The first line is the decision: direct, reject,\n"
    "via HOP …, or `needs addresses`; then why.\n\n"
    "  -c, --config FILE    the configuration (default: as for hopgate run)\n"
    "  --user USER          who has logged in; @NAME: and by which `auth` (may be repeated)\n"
    "  --from ADDRESS       the client, or `unix` (default: 127.0.0.1)\n"
    "  --listener NAME      where it came to (default: the first)\n"
    "  --command COMMAND    connect, bind, udp, http (default: connect)\n"
    "  --protocol PROTOCOL  socks4, socks5, http (default: socks5)\n"
    "  --at DAY/TIME        as in mon/08:00 (default: now)\n"
    "  --resolves A,A       take these as the addresses of HOST; none: it has none\n"
    "  --resolve            ask the system's resolver for them\n\n"
    "Without --resolve the network is not touched: a row that depends on the addresses of a\n"
    "name is then undecided, and the exit status 3.\n";

enum { OPTION_CONDITION = 256, OPTION_RESOLVE, OPTION_LIVE };

static const struct option options[] = {{"config", required_argument, NULL, 'c'},
    {"user", required_argument, NULL, OPTION_CONDITION},
    {"from", required_argument, NULL, OPTION_CONDITION},
    {"listener", required_argument, NULL, OPTION_CONDITION},
    {"command", required_argument, NULL, OPTION_CONDITION},
    {"protocol", required_argument, NULL, OPTION_CONDITION},
    {"at", required_argument, NULL, OPTION_CONDITION},
    {"resolves", required_argument, NULL, OPTION_CONDITION},
    {"resolve", no_argument, NULL, OPTION_RESOLVE}, {"live", no_argument, NULL, OPTION_LIVE},
    {"help", no_argument, NULL, 'h'}, {0}};

struct asked {
	struct conf_options conf;
	struct question question;
	bool resolve, help, wrong;
};

static void set_now(struct question *question)
{
	time_t now = time(NULL);
	struct tm local;

	if (localtime_r(&now, &local) != NULL)
		question->minute =
		    (unsigned)(((local.tm_wday + 6) % 7 * 24 + local.tm_hour) * 60 + local.tm_min);
}

static void read_option(struct asked *asked, int option, const char *name)
{
	const char *wrong;

	switch (option) {
	case 'c':
		asked->conf.path = optarg;
		return;
	case 'h':
		asked->help = true;
		return;
	case OPTION_RESOLVE:
		asked->resolve = true;
		return;
	case OPTION_LIVE:
		fputs("hopgate: '--live' is not in this version of hopgate\n", stderr);
		asked->wrong = true;
		return;
	case OPTION_CONDITION:
		wrong = question_set(&asked->question, name, optarg);
		if (wrong == NULL)
			return;
		fprintf(stderr, "hopgate: --%s: '%s' %s\n", name, optarg, wrong);
	}
	asked->wrong = true;
}

static void read_options(struct asked *asked, int argc, char **argv)
{
	const char *wrong;
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "c:h", options, &index)) != -1)
		read_option(asked, option, options[index].name);
	if (asked->wrong || asked->help)
		return;
	if (optind != argc - 1) {
		fputs("hopgate: one HOST:PORT is expected\n", stderr);
		asked->wrong = true;
		return;
	}
	wrong = target_parse(&asked->question.target, argv[optind], strlen(argv[optind]));
	if (wrong != NULL) {
		fprintf(stderr, "hopgate: '%s': %s; expected HOST:PORT\n", argv[optind], wrong);
		asked->wrong = true;
	}
}

/* The addresses as this system finds them; false after a message. */
static bool resolve(struct question *question)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	int error = getaddrinfo(question->target.host.name, NULL, &hints, &list);

	question->resolved = true;
	if (error == EAI_NONAME)
		return true;
	if (error != 0) {
		fprintf(stderr, "hopgate: cannot resolve '%s': %s\n", question->target.host.name,
		    gai_strerror(error));
		return false;
	}
	for (const struct addrinfo *i = list;
	     i != NULL && question->address_count < RESOLVER_ADDRESSES_MAX; i = i->ai_next) {
		struct endpoint endpoint;

		if (endpoint_from_sockaddr(&endpoint, i->ai_addr))
			question->addresses[question->address_count++] = endpoint.address;
	}
	freeaddrinfo(list);
	return true;
}

static int answer(struct asked *asked)
{
	struct question *question = &asked->question;
	struct conf *conf = conf_load(&asked->conf);
	const char *wrong, *group;
	int status = STATUS_GOOD;

	if (conf == NULL)
		return STATUS_CONFIGURATION;
	if (question_listener(question, conf) == NULL) {
		fprintf(stderr, "hopgate: no listener is named '%s'\n", question->listener);
		status = STATUS_USAGE;
	} else if ((wrong = question_wrong_group(question, conf, &group)) != NULL) {
		fprintf(stderr, "hopgate: --user: '@%s' %s\n", group, wrong);
		status = STATUS_USAGE;
	} else if (asked->resolve && question->target.host.named && !question->resolved &&
	    !resolve(question)) {
		status = STATUS_FAILURE;
	} else if (explain(conf, question, stdout) == PLAN_ROUTE_NEEDS_ADDRESSES) {
		status = STATUS_FAILURE;
	}
	conf_free(conf);
	return status;
}

static int start(int argc, char **argv)
{
	struct asked asked = {.conf = {.messages = stderr, .quiet = true}};

	question_init(&asked.question);
	set_now(&asked.question);
	read_options(&asked, argc, argv);
	if (asked.wrong)
		return verb_usage(&verb_explain);
	if (asked.help)
		return verb_help(&verb_explain);
	return answer(&asked);
}

const struct verb verb_explain = {
    "explain", "tell which way a request would go, and why", help, start};
