/* SPDX-License-Identifier: ISC */
/*
 * Random tables and questions, decided a second time by a model that looks at every row.
 */
#include "config.h"

#include <stdlib.h>

#include "tests/unit/asks.h"
#include "tests/unit/model.h"

#define TABLES 150
#define QUESTIONS 300
#define ADDRESSES 4

static uint64_t seed = 20240229;

static unsigned below(unsigned limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed * UINT64_C(0x2545f4914f6cdd1d) >> 33) % limit);
}

static void random_name(char *out, unsigned labels)
{
	static const char *const tops[] = {"x", "y", "onion", "localhost"};

	out[0] = '\0';
	while (labels-- > 1)
		strcat(out, below(2) ? "a." : "b.");
	strcat(out, tops[below(COUNT(tops))]);
}

/* Few different ones, so that rows and questions meet. */
static void random_address(struct in6_addr *a)
{
	static const char *const forms[] = {"2001:db8::", "64:ff9b::", "2002::", "::"};
	uint8_t ipv4[4] = {
	    below(2) ? 10 : 11, (uint8_t)below(2), (uint8_t)(below(2) << 7), (uint8_t)below(3)};
	uint32_t value;

	memcpy(&value, ipv4, sizeof(value));
	*a = address_from_ipv4(value);
	if (below(2))
		return;
	size_t form = below(COUNT(forms));

	address_parse(a, forms[form], strlen(forms[form]));
	memcpy(&a->s6_addr[form == 2 ? 2 : 12], ipv4, 4);
}

static void random_prefix(struct model_row *row, char *out)
{
	struct in6_addr a;
	char text[ADDRESS_TEXT];

	random_address(&a);
	row->prefix4 = is_ipv4(&a);
	row->length = row->prefix4 ? below(33) : below(129);
	for (unsigned i = row->length + (row->prefix4 ? 96 : 0); i < 128; i++)
		a.s6_addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	memcpy(row->bits, a.s6_addr, 16);
	sprintf(out, "%s/%u", address_format(&a, text), row->length);
}

/* Make up a row and write it. */
static void random_row(struct model_row *row, char *out)
{
	static const char *const fixed[] = {[IPV4] = "ipv4", [IPV6] = "ipv6", [ANY] = "default"};
	static const char *const before[] = {[NAME] = "", [BELOW] = "*.", [ZONE] = "."};

	*row = (struct model_row){.dest = (enum dest)below(ANY + 1)};
	if (row->dest > PREFIX && below(4))
		row->dest = PREFIX;
	if (row->dest <= ZONE) {
		random_name(row->name, 1 + below(4));
		out += sprintf(out, "%s%s", before[row->dest], row->name);
	} else if (row->dest == PREFIX) {
		random_prefix(row, out);
		out += strlen(out);
	} else {
		out += sprintf(out, "%s", fixed[row->dest]);
	}
	row->condition = below(COUNT(conditions));
	row->no_resolve = is_address_row(row) && below(8) == 0;
	row->next = below(COUNT(nexts));
	sprintf(out, " %s %s %s", row->no_resolve ? "no-resolve" : "",
	    conditions[row->condition].text, nexts[row->next].text);
}

static struct table random_table(struct model *model, unsigned rows)
{
	struct table table = {.hops = rows_hops()};
	char text[256];
	size_t bad;

	/* What is not made up matches nothing. */
	for (size_t i = 0; i < ROWS; i++)
		model->rows[i] = (struct model_row){.dest = NAME, .name = "nothing"};
	model->order = (enum routes_order)below(3);
	model->resolve = below(8) != 0;
	table.routes = routes_new("random", table.hops);
	routes_set_order(table.routes, model->order);
	routes_set_resolve(table.routes, model->resolve);
	for (unsigned i = 0; i < rows; i++) {
		random_row(&model->rows[i], text);
		const char *error = rows_add(table.routes, text, i + 1, &bad);

		if (error)
			fail_msg("%s: word %zu: %s", text, bad, error);
	}
	assert_int_equal(routes_finish(table.routes), 0);
	return table;
}

struct question {
	struct host host;
	struct in6_addr addresses[ADDRESSES];
	struct query query;
};

static void random_question(struct question *q)
{
	static const uint16_t ports[] = {25, 80, 500};
	static const char *const users[] = {NULL, "alice", "bob"};
	char name[64];

	*q = (struct question){.query = {.host = &q->host, .addresses = q->addresses}};
	if (below(3)) {
		random_name(name, 1 + below(5));
		assert_null(host_parse(&q->host, name, strlen(name)));
		q->query.resolved = below(4) != 0;
		q->query.address_count = q->query.resolved ? below(ADDRESSES + 1) : 0;
		for (size_t i = 0; i < q->query.address_count; i++)
			random_address(&q->addresses[i]);
	} else {
		random_address(&q->host.address);
	}
	q->query.port = ports[below(COUNT(ports))];
	q->query.user = users[below(COUNT(users))];
	q->query.belongs = belongs;
	q->query.member = q->query.user && below(2) ? "staff" : NULL;
	q->query.command = below(2) ? COMMAND_UDP : COMMAND_CONNECT;
}

static void count_won(void *arg, const char *row, struct place place,
    const struct in6_addr *address, const char *lost)
{
	(void)row, (void)place, (void)address;
	*(unsigned *)arg += lost == NULL;
}

static void compare(const struct model *model, const struct table *table, unsigned number)
{
	struct question q;
	struct route route;
	bool expected[ADDRESSES] = {false}, allowed[ADDRESSES] = {false};
	unsigned won = 0;
	struct routes_trace trace = {.candidate = count_won, .arg = &won};
	enum routes_result result;
	char host[HOST_NAME_LENGTH + 1];
	int row, wanted;

	random_question(&q);
	wanted = decide(model, &q.query, expected);
	result = routes_find(table->routes, &q.query, &route, allowed, &trace);
	row = result == ROUTES_FOUND ? (int)route.place.line : result == ROUTES_NONE ? NONE : NEED;
	if (row != wanted || (row > 0) != (won > 0))
		fail_msg("table %u, %s: row %d, wanted %d, %u won", number,
		    host_format(&q.host, host), row, wanted, won);
	if (row != NEED)
		assert_memory_equal(allowed, expected, q.query.address_count * sizeof(bool));
}

static void the_model_agrees(void **state)
{
	struct model *model = malloc(sizeof(*model));

	(void)state;
	assert_non_null(model);
	for (unsigned i = 0; i < TABLES; i++) {
		struct table table = random_table(model, 1 + below(ROWS));

		for (unsigned j = 0; j < QUESTIONS; j++)
			compare(model, &table, i);
		asks_drop(table);
	}
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_model_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
