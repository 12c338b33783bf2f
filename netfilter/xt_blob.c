// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/xt_blob.h"

#include <errno.h>
#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>

const struct xt_layout *xt_layout_of(uint8_t family)
{
	static const struct xt_layout v4 = {
		.level = SOL_IP,
		.get_info = IPT_SO_GET_INFO,
		.get_entries = IPT_SO_GET_ENTRIES,
		.entry = sizeof(struct ipt_entry),
		.flags = offsetof(struct ipt_entry, ip.flags),
		.target_offset = offsetof(struct ipt_entry, target_offset),
		.next_offset = offsetof(struct ipt_entry, next_offset),
		.counters = offsetof(struct ipt_entry, counters),
		.goto_flag = IPT_F_GOTO,
		.program = "iptables-legacy",
	};
	static const struct xt_layout v6 = {
		.level = SOL_IPV6,
		.get_info = IP6T_SO_GET_INFO,
		.get_entries = IP6T_SO_GET_ENTRIES,
		.entry = sizeof(struct ip6t_entry),
		.flags = offsetof(struct ip6t_entry, ipv6.flags),
		.target_offset = offsetof(struct ip6t_entry, target_offset),
		.next_offset = offsetof(struct ip6t_entry, next_offset),
		.counters = offsetof(struct ip6t_entry, counters),
		.goto_flag = IP6T_F_GOTO,
		.program = "ip6tables-legacy",
	};

	return family == NFPROTO_IPV6 ? &v6 : &v4;
}

static uint16_t u16_at(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool ends(const char *s, size_t size)
{
	return memchr(s, 0, size) != NULL;
}

/* struct xt_entry_match and struct xt_entry_target begin alike: size, name, revision. */
static bool extension_fits(const uint8_t *p, size_t left, size_t *size)
{
	const struct xt_entry_match *m = (const void *)p;

	if (left < sizeof(*m))
		return false;
	*size = m->u.user.match_size;
	return *size >= sizeof(*m) && *size <= left &&
	       *size % __alignof__(struct xt_entry_match) == 0 &&
	       ends(m->u.user.name, sizeof(m->u.user.name));
}

static bool target_fits(const struct xt_entry_target *t, size_t size)
{
	const struct xt_error_target *error = (const void *)t;

	if (!strcmp(t->u.user.name, XT_STANDARD_TARGET))
		return size >= sizeof(struct xt_standard_target);
	if (!strcmp(t->u.user.name, XT_ERROR_TARGET))
		return size >= sizeof(*error) && ends(error->errorname, sizeof(error->errorname));
	return true;
}

int xt_entry_at(const struct xt_layout *l, const uint8_t *p, size_t left, struct xt_entry *e)
{
	size_t off, size;

	if (left < l->entry)
		return -EPROTO;
	e->p = p;
	e->target_offset = u16_at(p + l->target_offset);
	e->next_offset = u16_at(p + l->next_offset);
	e->target = (const void *)(p + e->target_offset);
	if (e->next_offset > left || e->next_offset % __alignof__(struct xt_entry_match) ||
	    e->target_offset < l->entry || e->target_offset % __alignof__(struct xt_entry_match) ||
	    e->target_offset > e->next_offset)
		return -EPROTO;
	for (off = l->entry; off < e->target_offset; off += size)
		if (!extension_fits(p + off, e->target_offset - off, &size))
			return -EPROTO;
	if (!extension_fits((const uint8_t *)e->target, e->next_offset - e->target_offset, &size) ||
	    !target_fits(e->target, size))
		return -EPROTO;
	return 0;
}

/* Where a chain's rules lie: from first up to end, the entry of its policy or final return. */
struct span {
	struct rs_chain *chain;
	uint32_t first, end;
	int hook; /* -1: a user chain */
};

struct parse {
	struct ruleset *rs;
	struct rs_table *t;
	const struct xt_layout *l;
	struct span *spans;
	size_t n_spans;
	bool open;     /* the last span has no end yet */
	bool ended;    /* by the table's last entry */
	uint32_t prev; /* offset of the entry before */
};

/* The priority of a table's hook functions (include/uapi/linux/netfilter_ipv4.h). */
static int32_t priority_of(const char *table, int hook)
{
	static const struct {
		const char *table;
		int32_t priority;
	} known[] = {{"raw", -300}, {"mangle", -150}, {"filter", 0}, {"security", 50}};

	if (!strcmp(table, "nat"))
		return hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_OUT ? -100 : 100;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(table, known[i].table))
			return known[i].priority;
	return 0;
}

static enum verdict verdict_of_xt(int v)
{
	switch (v) {
	case XT_RETURN:
		return VERDICT_RETURN;
	case -NF_ACCEPT - 1:
		return VERDICT_ACCEPT;
	case -NF_DROP - 1:
		return VERDICT_DROP;
	case -NF_QUEUE - 1:
		return VERDICT_QUEUE;
	}
	return VERDICT_UNKNOWN;
}

static bool is_standard(const struct xt_entry *e)
{
	return !strcmp(e->target->u.user.name, XT_STANDARD_TARGET);
}

static int standard_verdict(const struct xt_entry *e)
{
	return ((const struct xt_standard_target *)e->target)->verdict;
}

static int begin(struct parse *p, const char *name, uint32_t first, int hook)
{
	struct span *bigger, *s;

	if (p->open)
		return -EPROTO;
	bigger = realloc(p->spans, (p->n_spans + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	p->spans = bigger;
	s = &p->spans[p->n_spans];
	if (ruleset_chain(p->rs, true, p->t->family, p->t->name, name))
		return -EPROTO; /* two chains of one name: positions would be ambiguous */
	*s = (struct span){rs_table_add_chain(p->rs, p->t, name), first, first, hook};
	if (!s->chain)
		return -ENOMEM;
	p->n_spans++;
	p->open = true;
	if (hook < 0)
		return 0;
	s->chain->base = true;
	s->chain->hook = hook;
	s->chain->priority = priority_of(p->t->name, hook);
	return 0;
}

static void finish(struct parse *p, uint32_t end)
{
	p->spans[p->n_spans - 1].end = end;
	p->open = false;
}

/* A user chain's rules end before the last entry in front of the next head. */
static int finish_user(struct parse *p, uint32_t next)
{
	const struct span *s;

	if (!p->open)
		return 0;
	s = &p->spans[p->n_spans - 1];
	if (s->hook >= 0 || next == s->first)
		return -EPROTO;
	finish(p, p->prev);
	return 0;
}

static int hook_at(const struct rs_table *t, uint32_t off)
{
	for (int h = 0; h < NF_INET_NUMHOOKS; h++)
		if (t->valid_hooks & (1u << h) && t->hook_entry[h] == off)
			return h;
	return -1;
}

/*
 * As get_chainname_rulenum() counts (net/ipv4/netfilter/ip_tables.c): a base chain begins at its
 * hook_entry, a user chain after an entry with the target ERROR that holds its name; another such
 * entry ends the table.
 */
static int chain_step(struct parse *p, const struct xt_entry *e, uint32_t off)
{
	static const char *const names[] = {"PREROUTING", "INPUT", "FORWARD", "OUTPUT",
					    "POSTROUTING"};
	uint32_t next = off + e->next_offset;
	int hook = hook_at(p->t, off), rc;

	if (!strcmp(e->target->u.user.name, XT_ERROR_TARGET)) {
		rc = finish_user(p, off);
		p->ended = next == p->t->blob_size;
		if (rc || p->ended)
			return rc;
		return begin(p, ((const struct xt_error_target *)e->target)->errorname, next, -1);
	}
	if (hook >= 0) {
		rc = begin(p, names[hook], off, hook);
		if (rc)
			return rc;
	}
	if (!p->open)
		return -EPROTO;
	hook = p->spans[p->n_spans - 1].hook;
	if (hook >= 0 && off == p->t->underflow[hook]) {
		p->spans[p->n_spans - 1].chain->policy =
			is_standard(e) ? verdict_of_xt(standard_verdict(e)) : VERDICT_UNKNOWN;
		finish(p, off);
	}
	p->prev = off;
	return 0;
}

static int find_chains(struct parse *p)
{
	const struct rs_table *t = p->t;
	struct xt_entry e;
	int rc = 0;

	for (uint32_t off = 0; !rc && off < t->blob_size; off += e.next_offset) {
		rc = xt_entry_at(p->l, (uint8_t *)t->blob + off, t->blob_size - off, &e);
		if (!rc)
			rc = chain_step(p, &e, off);
	}
	return !rc && (p->open || !p->ended) ? -EPROTO : rc;
}

/* The user chain whose first rule, or final return, is at off; spans lie in the order of their
 * offsets. */
static const struct rs_chain *chain_at(const struct parse *p, uint32_t off)
{
	size_t lo = 0, hi = p->n_spans;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->spans[mid].first == off)
			return p->spans[mid].chain;
		if (p->spans[mid].first < off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static void fill_entry(const struct parse *p, const struct xt_entry *e, struct rs_entry *out)
{
	const struct rs_chain *to;
	int v;

	if (!is_standard(e)) {
		out->target = e->target->u.user.name;
		return;
	}
	v = standard_verdict(e);
	if (v < 0) {
		out->verdict = verdict_of_xt(v);
	} else if ((uint32_t)v == out->offset + e->next_offset) {
		out->verdict = VERDICT_CONTINUE; /* no target at all: libiptc lets it jump to the
						    next rule */
	} else if ((to = chain_at(p, v))) {
		out->verdict = e->p[p->l->flags] & p->l->goto_flag ? VERDICT_GOTO : VERDICT_JUMP;
		out->target = to->name;
	}
}

static int fill_chain(const struct parse *p, const struct span *s)
{
	struct rs_entry *rules = NULL, *bigger;
	uint32_t n = 0, off;
	struct xt_entry e;

	for (off = s->first; off < s->end; off += e.next_offset) {
		if (!(n & (n - 1))) {
			bigger = realloc(rules, (n ? 2 * n : 1) * sizeof(*rules));
			if (!bigger) {
				free(rules);
				return -ENOMEM;
			}
			rules = bigger;
		}
		/* Cannot fail: find_chains() went this way before. */
		xt_entry_at(p->l, (uint8_t *)p->t->blob + off, p->t->blob_size - off, &e);
		rules[n] = (struct rs_entry){.verdict = VERDICT_UNKNOWN, .offset = off};
		fill_entry(p, &e, &rules[n++]);
	}
	s->chain->n_rules = n;
	s->chain->rules = rules;
	return 0;
}

int xt_blob_parse(struct ruleset *rs, struct rs_table *t)
{
	struct parse p = {.rs = rs, .t = t, .l = xt_layout_of(t->family)};
	int rc = t->blob_size > INT32_MAX ? -EPROTO : find_chains(&p);

	for (size_t i = 0; !rc && i < p.n_spans; i++)
		rc = fill_chain(&p, &p.spans[i]);
	free(p.spans);
	return rc;
}
