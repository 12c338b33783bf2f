// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The map of published services. Every way through the chains of NAT that ends with another
 * destination is a way to a service (explain_service.c); so are the refusals of those who publish.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <linux/netfilter.h>

#include "netfilter/explainers.h"

enum { CT_NEW = 8 };

static void on_nat(struct walk *w, const struct walk_leaf *leaf)
{
	const struct fact_rule *r = w->path[w->n_path - 1].rule;
	struct explain *x = w->data;
	struct explain_service *s;
	struct published p;

	if (r->act != ACT_DNAT && r->act != ACT_REDIRECT)
		return;
	service_what(w, &p);
	s = service_of(x, w, &p);
	/* Else found already at an earlier hook, by the same rule. */
	if (s && s->number >= x->p->n_before)
		service_add_way(x, s, w, leaf);
}

static void on_refusal(struct walk *w, const struct walk_leaf *leaf)
{
	struct explain *x = w->data;
	struct explain_service *s;
	struct published p;

	service_what(w, &p);
	if (leaf->verdict != VERDICT_DROP || !p.port)
		return;
	s = *service_bucket(x, &p);
	while (s && !(s->owner == x->p->owner && service_is_of(s, &p)))
		s = s->next;
	if (!s) {
		s = service_new(x, &p);
		if (!s)
			return;
		s->owner = x->p->owner;
		if (s->owner->service)
			s->owner->service(x, s, w);
	}
	s->refusal = p.at;
	s->owner->refused(x, s, w, leaf);
	service_add_chains(x, s, w);
}

/* A masquerading rule that asks for a mark. */
static void on_masquerade(struct walk *w, const struct walk_leaf *leaf)
{
	const struct fact_rule *r = w->path[w->n_path - 1].rule;
	struct explain *x = w->data;
	struct explain_mark m = {.rule = r};

	if (r->act != ACT_MASQUERADE && r->act != ACT_SNAT)
		return;
	for (unsigned int i = 0; i < w->n_assumed; i++) {
		const struct fact *f = &w->assumed[i];

		if (f->key != KEY_MARK || f->op != FACT_MASKED || f->inv)
			continue;
		memcpy(&m.value, f->value, 4);
		memcpy(&m.mask, f->mask, 4);
	}
	for (unsigned int i = 0; i < x->n_marks; i++)
		if (x->marks[i].value == m.value && x->marks[i].mask == m.mask)
			return;
	if (m.value && x->n_marks < EXPLAIN_MARKS)
		x->marks[x->n_marks++] = m;
}

/* --- all chains of a kind --- */

static void walk_from(struct explain *x, struct walk *w, const struct fact_chain *c,
		      void (*leaf)(struct walk *w, const struct walk_leaf *leaf))
{
	static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};
	uint8_t family = c->rs->table->family;

	for (int i = 0; i < 2; i++) {
		if (family != families[i] && family != NFPROTO_INET)
			continue;
		walk_begin(w, x->facts, leaf, x);
		w->expand = true;
		w->any_mark = leaf == on_masquerade;
		walk_give(w, KEY_FAMILY, &families[i], 1);
		walk_give_bits(w, KEY_CT_STATE, CT_NEW);
		walk_chain(w, c, 1);
		x->cut |= w->cut;
	}
}

static void walk_nat(struct explain *x, struct walk *w, uint8_t hook,
		     void (*leaf)(struct walk *w, const struct walk_leaf *leaf))
{
	const struct ruleset *rs = x->facts->rs;

	for (size_t i = 0; i < rs->n_base; i++) {
		const struct rs_chain *c = rs->base[i];
		bool nat = c->type ? !strcmp(c->type, "nat") : !strcmp(c->table->name, "nat");

		if (nat && c->hook == hook)
			walk_from(x, w, facts_chain(x->facts, c), leaf);
	}
}

static void find_services(struct explain *x, struct walk *w)
{
	walk_nat(x, w, NF_INET_POST_ROUTING, on_masquerade);
	walk_nat(x, w, NF_INET_PRE_ROUTING, on_nat);
	x->p->n_before = x->n_services;
	walk_nat(x, w, NF_INET_LOCAL_OUT, on_nat);
	for (size_t i = 0; i < x->facts->n_chains; i++) {
		const struct fact_chain *c = &x->facts->chains[i];
		const struct explainer *e = explain_chain_owner(c);

		if (!e || !e->refuses || c->rs->table->dormant || !e->refuses(c->rs))
			continue;
		x->p->owner = e;
		walk_from(x, w, c, on_refusal);
	}
	for (size_t i = 0; i < x->n_services; i++)
		if (x->services[i]->owner->finish)
			x->services[i]->owner->finish(x, x->services[i]);
}

struct explain *explain_open(struct facts *f)
{
	struct explain *x = calloc(1, sizeof(*x));
	struct walk *w = malloc(sizeof(*w));

	if (!x || !w || !(x->p = calloc(1, sizeof(*x->p)))) {
		free(x);
		free(w);
		return NULL;
	}
	x->facts = f;
	explain_find_owners(f);
	find_services(x, w);
	free(w);
	if (x->p->no_memory) {
		explain_close(x);
		return NULL;
	}
	return x;
}

void explain_close(struct explain *x)
{
	if (!x)
		return;
	free(x->services);
	free(x->p);
	free(x);
}
