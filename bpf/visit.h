/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks through base chains that are under way, by the address of the caller's struct nft_pktinfo:
 * it lies on its stack, and nested walks have their own. An array, and a few places in it for each
 * address: nothing is copied in or out, and finding one is a comparison.
 */
#ifndef NFPATH_BPF_VISIT_H
#define NFPATH_BPF_VISIT_H

#include "bpf/follow.h"

struct visit {
	__u64 pkt; /* 0: nobody's; else all the rest is of this one */
	__u64 skb;
	__u64 chain; /* where it is */
	__u64 stack[NFP_STACK];
	__u32 depth;
	__u8 ended; /* a rule gave the last word */
	__u8 unwatched : 1; /* its end */
	__u8 over : 1;	    /* a rule accepted the packet: whatever comes next says no more of this walk */
	__u16 place; /* from 1 on */
	struct nfp_visit v; /* steps: handle is the expression's address until they are resolved */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NFP_VISITS);
	__type(key, __u32);
	__type(value, struct visit);
} visits SEC(".maps");

/* Somebody watches the ends of walks (chain_left). */
volatile __u32 ends_seen = 0;
/* How many visits are under way: while it is 0, expressions are nobody's. */
volatile __s32 n_visits = 0;

enum { VISIT_WAYS = 4 };
/* No walk takes so long: its end was missed. */
#define VISIT_MAX_NS 10000000000ull

static __always_inline __u32 visit_place(const void *pkt)
{
	return (low_half(pkt) >> 3) * 0x9e3779b1u >> 22; /* of NFP_VISITS, 1 << 10 */
}

static __always_inline struct visit *visit_at(__u32 place, __u32 way)
{
	__u32 i = (place + way) % NFP_VISITS;

	return bpf_map_lookup_elem(&visits, &i);
}

static __always_inline struct visit *visit_find(const void *pkt)
{
	__u32 place = visit_place(pkt), way;
	struct visit *w;

#pragma unroll
	for (way = 0; way < VISIT_WAYS; way++) {
		w = visit_at(place, way);
		if (w && w->pkt == (__u64)pkt)
			return w;
	}
	return NULL;
}

/* A place for the walk that begins, which has none yet: a free one, or one that was forgotten long ago.
 * NULL: there is none. */
static __always_inline struct visit *visit_take(const void *pkt)
{
	__u32 place = visit_place(pkt), way;
	struct visit *w;
	__u64 before;

#pragma unroll
	for (way = 0; way < VISIT_WAYS; way++) {
		w = visit_at(place, way);
		if (!w)
			continue;
		before = w->pkt;
		if (before && bpf_ktime_get_ns() - w->v.began < VISIT_MAX_NS)
			continue;
		if (__sync_val_compare_and_swap(&w->pkt, before, (__u64)pkt) != before)
			continue;
		if (before)
			count_lost(NFP_VISIT);
		else
			__sync_fetch_and_add(&n_visits, 1);
		w->place = (place + way) % NFP_VISITS + 1;
		return w;
	}
	return NULL;
}

static __always_inline void visit_leave(struct visit *w)
{
	__u64 pkt = w->pkt;

	if (__sync_val_compare_and_swap(&w->pkt, pkt, 0) == pkt)
		__sync_fetch_and_add(&n_visits, -1);
}

#endif
