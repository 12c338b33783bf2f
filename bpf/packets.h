/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which skb is which followed packet. An array, and a few places in it for each address: nothing is
 * copied in or out, and finding one is a comparison.
 */
#ifndef NFPATH_BPF_PACKETS_H
#define NFPATH_BPF_PACKETS_H

#include "bpf/common.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* programs_sweep() */
	__uint(max_entries, NFP_PACKETS);
	__type(key, __u32);
	__type(value, struct nfp_followed);
} packets __weak SEC(".maps");

volatile struct nfp_watched watched __weak = {};
volatile __u32 next_id __weak = 0;

enum { PACKET_WAYS = 8 };

static __always_inline __u32 packet_place(const void *skb)
{
	return (low_half(skb) >> 6) * 0x9e3779b1u >> 15; /* of NFP_PACKETS, 1 << 17 */
}

static __always_inline struct nfp_followed *packet_at(__u32 place, __u32 way)
{
	__u32 i = (place + way) % NFP_PACKETS;

	return bpf_map_lookup_elem(&packets, &i);
}

/* Most are at their first place. */
static __noinline struct nfp_followed *packet_behind(const void *skb, __u32 place)
{
	struct nfp_followed *f;
	__u32 way;

#pragma unroll
	for (way = 1; way < PACKET_WAYS; way++) {
		f = packet_at(place, way);
		if (f && f->skb == (__u64)skb)
			return f;
	}
	return NULL;
}

static __always_inline struct nfp_followed *followed_of(const void *skb)
{
	struct nfp_followed *f;
	__u32 place;

	if (watched.followed <= 0)
		return NULL;
	place = packet_place(skb);
	f = packet_at(place, 0);
	return f && f->skb == (__u64)skb ? f : packet_behind(skb, place);
}

static __always_inline struct nfp_followed *packet_take(const void *skb)
{
	__u32 place = packet_place(skb), way;
	struct nfp_followed *f = followed_of(skb);

	if (f)
		return f;
#pragma unroll
	for (way = 0; way < PACKET_WAYS; way++) {
		f = packet_at(place, way);
		if (f && !f->skb && !__sync_val_compare_and_swap(&f->skb, 0, (__u64)skb)) {
			__sync_fetch_and_add(&watched.followed, 1);
			return f;
		}
	}
	return NULL;
}

/* A new one, in place of what was known of this memory. */
static __noinline struct nfp_followed *follow(const void *skb, __u32 copy_of)
{
	struct nfp_followed *f = packet_take(skb);

	if (!f) {
		count_lost(NFP_SIGHT);
		return NULL;
	}
	f->seen = bpf_ktime_get_ns(); /* programs_sweep() forgets what was not for long */
	f->id = __sync_fetch_and_add(&next_id, 1) + 1;
	f->netns = 0;
	f->print = 0;
	f->copy_of = copy_of;
	f->shown = f->in_visit = f->slot = f->reply = 0;
	f->visit = 0;
	f->hooks = 0;
	f->state = 0;
	return f;
}

static __always_inline void forget(struct nfp_followed *f)
{
	__u64 skb = f->skb;

	f->seen = 0; /* whoever takes it is not old before it says when that was */
	if (skb && __sync_val_compare_and_swap(&f->skb, skb, 0) == skb)
		__sync_fetch_and_add(&watched.followed, -1);
}

#endif
