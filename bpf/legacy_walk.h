/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules a packet may hit: a walk over what is known of its table. */
#ifndef NFPATH_BPF_LEGACY_WALK_H
#define NFPATH_BPF_LEGACY_WALK_H

#include "bpf/legacy_state.h"

struct walk {
	struct slot *s;
	void *nodes;
	bool broken;
};

/* ip_packet_match(), ip6_packet_match() */
static __always_inline bool addr_fails(const __u32 *a, const __u32 *want, const __u32 *mask)
{
	return ((a[0] & mask[0]) ^ want[0]) | ((a[1] & mask[1]) ^ want[1]) |
	       ((a[2] & mask[2]) ^ want[2]) | ((a[3] & mask[3]) ^ want[3]);
}

static __always_inline bool device_fails(void *nodes, __u32 pattern, const __u64 *name)
{
	struct nfp_xt_node *p = bpf_map_lookup_elem(nodes, &pattern);
	__u64 n[2], m[2];

	if (!p)
		return false;
	__builtin_memcpy(n, p->src, sizeof(n));
	__builtin_memcpy(m, p->smask, sizeof(m));
	return ((name[0] ^ n[0]) & m[0]) | ((name[1] ^ n[1]) & m[1]);
}

/* tcp_mt(), udp_mt(): what a port refuses, nothing else makes good. */
static __always_inline bool ports_fail(const struct nfp_xt_node *n, const struct slot *s)
{
	bool src = s->sport >= n->sport[0] && s->sport <= n->sport[1];
	bool dst = s->dport >= n->dport[0] && s->dport <= n->dport[1];

	return src == !!(n->flags & NFP_XT_INV_SPORT) || dst == !!(n->flags & NFP_XT_INV_DPORT);
}

/* 0: it cannot match; 1: it may; 2: as far as this goes it does. */
static __always_inline int fits(const struct nfp_xt_node *n, const struct slot *s, void *nodes)
{
	bool inverted;

	if (n->flags & NFP_XT_PORTS && s->has_ports && ports_fail(n, s))
		return 0;
	if (addr_fails(s->at.src, n->src, n->smask) != !!(n->invert & NFP_XT_INV_SRC) ||
	    addr_fails(s->at.dst, n->dst, n->dmask) != !!(n->invert & NFP_XT_INV_DST))
		return 0;
	if (n->in && device_fails(nodes, n->in, s->in) != !!(n->invert & NFP_XT_INV_IN))
		return 0;
	if (n->out && device_fails(nodes, n->out, s->out) != !!(n->invert & NFP_XT_INV_OUT))
		return 0;
	if (s->v.pf == NFPROTO_IPV6) {
		if (!(n->flags & NFP_XT_PROTO6))
			return 2;
		if (!s->proto_known)
			return 1;
		inverted = n->invert & NFP_XT_INV_PROTO;
		if (n->proto == s->proto)
			return inverted ? 0 : 2;
		return n->proto && !inverted ? 0 : 2;
	}
	inverted = n->invert & NFP_XT_INV_PROTO;
	if (n->proto && (n->proto != s->proto) != inverted)
		return 0;
	if ((n->flags & NFP_XT_FRAG && !s->fragment) != !!(n->invert & NFP_XT_INV_FRAG))
		return 0;
	return 2;
}

static __always_inline void add_candidate(struct slot *s, __u32 node, __u32 counters)
{
	__u64 at = s->entries + counters;
	struct candidate *c;
	__u32 n = s->n;

	if (n >= NFP_XT_CANDIDATES) {
		s->v.flags |= NFP_XT_OVERFLOW;
		return;
	}
	c = &s->c[n & (NFP_XT_CANDIDATES - 1)];
	if (!xt_one_cpu)
		at = read_u64(at) + s->cpu_offset;
	c->counter = at;
	c->packets = read_u64(at);
	c->node = node;
	s->n = n + 1;
}

/* Each chain is walked once: its rules are candidates then. */
static __always_inline bool first_time(struct slot *s, __u32 node)
{
	__u32 at = node * 2654435761u >> 16;

	for (int i = 0; i < 8; i++) {
		struct chain_seen *c = &s->seen[(at + i) & (NFP_XT_SEEN - 1)];

		if (c->seq != s->seq) {
			c->seq = s->seq;
			c->node = node;
			return true;
		}
		if (c->node == node)
			return false;
	}
	s->v.flags |= NFP_XT_OVERFLOW;
	return false;
}

static __always_inline long pop(struct slot *s)
{
	if (!s->depth)
		return 1;
	s->depth--;
	s->at_node = s->stack[s->depth & (NFP_XT_DEPTH - 1)];
	return 0;
}

static __always_inline void push(struct slot *s, __u32 node)
{
	if (s->depth >= NFP_XT_DEPTH) {
		s->v.flags |= NFP_XT_OVERFLOW;
		return;
	}
	s->stack[s->depth & (NFP_XT_DEPTH - 1)] = node;
	s->depth++;
}

/* The first rule of a run that may match. */
static __always_inline __u32 first_of_run(struct walk *w, const struct nfp_xt_node *n, __u32 at)
{
	struct slot *s = w->s;
	__u32 bucket;

	bucket = n->flags & NFP_XT_BY_SRC ? nfp_xt_bucket(s->at.src, n->smask, n->run)
					  : nfp_xt_bucket(s->at.dst, n->dmask, n->run);
	bucket += at;
	n = bpf_map_lookup_elem(w->nodes, &bucket);
	return n ? n->head : 0;
}

static long walk_one(__u32 i, struct walk *w)
{
	struct slot *s = w->s;
	void *nodes = w->nodes;
	const struct nfp_xt_node *n;
	__u32 at;
	int fit;

	if (!s || !nodes)
		return 1;
	at = s->at_node;
	n = bpf_map_lookup_elem(nodes, &at);
	if (!n) {
		w->broken = true;
		return 1;
	}
	if (n->run) {
		__u32 first = first_of_run(w, n, at);

		if (first != at) {
			s->at_node = first;
			return 0;
		}
	}
	fit = fits(n, s, nodes);
	if (!fit) {
		s->at_node = n->next;
		return 0;
	}
	if (at != s->underflow)
		add_candidate(s, at, n->counters);
	/* Nothing but its extension, if it has one, decides whether it matches. */
	if (!(n->flags & NFP_XT_PLAIN))
		fit = 1;
	switch (n->kind) {
	case NFP_XT_END:
	case NFP_XT_RETURN:
		if (fit == 2)
			return pop(s);
		break;
	case NFP_XT_JUMP:
	case NFP_XT_GOTO:
		if (fit == 1 || n->kind == NFP_XT_JUMP)
			push(s, n->next);
		if (!first_time(s, n->target))
			return pop(s);
		s->at_node = n->target;
		return 0;
	}
	s->at_node = n->next;
	return 0;
}

/* Every walk may come to the end of its base chain: RETURN leads there. */
static __always_inline void walk(struct slot *s, const struct nfp_xt_info *info)
{
	struct walk w = {.s = s};
	const struct nfp_xt_node *last;
	__u32 hook = s->v.hook;

	barrier_var(hook);
	w.nodes = bpf_map_lookup_elem(&xt_nodes, &s->v.serial);
	if (!w.nodes || hook >= NFP_XT_HOOKS) {
		s->v.flags |= NFP_XT_UNKNOWN;
		return;
	}
	s->at_node = info->entry[hook];
	s->underflow = info->underflow[hook];
	last = bpf_map_lookup_elem(w.nodes, &s->underflow);
	if (last)
		add_candidate(s, s->underflow, last->counters);
	if (bpf_loop(STEPS_MAX, walk_one, &w, 0) == STEPS_MAX || w.broken || !last)
		s->v.flags |= NFP_XT_OVERFLOW;
}

#endif
