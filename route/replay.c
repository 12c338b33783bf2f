// SPDX-License-Identifier: GPL-2.0-or-later
#include "route/replay.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

enum { HELD = 4 }; /* as many lookups of one CPU are kept for a packet that is seen later */

/* The walk of fib_rules_lookup(), held against what was seen. */
struct replay {
	const struct policy_rule *rules;
	size_t n_rules;
	const struct route_flow *flow;
	const struct seen_table *v;
	unsigned int n, next;	/* next: of v */
	int plen;
	size_t at; /* the rule that is come to */
};

static bool was_asked(const struct replay *r, uint32_t table)
{
	for (unsigned int i = 0; i < r->n; i++)
		if (r->v[i].table == table)
			return true;
	return false;
}

/* A table that does not exist cannot be asked. These two always do; one that was seen, too. */
static bool exists(const struct replay *r, uint32_t table)
{
	return table == RT_TABLE_LOCAL || table == RT_TABLE_MAIN || was_asked(r, table);
}

static uint32_t table_of(const struct replay *r, const struct policy_rule *rule)
{
	return rule->l3mdev ? r->flow->vrf_table : rule->table;
}

/* The next rule that matches and does something. NULL: there is none. */
static const struct policy_rule *next_rule(struct replay *r)
{
	uint32_t skip_to = 0;

	for (; r->at < r->n_rules; r->at++) {
		const struct policy_rule *rule = &r->rules[r->at];

		if (rule->pref < skip_to || !policy_rule_matches(rule, r->flow) ||
		    rule->action == FR_ACT_NOP)
			continue;
		if (rule->action != FR_ACT_GOTO)
			return rule;
		skip_to = rule->unresolved ? 0 : rule->target;
	}
	return NULL;
}

enum asked { ASKED_ON, ASKED_ENDS, ASKED_DIFFERS };

/* Its table was the next one that was seen. Does the kernel go on to the next rule then? */
static enum asked judge_table(struct replay *r, const struct policy_rule *rule)
{
	bool picky = rule->suppress_plen >= 0 || rule->suppress_group >= 0, last;
	const struct seen_table *seen = &r->v[r->next++];

	last = r->next == r->n;
	if (seen->error == -EAGAIN)
		return ASKED_ON;
	if (seen->error)
		return last ? ASKED_ENDS : ASKED_DIFFERS;
	if (!last)
		return picky ? ASKED_ON : ASKED_DIFFERS;
	if (!picky)
		return ASKED_ENDS;
	/* Of the last one nothing shows whether the rule wanted it. */
	if (rule->suppress_group >= 0 || r->plen < 0)
		return ASKED_DIFFERS;
	return r->plen <= rule->suppress_plen ? ASKED_ON : ASKED_ENDS;
}

static enum replay_end walk(struct replay *r, size_t *index)
{
	const struct policy_rule *rule;

	for (; (rule = next_rule(r)); r->at++) {
		/* A selector that is not known may not match. */
		if (rule->unknown)
			return REPLAY_UNKNOWN;
		if (rule->action != FR_ACT_TO_TBL) {
			*index = r->at;
			return r->next == r->n ? REPLAY_REFUSED : REPLAY_UNKNOWN;
		}
		if (r->next == r->n || r->v[r->next].table != table_of(r, rule)) {
			if (exists(r, table_of(r, rule)))
				return REPLAY_UNKNOWN;
			continue;
		}
		switch (judge_table(r, rule)) {
		case ASKED_ON:
			break;
		case ASKED_DIFFERS:
			return REPLAY_UNKNOWN;
		case ASKED_ENDS:
			*index = r->at;
			return REPLAY_TABLE;
		}
	}
	return r->next == r->n ? REPLAY_NONE : REPLAY_UNKNOWN;
}

/* May the same table be asked by two rules? Then what is missing at the beginning would matter. */
static bool is_asked_twice(const struct replay *from)
{
	struct replay r = *from;
	const struct policy_rule *rule;
	unsigned int n = 0;

	for (r.at = 0; (rule = next_rule(&r)); r.at++)
		n += rule->action == FR_ACT_TO_TBL &&
		     table_of(&r, rule) == from->v[from->n - 1].table;
	return n > 1;
}

enum replay_end route_replay(const struct policy_rule *rules, size_t n_rules,
			     const struct route_flow *flow, const struct seen_lookup *seen,
			     size_t *rule)
{
	enum replay_end end = REPLAY_UNKNOWN;
	unsigned int first = 0;
	struct replay r;

	/* The lookups of an earlier decision about the same may stand before it. */
	for (; first < seen->n && end == REPLAY_UNKNOWN; first++) {
		r = (struct replay){.rules = rules,
				    .n_rules = n_rules,
				    .flow = flow,
				    .v = seen->v + first,
				    .n = seen->n - first,
				    .plen = seen->plen};
		end = walk(&r, rule);
	}
	if (end != REPLAY_UNKNOWN && !seen->whole && (seen->n >= HELD || first > 1) &&
	    is_asked_twice(&r))
		return REPLAY_UNKNOWN;
	return end;
}
