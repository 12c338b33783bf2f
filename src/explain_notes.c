// SPDX-License-Identifier: GPL-2.0-or-later
/* Who has what, and how it gets into each other's way. */
#include <linux/netfilter.h>
#include <string.h>

#include "src/explain_view.h"

unsigned int explain_owned(const struct explain *x, const struct explainer *e,
			   struct owned_table *v)
{
	const struct facts *f = x->facts;
	struct owned_table *t = NULL;
	unsigned int n = 0;

	for (size_t i = 0; i < f->n_chains; i++) {
		const struct fact_chain *c = &f->chains[i];
		bool own = explain_chain_owner(c) == e;
		unsigned int rules = 0;

		for (uint32_t k = 0; k < c->n_known; k++) {
			const struct explainer *o = explain_owner(x, c, &c->rules[k]);

			rules += e ? o == e : !o->owns;
		}
		/* A chain at a hook without rules is nobody's work. */
		if (!rules && (!own || !e))
			continue;
		if (!t || t->table != c->rs->table) {
			t = &v[n++];
			*t = (struct owned_table){.table = c->rs->table};
		}
		t->chains += own && !(c->rs->base && !e);
		t->rules += rules;
	}
	return n;
}

static bool drops(const struct fact_chain *c)
{
	if (c->rs->policy == VERDICT_DROP)
		return true;
	for (uint32_t i = 0; i < c->n_known; i++)
		if (c->rules[i].verdict == VERDICT_DROP || c->rules[i].to || c->rules[i].vmap)
			return true;
	return false;
}

static bool filters(const struct rs_chain *c)
{
	return !c->type || !strcmp(c->type, "filter") ? strcmp(c->table->name, "nat") : false;
}

static void chain_name(char *buf, size_t size, const struct rs_chain *c)
{
	if (c->table->backend == BACKEND_NFT)
		snprintf(buf, size, "%s %s:%s", family_name(c->table->family), c->table->name,
			 c->name);
	else
		snprintf(buf, size, "%s:%s%s", c->table->name, c->name,
			 c->table->backend == BACKEND_IPTABLES_LEGACY ? " (iptables-legacy)" : "");
}

static bool meet(const struct rs_chain *a, const struct rs_chain *b)
{
	const uint8_t fa = a->table->family, fb = b->table->family;

	return a->hook == b->hook &&
	       (fa == fb || (fa == NFPROTO_INET && (fb == NFPROTO_IPV4 || fb == NFPROTO_IPV6)) ||
		(fb == NFPROTO_INET && (fa == NFPROTO_IPV4 || fa == NFPROTO_IPV6)));
}

static bool is_accepted(const struct facts *f, const struct rs_chain *c)
{
	const struct fact_chain *fc = facts_chain(f, c);

	for (uint32_t i = 0; i < fc->n_known; i++)
		if (fc->rules[i].verdict == VERDICT_ACCEPT || fc->rules[i].to || fc->rules[i].vmap)
			return true;
	return false;
}

/* Two that filter at one hook: the second one has the last word on what the first accepts. */
static void note_order(const struct explain *x, const struct rs_chain *a, const struct rs_chain *b,
		       void (*note)(void *data, const char *sentence), void *data)
{
	char first[300], second[300], sentence[800];
	const struct rs_chain *swap = a;

	if (a->priority > b->priority) {
		a = b;
		b = swap;
	}
	if (!is_accepted(x->facts, a) || !drops(facts_chain(x->facts, b)))
		return;
	chain_name(first, sizeof(first), a);
	chain_name(second, sizeof(second), b);
	if (a->priority == b->priority)
		snprintf(sentence, sizeof(sentence),
			 "%s: %s and %s both see every packet; what one accepts the other may "
			 "still drop",
			 hook_name(a->table->family, a->hook), first, second);
	else
		snprintf(sentence, sizeof(sentence),
			 "%s: what %s (priority %d) accepts, %s (priority %d) may still drop",
			 hook_name(a->table->family, a->hook), first, a->priority, second,
			 b->priority);
	note(data, sentence);
}

void explain_notes(const struct explain *x, void (*note)(void *data, const char *sentence),
		   void *data)
{
	const struct ruleset *rs = x->facts->rs;
	bool legacy = false, nft = false;

	for (size_t i = 0; i < rs->n_base; i++) {
		if (!facts_chain(x->facts, rs->base[i])->n_known &&
		    rs->base[i]->policy == VERDICT_ACCEPT)
			continue;
		legacy |= rs->base[i]->table->backend == BACKEND_IPTABLES_LEGACY;
		nft |= rs->base[i]->table->backend != BACKEND_IPTABLES_LEGACY;
	}
	if (legacy && nft)
		note(data, "rules of iptables-legacy and of nf_tables are both there: every packet "
			   "meets both, and "
			   "the tools of one do not show those of the other");
	for (size_t i = 0; i < rs->n_base; i++)
		for (size_t k = i + 1; k < rs->n_base; k++)
			if (filters(rs->base[i]) && filters(rs->base[k]) &&
			    meet(rs->base[i], rs->base[k]))
				note_order(x, rs->base[i], rs->base[k], note, data);
	if (x->cut)
		note(data, "there are more ways through these chains than were followed: services "
			   "may be missing");
}
