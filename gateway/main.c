/* SPDX-License-Identifier: ISC */
/* The command line: which command it is, help and versions. */
#include "config.h"

#include <crypt.h>
#include <event2/event.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "gateway/verb.h"
#include "resolver/resolver.h"

static const struct verb *const verbs[] = {&verb_run, &verb_check, &verb_explain, &verb_passwd};

static const char *const later[] = {"status", "sessions", "kill", "reload", "drain", "stop"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int print_version(void)
{
	printf("hopgate " PACKAGE_VERSION "\n");
	printf("libevent %s\n", event_get_version());
	printf("%s\n", OpenSSL_version(OPENSSL_VERSION));
	printf("c-ares %s\n", resolver_library_version());
	printf("libcrypt " XCRYPT_VERSION_STR "\n");
	return STATUS_GOOD;
}

static void print_usage(FILE *out)
{
	fputs(
	    "usage: hopgate [COMMAND] [OPTION]…\n"
	    "A gateway for SOCKS4, SOCKS4a, SOCKS5 and HTTP that chains through other proxies.\n\n",
	    out);
	for (size_t i = 0; i < COUNT(verbs); i++)
		fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\nhopgate -t is hopgate check.  hopgate COMMAND --help tells more.\n"
	      "hopgate --version names the versions of the libraries too.\n"
	      "Exit status: 0 good, 1 wrong configuration, 2 wrong usage, 3 failure.\n",
	    out);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static int unknown_command(const char *name)
{
	for (size_t i = 0; i < COUNT(later); i++)
		if (strcmp(later[i], name) == 0) {
			fprintf(stderr, "hopgate: '%s' is not in this version of hopgate\n", name);
			return STATUS_USAGE;
		}
	fprintf(stderr, "hopgate: unknown command '%s'\n", name);
	print_usage(stderr);
	return STATUS_USAGE;
}

static bool has_word(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const struct verb *verb = &verb_run;

	if (argc > 1 && argv[1][0] != '-') {
		verb = find_verb(argv[1]);
		if (verb == NULL)
			return unknown_command(argv[1]);
		optind = 2;
		return verb->run(argc, argv);
	}
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0))
		return print_version();
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		print_usage(stdout);
		return STATUS_GOOD;
	}
	if (has_word(argc, argv, "-t"))
		verb = &verb_check;
	return verb->run(argc, argv);
}
