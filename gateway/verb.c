/* SPDX-License-Identifier: ISC */
/* What the commands have in common. */
#include "config.h"

#include "gateway/verb.h"

#include <stdio.h>

int verb_usage(const struct verb *verb)
{
	fprintf(stderr, "See hopgate %s --help.\n", verb->name);
	return STATUS_USAGE;
}

int verb_help(const struct verb *verb)
{
	fputs(verb->help, stdout);
	return STATUS_GOOD;
}
