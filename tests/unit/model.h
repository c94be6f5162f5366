/* SPDX-License-Identifier: ISC */
#ifndef TESTS_UNIT_MODEL_H
#define TESTS_UNIT_MODEL_H

/*
 * The routing table as a model: every row is looked at, and nothing of routes/ but the types is
 * used.  Include asks.h first.
 */
#define ROWS 300

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum dest { NAME, BELOW, ZONE, PREFIX, IPV4, IPV6, ANY };

struct model_row {
	enum dest dest;
	char name[64];
	uint8_t bits[16]; /* PREFIX, IPv4 in the last four bytes */
	bool prefix4;
	unsigned length;
	unsigned condition;
	bool no_resolve;
	unsigned next;
};

struct model {
	struct model_row rows[ROWS];
	enum routes_order order;
	bool resolve;
};

static const struct {
	const char *text;
	bool rejects, named_hop, through;
} nexts[] = {
    {"direct", false, false, false},
    {"reject", true, false, false},
    {"reject \"no\"", true, false, false},
    {"via office", false, true, true},
    {"via office local", false, false, true},
    {"via wan2", false, false, false},
    {"via wan2 dmz", false, true, true},
};

static inline bool always(const struct query *query)
{
	return query != NULL;
}

static inline bool is_mail(const struct query *query)
{
	return query->port == 25 || (query->port >= 465 && query->port <= 587);
}

static inline bool is_not_mail(const struct query *query)
{
	return !is_mail(query);
}

static inline bool is_alice(const struct query *query)
{
	return query->user && strcmp(query->user, "alice") == 0;
}

static inline bool is_nobody(const struct query *query)
{
	return !query->user;
}

static inline bool is_staff_on_mail(const struct query *query)
{
	return query->belongs(query->member, "staff") && is_mail(query);
}

static inline bool is_udp(const struct query *query)
{
	return query->command == COMMAND_UDP;
}

static const struct {
	const char *text;
	bool (*holds)(const struct query *query);
} conditions[] = {
    {"", always},
    {"", always},
    {"", always},
    {"ports 25 465-587", is_mail},
    {"not ports 25 465-587", is_not_mail},
    {"user alice", is_alice},
    {"user -", is_nobody},
    {"user @staff ports 25 465-587", is_staff_on_mail},
    {"command udp", is_udp},
};

static inline bool is_ipv4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

/* The four bytes of an IPv4 address inside of an IPv6 one; NULL if there is none. */
static inline const uint8_t *inside(const struct in6_addr *a)
{
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b}, none[12];
	const uint8_t *b = a->s6_addr;

	if (b[0] == 0x20 && b[1] == 0x02)
		return b + 2;
	if (memcmp(b, nat64, 12) == 0)
		return b + 12;
	if (memcmp(b, none, 12) == 0 && !(b[12] == 0 && b[13] == 0 && b[14] == 0 && b[15] < 2))
		return b + 12;
	return NULL;
}

static inline bool same_bits(const uint8_t *a, const uint8_t *b, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* 0: no match, 1: as the IPv4 address inside, 2: as it is */
static inline int matches_address(const struct model_row *row, const struct in6_addr *a)
{
	const uint8_t *ipv4 = is_ipv4(a) ? &a->s6_addr[12] : inside(a);
	int as = is_ipv4(a) ? 2 : 1;

	switch (row->dest) {
	case PREFIX:
		if (!row->prefix4)
			return !is_ipv4(a) && same_bits(row->bits, a->s6_addr, row->length) ? 2 : 0;
		return ipv4 && same_bits(&row->bits[12], ipv4, row->length) ? as : 0;
	case IPV4:
		return ipv4 ? as : 0;
	case IPV6:
		return is_ipv4(a) ? 0 : 2;
	case ANY:
		return 2;
	default:
		return 0;
	}
}

static inline bool matches_name(const struct model_row *row, const char *name)
{
	size_t length = strlen(name), end = strlen(row->name);
	bool same = strcmp(name, row->name) == 0;
	bool deeper = length > end && name[length - end - 1] == '.' &&
	    strcmp(name + length - end, row->name) == 0;

	switch (row->dest) {
	case NAME:
		return same;
	case BELOW:
		return deeper;
	case ZONE:
		return same || deeper;
	case ANY:
		return true;
	default:
		return false;
	}
}

static inline bool is_address_row(const struct model_row *row)
{
	return row->dest == PREFIX || row->dest == IPV4 || row->dest == IPV6;
}

/* Greater is more specific. */
static inline unsigned specific(const struct model_row *row)
{
	unsigned labels = 1;

	for (const char *c = row->name; *c; c++)
		labels += *c == '.';
	switch (row->dest) {
	case NAME:
		return 1000000;
	case BELOW:
		return 1000 + labels * 2 + 1;
	case ZONE:
		return 1000 + labels * 2;
	case PREFIX:
		return 2 + row->length + (row->prefix4 ? 96 : 0);
	case IPV4:
	case IPV6:
		return 1;
	default:
		return 0;
	}
}

/* Less is better. */
static inline unsigned long key(const struct model *model, int row, bool named)
{
	switch (model->order) {
	case ORDER_FIRST:
		return (unsigned long)row;
	case ORDER_NAMES_FIRST:
		return (unsigned long)row + (named && is_address_row(&model->rows[row]) ? ROWS : 0);
	default:
		return 10000000 - specific(&model->rows[row]);
	}
}

static inline bool ends_in(const char *name, const char *end)
{
	size_t a = strlen(name), b = strlen(end);

	return a >= b && strcmp(name + a - b, end) == 0;
}

static inline bool is_localhost(const char *name)
{
	return strcmp(name, "localhost") == 0 || ends_in(name, ".localhost");
}

static inline bool holds(const struct model_row *row, const struct query *query)
{
	const struct host *host = query->host;

	if (!conditions[row->condition].holds(query))
		return false;
	if (host->named && row->no_resolve)
		return false;
	return !host->named || row->dest <= ZONE || !nexts[row->next].through ||
	    !is_localhost(host->name);
}

/* The best row for an address (NULL: for the name); -1: none. */
static inline int best(
    const struct model *model, const struct query *query, const struct in6_addr *address)
{
	bool named = query->host->named;
	int found = -1, found_as = 0;

	for (int i = 0; i < ROWS; i++) {
		const struct model_row *row = &model->rows[i];
		int as = named && !address ? 2 * matches_name(row, query->host->name)
		                           : matches_address(row, address);

		if (as == 0 || (named && address && row->dest == ANY) || !holds(row, query))
			continue;
		if (found >= 0) {
			unsigned long a = key(model, i, named), b = key(model, found, named);

			if (a > b || (a == b && as <= found_as))
				continue;
		}
		found = i;
		found_as = as;
	}
	return found;
}

static inline bool must_look_up(const struct model *model, const struct query *query, int base)
{
	if (!model->resolve || ends_in(query->host->name, ".onion"))
		return false;
	for (int i = 0; i < ROWS; i++) {
		const struct model_row *row = &model->rows[i];

		if (is_address_row(row) && !row->no_resolve &&
		    conditions[row->condition].holds(query) &&
		    (base < 0 || key(model, i, true) < key(model, base, true)))
			return true;
	}
	return false;
}

/* Of base and what the address has of its own. */
static inline int of_address(
    const struct model *model, const struct query *query, const struct in6_addr *address, int base)
{
	int row = best(model, query, address);

	if (row < 0 || base < 0)
		return row < 0 ? base : row;
	return key(model, row, true) < key(model, base, true) ? row : base;
}

static inline int together(
    const struct model *model, const struct query *query, int base, bool *allowed)
{
	int good = -1, bad = -1;
	bool rejected = false;

	for (size_t i = 0; i < query->address_count; i++) {
		int row = of_address(model, query, &query->addresses[i], base), *to;

		rejected = rejected || row < 0 || nexts[model->rows[row].next].rejects;
		if (row < 0)
			continue;
		to = nexts[model->rows[row].next].rejects ? &bad : &good;
		if (*to < 0 || key(model, row, true) < key(model, *to, true))
			*to = row;
	}
	if (good < 0 || (rejected && nexts[model->rows[good].next].named_hop))
		good = bad;
	for (size_t i = 0; i < query->address_count; i++)
		allowed[i] =
		    good >= 0 && of_address(model, query, &query->addresses[i], base) == good;
	return good;
}

/* The row's number from 1, NONE or NEED. */
static inline int decide(const struct model *model, const struct query *query, bool *allowed)
{
	int base;

	if (!query->host->named)
		return best(model, query, &query->host->address) + 1;
	base = best(model, query, NULL);
	for (size_t i = 0; i < query->address_count; i++)
		allowed[i] = base >= 0;
	if (!must_look_up(model, query, base))
		return base + 1;
	if (!query->resolved)
		return NEED;
	return (query->address_count > 0 ? together(model, query, base, allowed) : base) + 1;
}

#endif
