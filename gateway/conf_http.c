/* SPDX-License-Identifier: ISC */
/* What a configuration says about HTTP: `http { … }` in a listener, and where CONNECT may lead. */
#include "config.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "gateway/conf_read.h"
#include "gateway/http_text.h"
#include "gateway/value.h"

#define HEAD_MIN 1024
#define HEAD_MAX (1u << 20)
#define PSEUDONYM_MAX 255

/* Words for on and off, elsewhere: as a name in Via they would do what nobody meant. */
static bool reads_like_a_switch(const struct word *word)
{
	static const char *const words[] = {"on", "off", "yes", "no", "true", "false", "none"};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!word->quoted && strcasecmp(word->text, words[i]) == 0)
			return true;
	return false;
}

/* RFC 9110, 7.6.3: a pseudonym is a token. */
static const char *value_pseudonym(const struct word *word)
{
	const struct span name = {word->text, strlen(word->text)};

	if (reads_like_a_switch(word))
		return "is not a switch, expected on or off, or a name in quotes";
	if (!span_is_token(name))
		return "is not a name for Via, expected on, off or a token: letters, digits and "
		       "!#$%&'*+-.^_`|~";
	if (name.length > PSEUDONYM_MAX)
		return "is too long a name for Via, expected at most 255 characters";
	return NULL;
}

static void read_via(struct reader *r, const struct directive *d, void *object)
{
	struct http_settings *http = object;
	const char *wrong;

	http->via = !value_is(&d->words[1], "off");
	if (!http->via || value_is(&d->words[1], "on"))
		return;
	wrong = value_pseudonym(&d->words[1]);
	if (wrong != NULL)
		conf_error(r, d, 1, "'%s' %s", d->words[1].text, wrong);
	else
		http->pseudonym = d->words[1].text;
}

static void read_connect_ports(struct reader *r, const struct directive *d, void *object)
{
	struct http_settings *http = object;

	for (size_t i = 1; i < d->count; i++) {
		struct ports ports = {0, UINT16_MAX};
		const char *wrong = NULL;

		if (!value_is(&d->words[i], "all"))
			wrong = ports_parse(&ports, d->words[i].text);
		if (wrong != NULL) {
			conf_error(r, d, i, "'%s': %s", d->words[i].text, wrong);
			continue;
		}
		http->connect_ports = arena_push(r->parser->arena, http->connect_ports,
		    &http->connect_port_count, sizeof *http->connect_ports);
		http->connect_ports[http->connect_port_count - 1] = ports;
	}
}

static const char *value_head(const struct word *word, void *field)
{
	size_t size;
	const char *wrong = value_size(word, &size);

	if (wrong == NULL && (size < HEAD_MIN || size > HEAD_MAX))
		wrong = "is not a size for a head, expected 1k to 1m";
	if (wrong == NULL)
		*(size_t *)field = size;
	return wrong;
}

static const char *const forwarded[] = {[HTTP_FORWARDED_OFF] = "off",
    [HTTP_FORWARDED_APPEND] = "append",
    [HTTP_FORWARDED_STRIP] = "strip",
    NULL};

const struct rule conf_http_rules[] = {{.name = "via",
                                           .usage = "on | off | NAME",
                                           .min = 1,
                                           .max = 1,
                                           .read = read_via,
                                           .standard = "on"},
    {.name = "forwarded",
        .usage = "off | append | strip",
        .min = 1,
        .max = 1,
        .choices = forwarded,
        .offset = offsetof(struct http_settings, forwarded),
        .standard = "off"},
    {.name = "connect-ports",
        .usage = "all | PORT | FIRST-LAST …",
        .min = 1,
        .max = RULE_MANY,
        .read = read_connect_ports,
        .standard = "all"},
    {.name = "max-head",
        .usage = "SIZE",
        .min = 1,
        .max = 1,
        .value = value_head,
        .offset = offsetof(struct http_settings, max_head),
        .standard = "16k"},
    {.name = "log-query",
        .usage = "on | off",
        .min = 1,
        .max = 1,
        .value = value_switch,
        .offset = offsetof(struct http_settings, log_query),
        .standard = "off"},
    {0}};

bool listener_connects(const struct listener *listener, uint16_t port)
{
	const struct http_settings *http = &listener->http;

	for (size_t i = 0; i < http->connect_port_count; i++)
		if (ports_contain(&http->connect_ports[i], port))
			return true;
	return false;
}
