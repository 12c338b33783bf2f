/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Replies whose addresses NAT has yet to change back: at the end of a hook where NAT is done,
 * conntrack knows what the answers of a followed packet will look like when they are first seen.
 */
#ifndef NFPATH_BPF_REPLIES_H
#define NFPATH_BPF_REPLIES_H

#include "bpf/flow.h"

struct nfp_reply {
	__u32 src[4], dst[4];
	__u32 ports; /* as they stand in the packet; 0: it has none */
	__u8 proto;
	bool v6;
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, NFP_REPLIES);
	__type(key, struct nfp_reply);
	__type(value, __u8);
} replies __weak SEC(".maps");

const volatile bool finds_replies __weak = false;

static __noinline bool is_known_reply(const struct flow *f)
{
	struct nfp_reply k = {.ports = f->ports, .proto = f->proto, .v6 = f->v6};

	k.src[0] = f->src[0];
	k.dst[0] = f->dst[0];
	if (f->v6) {
		__builtin_memcpy(k.src, f->src, sizeof(k.src));
		__builtin_memcpy(k.dst, f->dst, sizeof(k.dst));
	}
	return bpf_map_lookup_elem(&replies, &k);
}

static __always_inline bool is_reply(enum look look, const struct flow *f)
{
	return finds_replies && look == LOOK_READ && is_known_reply(f);
}

enum { IPS_NAT_MASK = 1 << 4 | 1 << 5, IP_CT_IS_REPLY = 3, IP_CT_UNTRACKED = 7 };

/* What packets look like as they come, those of the direction of this one (own) or of the other. NULL: there is
 * no NAT, and they look as they are; or the kernel does not tell its type, which loses this and no more. */
static __always_inline const struct nf_conntrack_tuple *nat_tuple(unsigned long nfct, bool own)
{
	const struct nf_conn *ct = (void *)(nfct & ~7ul);
	bool reply = (nfct & 7) >= IP_CT_IS_REPLY;

	if (!bpf_core_field_exists(ct->tuplehash) || !bpf_core_field_exists(ct->status))
		return NULL;
	if (!ct || (nfct & 7) == IP_CT_UNTRACKED || !(BPF_CORE_READ(ct, status) & IPS_NAT_MASK))
		return NULL;
	return reply == own ? (void *)&ct->tuplehash[1].tuple : (void *)&ct->tuplehash[0].tuple;
}

/* What answers this packet will be selected. false: the filter knows them. */
static __noinline bool learn_reply(unsigned long nfct, bool v6)
{
	const struct nf_conntrack_tuple *t = nat_tuple(nfct, false);
	struct nfp_reply k = {.v6 = v6};
	__u8 there = 1;

	if (!t)
		return false;
	k.proto = BPF_CORE_READ(t, dst.protonum);
	bpf_probe_read_kernel(k.src, v6 ? 16 : 4, &t->src.u3);
	bpf_probe_read_kernel(k.dst, v6 ? 16 : 4, &t->dst.u3);
	if (proto_has_ports(k.proto))
		k.ports = BPF_CORE_READ(t, src.u.all) | (__u32)BPF_CORE_READ(t, dst.u.all) << 16;
	return !bpf_map_update_elem(&replies, &k, &there, BPF_ANY);
}

/* At the end of this hook. */
static __always_inline bool learn(const struct sk_buff *skb, __u8 pf, __u8 hook)
{
	return finds_replies && (pf == NFPROTO_IPV4 || pf == NFPROTO_IPV6) &&
	       (hook == NF_INET_LOCAL_IN || hook == NF_INET_POST_ROUTING) &&
	       learn_reply(skb->_nfct, pf == NFPROTO_IPV6);
}

#endif
