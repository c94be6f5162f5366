/* SPDX-License-Identifier: ISC */
#ifndef RESOLVER_RESOLV_CONF_H
#define RESOLVER_RESOLV_CONF_H

#include <stddef.h>

/* The text of a resolv.conf, with the results of resolver_read_resolv_conf(). */
int resolver_resolv_conf_parse(
    const char *text, size_t length, char **servers, char ***search, unsigned *ndots);

#endif
