/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the address of an expression to its rule. */
#ifndef NFPATH_BPF_RULES_H
#define NFPATH_BPF_RULES_H

#include "bpf/visit.h"

#define RULES_MAX (1 << 20) /* walked in one chain */
#define IS_LAST (1ull << 63)

/* The rule of an expression. Addresses are given anew when a transaction is committed, and not before. */
struct rule_key {
	__u64 expr, gen;
};

struct rule {
	__u64 chain, handle; /* handle: IS_LAST, nothing follows in the rule */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct rule_key);
	__type(value, struct rule);
} rules SEC(".maps");

struct search {
	__u64 at, end, expr, handle;
	bool found;
};

/* struct nft_rule_dp: is_last:1, dlen:12, handle:42, then dlen bytes of expressions. */
static long look_at_rule(__u32 i, struct search *s)
{
	__u64 head, next;

	if (s->at >= s->end || bpf_probe_read_kernel(&head, sizeof(head), (void *)s->at) || head & 1)
		return 1;
	next = s->at + sizeof(head) + (head >> 1 & 0xfff);
	if (s->expr < next) {
		const struct nft_expr *expr = (void *)s->expr;

		s->handle = head >> 13 & ((1ull << 42) - 1);
		if (s->expr + BPF_CORE_READ(expr, ops, size) >= next)
			s->handle |= IS_LAST;
		s->found = true;
		return 1;
	}
	s->at = next;
	return 0;
}

static __always_inline bool lies_in(struct search *s, const struct nft_rule_blob *blob)
{
	__u64 data = (__u64)blob + bpf_core_field_offset(struct nft_rule_blob, data);
	__u64 size = BPF_CORE_READ(blob, size);

	if (!blob || s->expr < data || s->expr >= data + size)
		return false;
	s->at = data;
	s->end = data + size;
	return true;
}

/* Both generations of its rules: which of them the walk took does not matter. */
static __always_inline bool is_of_chain(struct search *s, __u64 chain)
{
	const struct nft_chain *c = (void *)chain;

	return lies_in(s, BPF_CORE_READ(c, blob_gen_0)) || lies_in(s, BPF_CORE_READ(c, blob_gen_1));
}

struct unwinding {
	const struct visit *w;
	struct search *s;
	__u64 chain; /* tried now */
	__u32 depth;
	bool found;
};

static long look_at_chain(__u32 i, struct unwinding *u)
{
	if (is_of_chain(u->s, u->chain)) {
		u->found = true;
		return 1;
	}
	if (!u->depth)
		return 1;
	u->depth--;
	u->chain = u->w->stack[u->depth & (NFP_STACK - 1)];
	return 0;
}

struct remembered {
	const struct visit *w;
	__u64 chain, want;
	__u32 depth;
	bool found;
};

static long look_for_chain(__u32 i, struct remembered *r)
{
	if (r->chain == r->want) {
		r->found = true;
		return 1;
	}
	if (!r->depth)
		return 1;
	r->depth--;
	r->chain = r->w->stack[r->depth & (NFP_STACK - 1)];
	return 0;
}

/*
 * The rule of an expression, and where that is: in the chain that the walk is in, or, since the end
 * of a chain makes no noise, in one that it came from.
 */
static __always_inline bool find_rule(struct visit *w, __u64 expr, struct rule *out)
{
	struct rule_key key = {expr, w->v.gen};
	struct search s = {.expr = expr};
	/* In one place: the stack of all functions that call one another is 512 bytes. */
	union {
		struct unwinding u;
		struct remembered r;
	} by;
	struct rule *known = bpf_map_lookup_elem(&rules, &key);

	if (known) {
		by.r = (struct remembered){
			.w = w, .chain = w->chain, .want = known->chain, .depth = w->depth};
		*out = *known;
		if (by.r.chain == by.r.want)
			return true;
		bpf_loop(NFP_STACK + 1, look_for_chain, &by.r, 0);
		w->chain = by.r.found ? by.r.chain : w->chain;
		w->depth = by.r.found ? by.r.depth : w->depth;
		/* A rule of a chain that nothing led to: what did was not seen. */
		if (!by.r.found)
			w->v.flags |= NFP_VISIT_UNKNOWN;
		return by.r.found;
	}
	by.u = (struct unwinding){.w = w, .s = &s, .chain = w->chain, .depth = w->depth};
	bpf_loop(NFP_STACK + 1, look_at_chain, &by.u, 0);
	if (!by.u.found)
		return false;
	bpf_loop(RULES_MAX, look_at_rule, &s, 0);
	if (!s.found)
		return false;
	w->chain = by.u.chain;
	w->depth = by.u.depth;
	out->chain = by.u.chain;
	out->handle = s.handle;
	bpf_map_update_elem(&rules, &key, out, BPF_ANY);
	return true;
}

#endif
