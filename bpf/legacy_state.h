/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of iptables-legacy as user space gave them, and traversals that are under way. */
#ifndef NFPATH_BPF_LEGACY_STATE_H
#define NFPATH_BPF_LEGACY_STATE_H

#include "bpf/follow.h"

#define STEPS_MAX (1 << 22)
/* No traversal takes so long; one whose end was missed does not keep its CPU busy for ever. ns */
#define OPEN_MAX 1000000000ull

/* --- what is known of tables --- */

struct nodes {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct nfp_xt_node)); /* bpftool loses track of the type */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4096);
	__type(key, __u32); /* serial */
	__array(values, struct nodes);
} xt_nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* struct xt_table_info: given anew when the table is replaced, and not before */
	__type(value, struct nfp_xt_info);
} xt_infos SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct nfp_xt_table);
	__type(value, struct nfp_xt_found);
} xt_tables SEC(".maps");

volatile __u32 xt_serial = 0;
/* Set by user space while it reads tables. */
volatile __u32 xt_reading = 0;
/* kallsyms; 0: there is none such. */
volatile __u64 xt_recseq_at = 0, per_cpu_offset_at = 0;
/* There is but one CPU: counters lie in the entries (xt_percpu_counter_alloc()). */
volatile __u32 xt_one_cpu = 0;

/* --- traversals under way --- */

struct frame_key {
	__u64 skb, table;
};

struct frame {
	__u32 seq, cpu, slot, pad;
};

struct candidate {
	__u64 counter, packets;
	__u32 node, pad;
};

struct chain_seen {
	__u32 seq, node;
};

struct addresses {
	__u32 src[4], dst[4];
};

struct slot {
	struct nfp_xt_visit v;
	__u64 taken; /* 0: free; else since when, ktime */
	struct addresses at;
	__u64 info, entries, cpu_offset;
	__u64 in[2], out[2]; /* names of devices */
	__u32 seq;
	__u32 n; /* candidates */
	__u32 at_node, underflow;
	__u32 depth;
	__u8 proto;
	bool proto_known; /* else a rule for a protocol may match */
	bool fragment;
	bool has_ports;
	__u16 sport, dport;
	__u32 stack[NFP_XT_DEPTH];
	struct chain_seen seen[NFP_XT_SEEN];
	struct candidate c[NFP_XT_CANDIDATES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NFP_XT_SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} xt_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH); /* those whose end was missed go first */
	__uint(max_entries, NFP_XT_SLOTS * 16);
	__type(key, struct frame_key);
	__type(value, struct frame);
} xt_frames SEC(".maps");

struct xt_cpu {
	volatile __u32 begun; /* traversals, while one of a followed packet is under way here */
	volatile __s32 open;  /* those of followed packets */
	volatile __u64 opened; /* ktime: when the last one of these began */
	__u32 pad[12];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NFP_XT_CPUS);
	__type(key, __u32);
	__type(value, struct xt_cpu);
} xt_cpus SEC(".maps");

volatile __u32 xt_next = 0;

enum { TRIES = 8 };
/* A traversal whose end was missed gives its slot back after so long. ns */
#define SLOT_MAX 2000000000ull

static __always_inline __u64 read_u64(__u64 at)
{
	__u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (void *)at);
	return v;
}

static __always_inline __u32 read_recseq(const struct slot *s)
{
	__u32 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (void *)(xt_recseq_at + s->cpu_offset));
	return v;
}

#endif
