// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One published service: what of a way is its address and port, what is a condition, where it ends,
 * and why it is masqueraded.
 */
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <linux/netfilter.h>

#include "netfilter/explainers.h"

/* --- arrays that grow in the memory of the facts: doubled at powers of two --- */

static void *grow(struct explain *x, void *v, unsigned int n, size_t size)
{
	void *bigger;

	if (n & (n - 1))
		return v;
	bigger = facts_alloc(x->facts, (n ? 2 * n : 1) * size);
	if (!bigger)
		x->p->no_memory = true;
	else if (n)
		memcpy(bigger, v, n * size);
	return bigger;
}

/* --- what a way publishes --- */

static const struct fact *asked_for(const struct walk *w, uint8_t key, unsigned int *index)
{
	for (unsigned int i = w->n_given; i < w->n_assumed; i++)
		if (w->assumed[i].key == key && !w->assumed[i].inv && !w->assumed[i].implied &&
		    w->assumed[i].op <= FACT_RANGE) {
			*index = i;
			return &w->assumed[i];
		}
	return NULL;
}

void service_what(const struct walk *w, struct published *p)
{
	unsigned int at = w->n_path - 1, i;
	const struct fact *proto;

	memset(p, 0, sizeof(*p));
	p->family = walk_family(w);
	p->addr = asked_for(w, KEY_DADDR, &i);
	if (p->addr && p->addr->op == FACT_RANGE)
		p->addr = NULL;
	else if (p->addr)
		at = w->origin[i];
	p->port = asked_for(w, KEY_DPORT, &i);
	if (p->port)
		at = w->origin[i];
	proto = asked_for(w, KEY_PROTO, &i);
	p->proto = proto && proto->op == FACT_MASKED ? proto->value[0] : 0;
	p->at = w->path[at];
	if (!p->at.rule->vmap)
		p->at.elem = NULL; /* of a map of addresses: where to, not what for */
}

static void ports_of(const struct fact *f, uint16_t *min, uint16_t *max)
{
	if (!f)
		return;
	*min = f->value[0] << 8 | f->value[1];
	*max = f->op == FACT_RANGE ? f->mask[0] << 8 | f->mask[1] : *min;
}

struct explain_service **service_bucket(struct explain *x, const struct published *p)
{
	uint32_t h = 2166136261u;
	uint16_t min = 0, max = 0;

	ports_of(p->port, &min, &max);
	for (int i = 0; p->addr && i < p->addr->len; i++)
		h = (h ^ p->addr->value[i]) * 16777619u;
	h = (h ^ p->proto) * 16777619u;
	h = (h ^ min) * 16777619u;
	return &x->p->buckets[(h ^ h >> 15) % SERVICE_BUCKETS];
}

bool service_is_of(const struct explain_service *s, const struct published *p)
{
	uint16_t min = 0, max = 0;

	ports_of(p->port, &min, &max);
	return s->family == p->family && s->has_addr == (p->addr != NULL) && s->proto == p->proto &&
	       s->port == min && s->port_max == max &&
	       (!p->addr || (!memcmp(s->addr, p->addr->value, p->addr->len) &&
			     !memcmp(s->addr_mask, p->addr->mask, p->addr->len)));
}

struct explain_service *service_new(struct explain *x, const struct published *p)
{
	struct explain_service *s = facts_alloc(x->facts, sizeof(*s)),
			       **bucket = service_bucket(x, p), **bigger;

	if (s && x->n_services == x->p->cap) {
		x->p->cap = x->p->cap ? 2 * x->p->cap : 64;
		bigger = realloc(x->services, x->p->cap * sizeof(*bigger));
		if (bigger)
			x->services = bigger;
		else
			s = NULL;
	}
	if (!s) {
		x->p->no_memory = true;
		return NULL;
	}
	s->number = x->n_services;
	x->services[x->n_services++] = s;
	s->next = *bucket;
	*bucket = s;
	s->family = p->family;
	s->proto = p->proto;
	s->at = p->at;
	ports_of(p->port, &s->port, &s->port_max);
	s->has_addr = p->addr != NULL;
	if (p->addr) {
		memcpy(s->addr, p->addr->value, p->addr->len);
		memcpy(s->addr_mask, p->addr->mask, p->addr->len);
	}
	return s;
}

/* --- a way --- */

/* The facts that are neither address, port and protocol nor given; how many. Affinity aside. */
static unsigned int conditions(const struct walk *w, struct fact *out,
			       const struct fact **remembered)
{
	unsigned int n = 0;

	for (unsigned int i = w->n_given; i < w->n_assumed; i++) {
		const struct fact *f = &w->assumed[i];

		if (f->implied)
			continue;
		if (f->op == FACT_REMEMBERED && !f->inv) {
			*remembered = f;
			continue;
		}
		if (!f->inv &&
		    ((f->op <= FACT_RANGE &&
		      (f->key == KEY_DADDR || f->key == KEY_PROTO || f->key == KEY_DPORT)) ||
		     f->key == KEY_DTYPE))
			continue;
		out[n++] = *f;
	}
	return n;
}

static struct explain_way *way_of(struct explain *x, struct explain_service *s,
				  const struct fact *when, unsigned int n)
{
	struct explain_way *way;

	for (unsigned int i = s->n_ways; i--;)
		if (s->ways[i].when.n == n &&
		    !memcmp(s->ways[i].when.v ?: when, when, n * sizeof(*when)))
			return &s->ways[i];
	s->ways = grow(x, s->ways, s->n_ways, sizeof(*s->ways));
	if (!s->ways)
		return NULL;
	way = &s->ways[s->n_ways++];
	memset(way, 0, sizeof(*way));
	explain_keep_facts(x, &way->when, when, n);
	return way;
}

static void add_endpoint(struct explain *x, struct explain_way *way, const struct walk *w,
			 const struct walk_leaf *leaf)
{
	struct explain_endpoint e = {.family = leaf->nat_family ? leaf->nat_family : walk_family(w),
				     .share = leaf->share,
				     .port = leaf->port_min,
				     .port_max = leaf->port_max,
				     .at = w->path[w->n_path - 1]};
	size_t len = fact_key_len(KEY_DADDR, e.family);

	if (leaf->addr_min) {
		e.has_addr = true;
		memcpy(e.addr, leaf->addr_min, len);
		memcpy(e.addr_max, leaf->addr_max, len);
	}
	way->endpoints = grow(x, way->endpoints, way->n_endpoints, sizeof(e));
	if (way->endpoints)
		way->endpoints[way->n_endpoints++] = e;
}

static bool makes_masqueraded(const struct explain *x, const struct fact_rule *r)
{
	for (unsigned int i = 0; i < x->n_marks; i++)
		if ((r->mark_value & x->marks[i].mask) == x->marks[i].value)
			return true;
	return false;
}

static void add_masquerade(struct explain *x, struct explain_way *way, const struct walk *w,
			   const struct walk_mark *m, const struct walk_leaf *leaf)
{
	struct explain_masquerade new = {.rule = m->via};
	struct fact facts[MARK_FACTS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n; i++) {
		const struct fact *f = &m->facts[i];
		enum truth t = walk_truth(w, f);

		if (t == FALSE_)
			return;
		if (t == TRUE_)
			continue;
		if (f->key == KEY_SADDR && f->op == FACT_MASKED && !f->inv && leaf->addr_min &&
		    !memcmp(f->value, leaf->addr_min, f->len))
			new.hairpin = true;
		facts[n++] = *f;
	}
	for (unsigned int i = 0; i < way->n_masquerade; i++) {
		struct explain_masquerade *old = &way->masquerade[i];

		if ((new.hairpin && old->hairpin) || !old->when.n ||
		    (old->when.n == n && !memcmp(old->when.v, facts, n * sizeof(facts[0]))))
			return;
	}
	way->masquerade = grow(x, way->masquerade, way->n_masquerade, sizeof(new));
	if (!way->masquerade)
		return;
	explain_keep_facts(x, &new.when, facts, n);
	way->masquerade[way->n_masquerade++] = new;
}

void service_add_chains(struct explain *x, struct explain_service *s, const struct walk *w)
{
	for (unsigned int i = 0; i < w->n_path; i++) {
		const struct fact_chain *c = w->path[i].rule->chain;
		unsigned int k = s->n_chains;

		while (k && s->chains[k - 1] != c)
			k--;
		if (k)
			continue;
		s->chains = grow(x, s->chains, s->n_chains, sizeof(*s->chains));
		if (!s->chains)
			return;
		s->chains[s->n_chains++] = c;
	}
}

/* The one nearest to the end of the way. */
static const struct explainer *owner_of_way(const struct explain *x, const struct walk *w)
{
	const struct explainer *e = NULL;

	for (unsigned int i = w->n_path; i-- && !e;)
		e = explain_chain_owner(w->path[i].rule->chain);
	return e ? e
		 : explain_owner(x, w->path[w->n_path - 1].rule->chain,
				 w->path[w->n_path - 1].rule);
}

struct explain_service *service_of(struct explain *x, const struct walk *w,
				   const struct published *p)
{
	struct explain_service *s = *service_bucket(x, p);

	while (s && !(s->at.rule == p->at.rule && s->at.elem == p->at.elem && service_is_of(s, p)))
		s = s->next;
	if (s)
		return s;
	s = service_new(x, p);
	if (!s)
		return NULL;
	s->owner = owner_of_way(x, w);
	if (s->owner->service)
		s->owner->service(x, s, w);
	return s;
}

void service_add_way(struct explain *x, struct explain_service *s, const struct walk *w,
		     const struct walk_leaf *leaf)
{
	const struct fact *remembered = NULL;
	struct fact when[WALK_FACTS];
	struct explain_way *way;
	unsigned int n;

	n = conditions(w, when, &remembered);
	if (remembered) {
		s->affinity = true;
		s->affinity_seconds = remembered->seconds;
		return;
	}
	way = way_of(x, s, when, n);
	if (!way)
		return;
	add_endpoint(x, way, w, leaf);
	for (unsigned int i = 0; i < w->n_marks; i++)
		if (makes_masqueraded(x, w->marks[i].rule))
			add_masquerade(x, way, w, &w->marks[i], leaf);
	service_add_chains(x, s, w);
}
