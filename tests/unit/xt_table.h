/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of iptables-legacy, made rule by rule as iptables-restore lays them out. */
#ifndef NFPATH_TESTS_UNIT_XT_TABLE_H
#define NFPATH_TESTS_UNIT_XT_TABLE_H

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <string.h>

#include "netfilter/xt_blob.h"
#include "netfilter/xt_walk.h"

enum { JUMP = 1000, GOTO = 2000, EXTENSION = 3000, NOTHING = 3001 };

struct table {
	uint8_t data[1 << 17] __attribute__((aligned(8)));
	size_t size;
	uint32_t hook_entry[5], underflow[5], valid_hooks;
	uint32_t chains[16]; /* offsets of user chains' first entries */
	struct {
		uint32_t offset;
		int chain;
	} jumps[2048];
	size_t n_jumps;
	struct ruleset *rs;
	struct xt_walk *w;
};

static inline struct ipt_entry *add(struct table *t, bool match, const char *target, size_t data)
{
	struct ipt_entry *e = (void *)(t->data + t->size);
	struct xt_entry_target *x;

	assert_true(t->size + 512 < sizeof(t->data));
	e->target_offset = sizeof(*e);
	if (match) {
		struct xt_entry_match *m = (void *)(e + 1);

		m->u.user.match_size = XT_ALIGN(sizeof(*m) + 16);
		strcpy(m->u.user.name, "udp");
		e->target_offset += m->u.user.match_size;
	}
	x = (void *)((uint8_t *)e + e->target_offset);
	x->u.user.target_size = XT_ALIGN(sizeof(*x) + data);
	strcpy(x->u.user.name, target);
	e->next_offset = e->target_offset + x->u.user.target_size;
	t->size += e->next_offset;
	return e;
}

static inline void standard(struct ipt_entry *e, int verdict)
{
	((struct xt_standard_target *)((uint8_t *)e + e->target_offset))->verdict = verdict;
}

/* what: NF_ACCEPT, NF_DROP, XT_RETURN, JUMP + chain, GOTO + chain, EXTENSION, NOTHING */
static inline struct ipt_entry *rule(struct table *t, bool match, int what)
{
	uint32_t at = t->size;
	struct ipt_entry *e = add(t, match, what == EXTENSION ? "MARK" : "", 8);

	if (what == EXTENSION)
		return e;
	if (what == NOTHING) {
		standard(e, t->size);
	} else if (what >= JUMP) {
		t->jumps[t->n_jumps].offset = at;
		t->jumps[t->n_jumps++].chain = what % 1000;
		e->ip.flags = what >= GOTO ? IPT_F_GOTO : 0;
	} else {
		standard(e, what == XT_RETURN ? XT_RETURN : -what - 1);
	}
	return e;
}

static inline struct table *table_new(void)
{
	struct table *t = test_calloc(1, sizeof(*t));

	t->valid_hooks = 1 << NF_INET_LOCAL_IN;
	return t;
}

static inline void policy(struct table *t, int verdict)
{
	t->underflow[NF_INET_LOCAL_IN] = t->size;
	rule(t, false, verdict);
}

static inline void chain(struct table *t, int number)
{
	char name[XT_FUNCTION_MAXNAMELEN];
	struct ipt_entry *e = add(t, false, XT_ERROR_TARGET, XT_FUNCTION_MAXNAMELEN);

	snprintf(name, sizeof(name), "C%d", number);
	strcpy(((struct xt_error_target *)((uint8_t *)e + e->target_offset))->errorname, name);
	t->chains[number] = t->size;
}

static inline void finish(struct table *t)
{
	struct ipt_entry *e = add(t, false, XT_ERROR_TARGET, XT_FUNCTION_MAXNAMELEN);
	struct rs_table *rt;

	strcpy(((struct xt_error_target *)((uint8_t *)e + e->target_offset))->errorname, "ERROR");
	for (size_t i = 0; i < t->n_jumps; i++)
		standard((void *)(t->data + t->jumps[i].offset), t->chains[t->jumps[i].chain]);
	t->rs = ruleset_new();
	rt = ruleset_add_table(t->rs, BACKEND_IPTABLES_LEGACY, NFPROTO_IPV4, "filter");
	rt->blob = t->data;
	rt->blob_size = t->size;
	rt->valid_hooks = t->valid_hooks;
	memcpy(rt->hook_entry, t->hook_entry, sizeof(t->hook_entry));
	memcpy(rt->underflow, t->underflow, sizeof(t->underflow));
	assert_int_equal(xt_blob_parse(t->rs, rt), 0);
	t->w = xt_walk_new(rt);
	assert_non_null(t->w);
}

static inline void table_free(struct table *t)
{
	xt_walk_free(t->w);
	t->rs->tables[0]->blob = NULL;
	ruleset_put(t->rs);
	test_free(t);
}

#endif
