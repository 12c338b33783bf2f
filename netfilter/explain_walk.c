// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/explain_walk.h"

#include <string.h>

#include <netinet/in.h>
#include <linux/netfilter.h>

static const double nothing = 1e-9;

/* One chain on its way. */
struct frame {
	double on, returned; /* shares */
	struct fact unless;  /* what a rule that returned has left behind; FACT_OTHER: nothing */
	double may_return; /* as much came to a RETURN that asks for something else */
};

/* One rule as its facts are gone through. */
struct attempt {
	struct frame *frame;
	const struct fact_rule *r;
	unsigned int before; /* n_assumed */
	double share;
	bool sure;
};

/* --- where a way ends --- */

static void end_here(struct walk *w, const struct attempt *a, enum verdict verdict)
{
	struct walk_leaf leaf = {.verdict = verdict, .share = a->share, .sure = walk_is_sure(w)};
	const struct fact_nat *nat = a->r->nat;

	if (nat && !nat->map) {
		leaf.nat_known = true;
		leaf.nat_family = nat->family;
		leaf.addr_min = nat->min;
		leaf.addr_max = nat->max;
		leaf.port_min = nat->port_min;
		leaf.port_max = nat->port_max;
	}
	w->leaf(w, &leaf);
}

/* NAT by a map: one way for each element. Returns the share of packets for which there is one; the
 * rule is not for the others. */
static double end_by_map(struct walk *w, const struct attempt *a, enum verdict verdict)
{
	const struct fact_nat *nat = a->r->nat;
	struct walk_leaf leaf = {.verdict = verdict, .nat_family = nat->family};
	uint32_t addr_len = nat->family == NFPROTO_IPV6 ? 16 : 4;
	double taken = 0;

	for (size_t i = 0; i < nat->map->n; i++) {
		const struct fact_elem *e = &nat->map->elems[i];
		double chance = walk_elem_chance(w, nat->map, e, nat->keys, nat->n_keys, nat->modulus);
		unsigned int before = w->n_assumed;
		bool sure = true;

		if (chance && e->data &&
		    walk_assume_elem(w, nat->map, e, nat->keys, nat->n_keys, &sure)) {
			w->path[w->n_path - 1].elem = e;
			leaf.share = a->share * chance;
			leaf.sure = walk_is_sure(w);
			leaf.nat_known = nat->map->dlen >= addr_len + (nat->map_port ? 2 : 0);
			leaf.addr_min = leaf.addr_max = e->data;
			leaf.port_min = leaf.port_max = nat->port_min;
			if (nat->map_port && leaf.nat_known)
				leaf.port_min = leaf.port_max =
					e->data[addr_len] << 8 | e->data[addr_len + 1];
			w->leaf(w, &leaf);
			w->path[w->n_path - 1].elem = NULL;
			taken += sure ? leaf.share : 0;
		}
		w->n_assumed = before;
	}
	return taken;
}

/* --- what a rule does --- */

static void on_return(struct walk *w, const struct attempt *a)
{
	struct frame *f = a->frame;

	if (a->sure) {
		f->on -= a->share;
		f->returned += a->share;
		return;
	}
	if (f->may_return < a->share)
		f->may_return = a->share;
	/* The rest of this chain is for the others. */
	if (w->n_assumed == a->before + 1) {
		f->unless = w->assumed[a->before];
		fact_invert(&f->unless);
	} else {
		f->unless = (struct fact){.op = FACT_UNLESS};
		f->unless.rule = a->r;
	}
}

/* Whoever is left was not meant by a rule that keeps all it gets. */
static void imply(struct walk *w, const struct attempt *a)
{
	if (a->sure || w->n_assumed != a->before + 1 || w->n_assumed > WALK_FACTS / 2)
		return;
	a->frame->unless = w->assumed[a->before];
	fact_invert(&a->frame->unless);
	a->frame->unless.implied = true;
}

static bool is_for_one(const struct walk *w, const struct attempt *a)
{
	for (unsigned int i = a->before; i < w->n_assumed; i++)
		if (!w->assumed[i].inv &&
		    (w->assumed[i].key == KEY_DPORT || w->assumed[i].key == KEY_DADDR))
			return true;
	return false;
}

/* The kernel takes no ruleset with a loop; one that changed while it was read may look like it. */
static bool is_under_way(const struct walk *w, const struct fact_chain *c)
{
	for (unsigned int i = 0; i < w->n_path; i++)
		if (w->path[i].rule->chain == c)
			return true;
	return false;
}

static void on_chain(struct walk *w, const struct attempt *a, const struct fact_chain *to,
		     bool is_goto)
{
	unsigned int marks = w->n_marks;
	double back;

	if (w->n_path == WALK_DEPTH || !to || is_under_way(w, to)) {
		w->cut = true;
		return;
	}
	back = walk_chain(w, to, a->share);
	if (!a->sure) {
		/* What went in there and did not come back has taken its marks along; and what
		 * comes back is for another service than those that follow. */
		if (back < nothing || (w->expand && is_for_one(w, a)))
			w->n_marks = marks;
		if (back < nothing)
			imply(w, a);
		return;
	}
	a->frame->on -= a->share;
	if (is_goto)
		a->frame->returned += back;
	else
		a->frame->on += back;
}

static void on_verdict(struct walk *w, const struct attempt *a, enum verdict v,
		       const struct fact_chain *to)
{
	double taken = a->share;

	switch (v) {
	case VERDICT_CONTINUE:
		return;
	case VERDICT_JUMP:
	case VERDICT_GOTO:
		on_chain(w, a, to, v == VERDICT_GOTO);
		return;
	case VERDICT_RETURN:
		on_return(w, a);
		return;
	default:
		if (a->r->nat && a->r->nat->map)
			taken = end_by_map(w, a, v);
		else
			end_here(w, a, v);
		if (v == VERDICT_UNKNOWN)
			return;
		if (a->sure)
			a->frame->on -= taken;
		else if (taken > a->share - nothing)
			imply(w, a);
	}
}

static void on_vmap(struct walk *w, struct attempt *a)
{
	const struct fact_rule *r = a->r;
	struct attempt of_elem = *a;

	if (r->vmap->why || !r->n_vmap_keys) {
		end_here(w, a, VERDICT_UNKNOWN);
		return;
	}
	for (size_t i = 0; i < r->vmap->n && a->frame->on > nothing; i++) {
		const struct fact_elem *e = &r->vmap->elems[i];
		double chance = walk_elem_chance(w, r->vmap, e, r->vmap_keys, r->n_vmap_keys, r->modulus);
		unsigned int before = w->n_assumed;

		of_elem.sure = a->sure;
		of_elem.share = a->share * chance;
		w->path[w->n_path - 1].elem = e;
		if (chance &&
		    walk_assume_elem(w, r->vmap, e, r->vmap_keys, r->n_vmap_keys, &of_elem.sure))
			on_verdict(w, &of_elem, e->verdict, e->to);
		w->n_assumed = before;
	}
	w->path[w->n_path - 1].elem = NULL;
}

static void on_mark(struct walk *w, const struct attempt *a)
{
	struct walk_mark *m = &w->marks[w->n_marks];

	if (w->n_marks == WALK_MARKS) {
		w->cut = true;
		return;
	}
	/* The last ones are what led to this rule. */
	m->rule = a->r;
	m->via = w->n_path > 1 ? w->path[w->n_path - 2].rule : a->r;
	m->n = 0;
	for (unsigned int i = w->n_assumed; i-- > w->n_given && m->n < MARK_FACTS;)
		if (!w->assumed[i].implied)
			m->facts[m->n++] = w->assumed[i];
	w->n_marks++;
	if (w->report_marks)
		end_here(w, a, VERDICT_CONTINUE);
}

static void matched(struct walk *w, struct attempt *a)
{
	if (a->r->marks)
		on_mark(w, a);
	if (a->r->vmap)
		on_vmap(w, a);
	else
		on_verdict(w, a, a->r->verdict, a->r->to);
}

/* --- what a rule asks for --- */

static void try_facts(struct walk *w, struct attempt *a, unsigned int i);

static bool publishes(const struct fact *f)
{
	if (f->op != FACT_IN_SET || f->inv || f->set->why)
		return false;
	for (uint8_t i = 0; i < f->n_keys; i++)
		if (f->keys[i] == KEY_DADDR || f->keys[i] == KEY_DPORT)
			return true;
	return false;
}

/* One way for each element that may be meant. */
static void try_elements(struct walk *w, const struct attempt *a, unsigned int i)
{
	const struct fact *f = &a->r->facts[i];

	for (size_t k = 0; k < f->set->n; k++) {
		unsigned int before = w->n_assumed;
		struct attempt of_elem = *a;

		of_elem.sure = false;
		if (walk_assume_elem(w, f->set, &f->set->elems[k], f->keys, f->n_keys, &of_elem.sure))
			try_facts(w, &of_elem, i + 1);
		w->n_assumed = before;
	}
}

static void try_facts(struct walk *w, struct attempt *a, unsigned int i)
{
	const struct fact *f;
	enum truth t;

	for (; i < a->r->n_facts; i++) {
		f = &a->r->facts[i];
		if (f->op == FACT_CHANCE) {
			a->share *= f->inv ? 1 - f->chance : f->chance;
			if (a->share < nothing)
				return;
			continue;
		}
		t = walk_truth(w, f);
		if (t == FALSE_)
			return;
		if (t == TRUE_)
			continue;
		a->sure = false;
		if (w->expand && publishes(f)) {
			try_elements(w, a, i);
			return;
		}
		if (!walk_assume(w, f))
			return;
	}
	matched(w, a);
}

static void walk_rule(struct walk *w, struct frame *f, const struct fact_rule *r)
{
	struct attempt a = {
		.frame = f, .r = r, .before = w->n_assumed, .share = f->on, .sure = true};

	w->path[w->n_path].rule = r;
	w->path[w->n_path++].elem = NULL;
	try_facts(w, &a, 0);
	w->n_path--;
	w->n_assumed = a.before;
	if (f->unless.op != FACT_OTHER)
		walk_assume(w, &f->unless);
	f->unless.op = FACT_OTHER;
}

double walk_chain(struct walk *w, const struct fact_chain *c, double share)
{
	struct frame f = {.on = share, .unless = {.op = FACT_OTHER}};
	unsigned int before = w->n_assumed;
	double left;

	for (uint32_t i = 0; i < c->n_known && f.on > nothing; i++) {
		if (!w->rules_left || w->n_path == WALK_DEPTH) {
			w->cut = true;
			break;
		}
		w->rules_left--;
		walk_rule(w, &f, &c->rules[i]);
	}
	w->n_assumed = before;
	left = (f.on > nothing ? f.on : 0) + f.returned;
	return left > f.may_return ? left : f.may_return;
}
