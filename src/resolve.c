// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/resolve.h"

#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <string.h>

static const char changed[] = "the ruleset changed while it was under way";
static const char unread[] = "the ruleset of this network namespace was not read";

static bool has_rule(const struct step *s)
{
	return s->type == STEP_RULE || s->type == STEP_POLICY || s->type == STEP_RETURN;
}

static bool is_legacy(const struct step *s)
{
	return has_rule(s) && s->backend == BACKEND_IPTABLES_LEGACY;
}

bool resolve_has_legacy(const struct path *p)
{
	for (size_t i = 0; i < p->n_steps; i++)
		if (is_legacy(&p->steps[i]))
			return true;
	return false;
}

static const struct rs_chain *find_chain(const struct ruleset *rs, const struct step *s)
{
	return ruleset_chain(rs, is_legacy(s), s->family, s->rule.table, s->rule.chain);
}

const struct rules_answer *resolve_answer(const struct path *p, const struct step *s,
					  const struct path_rules *rules)
{
	const struct path_place *place = path_place(p, s->ns);

	return place && (size_t)(place - p->places) < rules->n ? &rules->at[place - p->places]
							       : NULL;
}

const struct rs_chain *resolve_chain(const struct path *p, const struct step *s,
				     const struct path_rules *rules)
{
	const struct rules_answer *a;

	if (!has_rule(s))
		return NULL;
	if (s->rule.known)
		return s->rule.known;
	a = resolve_answer(p, s, rules);
	return a ? find_chain(a->rs[0], s) : NULL;
}

/* What one snapshot knows of a step. */
struct known {
	const struct rs_chain *chain;
	uint32_t number;
	enum step_type type;
};

static bool look_up(const struct ruleset *rs, const struct step *s, struct known *k)
{
	k->chain = find_chain(rs, s);
	k->number = s->rule.number;
	k->type = s->type;
	if (!k->chain)
		return false;
	if (!is_legacy(s)) {
		k->number = s->type == STEP_RULE ? rs_chain_position(k->chain, s->rule.handle) : 0;
		return s->type != STEP_RULE || k->number;
	}
	/*
	 * get_chainname_rulenum() calls an unconditional last ACCEPT or RETURN "policy" or "return"
	 * too: only the number tells it from the end of the chain, which counts as one more.
	 */
	if (k->number == k->chain->n_rules + 1)
		k->type = k->chain->base ? STEP_POLICY : STEP_RETURN;
	else
		k->type = STEP_RULE;
	return k->number && k->number <= k->chain->n_rules + 1;
}

static bool agree(const struct known *a, const struct known *b)
{
	return a->number == b->number && a->type == b->type &&
	       a->chain->table->backend != BACKEND_IPTABLES_LEGACY &&
	       a->chain->table->handle == b->chain->table->handle &&
	       a->chain->base == b->chain->base;
}

/* The kernel's own words stay: table, chain, handle, or the number of a legacy line. What we would
 * add goes. */
static void leave_unnamed(struct path *p, struct step *s, const char *because)
{
	if (!is_legacy(s))
		s->rule.number = 0;
	s->rule.no_text = because;
	path_doubt(p, CERTAIN_NOT, because);
}

static void apply(struct step *s, const struct known *k)
{
	const struct rs_chain *c = k->chain;

	s->type = k->type;
	s->backend = c->table->backend;
	s->rule.number = k->number;
	if (c->base) {
		s->hook = c->hook;
		s->rule.priority = c->priority;
	}
	s->rule.nat_chain = c->table->backend == BACKEND_NFT ? c->type && !strcmp(c->type, "nat")
							     : !strcmp(c->table->name, "nat");
	if (s->backend != BACKEND_IPTABLES_LEGACY)
		return;
	if (s->type == STEP_RULE) {
		/* What an extension decided, the engine may know. */
		if (c->rules[k->number - 1].verdict != VERDICT_UNKNOWN)
			s->verdict = c->rules[k->number - 1].verdict;
		s->rule.target = c->rules[k->number - 1].target;
	} else {
		s->rule.number = 0;
		s->verdict = s->type == STEP_POLICY ? c->policy : VERDICT_RETURN;
	}
}

static void resolve_step(struct path *p, struct step *s, const struct rules_answer *a)
{
	const char *because = !a ? unread : a->because ? a->because : changed;
	struct known k, other;

	if (!a || !look_up(a->rs[0], s, &k)) {
		leave_unnamed(p, s, because);
		return;
	}
	s->rule.known = k.chain;
	for (unsigned int i = 1; i < a->n; i++) {
		if (!look_up(a->rs[i], s, &other) || !agree(&k, &other)) {
			leave_unnamed(p, s, because);
			return;
		}
	}
	if (!a->complete) {
		leave_unnamed(p, s, because);
		return;
	}
	apply(s, &k);
	if (is_legacy(s)) /* the strings of a snapshot do not live as long as the path */
		s->rule.target = path_str(p, s->rule.target);
}

/* Chains that were jumped to belong to the hook of the base chain before them, and are of its type:
 * nf_tables gives only base chains one. */
static void spread_hooks(struct path *p, const struct path_rules *rules)
{
	unsigned int ns = path_here(p)->ns;
	uint8_t hook = HOOK_NONE;
	int32_t priority = 0;
	bool nat = false;

	for (size_t i = 0; i < p->n_steps; i++) {
		struct step *s = &p->steps[i];
		const struct rs_chain *c = resolve_chain(p, s, rules);

		if (s->ns != ns) {
			ns = s->ns;
			hook = HOOK_NONE;
			priority = 0;
			nat = false;
		}
		if (has_rule(s) && s->hook == HOOK_NONE)
			s->hook = hook;
		if (has_rule(s)) {
			hook = s->hook;
			priority = c && c->base ? c->priority : priority;
			s->rule.priority = priority;
			if (c && c->base)
				nat = s->rule.nat_chain;
			else if (c && c->table->backend == BACKEND_NFT)
				s->rule.nat_chain = nat;
		} else if (s->type == STEP_NAT && s->hook == HOOK_NONE) {
			s->hook = hook;
		}
	}
}

static bool same_traversal(const struct step *a, const struct step *b)
{
	return is_legacy(b) && a->ns == b->ns && a->family == b->family && a->hook == b->hook &&
	       !strcmp(a->rule.table, b->rule.table);
}

/* Was the packet still there after step i? */
static bool went_on(const struct path *p, size_t i)
{
	for (size_t k = i + 1; k < p->n_steps; k++)
		if (has_rule(&p->steps[k]) || p->steps[k].type == STEP_TRANSMIT)
			return true;
	return p->left_last && p->steps[i].hook < NF_INET_NUMHOOKS &&
	       path_place(p, p->steps[i].ns)->passed & 1u << p->steps[i].hook;
}

/* An extension target of iptables-legacy decides at run time: what came next tells how it did. */
static void infer_verdict(struct path *p, size_t i)
{
	static const struct {
		const char *target;
		enum verdict verdict;
	} ends[] = {
		{"REJECT", VERDICT_DROP},
		{"NFQUEUE", VERDICT_QUEUE},
		{"TARPIT", VERDICT_DROP},
		{"SYNPROXY", VERDICT_DROP},
	};
	struct step *s = &p->steps[i];
	const struct step *next = NULL;

	for (size_t k = i + 1; !next && k < p->n_steps; k++)
		if (has_rule(&p->steps[k]))
			next = &p->steps[k];
	s->rule.verdict_inferred = true;
	if (next && same_traversal(s, next)) {
		s->verdict = VERDICT_CONTINUE;
	} else if (went_on(p, i)) {
		s->verdict = VERDICT_ACCEPT;
	} else {
		for (size_t k = 0; s->rule.target && k < sizeof(ends) / sizeof(ends[0]); k++)
			if (!strcmp(s->rule.target, ends[k].target))
				s->verdict = ends[k].verdict;
	}
}

static bool comes_late(const struct step *s)
{
	return s->type == STEP_CONNTRACK && s->ct.state != CT_UNTRACKED &&
	       (s->hook == NF_INET_PRE_ROUTING || s->hook == NF_INET_LOCAL_OUT);
}

/*
 * The kernel says a packet's conntrack state with the next trace message that has headers, which
 * may come later than conntrack itself: nf_conntrack_in() runs at priority -200 of prerouting and
 * output.
 */
static void place_conntrack(struct path *p)
{
	for (size_t i = 1; i < p->n_steps; i++) {
		struct step ct;
		size_t to = i;

		if (!comes_late(&p->steps[i]))
			continue;
		ct = p->steps[i];
		while (to > 0 && has_rule(&p->steps[to - 1]) && p->steps[to - 1].hook == ct.hook &&
		       p->steps[to - 1].ns == ct.ns && p->steps[to - 1].visit == ct.visit &&
		       p->steps[to - 1].rule.priority > NF_IP_PRI_CONNTRACK)
			to--;
		memmove(&p->steps[to + 1], &p->steps[to], (i - to) * sizeof(ct));
		p->steps[to] = ct;
	}
}

/* What a rule dropped is not routed any more: lookups after that are those of the answer that
 * REJECT sends. */
static void cut_after_drop(struct path *p)
{
	size_t kept = 0;
	bool dropped = false;

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];

		if (dropped && (s->type == STEP_ROUTE || s->type == STEP_RP_FILTER))
			continue;
		if (kept++ < i)
			p->steps[kept - 1] = *s;
		dropped |= has_rule(s) && s->verdict == VERDICT_DROP;
	}
	p->n_steps = kept;
}

void resolve(struct path *p, const struct path_rules *rules)
{
	size_t i;

	for (i = 0; i < p->n_steps; i++)
		if (has_rule(&p->steps[i]))
			resolve_step(p, &p->steps[i],
				     resolve_answer(p, &p->steps[i], rules));
	spread_hooks(p, rules);
	place_conntrack(p);
	for (i = 0; i < p->n_steps; i++)
		if (is_legacy(&p->steps[i]) && p->steps[i].type == STEP_RULE &&
		    p->steps[i].verdict == VERDICT_UNKNOWN)
			infer_verdict(p, i);
	cut_after_drop(p);
}
