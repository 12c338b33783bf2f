// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/explain_flow.h"

#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>

/* More ends of a chain, or more endpoints, than anybody reads. */
enum { ENDS_MAX = 64, ENDPOINTS_MAX = 16, PARTS_MAX = 64, HOOKS_MAX = 5 + 5 * ENDPOINTS_MAX };

enum { CT_NEW = 8 };

struct asking {
	struct explain *x;
	const struct flow_question *q;
	struct flow *flow;
	struct walk w;
	struct flow_part *part; /* being walked */
	double dropped, natted, redirected; /* shares of what came to this part */
	bool maybe_passes;	/* some packets are accepted, or nobody knows */
	bool nat_done; /* nf_nat_inet_fn(): further chains of NAT at this hook are not asked */
	/* Where NAT sends to, and with which marks. */
	struct destination {
		struct explain_endpoint to;
		struct walk_mark marks[WALK_MARKS];
		unsigned int n_marks;
		bool ends; /* no packet to it leaves the hook in which it was chosen */
	} to[ENDPOINTS_MAX];
	unsigned int n_to;
	bool no_memory;
};

static void *room(struct asking *a, size_t size)
{
	void *p = facts_alloc(a->x->facts, size);

	if (!p)
		a->no_memory = true;
	return p;
}

static void set_endpoint(struct explain_endpoint *e, const struct walk *w,
			 const struct walk_leaf *leaf)
{
	memset(e, 0, sizeof(*e));
	e->family = leaf->nat_family ? leaf->nat_family : walk_family(w);
	e->share = leaf->share;
	e->port = leaf->port_min;
	e->port_max = leaf->port_max;
	e->has_addr = leaf->addr_min != NULL;
	if (e->has_addr) {
		memcpy(e->addr, leaf->addr_min, fact_key_len(KEY_DADDR, e->family));
		memcpy(e->addr_max, leaf->addr_max, fact_key_len(KEY_DADDR, e->family));
	}
	e->at = w->path[w->n_path - 1];
}

static void add_destination(struct asking *a, const struct explain_endpoint *to)
{
	struct destination *d;

	for (unsigned int i = 0; i < a->n_to; i++)
		if (!memcmp(a->to[i].to.addr, to->addr, 16) && a->to[i].to.port == to->port)
			return;
	if (a->n_to == ENDPOINTS_MAX) {
		a->flow->endpoints_left_out++;
		return;
	}
	d = &a->to[a->n_to++];
	d->to = *to;
	memcpy(d->marks, a->w.marks, sizeof(d->marks));
	d->n_marks = a->w.n_marks;
	d->ends = false;
}

static bool is_nat(const struct fact_rule *r)
{
	return r->act == ACT_DNAT || r->act == ACT_REDIRECT || r->act == ACT_SNAT;
}

static void on_end(struct walk *w, const struct walk_leaf *leaf)
{
	const struct fact_rule *r = w->path[w->n_path - 1].rule;
	struct asking *a = w->data;
	struct flow_part *p = a->part;
	struct fact when[WALK_FACTS];
	unsigned int n = 0;
	struct flow_end *e;

	if (p->n == ENDS_MAX) {
		p->left_out++;
	} else {
		e = &p->ends[p->n++];
		e->path = room(a, w->n_path * sizeof(*e->path));
		if (!e->path)
			return;
		memcpy(e->path, w->path, w->n_path * sizeof(*e->path));
		e->n_path = w->n_path;
		for (unsigned int i = w->n_given; i < w->n_assumed; i++)
			if (!w->assumed[i].implied)
				when[n++] = w->assumed[i];
		explain_keep_facts(a->x, &e->when, when, n);
		e->verdict = leaf->verdict;
		e->share = leaf->share;
		e->sure = leaf->sure;
		e->nat = is_nat(r) && leaf->nat_known;
		if (e->nat)
			set_endpoint(&e->to, w, leaf);
		if (e->nat && r->act != ACT_SNAT)
			add_destination(a, &e->to);
	}
	if (leaf->verdict != VERDICT_DROP && leaf->verdict != VERDICT_CONTINUE)
		a->maybe_passes = true;
	if (leaf->sure && leaf->verdict == VERDICT_DROP)
		a->dropped += leaf->share;
	if (is_nat(r) || r->act == ACT_MASQUERADE)
		a->natted += leaf->sure ? leaf->share : 0;
	if (is_nat(r) && r->act != ACT_SNAT && leaf->nat_known && leaf->sure)
		a->redirected += leaf->share;
}

static bool of_family(const struct rs_chain *c, uint8_t family)
{
	return c->table->family == family || c->table->family == NFPROTO_INET;
}

/* By priority; nft's first where both have the same (nf_hook_entry_head(): the later one behind).
 */
static unsigned int chains_at(const struct asking *a, uint8_t hook, const struct rs_chain **v)
{
	const struct ruleset *rs = a->x->facts->rs;
	unsigned int n = 0, k;

	for (size_t i = 0; i < rs->n_base && n < PARTS_MAX; i++) {
		if (rs->base[i]->hook != hook || !of_family(rs->base[i], a->q->family))
			continue;
		for (k = n++; k && v[k - 1]->priority > rs->base[i]->priority; k--)
			v[k] = v[k - 1];
		v[k] = rs->base[i];
	}
	return n;
}

static void give(struct asking *a, uint8_t hook, const struct explain_endpoint *to,
		 enum local local)
{
	static const char none[16]; /* a packet that is sent came in by no interface */

	const uint16_t port = htons(to->port);
	struct walk *w = &a->w;

	walk_give(w, KEY_FAMILY, &a->q->family, 1);
	walk_give_bits(w, KEY_CT_STATE, CT_NEW);
	if (to->has_addr)
		walk_give(w, KEY_DADDR, to->addr, fact_key_len(KEY_DADDR, a->q->family));
	if (hook == NF_INET_LOCAL_OUT)
		walk_give(w, KEY_IIF, none, sizeof(none));
	else if (hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_IN)
		walk_give(w, KEY_OIF, none, sizeof(none));
	if (a->q->proto)
		walk_give(w, KEY_PROTO, &a->q->proto, 1);
	if (to->port)
		walk_give(w, KEY_DPORT, &port, 2);
	if (local == LOCAL_YES)
		walk_give_bits(w, KEY_DTYPE, 1u << RTN_LOCAL);
	else if (local == LOCAL_NO)
		walk_give_bits(w, KEY_DTYPE, ~(1u << RTN_LOCAL));
}

/* 0: no packet gets further. */
static double walk_part(struct asking *a, struct flow_part *p, const struct explain_endpoint *to,
			enum local local, struct destination *d)
{
	const struct fact_chain *c = p->chain;
	double left;

	a->part = p;
	a->dropped = a->natted = a->redirected = 0;
	a->maybe_passes = false;
	p->ends = room(a, ENDS_MAX * sizeof(*p->ends));
	if (!p->ends)
		return 0;
	walk_begin(&a->w, a->x->facts, on_end, a);
	a->w.report_marks = true;
	memcpy(a->w.marks, d->marks, sizeof(d->marks));
	a->w.n_marks = d->n_marks;
	give(a, c->rs->hook, to, local);
	left = walk_chain(&a->w, c, 1);
	memcpy(d->marks, a->w.marks, sizeof(d->marks));
	d->n_marks = a->w.n_marks;
	a->flow->cut |= a->w.cut;
	a->nat_done |= a->natted > 1 - 1e-6;
	p->ends_here = !a->maybe_passes && !a->w.cut &&
		       a->dropped + (c->rs->policy == VERDICT_DROP ? left : 0) > 1 - 1e-6;
	return p->ends_here ? 0 : 1;
}

static enum local ask_local(const struct asking *a, const struct explain_endpoint *to)
{
	return a->q->is_local && to->has_addr ? a->q->is_local(a->q->data, a->q->family, to->addr)
					      : LOCAL_UNKNOWN;
}

/* The chains of a hook from the first of these on. False: no packet gets further. *rest: those behind
 * the one that sent packets elsewhere. */
static bool walk_chains(struct asking *a, struct flow_hook *h, const struct rs_chain **v,
			unsigned int n, struct destination *d, unsigned int *rest)
{
	const unsigned int n_to = a->n_to;
	bool goes_on = true;

	*rest = n;
	for (unsigned int i = 0; i < n && goes_on; i++) {
		if (a->nat_done && v[i]->type && !strcmp(v[i]->type, "nat"))
			continue;
		h->parts[h->n].chain = facts_chain(a->x->facts, v[i]);
		goes_on = walk_part(a, &h->parts[h->n++], &h->to, h->local, d) > 0;
		if (a->n_to > n_to && *rest == n)
			*rest = i + 1;
		if (a->redirected > 1 - 1e-6)
			break; /* no packet has this destination any more */
	}
	return goes_on;
}

static struct flow_hook *new_hook(struct asking *a, uint8_t hook, unsigned int n_chains,
				  const struct explain_endpoint *to, enum local local)
{
	struct flow_hook *h = &a->flow->hooks[a->flow->n];

	h->parts = room(a, n_chains * sizeof(*h->parts));
	if (!h->parts)
		return NULL;
	a->flow->n++;
	h->hook = hook;
	h->to = *to;
	h->local = local;
	return h;
}

/* The later chains of the hook see the destination that a chain of NAT chose. */
static void walk_rest(struct asking *a, uint8_t hook, const struct rs_chain **v, unsigned int n,
		      struct destination *d)
{
	struct flow_hook *h = new_hook(a, hook, n, &d->to, ask_local(a, &d->to));
	bool silent = true;
	unsigned int rest;

	a->nat_done = true;
	d->ends = !h || !walk_chains(a, h, v, n, d, &rest);
	for (unsigned int i = 0; h && i < h->n; i++)
		silent &= !h->parts[i].n && !h->parts[i].ends_here;
	if (h && silent)
		a->flow->n--;
}

/* False: no packet gets further. */
static bool walk_hook(struct asking *a, uint8_t hook, const struct explain_endpoint *to,
		      enum local local, struct destination *d)
{
	const struct rs_chain *chains[PARTS_MAX];
	unsigned int n = chains_at(a, hook, chains), rest, n_to = a->n_to;
	struct flow_hook *h = new_hook(a, hook, n, to, local);
	bool goes_on;

	if (!h)
		return false;
	a->nat_done = false;
	goes_on = walk_chains(a, h, chains, n, d, &rest);
	for (unsigned int end = a->n_to; n_to < end && rest < n; n_to++)
		walk_rest(a, hook, chains + rest, n - rest, &a->to[n_to]);
	return goes_on;
}

static void after_nat(struct asking *a, struct destination *d)
{
	enum local local = ask_local(a, &d->to);
	struct destination input = *d;
	bool forwarded;

	if (local != LOCAL_NO)
		walk_hook(a, NF_INET_LOCAL_IN, &d->to, local, &input);
	if (local == LOCAL_YES)
		return;
	forwarded = walk_hook(a, NF_INET_FORWARD, &d->to, local, d);
	if (forwarded)
		walk_hook(a, NF_INET_POST_ROUTING, &d->to, local, d);
}

struct flow *flow_ask(struct explain *x, const struct flow_question *q)
{
	struct asking *a = calloc(1, sizeof(*a));
	struct destination first = {.to = {.family = q->family, .has_addr = true, .port = q->port}};
	struct destination own;
	struct flow *flow = NULL;

	if (!a)
		return NULL;
	a->x = x;
	a->q = q;
	memcpy(first.to.addr, q->addr, 16);
	memcpy(first.to.addr_max, q->addr, 16);
	first.to.port_max = q->port;
	own = first;
	a->flow = room(a, sizeof(*a->flow));
	if (a->flow)
		a->flow->hooks = room(a, HOOKS_MAX * sizeof(*a->flow->hooks));
	if (!a->no_memory &&
	    walk_hook(a, NF_INET_PRE_ROUTING, &first.to, ask_local(a, &first.to), &first)) {
		if (!a->n_to)
			after_nat(a, &first);
		for (unsigned int i = 0; i < a->n_to; i++)
			if (!a->to[i].ends)
				after_nat(a, &a->to[i]);
	}
	a->n_to = 0; /* where what this host sends goes from there is told already */
	if (!a->no_memory)
		walk_hook(a, NF_INET_LOCAL_OUT, &own.to, ask_local(a, &own.to), &own);
	if (!a->no_memory)
		flow = a->flow;
	free(a);
	return flow;
}
