/* SPDX-License-Identifier: ISC */
/* What a configuration expects of itself: `expect HOST:PORT [CONDITION …] DECISION`. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/conf_ways.h"
#include "gateway/question.h"
#include "gateway/value.h"

struct expectation {
	const struct directive *directive;
	size_t decision; /* the index of its first word */
	struct question question;
	enum next next;
	const struct hop *const *hops;
	size_t hop_count;
};

/* The conditions; the index of the first word behind them, or 0 after an error. */
static size_t read_conditions(
    struct reader *r, const struct directive *d, struct question *question)
{
	size_t i = 2;

	while (i < d->count && !d->words[i].quoted && question_knows(d->words[i].text)) {
		const char *condition = d->words[i].text;
		bool user = strcmp(condition, "user") == 0;

		do {
			const char *wrong;

			if (++i == d->count) {
				conf_error(r, d, i, "'%s' needs a value", condition);
				return 0;
			}
			wrong = question_set(question, condition, d->words[i].text);
			if (wrong != NULL) {
				conf_error(r, d, i, "'%s' %s", d->words[i].text, wrong);
				return 0;
			}
		} while (user && i + 1 < d->count && d->words[i + 1].text[0] == '@');
		i++;
	}
	return i;
}

/* A group that nobody has, or that does not have the user, would never be met with. */
static bool check_groups(struct reader *r, const struct directive *d, const struct expectation *e)
{
	const char *group, *wrong = NULL;
	size_t i = 2;

	for (; i < e->decision; i++)
		if (d->words[i].text[0] == '@' && !conf_group(r, d->words[i].text + 1, d->at[i]))
			return false;
	wrong = question_wrong_group(&e->question, r->conf, &group);
	for (i = 2; wrong != NULL && i < e->decision; i++)
		if (d->words[i].text[0] == '@' && strcmp(d->words[i].text + 1, group) == 0) {
			conf_error(r, d, i, "'%s' %s", d->words[i].text, wrong);
			break;
		}
	return wrong == NULL;
}

static bool read_decision(struct reader *r, const struct directive *d, struct expectation *e)
{
	static const char *const decisions[] = {
	    [NEXT_DIRECT] = "direct", [NEXT_VIA] = "via", [NEXT_REJECT] = "reject", NULL};
	size_t first = e->decision + 1, bad = 0;
	int next;
	const char *wrong;

	if (e->decision >= d->count) {
		conf_error(
		    r, d, d->count, "a decision is missing, expected direct, via HOP … or reject");
		return false;
	}
	next = schema_choose(r->complaints, d, e->decision, decisions);
	if (next < 0)
		return false;
	e->next = (enum next)next;
	if (e->next != NEXT_VIA && first < d->count) {
		conf_error(r, d, first, "'%s' is one word too many", d->words[first].text);
		return false;
	}
	if (e->next != NEXT_VIA)
		return true;
	if (conf_is_broken(r, d->words, first, d->count))
		return false;
	wrong = hops_expand(r->conf->hops, conf_words(r, d, first), d->count - first, &e->hops,
	    &e->hop_count, &bad);
	if (wrong != NULL)
		conf_error(r, d, first + bad, "%s", wrong);
	return wrong == NULL;
}

void conf_read_expect(struct reader *r, const struct directive *d, void *object)
{
	struct expectation e = {.directive = d};
	const char *text = d->words[1].text, *wrong;

	(void)object;
	question_init(&e.question);
	wrong = target_parse(&e.question.target, text, strlen(text));
	if (wrong != NULL) {
		conf_error(r, d, 1, "'%s': %s; expected HOST:PORT", text, wrong);
		return;
	}
	e.decision = read_conditions(r, d, &e.question);
	if (e.decision == 0 || !check_groups(r, d, &e) || !read_decision(r, d, &e))
		return;
	if (question_listener(&e.question, r->conf) == NULL) {
		conf_error(r, d, 1, "no 'listen' is named '%s'", e.question.listener);
		return;
	}
	r->expectations = arena_push(
	    r->parser->arena, r->expectations, &r->expectation_count, sizeof *r->expectations);
	r->expectations[r->expectation_count - 1] = e;
}

static bool is_met(const struct expectation *e, enum plan_result result, const struct plan *plan)
{
	if (result == PLAN_REFUSED)
		return e->next == NEXT_REJECT;
	if (plan->route.next != e->next)
		return false;
	return e->next != NEXT_VIA ||
	    (e->hop_count == plan->route.hop_count &&
	        memcmp(e->hops, plan->route.hops, e->hop_count * sizeof *e->hops) == 0);
}

static void report(
    struct reader *r, const struct expectation *e, enum plan_result result, const struct plan *plan)
{
	char *decision = question_decision(result, plan);
	const struct directive *d = e->directive;

	if (result == PLAN_ROUTE_NEEDS_ADDRESSES)
		conf_error(r, d, 1,
		    "this depends on the addresses of the name, expected 'resolves ADDRESS,…'");
	else if (plan->rule.line > 0)
		conf_error(r, d, e->decision, "got '%s' instead, from the row at %s:%u",
		    decision != NULL ? decision : "", plan->rule.file, plan->rule.line);
	else
		conf_error(r, d, e->decision, "got '%s' instead: %s",
		    decision != NULL ? decision : "",
		    result == PLAN_REFUSED ? reason_row(plan->reason)->text
		                           : "there are no routes");
	free(decision);
}

void conf_run_expectations(struct reader *r)
{
	for (size_t i = 0; i < r->expectation_count; i++) {
		const struct expectation *e = &r->expectations[i];
		struct plan plan;
		enum plan_result result = question_ask(&e->question, r->conf, &plan);

		if (result == PLAN_ROUTE_NEEDS_ADDRESSES || !is_met(e, result, &plan))
			report(r, e, result, &plan);
	}
}
