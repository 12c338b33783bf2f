// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/explain_facts.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 18 };

struct block {
	struct block *next;
	size_t used, size;
	char data[] __attribute__((aligned(16)));
};

struct facts_private {
	struct block *blocks;
	/* From rs_chain to fact_chain: open addressing, at most half full. */
	const struct fact_chain **slots;
	size_t size; /* a power of two */
};

void *facts_alloc(struct facts *f, size_t size)
{
	struct block *b = f->p->blocks;
	size_t room;

	size = (size + 15) & ~(size_t)15;
	if (!b || b->size - b->used < size) {
		room = size > BLOCK ? size : BLOCK;
		b = calloc(1, sizeof(*b) + room);
		if (!b)
			return NULL;
		b->size = room;
		b->next = f->p->blocks;
		f->p->blocks = b;
	}
	b->used += size;
	return b->data + b->used - size;
}

char *facts_strdup(struct facts *f, const char *s)
{
	size_t len = strlen(s) + 1;
	char *copy = facts_alloc(f, len);

	return copy ? memcpy(copy, s, len) : NULL;
}

static size_t slot_of(const struct facts_private *p, const struct rs_chain *c)
{
	size_t i = ((uintptr_t)c >> 4) * 0x9e3779b97f4a7c15u >> 16 & (p->size - 1);

	while (p->slots[i] && p->slots[i]->rs != c)
		i = (i + 1) & (p->size - 1);
	return i;
}

const struct fact_chain *facts_chain(const struct facts *f, const struct rs_chain *c)
{
	return c ? f->p->slots[slot_of(f->p, c)] : NULL;
}

const struct fact_chain *facts_chain_named(const struct facts *f, const struct rs_table *t,
					   const char *name)
{
	return facts_chain(f, ruleset_chain(f->rs, t->backend == BACKEND_IPTABLES_LEGACY, t->family,
					    t->name, name));
}

static bool make_slots(struct facts_private *p, size_t n_chains)
{
	for (p->size = 64; p->size < 2 * n_chains; p->size *= 2)
		;
	p->slots = calloc(p->size, sizeof(*p->slots));
	return p->slots != NULL;
}

static void make_chain(struct facts *f, struct fact_chain *c, const struct rs_chain *rs)
{
	c->rs = rs;
	f->p->slots[slot_of(f->p, rs)] = c;
}

int facts_room(struct facts *f, struct fact_chain *c)
{
	if (c->rules)
		return 0;
	c->rules = facts_alloc(f, c->rs->n_rules * sizeof(*c->rules));
	for (uint32_t i = 0; c->rules && i < c->rs->n_rules; i++) {
		c->rules[i].chain = c;
		c->rules[i].number = i + 1;
	}
	return c->rules ? 0 : -ENOMEM;
}

struct facts *facts_new(struct ruleset *rs)
{
	struct facts *f = calloc(1, sizeof(*f));
	size_t n = 0;

	if (!f || !(f->p = calloc(1, sizeof(*f->p)))) {
		free(f);
		return NULL;
	}
	f->rs = ruleset_get(rs);
	for (size_t i = 0; i < rs->n_tables; i++)
		n += rs->tables[i]->n_chains;
	f->chains = facts_alloc(f, n * sizeof(*f->chains));
	if (!f->chains || !make_slots(f->p, n))
		goto failed;
	for (size_t i = 0; i < rs->n_tables; i++)
		for (size_t k = 0; k < rs->tables[i]->n_chains; k++)
			make_chain(f, &f->chains[f->n_chains++], rs->tables[i]->chains[k]);
	return f;
failed:
	facts_free(f);
	return NULL;
}

void facts_free(struct facts *f)
{
	struct block *b;

	if (!f)
		return;
	while ((b = f->p->blocks)) {
		f->p->blocks = b->next;
		free(b);
	}
	free(f->p->slots);
	free(f->p);
	free(f->sets);
	ruleset_put(f->rs);
	free(f);
}

uint8_t fact_key_len(uint8_t key, uint8_t family)
{
	switch (key) {
	case KEY_SADDR:
	case KEY_DADDR:
		return family == NFPROTO_IPV6 ? 16 : 4;
	case KEY_FAMILY:
	case KEY_PROTO:
		return 1;
	case KEY_SPORT:
	case KEY_DPORT:
		return 2;
	case KEY_IIF:
	case KEY_OIF:
		return 16;
	}
	return 4;
}

struct fact *fact_add(struct fact_list *l, uint8_t key, uint8_t op, bool inv)
{
	static struct fact scrap;
	struct fact *v = l->n < FACTS_MAX ? &l->v[l->n++] : &scrap;

	if (v == &scrap)
		l->full = true;
	memset(v, 0, sizeof(*v));
	v->key = key;
	v->op = op;
	v->inv = inv;
	return v;
}

/* Where one bit is asked for, what is not this is that. */
static void straighten(struct fact *f)
{
	uint32_t mask, value;

	if (f->op != FACT_MASKED || f->key != KEY_MARK || !f->inv)
		return;
	memcpy(&mask, f->mask, 4);
	memcpy(&value, f->value, 4);
	if (!mask || mask & (mask - 1))
		return;
	value ^= mask;
	memcpy(f->value, &value, 4);
	f->inv = false;
}

void fact_invert(struct fact *f)
{
	f->inv = !f->inv;
	straighten(f);
}

/* A mask of nothing says nothing. */
void fact_add_masked(struct fact_list *l, uint8_t key, bool inv, const void *value,
		     const void *mask, uint8_t len)
{
	const uint8_t *v = value, *m = mask;
	struct fact *fact;
	bool any = false;

	for (uint8_t i = 0; m && i < len; i++)
		any |= m[i] != 0;
	if ((m && !any && !inv) || len > FACT_BYTES)
		return;
	fact = fact_add(l, key, FACT_MASKED, inv);
	fact->len = len;
	for (uint8_t i = 0; i < len; i++) {
		fact->mask[i] = m ? m[i] : 0xff;
		fact->value[i] = v[i] & fact->mask[i];
	}
	straighten(fact);
}

void fact_add_range(struct fact_list *l, uint8_t key, bool inv, const void *lo, const void *hi,
		    uint8_t len)
{
	struct fact *fact;

	if (!memcmp(lo, hi, len)) {
		fact_add_masked(l, key, inv, lo, NULL, len);
		return;
	}
	/* Written as "from here" and "up to there": one fact. */
	fact = l->n ? &l->v[l->n - 1] : NULL;
	if (fact && !inv && fact->key == key && fact->op == FACT_RANGE && !fact->inv &&
	    fact->len == len) {
		if (memcmp(lo, fact->value, len) > 0)
			memcpy(fact->value, lo, len);
		if (memcmp(hi, fact->mask, len) < 0)
			memcpy(fact->mask, hi, len);
		return;
	}
	fact = fact_add(l, key, FACT_RANGE, inv);
	fact->len = len;
	memcpy(fact->value, lo, len);
	memcpy(fact->mask, hi, len);
}

void fact_add_bits(struct fact_list *l, uint8_t key, bool inv, uint32_t bits)
{
	struct fact *fact = fact_add(l, key, FACT_BITS, inv);

	fact->len = sizeof(bits);
	memcpy(fact->value, &bits, sizeof(bits));
}

void fact_add_other(struct facts *f, struct fact_list *l, const char *what)
{
	struct fact *fact = fact_add(l, KEY_OTHER, FACT_OTHER, false);

	fact->what = facts_strdup(f, what);
	if (!fact->what)
		fact->what = "";
}

int facts_rule_done(struct facts *f, struct fact_rule *r, const struct fact_list *l)
{
	struct fact *v = facts_alloc(f, l->n * sizeof(*v));

	if (!v)
		return -ENOMEM;
	if (l->n)
		memcpy(v, l->v, l->n * sizeof(*v));
	r->facts = v;
	r->n_facts = l->n;
	if (l->full) {
		r->verdict = VERDICT_UNKNOWN;
		r->act = ACT_OTHER;
		r->what = "a rule of more than 64 matches";
	}
	return 0;
}
