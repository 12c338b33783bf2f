/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel types, by hand: only the structs and fields that we read. Offsets come from the running kernel's BTF when the
 * programs are loaded (preserve_access_index), so the order and the gaps here mean nothing. A name with three underscores
 * is a flavour: the same struct as an older or newer kernel has it.
 */
#ifndef NFPATH_BPF_VMLINUX_H
#define NFPATH_BPF_VMLINUX_H
#define __VMLINUX_H__ /* libbpf takes its types from here */

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_F_INNER_MAP = 1 << 12,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

/* From the user-space API: numbers that bpf(2) fixes. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_STACK_TRACE = 7,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_RINGBUF = 27,
};

struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

/* What a program of a cgroup is given of a socket; its numbers are bpf(2)'s, too. */
struct bpf_sock {
	__u32 bound_dev_if, family, type, protocol, mark, priority, src_ip4, src_ip6[4], src_port;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct fib6_info;

struct netns_ipv6 {
	struct fib6_info *fib6_null_entry;
};

struct nf_hook_entries {
	__u16 num_hook_entries;
};

struct netns_nf {
	struct nf_hook_entries *hooks_ipv4[5];
	struct nf_hook_entries *hooks_ipv6[5];
	struct nf_hook_entries *hooks_arp[3];
	struct nf_hook_entries *hooks_bridge[5];
};

struct net {
	struct ns_common ns;
	__u64 net_cookie;
	struct netns_nf nf;
	struct netns_ipv6 ipv6;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
	char name[16];
};

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock;

struct sock_common {
	unsigned short skc_family;
	unsigned char skc_state;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
	struct sock *skc_listener; /* of a request_sock */
};

struct sk_buff;

struct sk_buff_head {
	struct sk_buff *next;
	struct sk_buff *prev;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	struct sk_buff_head sk_receive_queue;
	struct sock_cgroup_data sk_cgrp_data;
};

struct dst_ops {
	unsigned short family;
};

struct dst_entry {
	struct net_device *dev;
	struct dst_ops *ops;
};

struct atomic {
	int counter;
};

typedef struct atomic atomic_t;

struct refcount_struct {
	atomic_t refs;
};

typedef struct refcount_struct refcount_t;

struct sk_buff {
	refcount_t users;
	struct sk_buff *next;
	struct sk_buff *prev;
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	unsigned int len;
	__u8 nf_trace : 1;
	__u16 alloc_cpu;
	int skb_iif;
	__u32 mark;
	__be16 protocol;
	__u16 network_header;
	__u16 mac_header;
	__u16 mac_len;
	unsigned long _nfct;
	unsigned int tail;
	unsigned char *head;
	unsigned char *data;
};

union flowi_uli {
	struct {
		__be16 dport;
		__be16 sport;
	} ports;
};

struct flowi_common {
	int flowic_oif;
	int flowic_iif;
	__u32 flowic_mark;
	__u8 flowic_tos;
	__u8 flowic_proto;
};

/* Since 6.18 the field holds a dscp_t and has its name. */
struct flowi_common___dscp {
	__u8 flowic_dscp;
};

struct flowi4 {
	struct flowi_common __fl_common;
	__be32 saddr;
	__be32 daddr;
	union flowi_uli uli;
};

struct flowi6 {
	struct flowi_common __fl_common;
	struct in6_addr daddr;
	struct in6_addr saddr;
	union flowi_uli uli;
};

struct fib_nh_common {
	struct net_device *nhc_dev;
	unsigned char nhc_scope;
	__u8 nhc_family;
	__u8 nhc_gw_family;
	union {
		__be32 ipv4;
		struct in6_addr ipv6;
	} nhc_gw;
};

struct fib_info {
	unsigned char fib_protocol;
	unsigned char fib_type;
	__u32 fib_priority;
};

struct fib_nh {
	struct fib_nh_common nh_common;
	struct fib_info *nh_parent;
};

struct fib6_nh {
	struct fib_nh_common nh_common;
};

struct rt6key {
	struct in6_addr addr;
	int plen;
};

struct fib6_info {
	struct rt6key fib6_dst;
	struct fib6_table *fib6_table;
	__u32 fib6_metric;
	__u8 fib6_protocol;
	__u8 fib6_type;
};

struct fib6_result {
	struct fib6_nh *nh;
	struct fib6_info *f6i;
	__u8 fib6_type;
};

struct fib6_table {
	__u32 tb6_id;
};

/* What a packet has once it is routed; dst is the first member of both. */
struct rtable {
	__u16 rt_type;
	__u8 rt_gw_family;
	__be32 rt_gw4;
	struct in6_addr rt_gw6;
};

#define RTF_GATEWAY 2 /* uapi/linux/route.h */

struct rt6_info {
	struct fib6_info *from;
	struct in6_addr rt6i_gateway;
	__u32 rt6i_flags;
};

enum skb_drop_reason { SKB_DROP_REASON_NETFILTER_DROP = 6 };

/* --- who may not leave its CPU --- */

struct rq {
	unsigned int nr_pinned;
};

struct cfs_rq {
	struct rq *rq;
};

struct sched_entity {
	struct cfs_rq *cfs_rq;
};

struct task_struct {
	unsigned long nvcsw, nivcsw;
	unsigned short migration_disabled;
	struct sched_entity se;
};

/* --- nf_tables: of modules, most of it --- */

struct nf_hook_state {
	__u8 hook;
	__u8 pf;
	struct net_device *in;
	struct net_device *out;
	struct sock *sk;
	struct net *net;
};

struct nft_pktinfo {
	struct sk_buff *skb;
	const struct nf_hook_state *state;
};

struct nft_rule_blob {
	unsigned long size;
	unsigned char data[0];
};

struct nft_table {
	__u16 family : 6;
	char *name;
};

struct nft_chain {
	struct nft_rule_blob *blob_gen_0;
	struct nft_rule_blob *blob_gen_1;
	struct nft_table *table;
	char *name;
};

struct nft_base_chain {
	__u8 policy;
	struct nft_chain chain;
};

struct nft_verdict {
	__u32 code;
	struct nft_chain *chain;
};

struct nft_regs {
	struct nft_verdict verdict;
};

struct nft_data {
	struct nft_verdict verdict;
};

struct nft_expr_ops {
	unsigned int size;
};

struct nft_expr {
	const struct nft_expr_ops *ops;
	unsigned char data[0];
};

struct nft_immediate_expr {
	struct nft_data data;
	__u8 dreg;
};

struct nft_set {
	char *name;
	__u32 dtype;
	__u8 klen;
};

struct nft_lookup {
	struct nft_set *set;
	__u8 sreg;
};

/* --- nf_conntrack --- */

union nf_inet_addr {
	__u32 all[4];
};

union nf_conntrack_man_proto {
	__be16 all;
};

struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
};

struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			__be16 all;
		} u;
		__u8 protonum;
	} dst;
};

struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};

struct nf_conn {
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
};

/* --- x_tables --- */

struct xt_table_info {
	unsigned char entries[0];
};

struct xt_table {
	struct xt_table_info *private;
	char name[32];
};

/* What programs that are attached to nothing begin with. */
struct nsproxy {
	struct net *net_ns;
};

struct task_struct___namespaces {
	struct nsproxy *nsproxy;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

#pragma clang attribute pop

#endif
