/* SPDX-License-Identifier: ISC */
/* A sum over all that two processes call by number (FNV-1a). */
#include "config.h"

#include "gateway/shape.h"

#include <string.h>

static void add(uint64_t *sum, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < length; i++)
		*sum = (*sum ^ byte[i]) * UINT64_C(1099511628211);
}

/* With its end, so that what follows cannot be taken for a part of it. */
static void add_text(uint64_t *sum, const char *text)
{
	if (text != NULL)
		add(sum, text, strlen(text));
	add(sum, "", 1);
}

static void add_number(uint64_t *sum, size_t number)
{
	add(sum, &number, sizeof(number));
}

uint64_t shape_of(const struct conf *conf)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	add_number(&sum, conf->workers);
	add_number(&sum, conf->listener_count);
	for (size_t i = 0; i < conf->listener_count; i++) {
		const struct listener *l = &conf->listeners[i];

		add_text(&sum, l->name);
		add_number(&sum, l->address_count);
		for (size_t j = 0; j < l->address_count; j++)
			add_text(&sum, l->addresses[j].text);
	}
	add_number(&sum, conf->auth_count);
	for (size_t i = 0; i < conf->auth_count; i++) {
		add_text(&sum, conf->auths[i].name);
		add_number(&sum, conf->auths[i].kind);
		add_text(&sum, conf->auths[i].path);
		add_text(&sum, conf->auths[i].service);
		add_number(&sum, conf->auths[i].checks);
		add_number(&sum, (size_t)conf->auths[i].cache_ms);
		for (const char *const *word = conf->auths[i].command;
		     word != NULL && *word != NULL; word++)
			add_text(&sum, *word);
	}
	add_number(&sum, conf->log_count);
	for (size_t i = 0; i < conf->log_count; i++) {
		add_number(&sum, conf->logs[i].kind);
		add_text(&sum, conf->logs[i].path);
	}
	add_number(&sum, conf->access_log);
	add_text(&sum, conf->access_path);
	add_text(&sum, conf->quota_path);
	return sum;
}
