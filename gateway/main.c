/* SPDX-License-Identifier: ISC */
/* The command line. */
#include "config.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("hopgate " PACKAGE_VERSION);
		return 0;
	}
	fputs("usage: hopgate --version\n", stderr);
	return 2;
}
