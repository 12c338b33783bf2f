// SPDX-License-Identifier: GPL-2.0-or-later
/* What a list of hook functions does not say itself, and the ruleset does. */
#include <errno.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/hook_list.h"
#include "netfilter/ruleset.h"

/* --- iptables-legacy --- */

/*
 * Each table of a family has a priority of its own, so that one function for all of them (since
 * Linux 5.16) says which table it is: xt_hook_ops_alloc() of iptable_*.c, arptable_filter.c,
 * ebtable_*.c.
 */
struct legacy {
	const char *function;
	int32_t priority; /* ANY_PRIORITY: of any */
	bool inside;
	const char *table;
};

enum { ANY_PRIORITY = INT32_MIN + 1 };

static const struct legacy ip_legacy[] = {
	{"ipt_do_table", -450, false, "raw"}, /* the module's option raw_before_defrag */
	{"ipt_do_table", -300, false, "raw"},
	{"ipt_do_table", -150, false, "mangle"},
	{"ipt_do_table", 0, false, "filter"},
	{"ipt_do_table", 50, false, "security"},
	{"ipt_do_table", -100, true, "nat"},
	{"ipt_do_table", 100, true, "nat"},
	{"iptable_raw_hook", ANY_PRIORITY, false, "raw"},
	{"iptable_mangle_hook", ANY_PRIORITY, false, "mangle"},
	{"iptable_filter_hook", ANY_PRIORITY, false, "filter"},
	{"iptable_security_hook", ANY_PRIORITY, false, "security"},
	{"iptable_nat_do_chain", ANY_PRIORITY, true, "nat"},
	{NULL, 0, false, NULL},
};

static const struct legacy ip6_legacy[] = {
	{"ip6t_do_table", -450, false, "raw"},
	{"ip6t_do_table", -300, false, "raw"},
	{"ip6t_do_table", -150, false, "mangle"},
	{"ip6t_do_table", 0, false, "filter"},
	{"ip6t_do_table", 50, false, "security"},
	{"ip6t_do_table", -100, true, "nat"},
	{"ip6t_do_table", 100, true, "nat"},
	{"ip6table_raw_hook", ANY_PRIORITY, false, "raw"},
	{"ip6table_mangle_hook", ANY_PRIORITY, false, "mangle"},
	{"ip6table_filter_hook", ANY_PRIORITY, false, "filter"},
	{"ip6table_security_hook", ANY_PRIORITY, false, "security"},
	{"ip6table_nat_do_chain", ANY_PRIORITY, true, "nat"},
	{NULL, 0, false, NULL},
};

static const struct legacy arp_legacy[] = {
	{"arpt_do_table", 0, false, "filter"},
	{"arptable_filter_hook", ANY_PRIORITY, false, "filter"},
	{NULL, 0, false, NULL},
};

static const struct legacy bridge_legacy[] = {
	{"ebt_do_table", -200, false, "filter"},
	{"ebt_do_table", 200, false, "filter"},
	{"ebt_do_table", -300, false, "nat"},
	{"ebt_do_table", 100, false, "nat"},
	{"ebt_do_table", 300, false, "nat"},
	{"ebt_in_hook", ANY_PRIORITY, false, "filter"},
	{"ebt_out_hook", ANY_PRIORITY, false, "filter"},
	{"ebt_nat_in", ANY_PRIORITY, false, "nat"},
	{"ebt_nat_out", ANY_PRIORITY, false, "nat"},
	{"ebt_broute", ANY_PRIORITY, false, "broute"},
	{NULL, 0, false, NULL},
};

static const struct legacy_family {
	uint8_t family;
	const char *backend;
	const struct legacy *rows;
	const char *chains[5]; /* by hook */
} legacy_families[] = {
	{NFPROTO_IPV4,
	 "iptables-legacy",
	 ip_legacy,
	 {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}},
	{NFPROTO_IPV6,
	 "iptables-legacy",
	 ip6_legacy,
	 {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}},
	{NFPROTO_ARP, "arptables-legacy", arp_legacy, {"INPUT", "OUTPUT", "FORWARD"}},
	{NFPROTO_BRIDGE,
	 "ebtables-legacy",
	 bridge_legacy,
	 {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}},
};

enum { N_LEGACY_FAMILIES = sizeof(legacy_families) / sizeof(legacy_families[0]) };

static int set_names(struct hook_fn *f, const char *table, const char *chain, const char *type)
{
	free(f->table);
	free(f->chain);
	free(f->type);
	f->table = strdup(table);
	f->chain = chain ? strdup(chain) : NULL;
	f->type = type ? strdup(type) : NULL;
	return !f->table || (chain && !f->chain) || (type && !f->type) ? -ENOMEM : 0;
}

static int set_legacy(struct hook_fn *f, const struct legacy_family *lf, const char *table)
{
	const char *chain = f->hook < 5 ? lf->chains[f->hook] : NULL;

	f->kind = HOOK_LEGACY;
	f->chain_family = f->family;
	f->backend = lf->backend;
	return set_names(f, table, strcmp(table, "broute") ? chain : "BROUTING", NULL);
}

static int explain_legacy(struct hook_fn *f)
{
	const struct legacy *row;

	if (f->kind != HOOK_PLAIN || !f->function)
		return 0;
	for (int i = 0; i < N_LEGACY_FAMILIES; i++) {
		if (legacy_families[i].family != f->family)
			continue;
		for (row = legacy_families[i].rows; row->function; row++)
			if (!strcmp(row->function, f->function) && row->inside == f->inside &&
			    (row->priority == f->priority || row->priority == ANY_PRIORITY))
				return set_legacy(f, &legacy_families[i], row->table);
	}
	return 0;
}

/* --- chains of nf_tables --- */

static bool is_legacy(const struct rs_table *t)
{
	return t->backend == BACKEND_IPTABLES_LEGACY;
}

/* Do packets of this list's family come to chains of that one? Ingress of inet stands in the list
 * of the device. */
static bool same_place(const struct hook_fn *f, const struct rs_chain *c)
{
	uint8_t family = c->table->family;

	if (f->family != NFPROTO_NETDEV)
		return c->hook == f->hook && (family == f->family || (family == NFPROTO_INET &&
								      (f->family == NFPROTO_IPV4 ||
								       f->family == NFPROTO_IPV6)));
	if (family == NFPROTO_INET ? c->hook != NF_INET_INGRESS || f->hook != NF_NETDEV_INGRESS
				   : family != NFPROTO_NETDEV || c->hook != f->hook)
		return false;
	for (char **d = c->devices; d && *d; d++)
		if (!strcmp(*d, f->device))
			return true;
	return false;
}

/* The only base chain that can be meant; NULL: none, or one of several. */
static const struct rs_chain *only_chain(const struct hook_fn *f, const struct ruleset *rs)
{
	const struct rs_chain *found = NULL;

	for (size_t i = 0; i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];

		for (size_t k = 0; !is_legacy(t) && !t->dormant && k < t->n_chains; k++) {
			const struct rs_chain *c = t->chains[k];

			if (!c->base || c->priority != f->priority || !same_place(f, c) ||
			    (c->type && !strcmp(c->type, "nat") && !f->inside))
				continue;
			if (found)
				return NULL;
			found = c;
		}
	}
	return found;
}

static int explain_chain(struct hook_fn *f, const struct ruleset *rs)
{
	const struct rs_chain *c;

	if (f->kind != HOOK_CHAIN)
		return 0;
	if (f->table && f->chain)
		c = ruleset_chain(rs, false, f->chain_family, f->table, f->chain);
	else
		c = only_chain(f, rs);
	if (!c || !c->base)
		return 0;
	f->backend = backend_name(c->table->backend);
	f->chain_family = c->table->family;
	return set_names(f, c->table->name, c->name, c->type);
}

/* --- what nf_nat calls --- */

bool hook_calls_chains(const struct hook_fn *f)
{
	return f->function && !f->inside &&
	       ((f->family == NFPROTO_IPV4 && !strncmp(f->function, "nf_nat_ipv4_", 12)) ||
		(f->family == NFPROTO_IPV6 && !strncmp(f->function, "nf_nat_ipv6_", 12)));
}

static bool is_nat_chain(const struct hook_fn *at, const struct rs_chain *c)
{
	if (!c->base || !same_place(at, c))
		return false;
	return is_legacy(c->table) ? !strcmp(c->table->name, "nat")
				   : c->type && !strcmp(c->type, "nat");
}

/* nf_nat_register_fn() keeps a list by priority for each hook. Chains of the same priority stand in
 * the order in which they were registered, which the ruleset does not tell. */
static int by_priority(const void *a, const void *b)
{
	const struct hook_fn *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

static int add_nat_chain(struct hook_list *l, const struct hook_fn *at, const struct rs_chain *c)
{
	struct hook_fn *f = hook_list_add(l);

	if (!f)
		return -ENOMEM;
	f->family = at->family;
	f->hook = at->hook;
	f->priority = c->priority;
	f->kind = is_legacy(c->table) ? HOOK_LEGACY : HOOK_CHAIN;
	f->chain_family = c->table->family;
	f->backend = backend_name(c->table->backend);
	f->inside = true;
	return set_names(f, c->table->name, c->name, c->type);
}

static int add_nat_chains(struct hook_list *l, const struct hook_fn *at, const struct ruleset *rs)
{
	size_t first = l->n;
	int rc = 0;

	for (size_t i = 0; i < rs->n_tables; i++) {
		const struct rs_table *t = rs->tables[i];

		for (size_t k = 0; !rc && !t->dormant && k < t->n_chains; k++)
			if (is_nat_chain(at, t->chains[k]))
				rc = add_nat_chain(l, at, t->chains[k]);
	}
	if (l->n > first)
		qsort(l->v + first, l->n - first, sizeof(*l->v), by_priority);
	for (size_t i = first + 1; i < l->n; i++)
		if (l->v[i].priority == l->v[i - 1].priority)
			l->v[i].order_unknown = l->v[i - 1].order_unknown = true;
	return rc;
}

static int explain_nat(struct hook_list *l, const struct ruleset *rs)
{
	struct hook_list with = {0};
	struct hook_fn *f;
	int rc = 0;

	for (size_t i = 0; !rc && i < l->n; i++) {
		struct hook_fn at = l->v[i];

		f = hook_list_add(&with);
		if (!f) {
			rc = -ENOMEM;
			break;
		}
		*f = at;
		l->v[i] = (struct hook_fn){0}; /* its strings have moved */
		if (hook_calls_chains(&at))
			rc = add_nat_chains(&with, &at, rs);
	}
	with.gaps = l->gaps;
	with.n_gaps = l->n_gaps;
	l->gaps = NULL;
	l->n_gaps = 0;
	hook_list_free(l);
	*l = with;
	return rc;
}

/* --- all of it --- */

bool hook_list_wants_ruleset(const struct hook_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind == HOOK_CHAIN || hook_calls_chains(&l->v[i]))
			return true;
	return false;
}

bool hook_list_fits(const struct hook_list *l, const struct ruleset *rs)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct hook_fn *f = &l->v[i];

		if (f->kind == HOOK_CHAIN && f->table && f->chain &&
		    !ruleset_chain(rs, false, f->chain_family, f->table, f->chain))
			return false;
	}
	return true;
}

int hook_list_explain(struct hook_list *l, const struct ruleset *rs)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < l->n; i++) {
		rc = explain_legacy(&l->v[i]);
		if (!rc && rs)
			rc = explain_chain(&l->v[i], rs);
		if (l->v[i].kind == HOOK_BPF)
			l->v[i].backend = "bpf";
		if (l->v[i].kind == HOOK_FLOWTABLE)
			l->v[i].backend = "nft";
	}
	return rc || !rs || l->inside_read ? rc : explain_nat(l, rs);
}
