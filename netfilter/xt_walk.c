// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/xt_walk.h"

#include <netinet/in.h> /* before linux/netfilter.h, which takes the kernel's copy */
#include <linux/netfilter.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/xt_blob.h"

static const uint32_t none = UINT32_MAX;

/* --- addresses --- */

static void addresses4(struct xt_addresses *a, const struct ipt_ip *ip)
{
	memset(a, 0, sizeof(*a));
	a->smask[0] = ip->smsk.s_addr;
	a->dmask[0] = ip->dmsk.s_addr;
	a->src[0] = ip->src.s_addr;
	a->dst[0] = ip->dst.s_addr;
	a->in = ip->iniface;
	a->out = ip->outiface;
	a->in_mask = ip->iniface_mask;
	a->out_mask = ip->outiface_mask;
	a->proto = ip->proto;
	a->flags = ip->flags;
	a->invert = ip->invflags;
}

static void addresses6(struct xt_addresses *a, const struct ip6t_ip6 *ip)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->smask, &ip->smsk, sizeof(a->smask));
	memcpy(a->dmask, &ip->dmsk, sizeof(a->dmask));
	memcpy(a->src, &ip->src, sizeof(a->src));
	memcpy(a->dst, &ip->dst, sizeof(a->dst));
	a->in = ip->iniface;
	a->out = ip->outiface;
	a->in_mask = ip->iniface_mask;
	a->out_mask = ip->outiface_mask;
	a->proto = ip->proto;
	a->flags = ip->flags;
	a->invert = ip->invflags;
}

/* tcp_mt() and udp_mt() begin with these. */
static bool ports_of(struct xt_addresses *a, const struct xt_entry_match *m)
{
	const struct xt_tcp *tcp = (const void *)m->data;
	const struct xt_udp *udp = (const void *)m->data;
	size_t size = m->u.user.match_size - sizeof(*m);
	bool is_tcp = !strcmp(m->u.user.name, "tcp") && size >= sizeof(*tcp);

	if (m->u.user.revision || (!is_tcp && (strcmp(m->u.user.name, "udp") != 0 || size < sizeof(*udp))))
		return false;
	/* XT_TCP_INV_* and XT_UDP_INV_* are the same for ports. */
	memcpy(a->sport, is_tcp ? tcp->spts : udp->spts, sizeof(a->sport));
	memcpy(a->dport, is_tcp ? tcp->dpts : udp->dpts, sizeof(a->dport));
	a->invert_sport = (is_tcp ? tcp->invflags : udp->invflags) & XT_UDP_INV_SRCPT;
	a->invert_dport = (is_tcp ? tcp->invflags : udp->invflags) & XT_UDP_INV_DSTPT;
	return true;
}

/* Its entries were looked at before (xt_entry_at()): their matches lie within. */
static void find_ports(struct xt_addresses *a, const uint8_t *p, size_t from, size_t to)
{
	while (from < to && !a->has_ports) {
		const struct xt_entry_match *m = (const void *)(p + from);

		a->has_ports = ports_of(a, m);
		from += m->u.user.match_size;
	}
}

void xt_walk_addresses(const struct xt_walk *w, uint32_t node, struct xt_addresses *a)
{
	const struct xt_layout *l = xt_layout_of(w->table->family);
	const uint8_t *p = (const uint8_t *)w->table->blob + w->nodes[node].offset;
	uint16_t target;

	if (w->table->family == NFPROTO_IPV6)
		addresses6(a, &((const struct ip6t_entry *)p)->ipv6);
	else
		addresses4(a, &((const struct ipt_entry *)p)->ip);
	memcpy(&target, p + l->target_offset, sizeof(target));
	a->plain = target == l->entry;
	find_ports(a, p, l->entry, target);
}

/* unconditional() of the kernel */
static bool matches_all(const struct xt_layout *l, const uint8_t *p, const struct xt_entry *e)
{
	static const uint8_t zero[sizeof(struct ip6t_ip6)];
	size_t n = l->entry == sizeof(struct ipt_entry) ? sizeof(struct ipt_ip)
							: sizeof(struct ip6t_ip6);
	const uint8_t *flags = p + l->flags;

	/* A goto is a flag of the target. */
	return e->target_offset == l->entry && !memcmp(p, zero, l->flags) &&
	       !(*flags & ~l->goto_flag) && !memcmp(flags + 1, zero, n - l->flags - 1);
}

/* --- entries --- */

static size_t count(const struct rs_table *t, const struct xt_layout *l)
{
	struct xt_entry e;
	size_t n = 0;

	for (size_t off = 0; off < t->blob_size; off += e.next_offset, n++)
		if (xt_entry_at(l, (uint8_t *)t->blob + off, t->blob_size - off, &e))
			return 0;
	return n;
}

static uint32_t node_at(const struct xt_walk *w, uint32_t offset)
{
	size_t lo = 0, hi = w->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->nodes[mid].offset == offset)
			return mid;
		if (w->nodes[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return none;
}

/* A chain begins here: as xt_blob_parse() found them, in the same order. */
static bool begins_chain(const struct xt_walk *w, uint32_t offset, bool after_head)
{
	for (int h = 0; h < NF_INET_NUMHOOKS; h++)
		if (w->table->valid_hooks & (1u << h) && w->table->hook_entry[h] == offset)
			return true;
	return after_head;
}

static bool begin_chain(struct xt_walk *w, uint32_t node)
{
	if (w->n_chains == w->table->n_chains)
		return false;
	w->chains[w->n_chains].chain = w->table->chains[w->n_chains];
	w->chains[w->n_chains].first = node;
	w->n_chains++;
	return true;
}

/* target: the offset, until all nodes are known. */
static void fill_target(struct xt_node *n, const struct xt_layout *l, const struct xt_entry *e)
{
	int v = ((const struct xt_standard_target *)e->target)->verdict;

	n->kind = XT_KIND_TARGET;
	if (!strcmp(e->target->u.user.name, XT_ERROR_TARGET))
		n->kind = XT_KIND_HEAD;
	if (strcmp(e->target->u.user.name, XT_STANDARD_TARGET) != 0)
		return;
	if (v == XT_RETURN) {
		n->kind = XT_KIND_RETURN;
	} else if (v < 0) {
		n->kind = XT_KIND_VERDICT;
		n->verdict = -v - 1;
	} else if ((uint32_t)v == n->offset + e->next_offset) {
		n->kind = XT_KIND_NEXT;
	} else {
		n->kind = e->p[l->flags] & l->goto_flag ? XT_KIND_GOTO : XT_KIND_JUMP;
		n->target = v;
	}
}

static bool fill_nodes(struct xt_walk *w, const struct xt_layout *l)
{
	const struct rs_table *t = w->table;
	bool after_head = false;
	struct xt_entry e;
	uint32_t off = 0;

	for (size_t i = 0; i < w->n; i++, off += e.next_offset) {
		struct xt_node *n = &w->nodes[i];

		if (xt_entry_at(l, (uint8_t *)t->blob + off, t->blob_size - off, &e))
			return false;
		n->offset = off;
		fill_target(n, l, &e);
		n->sure = n->kind != XT_KIND_HEAD && matches_all(l, e.p, &e) ? i : none;
		if (n->kind != XT_KIND_HEAD && begins_chain(w, off, after_head) &&
		    !begin_chain(w, i))
			return false;
		if (n->kind != XT_KIND_HEAD && !w->n_chains)
			return false;
		n->chain = w->n_chains ? w->n_chains - 1 : 0;
		after_head = n->kind == XT_KIND_HEAD;
	}
	return w->n_chains == t->n_chains;
}

static bool link_nodes(struct xt_walk *w)
{
	for (size_t i = w->n; i-- > 0;) {
		struct xt_node *n = &w->nodes[i];

		if (n->kind == XT_KIND_JUMP || n->kind == XT_KIND_GOTO) {
			n->target = node_at(w, n->target);
			if (n->target == none || w->nodes[n->target].kind == XT_KIND_HEAD)
				return false;
		}
		if (n->kind == XT_KIND_HEAD || n->sure != none)
			continue;
		/* check_underflow(), mark_source_chains(): each chain ends with one. */
		if (i + 1 == w->n || w->nodes[i + 1].chain != n->chain ||
		    w->nodes[i + 1].kind == XT_KIND_HEAD)
			return false;
		n->sure = w->nodes[i + 1].sure;
	}
	for (int h = 0; h < NF_INET_NUMHOOKS; h++) {
		if (!(w->table->valid_hooks & (1u << h)))
			continue;
		w->entry[h] = node_at(w, w->table->hook_entry[h]);
		w->underflow[h] = node_at(w, w->table->underflow[h]);
		if (w->entry[h] == none || w->underflow[h] == none)
			return false;
	}
	return true;
}

struct xt_walk *xt_walk_new(const struct rs_table *t)
{
	const struct xt_layout *l = xt_layout_of(t->family);
	struct xt_walk *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->table = t;
	w->n = t->blob ? count(t, l) : 0;
	w->nodes = calloc(w->n + 1, sizeof(*w->nodes));
	w->chains = calloc(t->n_chains + 1, sizeof(*w->chains));
	if (w->n && w->nodes && w->chains && fill_nodes(w, l) && link_nodes(w))
		return w;
	xt_walk_free(w);
	return NULL;
}

void xt_walk_free(struct xt_walk *w)
{
	if (!w)
		return;
	free(w->nodes);
	free(w->chains);
	free(w);
}

uint32_t xt_walk_number(const struct xt_walk *w, uint32_t node)
{
	return node - w->chains[w->nodes[node].chain].first + 1;
}
