// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A whole ruleset read for `nfpath explain`: rules become facts, ways are gone, services found, and
 * all of it is put in words. Input: family and backend (bits 0 and 1), two sets, then rules, each
 * with the chain that it is in (nft_rule.h).
 */
#include "tests/fuzz/nft_rule.h"

#include <linux/netfilter.h>

#include "netfilter/explainers.h"
#include "netfilter/explain_flow.h"

enum { N_CHAINS = 5, RULES = 8, N_SETS = 2, ELEMS = 4 };

static const char *const chains[N_CHAINS] = {"PREROUTING", "POSTROUTING", "KUBE-SERVICES", "DOCKER",
					     "c"};

static void add_chains(struct rs_table *t, struct ruleset *rs, const unsigned int *n_rules)
{
	for (int i = 0; i < N_CHAINS; i++) {
		struct rs_chain *c = rs_table_add_chain(rs, t, chains[i]);

		check(c);
		c->n_rules = n_rules[i];
		c->base = i < 2;
		if (!c->base)
			continue;
		c->hook = i ? NF_INET_POST_ROUTING : NF_INET_PRE_ROUTING;
		c->priority = i ? 100 : -100;
		c->policy = VERDICT_ACCEPT;
		c->type = strdup("nat");
		check(c->type);
	}
}

static const uint8_t *take_copy(struct facts *f, struct input *in, uint32_t want)
{
	size_t len;
	const uint8_t *p = take_bytes(in, want, &len);
	uint8_t *copy = facts_alloc(f, want);

	check(copy);
	memcpy(copy, p, len);
	return copy;
}

/* As facts_read_sets() and facts_read_elems() leave them: keys as long as the set says. */
static struct fact_set *take_set(struct facts *f, struct input *in, struct rs_table *t,
				 const char *name)
{
	struct fact_set *set = facts_alloc(f, sizeof(*set));
	uint8_t flags = take_u8(in);

	check(set);
	set->table = t;
	set->name = name;
	set->klen = 1 + take_u8(in) % 64;
	set->dlen = take_u8(in) % 33;
	set->verdicts = flags & 1;
	set->data = !set->verdicts && flags & 2;
	set->intervals = flags & 4;
	set->dynamic = flags & 8;
	set->n = take_u8(in) % (ELEMS + 1);
	set->elems = facts_alloc(f, ELEMS * sizeof(*set->elems));
	check(set->elems);
	for (size_t i = 0; i < set->n; i++) {
		struct fact_elem *e = &set->elems[i];

		e->key = take_copy(f, in, set->klen);
		e->end = flags & 16 ? take_copy(f, in, set->klen) : e->key;
		e->verdict = verdict_of_nft((int8_t)take_u8(in));
		if (e->verdict == VERDICT_JUMP || e->verdict == VERDICT_GOTO)
			e->to = facts_chain_named(f, t, chains[take_u8(in) % N_CHAINS]);
		if (set->data && set->dlen)
			e->data = take_copy(f, in, set->dlen);
	}
	return set;
}

static void take_sets(struct facts *f, struct input *in, struct rs_table *t)
{
	static const char *const names[N_SETS] = {"__map0", "s"};

	f->sets = calloc(N_SETS, sizeof(*f->sets));
	check(f->sets);
	for (int i = 0; i < N_SETS; i++)
		f->sets[f->n_sets++] = take_set(f, in, t, names[i]);
}

static void say_rule(const struct explain *x, const struct fact_rule *r, FILE *out)
{
	const struct explainer *e = explain_owner(x, r->chain, r);
	struct walk_step s = {.rule = r};

	check(e);
	words_step(out, &s, NFPROTO_IPV4);
	for (unsigned int i = 0; i < r->n_facts; i++)
		words_fact(out, &r->facts[i], NFPROTO_IPV6);
	for (int i = -1; r->vmap ? i < (int)r->vmap->n : i < 0; i++) {
		s.elem = i < 0 ? NULL : &r->vmap->elems[i];
		if (e->words)
			e->words(x, &s, out);
		if (s.elem && r->n_vmap_keys)
			words_elem_key(out, &s, NFPROTO_IPV4);
	}
}

static void say(struct explain *x, const struct facts *f, FILE *out)
{
	const struct flow_question q = {.family = NFPROTO_IPV4, .proto = 6, .port = 80};

	for (size_t i = 0; i < f->n_chains; i++)
		for (uint32_t k = 0; k < f->chains[i].n_known; k++)
			say_rule(x, &f->chains[i].rules[k], out);
	for (size_t i = 0; i < x->n_services; i++) {
		const struct explain_service *s = x->services[i];

		check(s->owner && s->at.rule);
		for (unsigned int k = 0; k < s->n_ways; k++) {
			words_facts(out, &s->ways[k].when, s->family);
			for (unsigned int n = 0; n < s->ways[k].n_endpoints; n++)
				check(s->ways[k].endpoints[n].share <= 1.000001);
		}
	}
	check(flow_ask(x, &q));
}

/* How many rules each chain gets is known before they are read, as it is of a snapshot. */
static unsigned int take_rules(struct input *in, struct nftnl_rule *rules[RULES],
			       uint8_t chain[RULES], unsigned int n_rules[N_CHAINS])
{
	unsigned int n = 0;

	while (in->len && n < RULES) {
		chain[n] = take_u8(in) % N_CHAINS;
		n_rules[chain[n]]++;
		rules[n++] = take_rule(in);
	}
	return n;
}

static void fill(struct facts *f, struct rs_table *t, struct nftnl_rule *const *rules,
		 const uint8_t *chain, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct fact_chain *c =
			(struct fact_chain *)facts_chain_named(f, t, chains[chain[i]]);

		check(c && !facts_room(f, c));
		check(!facts_fill_rule(f, &c->rules[c->n_known], rules[i]));
		c->n_known++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size}, sets;
	uint8_t head = take_u8(&in), chain[RULES];
	struct ruleset *rs = ruleset_new();
	struct rs_table *t =
		ruleset_add_table(rs, BACKEND_NFT, head & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4,
				  head & 4 ? "kube-proxy" : "nat");
	unsigned int n_rules[N_CHAINS] = {0}, n;
	struct nftnl_rule *rules[RULES];
	FILE *out = fopen("/dev/null", "w");
	struct explain *x;
	struct facts *f;

	check(t && out);
	sets.p = take_bytes(&in, take_u8(&in), &sets.len);
	n = take_rules(&in, rules, chain, n_rules);
	add_chains(t, rs, n_rules);
	check(!ruleset_classify(rs));
	t->backend = head & 2 ? BACKEND_IPTABLES_NFT : BACKEND_NFT;
	f = facts_new(rs);
	check(f);
	take_sets(f, &sets, t);
	fill(f, t, rules, chain, n);
	x = explain_open(f);
	check(x);
	say(x, f, out);
	explain_close(x);
	facts_free(f);
	for (unsigned int i = 0; i < n; i++)
		nftnl_rule_free(rules[i]);
	ruleset_put(rs);
	fclose(out);
	return 0;
}
