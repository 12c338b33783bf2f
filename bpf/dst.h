/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The routing decision that a packet carries. A packet that arrives where no function stands at
 * prerouting is routed before anything is known of it (ip_rcv_finish_core()); but what came of that
 * lies in the skb, until it is delivered or leaves. Read once for each packet that is followed, so
 * others pay nothing.
 */
#ifndef NFPATH_BPF_DST_H
#define NFPATH_BPF_DST_H

#include "bpf/common.h"

#define SKB_DST_PTRMASK (~1ul) /* the lowest bit says whether a reference is held */
#define RTN_UNICAST 1

static __always_inline void set_out(struct nfp_fib *r, const struct dst_entry *dst)
{
	const struct net_device *dev;

	/* Of what is for this host it is loopback, whichever device has the address (rt_dst_alloc()). */
	if (r->result != RTN_UNICAST)
		return;
	dev = BPF_CORE_READ(dst, dev);
	r->ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_INTO(&r->dev, dev, name);
}

/* False: it is none. br_netfilter has one of no type (fake_rtable_init()). */
static __always_inline bool set_rtable(struct nfp_fib *r, const struct dst_entry *dst)
{
	const struct rtable *rt = (const void *)dst; /* dst is its first member */

	r->result = BPF_CORE_READ(rt, rt_type);
	if (r->result != RTN_UNICAST)
		return r->result != 0;
	r->gw_family = BPF_CORE_READ(rt, rt_gw_family);
	if (r->gw_family == AF_INET)
		BPF_CORE_READ_INTO((__be32 *)r->gw, rt, rt_gw4);
	else if (r->gw_family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)r->gw, rt, rt_gw6);
	return true;
}

static __always_inline bool set_rt6_info(struct nfp_fib *r, const struct dst_entry *dst)
{
	const struct rt6_info *rt = (const void *)dst;
	const struct fib6_info *fi = BPF_CORE_READ(rt, from);

	if (!fi) /* its route is gone */
		return false;
	r->result = BPF_CORE_READ(fi, fib6_type);
	r->table = BPF_CORE_READ(fi, fib6_table, tb6_id);
	r->prefix_len = BPF_CORE_READ(fi, fib6_dst.plen);
	r->protocol = BPF_CORE_READ(fi, fib6_protocol);
	r->metric = BPF_CORE_READ(fi, fib6_metric);
	if (BPF_CORE_READ(rt, rt6i_flags) & RTF_GATEWAY) {
		r->gw_family = AF_INET6;
		BPF_CORE_READ_INTO((struct in6_addr *)r->gw, rt, rt6i_gateway);
	}
	return r->result != 0;
}

/* A bridge's has the family of IPv4, whatever the packet is. */
static __always_inline bool set_route(struct nfp_fib *r, const struct dst_entry *dst)
{
	if (BPF_CORE_READ(dst, ops, family) != r->family)
		return false;
	if (r->family == AF_INET ? !set_rtable(r, dst) : !set_rt6_info(r, dst))
		return false;
	set_out(r, dst);
	return true;
}

/* refdst and iif are the skb's: who knows its type reads them by a plain load. */
static __noinline int emit_route(unsigned long refdst, __u32 iif, __u8 family, __u32 id,
				 __u32 netns)
{
	const struct dst_entry *dst = (void *)(refdst & SKB_DST_PTRMASK);
	struct nfp_route *r;

	if (!dst)
		return 0;
	r = record_reserve(sizeof(*r));
	if (!r) {
		count_lost(NFP_ROUTE);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	event_init(&r->fib.ev, NFP_ROUTE);
	r->fib.ev.netns = netns;
	r->fib.family = family;
	r->fib.prefix_len = NFP_PREFIX_UNKNOWN;
	r->fib.iif = iif;
	r->id = id;
	if (set_route(&r->fib, dst))
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
