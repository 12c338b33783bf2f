/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets are a command's: those that sockets of its cgroup send, those that answer them, and
 * those that come to where such a socket was bound. An arriving packet has no socket yet in the first
 * hooks, so what it may be for is noted when it is sent, or bound.
 */
#ifndef NFPATH_BPF_COMMAND_H
#define NFPATH_BPF_COMMAND_H

#include "bpf/flow.h"

/* The number of its cgroup; 0: any packet is wanted. */
const volatile __u64 command_cgroup __weak = 0;

struct command_flow {
	__u64 netns; /* its cookie */
	__u32 src[4], dst[4];
	__u32 ports, proto;
};

struct command_place {
	__u64 netns;
	__u32 addr[4]; /* 0: any */
	__u16 port;    /* network order */
	__u16 proto;
	__u32 v6; /* of addr */
};

/* What its packets are answered by. A new one pushes out the one not heard of for longest. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct command_flow);
	__type(value, __u32);
} command_answers __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct command_place);
	__type(value, __u32);
} command_places __weak SEC(".maps");

enum { COMMAND_DEPTH = 8, TCP_TIME_WAIT = 6, TCP_NEW_SYN_RECV = 12 };

/* Those that it made below its own are its, too. A socket keeps the cgroup that it was made in. */
static __noinline bool command_has_socket(const struct sock *sk)
{
	const struct cgroup_subsys_state *css;
	const struct cgroup *c;
	__u8 state;

	if (!sk)
		return false;
	/* Two kinds are no whole sockets: what answers a SYN, and what is left of a connection. */
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == TCP_NEW_SYN_RECV)
		sk = BPF_CORE_READ(sk, __sk_common.skc_listener);
	if (!sk || state == TCP_TIME_WAIT)
		return false;
	c = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	for (int i = 0; c && i < COMMAND_DEPTH; i++) {
		if (BPF_CORE_READ(c, kn, id) == command_cgroup)
			return true;
		css = BPF_CORE_READ(c, self.parent);
		c = css ? (void *)((__u64)css - bpf_core_field_offset(struct cgroup, self)) : NULL;
	}
	return false;
}

static __always_inline bool command_read(struct flow *f, const struct sk_buff *skb)
{
	__u16 protocol = BPF_CORE_READ(skb, protocol);
	const unsigned char *nh = network_header_of(skb, true);

	__builtin_memset(f, 0, sizeof(*f));
	if (protocol == bpf_htons(ETH_P_IP))
		return read_flow4(f, nh) && f->has_ports;
	return protocol == bpf_htons(ETH_P_IPV6) && read_flow6(f, nh) && f->has_ports;
}

static __always_inline void command_note(const struct flow *f, __u64 netns)
{
	struct command_flow k = {.netns = netns, .proto = f->proto};
	__u32 one = 1;

	__builtin_memcpy(k.src, f->dst, sizeof(k.src));
	__builtin_memcpy(k.dst, f->src, sizeof(k.dst));
	k.ports = f->ports << 16 | f->ports >> 16;
	if (!bpf_map_lookup_elem(&command_answers, &k))
		bpf_map_update_elem(&command_answers, &k, &one, BPF_ANY);
}

static __always_inline bool command_is_answer(const struct flow *f, __u64 netns)
{
	struct command_flow k = {.netns = netns, .proto = f->proto, .ports = f->ports};

	__builtin_memcpy(k.src, f->src, sizeof(k.src));
	__builtin_memcpy(k.dst, f->dst, sizeof(k.dst));
	return bpf_map_lookup_elem(&command_answers, &k);
}

/* A socket of IPv6 that is bound to no address takes IPv4, too. */
static __always_inline bool command_is_bound(const struct flow *f, __u64 netns)
{
	struct command_place k = {.netns = netns, .port = bpf_ntohl(f->ports), .proto = f->proto};

	k.port = bpf_htons(k.port);
	if (bpf_map_lookup_elem(&command_places, &k))
		return true;
	__builtin_memcpy(k.addr, f->dst, sizeof(k.addr));
	k.v6 = f->v6;
	return bpf_map_lookup_elem(&command_places, &k);
}

static __noinline bool command_look(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	__u64 netns = BPF_CORE_READ(state, net, net_cookie);
	struct flow f;
	bool ports = command_read(&f, skb);

	if (command_has_socket(BPF_CORE_READ(skb, sk))) {
		if (ports)
			command_note(&f, netns);
		return true;
	}
	return ports && (command_is_answer(&f, netns) || command_is_bound(&f, netns));
}

static __always_inline bool command_wants(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	return !command_cgroup || command_look(skb, state);
}

#endif
