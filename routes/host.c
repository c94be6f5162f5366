/* SPDX-License-Identifier: ISC */
/*
 * Canonical hosts.  What is refused here is refused everywhere: a second spelling that a resolver
 * or a hop would understand and the rules would not is a way round the rules.
 */
#include "config.h"

#include <string.h>

#include "routes/routes.h"

#define LABEL_LENGTH 63 /* RFC 1035, 2.3.4 */

/* What each byte of a host name becomes; 0: no name has it. */
static const unsigned char canonical[256] = {
    ['-'] = '-',
    ['.'] = '.',
    ['_'] = '_',
    ['0'] = '0',
    ['1'] = '1',
    ['2'] = '2',
    ['3'] = '3',
    ['4'] = '4',
    ['5'] = '5',
    ['6'] = '6',
    ['7'] = '7',
    ['8'] = '8',
    ['9'] = '9',
    ['a'] = 'a',
    ['b'] = 'b',
    ['c'] = 'c',
    ['d'] = 'd',
    ['e'] = 'e',
    ['f'] = 'f',
    ['g'] = 'g',
    ['h'] = 'h',
    ['i'] = 'i',
    ['j'] = 'j',
    ['k'] = 'k',
    ['l'] = 'l',
    ['m'] = 'm',
    ['n'] = 'n',
    ['o'] = 'o',
    ['p'] = 'p',
    ['q'] = 'q',
    ['r'] = 'r',
    ['s'] = 's',
    ['t'] = 't',
    ['u'] = 'u',
    ['v'] = 'v',
    ['w'] = 'w',
    ['x'] = 'x',
    ['y'] = 'y',
    ['z'] = 'z',
    ['A'] = 'a',
    ['B'] = 'b',
    ['C'] = 'c',
    ['D'] = 'd',
    ['E'] = 'e',
    ['F'] = 'f',
    ['G'] = 'g',
    ['H'] = 'h',
    ['I'] = 'i',
    ['J'] = 'j',
    ['K'] = 'k',
    ['L'] = 'l',
    ['M'] = 'm',
    ['N'] = 'n',
    ['O'] = 'o',
    ['P'] = 'p',
    ['Q'] = 'q',
    ['R'] = 'r',
    ['S'] = 's',
    ['T'] = 't',
    ['U'] = 'u',
    ['V'] = 'v',
    ['W'] = 'w',
    ['X'] = 'x',
    ['Y'] = 'y',
    ['Z'] = 'z',
};

static const char *refused_byte(unsigned char byte)
{
	if (byte == '\0')
		return "a host name cannot hold a NUL byte";
	if (byte >= 0x80)
		return "not ASCII: write the xn-- form";
	if (byte < ' ' || byte == 0x7f)
		return "a host name cannot hold control bytes";
	return "a host name has letters, digits, `-`, `_` and dots only";
}

/* Copy in lower case and look at each label's length. */
static const char *copy_labels(char *out, const char *text, size_t length)
{
	size_t label = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char byte = canonical[(unsigned char)text[i]];

		if (byte == 0)
			return refused_byte((unsigned char)text[i]);
		if (byte == '.' && label == 0)
			return "a label of the name is empty";
		label = byte == '.' ? 0 : label + 1;
		if (label > LABEL_LENGTH)
			return "a label is longer than 63 bytes";
		out[i] = (char)byte;
	}
	out[length] = '\0';
	return label == 0 ? "a label of the name is empty" : NULL;
}

/* 1, 0177, 0x7f: inet_aton() would take the whole name for an IPv4 address. */
static bool is_number(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
	return label[strspn(label, "0123456789")] == '\0';
}

static const char *parse_name(struct host *host, const char *text, size_t length)
{
	const char *error, *dot;

	if (length > 0 && text[length - 1] == '.')
		length--;
	if (length == 0)
		return "the host name is empty";
	if (length > HOST_NAME_LENGTH)
		return "a host name has at most 253 bytes";
	error = copy_labels(host->name, text, length);
	if (error)
		return error;
	dot = strrchr(host->name, '.');
	if (is_number(dot ? dot + 1 : host->name))
		return "an IPv4 address is written as four decimal numbers: 192.0.2.1";
	host->named = true;
	return NULL;
}

static const char *parse_ipv6(struct host *host, const char *text, size_t length)
{
	if (text[0] == '[') {
		if (length < 2 || text[length - 1] != ']')
			return "the `]` after the IPv6 address is missing";
		text++;
		length -= 2;
	}
	if (memchr(text, '%', length))
		return "an IPv6 zone cannot be used here";
	if (!memchr(text, ':', length) || !address_parse(&host->address, text, length))
		return "not an IPv6 address";
	return NULL;
}

const char *host_parse(struct host *host, const char *text, size_t length)
{
	*host = (struct host){.named = false};
	if (length > 0 && (text[0] == '[' || memchr(text, ':', length)))
		return parse_ipv6(host, text, length);
	if (length > 0 && text[0] <= '9' && address_parse(&host->address, text, length))
		return NULL;
	return parse_name(host, text, length);
}

void host_from_address(struct host *host, const struct in6_addr *address)
{
	*host = (struct host){.address = *address};
}

bool host_equal(const struct host *a, const struct host *b)
{
	if (a->named != b->named)
		return false;
	if (a->named)
		return strcmp(a->name, b->name) == 0;
	return memcmp(&a->address, &b->address, sizeof(a->address)) == 0;
}

char *host_format(const struct host *host, char out[HOST_NAME_LENGTH + 1])
{
	if (host->named)
		memcpy(out, host->name, strlen(host->name) + 1);
	else
		address_format(&host->address, out);
	return out;
}
