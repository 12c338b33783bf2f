// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/ruleset.h"

#include <ctype.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>

/*
 * Tables and chains by name: open addressing, at most half full. A table is the entry whose chain
 * is NULL. nft and legacy tables may have the same family and name, so the backend's kind is part
 * of the key.
 */
struct slot {
	uint32_t hash;
	struct rs_table *table; /* NULL: free */
	struct rs_chain *chain;
};

struct rs_index {
	struct slot *slots;
	size_t size, used; /* size: a power of two */
};

struct key {
	bool legacy;
	uint8_t family;
	const char *table, *chain;
};

static uint32_t hash_bytes(uint32_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u; /* FNV-1a */
	return h;
}

static uint32_t hash_key(const struct key *k)
{
	const uint8_t kind[2] = {k->legacy, k->family};
	uint32_t h = hash_bytes(2166136261u, kind, sizeof(kind));

	/* With the final NUL, so that "a" "bc" is not "ab" "c". */
	h = hash_bytes(h, k->table, strlen(k->table) + 1);
	return k->chain ? hash_bytes(h, k->chain, strlen(k->chain) + 1) : h;
}

static bool is_legacy(const struct rs_table *t)
{
	return t->backend == BACKEND_IPTABLES_LEGACY;
}

static bool slot_is(const struct slot *s, uint32_t hash, const struct key *k)
{
	return s->hash == hash && is_legacy(s->table) == k->legacy &&
	       s->table->family == k->family && !s->chain == !k->chain &&
	       !strcmp(s->table->name, k->table) &&
	       (!k->chain || !strcmp(s->chain->name, k->chain));
}

static const struct slot *index_find(const struct rs_index *ix, const struct key *k)
{
	uint32_t hash = hash_key(k);

	if (!ix->size)
		return NULL;
	for (size_t i = hash & (ix->size - 1); ix->slots[i].table; i = (i + 1) & (ix->size - 1))
		if (slot_is(&ix->slots[i], hash, k))
			return &ix->slots[i];
	return NULL;
}

static void index_put(struct rs_index *ix, const struct slot *s)
{
	size_t i = s->hash & (ix->size - 1);

	while (ix->slots[i].table)
		i = (i + 1) & (ix->size - 1);
	ix->slots[i] = *s;
}

static bool index_grow(struct rs_index *ix)
{
	struct rs_index bigger = {.size = ix->size ? ix->size * 2 : 64, .used = ix->used};

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < ix->size; i++)
		if (ix->slots[i].table)
			index_put(&bigger, &ix->slots[i]);
	free(ix->slots);
	*ix = bigger;
	return true;
}

static bool index_add(struct rs_index *ix, struct rs_table *t, struct rs_chain *c)
{
	const struct key k = {is_legacy(t), t->family, t->name, c ? c->name : NULL};
	const struct slot s = {hash_key(&k), t, c};

	if (2 * (ix->used + 1) > ix->size && !index_grow(ix))
		return false;
	index_put(ix, &s);
	ix->used++;
	return true;
}

struct ruleset *ruleset_new(void)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->index = calloc(1, sizeof(*rs->index));
	if (!rs->index) {
		free(rs);
		return NULL;
	}
	rs->refs = 1;
	return rs;
}

struct ruleset *ruleset_get(struct ruleset *rs)
{
	rs->refs++;
	return rs;
}

static void chain_free(struct rs_chain *c)
{
	for (char **d = c->devices; d && *d; d++)
		free(*d);
	free(c->devices);
	free(c->name);
	free(c->type);
	free(c->handles);
	free((void *)c->rules);
	free(c);
}

static void table_free(struct rs_table *t)
{
	for (size_t i = 0; i < t->n_chains; i++)
		chain_free(t->chains[i]);
	free(t->chains);
	free(t->name);
	free(t->blob);
	free(t);
}

void ruleset_put(struct ruleset *rs)
{
	if (!rs || --rs->refs)
		return;
	for (size_t i = 0; i < rs->n_tables; i++)
		table_free(rs->tables[i]);
	free(rs->tables);
	free(rs->base);
	free(rs->index->slots);
	free(rs->index);
	free(rs);
}

struct rs_table *ruleset_table(const struct ruleset *rs, bool legacy, uint8_t family,
			       const char *name)
{
	const struct key k = {legacy, family, name, NULL};
	const struct slot *s = index_find(rs->index, &k);

	return s ? s->table : NULL;
}

struct rs_chain *ruleset_chain(const struct ruleset *rs, bool legacy, uint8_t family,
			       const char *table, const char *chain)
{
	const struct key k = {legacy, family, table, chain};
	const struct slot *s = index_find(rs->index, &k);

	return s ? s->chain : NULL;
}

uint32_t rs_chain_position(const struct rs_chain *c, uint64_t handle)
{
	uint32_t lo = 0, hi = c->handles ? c->n_rules : 0;

	/* Handles only grow, so a chain that was only ever appended to is sorted; a hit is a hit in
	 * any case. */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->handles[mid] == handle)
			return mid + 1;
		if (c->handles[mid] < handle)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (uint32_t i = 0; c->handles && i < c->n_rules; i++)
		if (c->handles[i] == handle)
			return i + 1;
	return 0;
}

/* Room for one more pointer: the array's capacity is n rounded up to a power of two. */
static bool room(void ***v, size_t n)
{
	void **bigger;

	if (n & (n - 1))
		return true;
	bigger = realloc(*v, (n ? 2 * n : 1) * sizeof(**v));
	if (!bigger)
		return false;
	*v = bigger;
	return true;
}

struct rs_table *ruleset_add_table(struct ruleset *rs, enum backend b, uint8_t family,
				   const char *name)
{
	struct rs_table *t = ruleset_table(rs, b == BACKEND_IPTABLES_LEGACY, family, name);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->backend = b;
	t->family = family;
	t->name = strdup(name);
	if (!t->name || !room((void ***)&rs->tables, rs->n_tables) ||
	    !index_add(rs->index, t, NULL)) {
		table_free(t);
		return NULL;
	}
	rs->tables[rs->n_tables++] = t;
	return t;
}

struct rs_chain *rs_table_add_chain(struct ruleset *rs, struct rs_table *t, const char *name)
{
	struct rs_chain *c = ruleset_chain(rs, is_legacy(t), t->family, t->name, name);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->table = t;
	c->name = strdup(name);
	if (!c->name || !room((void ***)&t->chains, t->n_chains) || !index_add(rs->index, t, c)) {
		chain_free(c);
		return NULL;
	}
	t->chains[t->n_chains++] = c;
	return c;
}

/* The base chains that iptables-nft 1.8 makes (nft.c, xtables_ipv4: the same for ip6). */
static const struct {
	const char *table, *chain, *type;
	uint8_t hook;
	int32_t priority;
} xt_chains[] = {
	{"raw", "PREROUTING", "filter", NF_INET_PRE_ROUTING, -300},
	{"raw", "OUTPUT", "filter", NF_INET_LOCAL_OUT, -300},
	{"mangle", "PREROUTING", "filter", NF_INET_PRE_ROUTING, -150},
	{"mangle", "INPUT", "filter", NF_INET_LOCAL_IN, -150},
	{"mangle", "FORWARD", "filter", NF_INET_FORWARD, -150},
	{"mangle", "OUTPUT", "route", NF_INET_LOCAL_OUT, -150},
	{"mangle", "POSTROUTING", "filter", NF_INET_POST_ROUTING, -150},
	{"filter", "INPUT", "filter", NF_INET_LOCAL_IN, 0},
	{"filter", "FORWARD", "filter", NF_INET_FORWARD, 0},
	{"filter", "OUTPUT", "filter", NF_INET_LOCAL_OUT, 0},
	{"security", "INPUT", "filter", NF_INET_LOCAL_IN, 150},
	{"security", "FORWARD", "filter", NF_INET_FORWARD, 150},
	{"security", "OUTPUT", "filter", NF_INET_LOCAL_OUT, 150},
	{"nat", "PREROUTING", "nat", NF_INET_PRE_ROUTING, -100},
	{"nat", "INPUT", "nat", NF_INET_LOCAL_IN, 100},
	{"nat", "OUTPUT", "nat", NF_INET_LOCAL_OUT, -100},
	{"nat", "POSTROUTING", "nat", NF_INET_POST_ROUTING, 100},
};

enum { N_XT_CHAINS = sizeof(xt_chains) / sizeof(xt_chains[0]) };

static bool xt_made_chain(const struct rs_table *t, const struct rs_chain *c)
{
	for (int i = 0; i < N_XT_CHAINS; i++)
		if (!strcmp(t->name, xt_chains[i].table) && !strcmp(c->name, xt_chains[i].chain))
			return c->hook == xt_chains[i].hook &&
			       c->priority == xt_chains[i].priority && c->type &&
			       !strcmp(c->type, xt_chains[i].type);
	return false;
}

static bool xt_made_table(const struct rs_table *t)
{
	bool known = false;

	if (t->family != NFPROTO_IPV4 && t->family != NFPROTO_IPV6)
		return false;
	for (int i = 0; i < N_XT_CHAINS && !known; i++)
		known = !strcmp(t->name, xt_chains[i].table);
	for (size_t i = 0; known && i < t->n_chains; i++)
		if (t->chains[i]->base && !xt_made_chain(t, t->chains[i]))
			known = false;
	return known;
}

/* "nfpath_" and the number of a process. */
static bool our_name(const char *name)
{
	static const char prefix[] = "nfpath_";

	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return false;
	name += sizeof(prefix) - 1;
	if (!*name)
		return false;
	while (isdigit((unsigned char)*name))
		name++;
	return !*name;
}

static int add_base(struct ruleset *rs, struct rs_chain *c)
{
	struct rs_chain **bigger = realloc(rs->base, (rs->n_base + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	rs->base = bigger;
	bigger[rs->n_base++] = c;
	return 0;
}

static int list_base(struct ruleset *rs)
{
	int rc = 0;

	for (size_t i = 0; i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];

		for (size_t k = 0; !rc && !t->ours && !t->dormant && k < t->n_chains; k++)
			if (t->chains[k]->base)
				rc = add_base(rs, t->chains[k]);
	}
	return rc;
}

int ruleset_classify(struct ruleset *rs)
{
	for (size_t i = 0; i < rs->n_tables; i++) {
		struct rs_table *t = rs->tables[i];

		if (is_legacy(t))
			continue;
		t->ours = our_name(t->name);
		t->backend = xt_made_table(t) ? BACKEND_IPTABLES_NFT : BACKEND_NFT;
	}
	return list_base(rs);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_devices(char **a, char **b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++)
		if (strcmp(*a, *b))
			return false;
	return *a == *b;
}

static bool same_chain(const struct rs_chain *a, const struct rs_chain *b)
{
	return !strcmp(a->name, b->name) && a->base == b->base && a->hook == b->hook &&
	       a->priority == b->priority && a->policy == b->policy &&
	       same_text(a->type, b->type) && same_devices(a->devices, b->devices) &&
	       a->n_rules == b->n_rules &&
	       (!a->n_rules || !memcmp(a->handles, b->handles, a->n_rules * sizeof(*a->handles)));
}

static bool same_table(const struct rs_table *a, const struct rs_table *b)
{
	if (a->backend != b->backend || a->family != b->family || a->handle != b->handle ||
	    strcmp(a->name, b->name) || a->n_chains != b->n_chains)
		return false;
	for (size_t i = 0; i < a->n_chains; i++)
		if (!same_chain(a->chains[i], b->chains[i]))
			return false;
	return true;
}

/* The next table of nft that is not ours, from *i on; NULL: none. */
static const struct rs_table *next_nft(const struct ruleset *rs, size_t *i)
{
	while (*i < rs->n_tables) {
		const struct rs_table *t = rs->tables[(*i)++];

		if (!t->ours && t->backend != BACKEND_IPTABLES_LEGACY)
			return t;
	}
	return NULL;
}

bool ruleset_same_nft(const struct ruleset *a, const struct ruleset *b)
{
	const struct rs_table *x, *y;
	size_t i = 0, k = 0;

	do {
		x = next_nft(a, &i);
		y = next_nft(b, &k);
		if (x && y && !same_table(x, y))
			return false;
	} while (x && y);
	return !x && !y;
}

bool ruleset_has_legacy(const struct ruleset *rs, uint8_t family)
{
	/* They are read last. */
	for (size_t i = rs->n_tables; i-- > 0;)
		if (is_legacy(rs->tables[i]) &&
		    (family == NFPROTO_UNSPEC || rs->tables[i]->family == family))
			return true;
	return false;
}
