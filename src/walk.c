// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/walk.h"

#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>

#include "src/observers.h"
#include "src/resolve.h"

/* nf_tables allows 16 (NFT_JUMP_STACK_SIZE), iptables-legacy as many as there are chains: deeper
 * ones are not judged. */
enum { DEPTH_MAX = 512 };

struct walk {
	const struct step *base;   /* the base chain's first step; NULL: between traversals */
	const struct step *before; /* that of the traversal before */
	bool gone;		   /* dropped, or kept by a rule: nothing follows */
	bool stolen;		   /* … the latter */
	struct frame {
		const char *chain;
		uint32_t number; /* of its last rule that matched */
	} frames[DEPTH_MAX];
	unsigned int depth; /* 0 with a base: its end is reached, the policy comes */
	bool jumped;	    /* into the chain on top, which has said nothing yet */
};

static bool has_rule(const struct step *s)
{
	return s->type == STEP_RULE || s->type == STEP_POLICY || s->type == STEP_RETURN;
}

static bool same_table(const struct step *a, const struct step *b)
{
	return a->ns == b->ns && a->family == b->family &&
	       (a->backend == BACKEND_IPTABLES_LEGACY) == (b->backend == BACKEND_IPTABLES_LEGACY) &&
	       !strcmp(a->rule.table, b->rule.table);
}

/* target NULL: the kernel did not say. */
static bool enter(struct walk *w, const char *target, bool jump)
{
	if (w->depth == DEPTH_MAX)
		return false;
	if (jump || !w->depth)
		w->depth++;
	w->frames[w->depth - 1] = (struct frame){.chain = target};
	w->jumped = true;
	return true;
}

static bool begin(struct walk *w, const struct step *s, const struct rs_chain *c)
{
	/* It was not stolen for good if it came to another hook: `fwd` of netdev gives it to a
	 * device. */
	if (w->gone && !(w->before->visit != s->visit && w->stolen))
		return false;
	w->gone = false;
	if (!c || !c->base)
		return false;
	/* No hook is called twice in a row, unless it came there again. */
	if (w->before && w->before->visit == s->visit && same_table(w->before, s) &&
	    !strcmp(w->before->rule.chain, s->rule.chain))
		return false;
	w->base = w->before = s;
	w->depth = 1;
	w->frames[0] = (struct frame){.chain = s->rule.chain};
	return true;
}

static bool rule(struct walk *w, const struct step *s)
{
	struct frame *f = &w->frames[w->depth - 1];

	if (!w->depth || (s->rule.number && s->rule.number <= f->number))
		return false;
	f->number = s->rule.number;
	switch (s->verdict) {
	case VERDICT_JUMP:
	case VERDICT_GOTO:
		return enter(w, s->rule.target, s->verdict == VERDICT_JUMP);
	case VERDICT_RETURN:
		w->depth--;
		break;
	case VERDICT_CONTINUE:
	case VERDICT_UNKNOWN:
		break;
	default:
		w->base = NULL;
		w->stolen = s->verdict == VERDICT_STOLEN;
		w->gone = s->verdict == VERDICT_DROP || w->stolen;
	}
	return true;
}

static bool step(struct walk *w, const struct step *s, const struct rs_chain *c)
{
	struct frame *f;

	if (!w->base && !begin(w, s, c))
		return false;
	if (!same_table(w->base, s))
		return false;
	if (s->type == STEP_POLICY) {
		bool at_base = !strcmp(w->base->rule.chain, s->rule.chain) && w->depth <= 1;

		w->base = NULL;
		w->stolen = false;
		w->gone = s->verdict == VERDICT_DROP;
		return at_base && (!w->depth || !w->jumped);
	}
	if (!w->depth)
		return false;
	f = &w->frames[w->depth - 1];
	if (!f->chain && w->jumped)
		f->chain = s->rule.chain;
	if (strcmp(f->chain, s->rule.chain) != 0)
		return false;
	w->jumped = false;
	if (s->type == STEP_RULE)
		return rule(w, s);
	w->depth--;
	return true;
}

bool walk_is_possible(const struct path *p, const struct path_rules *rules)
{
	struct walk w; /* its frames are set as they come: 8 KiB of them, most never used */

	w.base = w.before = NULL;
	w.gone = w.stolen = w.jumped = false;
	w.depth = 0;
	for (size_t i = 0; i < p->n_steps; i++) {
		if (!has_rule(&p->steps[i]))
			continue;
		if (w.depth == DEPTH_MAX)
			return true;
		if (!step(&w, &p->steps[i], resolve_chain(p, &p->steps[i], rules)))
			return w.depth == DEPTH_MAX;
	}
	/* Past a hook, all its chains have come to their end. */
	return !w.base || !p->left_last;
}

static bool sees(const struct rs_chain *c, const struct path *p)
{
	switch (c->table->family) {
	case NFPROTO_INET:
		return p->packet.family;
	case NFPROTO_IPV4:
		return p->packet.family == AF_INET;
	case NFPROTO_IPV6:
		return p->packet.family == AF_INET6;
	}
	return false;
}

/* nf_nat_inet_fn() asks the chains of type nat about the first packet of a connection only. */
static bool asks_once(const struct rs_chain *c)
{
	return c->table->backend == BACKEND_IPTABLES_LEGACY ? !strcmp(c->table->name, "nat")
							    : !strcmp(c->type, "nat");
}

static bool must_speak(const struct rs_chain *c, const struct path *p,
		       const struct path_place *place)
{
	if (asks_once(c) || c->hook >= NF_INET_NUMHOOKS)
		return false;
	if (c->table->family == NFPROTO_BRIDGE)
		return place->bridge_passed & 1u << c->hook;
	return p->packet.family && sees(c, p) && place->passed & 1u << c->hook;
}

static bool speaks(const struct path *p, unsigned int ns, const struct rs_chain *c)
{
	bool legacy = c->table->backend == BACKEND_IPTABLES_LEGACY;

	for (size_t i = 0; i < p->n_steps; i++) {
		const struct step *s = &p->steps[i];

		if (!has_rule(s) || s->ns != ns)
			continue;
		if (s->rule.known == c)
			return true;
		if (s->family == c->table->family &&
		    (s->backend == BACKEND_IPTABLES_LEGACY) == legacy &&
		    !strcmp(s->rule.chain, c->name) && !strcmp(s->rule.table, c->table->name))
			return true;
	}
	return false;
}

/* Of several rulesets that it may have met, do all have this chain? */
static bool in_all(const struct rs_chain *c, const struct rules_answer *a)
{
	const struct rs_table *t = c->table;

	for (unsigned int i = 0; i < a->n; i++) {
		const struct rs_chain *other =
			ruleset_chain(a->rs[i], t->backend == BACKEND_IPTABLES_LEGACY, t->family,
				      t->name, c->name);

		if (!other || !other->base || other->table->dormant)
			return false;
	}
	return true;
}

/* A chain of one of them only may not have been there yet, or not any more; behind our own it
 * would have spoken, before them it may have been and we not know it. */
static bool is_missing(const struct rs_chain *c, const struct path *p,
		       const struct path_place *place, const struct rules_answer *a)
{
	return must_speak(c, p, place) && !speaks(p, place->ns, c) &&
	       (c->priority <= OBSERVER_PRIORITY || in_all(c, a));
}

static bool all_speak(const struct path *p, const struct path_place *place,
		      const struct rules_answer *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		for (size_t k = 0; k < a->rs[i]->n_base; k++)
			if (is_missing(a->rs[i]->base[k], p, place, a))
				return false;
	return true;
}

bool walk_is_complete(const struct path *p, const struct path_rules *rules)
{
	for (size_t i = 0; i < p->n_places && i < rules->n; i++)
		if (!all_speak(p, &p->places[i], &rules->at[i]))
			return false;
	return true;
}
