// SPDX-License-Identifier: GPL-2.0-or-later
/* fib_rules_lookup() over facts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "route/decide.h"

static bool answers(const struct fib_fact *fact, uint32_t table, const struct route_flow *flow)
{
	return fact->table == table && fact->oif == flow->oif &&
	       !memcmp(fact->addr, flow->dst, ROUTE_ADDR);
}

const struct fib_fact *route_facts_fib(const struct route_facts *f, uint32_t table,
				       const struct route_flow *flow)
{
	if (f->instead && answers(f->instead, table, flow))
		return f->instead;
	for (size_t i = 0; i < f->n_fibs; i++)
		if (answers(f->fibs[i], table, flow))
			return f->fibs[i];
	return NULL;
}

/* fib4_rule_suppress() looks at the device of the first next hop. */
static bool suppressed(const struct policy_rule *r, const struct fib_route *route)
{
	if (r->suppress_plen >= 0 && route->plen <= r->suppress_plen)
		return true;
	return r->suppress_group >= 0 && route->n_legs && route->legs[0].ifindex &&
	       route->legs[0].group == (uint32_t)r->suppress_group;
}

static int action_error(const struct policy_rule *r)
{
	switch (r->action) {
	case FR_ACT_UNREACHABLE:
		return -ENETUNREACH;
	case FR_ACT_PROHIBIT:
		return -EACCES;
	}
	return -EINVAL; /* FR_ACT_BLACKHOLE, and what fib4_rule_action() does not know */
}

/* What the table that the rule names has to say. 1: not known yet. */
static int try_table(const struct route_facts *f, const struct policy_rule *r,
		     struct route_lookup *l, enum trial_result *result)
{
	uint32_t table = r->l3mdev ? l->flow.vrf_table : r->table;
	const struct fib_fact *fact = route_facts_fib(f, table, &l->flow);
	int error;

	if (!fact) {
		l->table = table;
		return 1;
	}
	*result = fact->maybe_throw ? TRIAL_NO_ANSWER : TRIAL_NO_ROUTE;
	if (!fact->found)
		return 0;
	error = fib_type_error(fact->route.type);
	*result = TRIAL_THROW;
	if (error == -EAGAIN)
		return 0;
	*result = TRIAL_SUPPRESSED;
	if (!error && suppressed(r, &fact->route))
		return 0;
	*result = TRIAL_MATCHED;
	l->table = table;
	l->route = &fact->route;
	l->error = error;
	return 0;
}

/* The rule that a goto goes to. A resolved one has its target behind it. */
static size_t target_of(const struct route_facts *f, size_t i)
{
	for (size_t t = i + 1; t < f->n_rules; t++)
		if (f->rules[t].pref == f->rules[i].target)
			return t;
	return i + 1;
}

static int try_rule(const struct route_facts *f, size_t i, struct route_lookup *l)
{
	const struct policy_rule *r = &f->rules[i];

	if (r->without || !policy_rule_matches(r, &l->flow)) {
		l->trials[i] = TRIAL_OTHER;
		return 0;
	}
	if (r->action == FR_ACT_GOTO || r->action == FR_ACT_NOP) {
		l->trials[i] = TRIAL_SKIPPED;
		return 0;
	}
	if (r->action == FR_ACT_TO_TBL)
		return try_table(f, r, l, &l->trials[i]);
	l->trials[i] = TRIAL_MATCHED;
	l->error = action_error(r);
	return 0;
}

static bool goes_to(const struct route_facts *f, size_t i, const struct route_lookup *l)
{
	return l->trials[i] == TRIAL_SKIPPED && f->rules[i].action == FR_ACT_GOTO &&
	       !f->rules[i].unresolved;
}

int route_lookup(const struct route_facts *f, const struct route_flow *flow, struct route_lookup *l,
		 struct route_decision *d)
{
	size_t i = 0, next;

	free(l->trials);
	*l = (struct route_lookup){.made = true, .flow = *flow, .rule = -1, .error = -ENETUNREACH};
	l->trials = calloc(f->n_rules + 1, sizeof(*l->trials));
	if (!l->trials)
		return -ENOMEM;
	while (i < f->n_rules) {
		if (try_rule(f, i, l)) {
			d->need = l->flow;
			d->need_table = l->table;
			return 1;
		}
		l->n_trials = i + 1;
		if (l->trials[i] == TRIAL_MATCHED) {
			l->rule = i;
			return 0;
		}
		next = goes_to(f, i, l) ? target_of(f, i) : i + 1;
		while (++i < next)
			l->trials[i] = TRIAL_SKIPPED;
	}
	return 0;
}
