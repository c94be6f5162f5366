/* SPDX-License-Identifier: ISC */
/* What would happen to a request, and why. */
#include "config.h"

#include "gateway/explain.h"

#include <stdlib.h>
#include <string.h>

struct explanation {
	const struct conf *conf;
	const struct question *question;
	const struct listener *listener;
	struct member member;
	struct query query;
	enum plan_result result;
	struct plan plan;
	FILE *out;
	size_t candidates;
};

/* --- why -------------------------------------------------------------------------------------- */

static void say_request(const struct explanation *e)
{
	char target[TARGET_TEXT], from[ADDRESS_TEXT];
	const struct question *q = e->question;

	fprintf(e->out, "request     %s %s by %s, listener %s, from %s", command_name(q->command),
	    target_format(&q->target, target), protocol_name(q->protocol), e->listener->name,
	    q->from_unix ? "unix" : address_format(&q->from, from));
	if (q->user != NULL)
		fprintf(e->out, ", user %s", q->user);
	for (size_t i = 0; i < q->proven_count; i++)
		fprintf(e->out, " @%s", q->proven[i]);
	fputc('\n', e->out);
}

static void say_verdict(
    const struct explanation *e, const char *what, const struct access_verdict *verdict)
{
	fprintf(e->out, "access      %s%s: ", what, verdict->pass ? "pass" : "block");
	if (verdict->place.line > 0)
		fprintf(
		    e->out, "%s:%u: %s\n", verdict->place.file, verdict->place.line, verdict->row);
	else
		fputs(e->conf->access != NULL ? "the end of the block\n" : "no access block\n",
		    e->out);
}

static void say_access(const struct explanation *e)
{
	struct access_verdict verdict;

	access_judge(e->conf->access, &e->query, NULL, &verdict);
	say_verdict(e, "", &verdict);
	for (size_t i = 0; e->conf->access != NULL && i < e->question->address_count; i++) {
		char text[ADDRESS_TEXT + 2];

		access_judge(e->conf->access, &e->query, &e->question->addresses[i], &verdict);
		address_format(&e->question->addresses[i], text);
		fprintf(e->out, "            %s: ", text);
		fprintf(e->out, "%s\n", verdict.pass ? "pass" : "block");
	}
}

static void say_candidate(void *arg, const char *row, struct place place,
    const struct in6_addr *address, const char *lost)
{
	struct explanation *e = arg;
	char text[ADDRESS_TEXT];

	fprintf(e->out, "%-11s %s:%u: %s", e->candidates++ == 0 ? "candidates" : "", place.file,
	    place.line, row);
	if (address != NULL)
		fprintf(e->out, " [for %s]", address_format(address, text));
	if (lost != NULL)
		fprintf(e->out, "\n            lost: %s\n", lost);
	else
		fputs("\n            wins\n", e->out);
}

static void say_candidates(struct explanation *e)
{
	const struct routes_trace trace = {say_candidate, e};
	struct query query = e->query;
	struct route route;

	if (e->listener->routes == NULL) {
		fputs("routes      none in this configuration: everything goes directly\n", e->out);
		return;
	}
	if (e->result == PLAN_ROUTE_NEEDS_ADDRESSES) {
		fputs("undecided   rows with addresses could hold: give --resolves ADDRESS,… or "
		      "--resolve;\n            if the name has no address:\n",
		    e->out);
		query.resolved = true;
	}
	/* What access refuses by its name is not looked up. */
	if (e->result == PLAN_REFUSED)
		query.resolved = true;
	routes_find(e->listener->routes, &query, &route, NULL, &trace);
	if (e->candidates == 0)
		fputs("candidates  none: what no row matches is rejected\n", e->out);
}

static void say_refusal(const struct explanation *e)
{
	const struct plan *plan = &e->plan;

	fprintf(e->out, "refused     %s", reason_row(plan->reason)->text);
	if (plan->reason == REASON_OWN_DOOR)
		fputs(", unless a row with an address or a prefix opens them", e->out);
	else if (plan->reason == REASON_DENIED && question_port_denied(e->question, e->listener))
		fprintf(e->out, ": 'connect-ports' of the listener leave out %u",
		    e->question->target.port);
	else if (plan->rule.line > 0)
		fprintf(e->out, ", by the row at %s:%u", plan->rule.file, plan->rule.line);
	if (plan->text != NULL)
		fprintf(e->out, ": \"%s\"", plan->text);
	fputc('\n', e->out);
}

/* --- where to --------------------------------------------------------------------------------- */

static const char *const families[] = {[FAMILY_ANY] = "",
    [FAMILY_IPV4] = ", IPv4 only",
    [FAMILY_IPV6] = ", IPv6 only",
    [FAMILY_PREFER_IPV4] = ", IPv4 first",
    [FAMILY_PREFER_IPV6] = ", IPv6 first"};

static void say_source(const struct explanation *e, const struct source *source)
{
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT];

	switch (source->kind) {
	case SOURCE_ADDRESS:
		fprintf(e->out, ", source %s", address_format(&source->first, first));
		break;
	case SOURCE_RANGE:
		fprintf(e->out, ", source %s-%s", address_format(&source->first, first),
		    address_format(&source->last, last));
		break;
	case SOURCE_INTERFACE:
		fprintf(e->out, ", source %%%s", source->interface);
		break;
	case SOURCE_LISTENER:
		fputs(", source listener", e->out);
		break;
	}
}

static void say_hop(const struct explanation *e, size_t index)
{
	const struct hop *hop = e->plan.route.hops[index];
	char uri[1024];

	hop_uri_text(hop, uri, sizeof uri);
	fprintf(e->out, "%-11s %zu. %s", index == 0 ? "hops" : "", index + 1, hop->name);
	if (strchr(hop->name, ':') == NULL)
		fprintf(e->out, " %s", uri);
	if (hop->password != NULL)
		fputs(", with a password", e->out);
	fputs(families[hop->family], e->out);
	for (size_t i = 0; i < hop->source_count; i++)
		say_source(e, &hop->sources[i]);
	if (hop->interface != NULL)
		fprintf(e->out, ", interface %s", hop->interface);
	if (hop->mark != 0)
		fprintf(e->out, ", mark %u", hop->mark);
	if (index == 0 && hop->host.named && hop->protocol != HOP_DIRECT && hop->unix_path == NULL)
		fputs(", its name is resolved here", e->out);
	else if (index > 0 && hop->host.named)
		fprintf(
		    e->out, ", its name is resolved by %s", e->plan.route.hops[index - 1]->name);
	fputc('\n', e->out);
}

static void say_name(const struct explanation *e)
{
	const struct route *route = &e->plan.route;
	const char *name = e->question->target.host.name;

	if (!e->question->target.host.named)
		fputs("name        none: an address needs no look-up\n", e->out);
	else if (e->plan.by_name)
		fprintf(e->out, "name        %s is resolved by %s%s\n", name,
		    route->hops[route->hop_count - 1]->name,
		    e->question->resolved ? ", and here for the rows with addresses" : "");
	else
		fprintf(e->out, "name        %s is resolved here, by %s\n", name,
		    e->conf->resolver.servers);
}

static void say_addresses(const struct explanation *e)
{
	char text[ADDRESS_TEXT];

	if (e->plan.by_name)
		return;
	if (e->result == PLAN_DIAL_NEEDS_ADDRESSES) {
		fputs("addresses   not known, and not judged: give --resolves or --resolve\n",
		    e->out);
		return;
	}
	fputs("addresses  ", e->out);
	for (size_t i = 0; i < e->plan.address_count; i++)
		fprintf(e->out, " %s", address_format(&e->plan.addresses[i], text));
	fputc('\n', e->out);
}

static void say_way(const struct explanation *e)
{
	if (e->result == PLAN_REFUSED)
		say_refusal(e);
	if (e->result == PLAN_REFUSED || e->result == PLAN_ROUTE_NEEDS_ADDRESSES)
		return;
	for (size_t i = 0; e->plan.route.next == NEXT_VIA && i < e->plan.route.hop_count; i++)
		say_hop(e, i);
	say_name(e);
	say_addresses(e);
}

enum plan_result explain(const struct conf *conf, const struct question *question, FILE *out)
{
	struct explanation e = {.conf = conf,
	    .question = question,
	    .listener = question_listener(question, conf),
	    .out = out};
	char *decision;

	e.query = question_query(question, conf, &e.member);
	e.result = question_ask(question, conf, &e.plan);
	decision = question_decision(e.result, &e.plan);
	fprintf(out, "%s\n", decision != NULL ? decision : "out of memory");
	free(decision);
	say_request(&e);
	say_access(&e);
	say_candidates(&e);
	say_way(&e);
	return e.result;
}
