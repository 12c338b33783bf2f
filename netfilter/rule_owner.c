// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/rule_owner.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/explainers.h"

/* Packets that are under way while the ruleset changes meet the one or the other. */
enum { GENERATIONS = 2, N_BUCKETS = 1024 };

struct answer {
	struct answer *next;
	const struct rs_chain *chain;
	uint32_t number;
	char *target; /* of a verdict map's element; NULL: of a rule without */
	const struct explainer *owner;
	char *words;
};

/* What is known of one ruleset, as long as nobody changed anything, not even a set. */
struct generation {
	const struct rule_owners *all;
	uint32_t genid;
	struct facts *facts; /* NULL: free */
	void *host;
	bool unnamed; /* a name was asked for and not found: it may be known later */
	struct answer *answers[N_BUCKETS];
};

struct rule_owners {
	struct nf_source *s;
	const struct owner_host *host;
	void *host_data;
	struct generation v[GENERATIONS]; /* the one that was used last is the first */
	char *words;			  /* of the last answer, when it is not kept */
};

struct rule_owners *rule_owners_open(struct nf_source *s, const struct owner_host *host,
				     void *host_data)
{
	struct rule_owners *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->s = s;
	o->host = host;
	o->host_data = host_data;
	return o;
}

static void forget(struct generation *g)
{
	struct answer *a;

	for (size_t i = 0; g->facts && i < N_BUCKETS; i++)
		while ((a = g->answers[i])) {
			g->answers[i] = a->next;
			free(a->target);
			free(a->words);
			free(a);
		}
	if (g->host)
		g->all->host->close(g->host);
	facts_free(g->facts);
	memset(g, 0, sizeof(*g));
}

void rule_owners_close(struct rule_owners *o)
{
	if (!o)
		return;
	for (int i = 0; i < GENERATIONS; i++)
		forget(&o->v[i]);
	free(o->words);
	free(o);
}

static bool is_for(const struct generation *g, const struct ruleset *rs)
{
	return g->facts && g->facts->rs == rs && g->genid == rs->genid;
}

static struct generation *generation_of(struct rule_owners *o, struct ruleset *rs)
{
	struct generation *g = &o->v[0], other;

	if (is_for(g, rs))
		return g;
	other = o->v[1];
	o->v[1] = *g;
	*g = other;
	if (is_for(g, rs))
		return g;
	forget(g);
	g->all = o;
	g->genid = rs->genid;
	g->facts = facts_new(rs);
	if (!g->facts)
		return NULL;
	explain_find_owners(g->facts);
	return g;
}

/* --- words --- */

static const char *name_of(void *data, uint8_t family, const uint8_t *addr)
{
	struct generation *g = data;
	const struct rule_owners *o = g->all;
	const char *name;

	if (!o->host)
		return NULL;
	if (!g->host)
		g->host = o->host->open(o->host_data);
	name = g->host ? o->host->name(g->host, family, addr) : NULL;
	g->unnamed |= !name;
	return name;
}

static const char *bridge_of(void *data, uint8_t family, const uint8_t *addr)
{
	struct generation *g = data;
	const struct rule_owners *o = g->all;

	if (o->host && !g->host)
		g->host = o->host->open(o->host_data);
	return g->host ? o->host->bridge(g->host, family, addr) : NULL;
}

/* NULL: none, or out of memory. */
static char *words_of(struct generation *g, const struct explainer *e, const struct walk_step *s)
{
	const struct explain x = {
		.facts = g->facts, .name_of = name_of, .bridge_of = bridge_of, .name_data = g};
	char *words = NULL;
	size_t size = 0;
	FILE *f = e->words ? open_memstream(&words, &size) : NULL;

	if (!f)
		return NULL;
	e->words(&x, s, f);
	if (fclose(f) || !*words) {
		free(words);
		return NULL;
	}
	return words;
}

/* --- the element of a verdict map that sent the packet on --- */

static bool leads_to(const struct fact_elem *e, const struct owner_hit *hit)
{
	if (e->verdict != hit->verdict)
		return false;
	return !e->to || (hit->target && !strcmp(e->to->rs->name, hit->target));
}

static void give_addr(struct walk *w, uint8_t key, const uint8_t *addr)
{
	if (addr)
		walk_give(w, key, addr, fact_key_len(key, walk_family(w)));
}

static void give_packet(struct walk *w, const struct facts *f, const struct owner_packet *p)
{
	const uint16_t sport = htons(p->sport), dport = htons(p->dport);

	walk_begin(w, f, NULL, NULL);
	w->any_mark = true;
	if (p->family != NFPROTO_IPV4 && p->family != NFPROTO_IPV6)
		return;
	walk_give(w, KEY_FAMILY, &p->family, 1);
	give_addr(w, KEY_SADDR, p->saddr);
	give_addr(w, KEY_DADDR, p->daddr);
	if (p->proto)
		walk_give(w, KEY_PROTO, &p->proto, 1);
	if (!p->has_ports)
		return;
	walk_give(w, KEY_SPORT, &sport, 2);
	walk_give(w, KEY_DPORT, &dport, 2);
}

/* The words that every such element has: those that lead where the packet went, or by_packet those
 * of them that fit it. NULL: there are none, or they differ, which sets *differ. */
static char *words_of_elems(struct generation *g, const struct explainer *e,
			    const struct fact_rule *r, const struct owner_hit *hit,
			    const struct walk *by_packet, bool *differ)
{
	char *words = NULL, *other;
	bool first = true;

	*differ = false;
	for (size_t i = 0; i < r->vmap->n && !*differ; i++) {
		const struct fact_elem *elem = &r->vmap->elems[i];
		const struct walk_step s = {r, elem};

		if (!leads_to(elem, hit) ||
		    (by_packet && walk_elem_truth(by_packet, r->vmap, elem, r->vmap_keys,
						  r->n_vmap_keys) == FALSE_))
			continue;
		other = words_of(g, e, &s);
		if (first)
			words = other;
		else
			*differ = !words != !other || (words && strcmp(words, other));
		if (!first)
			free(other);
		first = false;
	}
	if (!*differ)
		return words;
	free(words);
	return NULL;
}

/* *keep: the same for every packet that goes there. */
static char *words_of_map(struct generation *g, const struct explainer *e,
			  const struct fact_rule *r, const struct owner_hit *hit, bool *keep)
{
	struct walk *w;
	char *words;
	bool differ;

	words = words_of_elems(g, e, r, hit, NULL, &differ);
	*keep = !differ;
	w = differ ? malloc(sizeof(*w)) : NULL;
	if (!w)
		return words;
	give_packet(w, g->facts, &hit->packet);
	words = words_of_elems(g, e, r, hit, w, &differ);
	free(w);
	return words;
}

/* --- a rule --- */

static bool is_anonymous(const struct fact_set *set)
{
	return begins(set->name, "__");
}

/*
 * May the elements be those that the packet met? What a named set holds changes without any rule
 * changing: they must have been read in the packet's own generation. An anonymous one never
 * changes.
 */
static bool elems_known(struct rule_owners *o, struct generation *g, struct fact_set *set,
			bool just_read, const struct owner_hit *hit)
{
	uint32_t genid;

	if (is_anonymous(set))
		return !set->why;
	if (just_read && !set->why && (nf_source_genid(o->s, &genid) || genid != g->genid))
		set->why = "the ruleset changed while it was read";
	return !set->why && hit->same_sets;
}

/* By the names of chains alone, which the packet met. */
static const struct explainer *owner_by_name(const struct generation *g, const struct fact_chain *c,
					     const char *target)
{
	const struct explainer *e = explain_chain_owner(c);
	const struct fact_chain *to =
		!e && target ? facts_chain_named(g->facts, c->rs->table, target) : NULL;

	return to ? explain_chain_owner(to) : e;
}

static struct answer answer_to(struct rule_owners *o, struct generation *g,
			       const struct owner_hit *hit, bool *keep)
{
	struct fact_chain *c = (struct fact_chain *)facts_chain(g->facts, hit->chain);
	const struct explain x = {.facts = g->facts};
	struct answer a = {.chain = hit->chain, .number = hit->number};
	struct fact_rule *r;
	size_t sets = g->facts->n_sets;

	*keep = true;
	g->unnamed = false;
	if (!c || facts_read_rule(g->facts, o->s, c, hit->number)) {
		a.owner = c ? owner_by_name(g, c, hit->target) : NULL;
		*keep = false;
		return a;
	}
	r = &c->rules[hit->number - 1];
	a.owner = explain_owner(&x, c, r);
	if (a.owner->needs_chain && a.owner->needs_chain(c->rs) && !c->n_known &&
	    facts_read_chain(g->facts, o->s, c))
		return a;
	if (!r->vmap) {
		const struct walk_step s = {r, NULL};

		a.words = words_of(g, a.owner, &s);
	} else if (elems_known(o, g, (struct fact_set *)r->vmap, g->facts->n_sets != sets, hit)) {
		a.words = words_of_map(g, a.owner, r, hit, keep);
	} else {
		*keep = false;
	}
	*keep &= !g->unnamed;
	return a;
}

static struct answer **bucket_of(struct generation *g, const struct owner_hit *hit)
{
	return &g->answers[(((uintptr_t)hit->chain >> 4) * 31 + hit->number) % N_BUCKETS];
}

static const struct answer *known_answer(struct generation *g, const struct owner_hit *hit)
{
	for (const struct answer *a = *bucket_of(g, hit); a; a = a->next)
		if (a->chain == hit->chain && a->number == hit->number &&
		    !strcmp(a->target ?: "", hit->target ?: ""))
			return a;
	return NULL;
}

/* Keeps it with its words; false: out of memory, and the words are still the caller's. */
static bool keep_answer(struct generation *g, const struct owner_hit *hit, const struct answer *a)
{
	struct answer *kept = malloc(sizeof(*kept)), **bucket = bucket_of(g, hit);

	if (!kept)
		return false;
	*kept = *a;
	kept->target = hit->target ? strdup(hit->target) : NULL;
	if (hit->target && !kept->target) {
		free(kept);
		return false;
	}
	kept->next = *bucket;
	*bucket = kept;
	return true;
}

static void say(const struct answer *a, struct rule_owner *out)
{
	/* The administrator owns nothing: these are the rules of which no owner is known. */
	if (!a->owner || !a->owner->owns)
		return;
	out->name = a->owner->name;
	out->mode = a->owner->mode;
	out->words = a->words;
}

void rule_owner(struct rule_owners *o, const struct owner_hit *hit, struct rule_owner *out)
{
	struct generation *g = generation_of(o, hit->rs);
	const struct answer *known = g ? known_answer(g, hit) : NULL;
	struct answer a;
	bool keep;

	*out = (struct rule_owner){0};
	if (!g || known) {
		if (known)
			say(known, out);
		return;
	}
	free(o->words);
	o->words = NULL;
	a = answer_to(o, g, hit, &keep);
	if (!keep || !keep_answer(g, hit, &a))
		o->words = a.words;
	say(&a, out);
}
