/* SPDX-License-Identifier: ISC */
/* Ports, and ranges of them. */
#include "config.h"

#include "routes/routes.h"

/* Step over 0..65535 in plain decimal. */
static bool read_port(const char **at, uint16_t *port)
{
	const char *start = *at;
	unsigned long number = 0;

	for (; **at >= '0' && **at <= '9' && *at - start < 5; (*at)++)
		number = number * 10 + (unsigned long)(**at - '0');
	*port = (uint16_t)number;
	return *at > start && number <= UINT16_MAX;
}

const char *ports_parse(struct ports *ports, const char *text)
{
	static const char wrong[] = "expected a port or a range such as 465-587";

	if (!read_port(&text, &ports->first))
		return wrong;
	ports->last = ports->first;
	if (*text == '-') {
		text++;
		if (!read_port(&text, &ports->last))
			return wrong;
	}
	if (*text != '\0')
		return wrong;
	return ports->first > ports->last ? "the range of ports runs backwards" : NULL;
}

bool ports_contain(const struct ports *ports, uint16_t port)
{
	return port >= ports->first && port <= ports->last;
}
