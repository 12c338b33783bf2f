// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which routes an IPv4 table of the task's network namespace has for one prefix. The kernel has no
 * such question: who asks for a route that refuses gets an error that names none, and a dump goes
 * through the whole table. Attached to nothing, bpf_prog_test_run() runs it, under RCU, which
 * is what keeps the memory that it reads (fib_find_node() of net/ipv4/fib_trie.c).
 */
#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include "bpf/fib_read.h"

char LICENSE[] SEC("license") = "GPL";

#define FIB_TABLE_HASHSZ 256 /* with CONFIG_IP_MULTIPLE_TABLES */
#define SAME_HASH 64	     /* tables */
#define KEYLENGTH 32	     /* bits, of which each step down takes one at least */
#define SAME_KEY 64	     /* routes: lengths, TOS, metrics */
#define RTN_BLACKHOLE 6
#define RTN_THROW 9
#define RTNH_F_LINKDOWN 16

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct netns_ipv4 {
	void *rules_ops; /* with CONFIG_IP_MULTIPLE_TABLES */
	struct hlist_head *fib_table_hash;
};

struct net___routes {
	struct netns_ipv4 ipv4;
};

struct fib_table {
	struct hlist_node tb_hlist;
	__u32 tb_id;
	unsigned long *tb_data; /* struct trie; that of main in local, while they are one */
};

struct key_vector {
	__u32 key;
	unsigned char pos, bits;
	struct hlist_head leaf; /* bits 0; else struct key_vector *tnode[], at the same place */
};

struct trie {
	struct key_vector kv[1];
};

struct fib_nh_common___leg {
	struct net_device *nhc_dev;
	unsigned char nhc_flags;
	__u8 nhc_gw_family;
	struct in6_addr nhc_gw; /* a union */
};

struct fib_nh___leg {
	struct fib_nh_common___leg nh_common;
	__u32 nh_tclassid; /* with CONFIG_IP_ROUTE_CLASSID */
};

struct fib_info___route {
	unsigned char fib_dead, fib_protocol, fib_scope;
	__u32 fib_priority, fib_prefsrc;
	int fib_nhs;
	void *nh; /* an object that is its next hop */
	struct fib_nh___leg fib_nh[];
};

struct fib_alias {
	struct hlist_node fa_list;
	struct fib_info___route *fa_info;
	__u8 fa_dscp; /* since 5.18 */
	__u8 fa_type, fa_slen;
	__u32 tb_id;
};

struct fib_alias___tos {
	__u8 fa_tos;
};

#pragma clang attribute pop

struct nfp_fib_read fib = {};

static __always_inline const void *table_of(const struct net___routes *net)
{
	struct hlist_head *heads = BPF_CORE_READ(net, ipv4.fib_table_hash);
	__u32 off = bpf_core_field_offset(struct fib_table, tb_hlist);
	struct hlist_node *node = NULL;
	const struct fib_table *table;

	if (bpf_probe_read_kernel(&node, sizeof(node), heads + fib.table % FIB_TABLE_HASHSZ))
		return NULL;
	for (int i = 0; i < SAME_HASH && node; i++) {
		table = (void *)node - off;
		if (BPF_CORE_READ(table, tb_id) == fib.table)
			return table;
		if (bpf_probe_read_kernel(&node, sizeof(node), node))
			return NULL;
	}
	if (!node)
		fib.state = NFP_FIB_NONE;
	return NULL;
}

/* The leaf of the prefix's address, in which its routes are; NULL: none, or it could not be read. */
static __always_inline const struct key_vector *leaf_of(const struct fib_table *table)
{
	__u32 children = bpf_core_field_offset(struct key_vector, leaf), index = 0, bits = 0;
	const struct key_vector *n = (void *)BPF_CORE_READ(table, tb_data) +
				     bpf_core_field_offset(struct trie, kv);

	for (int i = 0; i <= KEYLENGTH; i++) {
		const void *at = (void *)n + children + (__u64)index * sizeof(void *);

		if (bpf_probe_read_kernel(&n, sizeof(n), at))
			return NULL;
		if (!n)
			break;
		bits = BPF_CORE_READ(n, bits);
		index = (__u64)(fib.prefix ^ BPF_CORE_READ(n, key)) >> (BPF_CORE_READ(n, pos) & 63);
		if ((__u64)index >> (bits & 63)) {
			n = NULL;
			break;
		}
		if (!bits)
			return n;
	}
	if (!n)
		fib.state = NFP_FIB_NONE;
	return NULL;
}

static __always_inline __u8 tos_of(const struct fib_alias *fa)
{
	const struct fib_alias___tos *older = (const void *)fa;

	return bpf_core_field_exists(fa->fa_dscp) ? BPF_CORE_READ(fa, fa_dscp)
						  : BPF_CORE_READ(older, fa_tos);
}

/* fib_nexthop_info(): what one without carrier counts for depends on settings of its device. */
static __always_inline bool take_leg(const struct fib_nh___leg *nh, struct nfp_fib_leg *leg)
{
	const struct net_device *dev = BPF_CORE_READ(nh, nh_common.nhc_dev);

	leg->flags = BPF_CORE_READ(nh, nh_common.nhc_flags);
	leg->gw_family = BPF_CORE_READ(nh, nh_common.nhc_gw_family);
	leg->ifindex = dev ? BPF_CORE_READ(dev, ifindex) : 0;
	if (leg->gw_family)
		bpf_probe_read_kernel(leg->gw, sizeof(leg->gw),
				      __builtin_preserve_access_index(&nh->nh_common.nhc_gw));
	if (bpf_core_field_exists(nh->nh_tclassid) && BPF_CORE_READ(nh, nh_tclassid))
		fib.realms = 1;
	return !(leg->flags & RTNH_F_LINKDOWN);
}

static __always_inline bool take_legs(const struct fib_info___route *fi)
{
	__u32 size = bpf_core_type_size(struct fib_nh___leg);
	const void *nh = __builtin_preserve_access_index(&fi->fib_nh);

	if (bpf_core_field_exists(fi->nh) && BPF_CORE_READ(fi, nh))
		return false;
	fib.n_legs = BPF_CORE_READ(fi, fib_nhs);
	return fib.leg >= fib.n_legs || take_leg(nh + (__u64)fib.leg * size, &fib.at);
}

static __always_inline bool refuses(__u8 type)
{
	return type >= RTN_BLACKHOLE && type <= RTN_THROW;
}

static __always_inline void take(const struct fib_alias *fa, const struct fib_info___route *fi)
{
	fib.info = (__u64)fi;
	fib.found_type = BPF_CORE_READ(fa, fa_type);
	fib.tos = tos_of(fa);
	fib.metric = BPF_CORE_READ(fi, fib_priority);
	fib.prefsrc = BPF_CORE_READ(fi, fib_prefsrc);
	fib.scope = BPF_CORE_READ(fi, fib_scope);
	fib.protocol = BPF_CORE_READ(fi, fib_protocol);
	if (refuses(fib.found_type) || take_legs(fi))
		fib.state = NFP_FIB_FOUND;
}

/* Of the right length and type, of this table (local and main may be one), and alive. */
static __always_inline bool is_asked_for(const struct fib_alias *fa, const struct fib_info___route *fi)
{
	return BPF_CORE_READ(fa, fa_slen) == KEYLENGTH - fib.plen &&
	       BPF_CORE_READ(fa, tb_id) == fib.table &&
	       (!fib.type || BPF_CORE_READ(fa, fa_type) == fib.type) && !BPF_CORE_READ(fi, fib_dead);
}

SEC("raw_tp")
int fib_read(void *ctx)
{
	const struct task_struct___namespaces *task = (void *)bpf_get_current_task();
	const struct net___routes *net = (void *)BPF_CORE_READ(task, nsproxy, net_ns);
	__u32 off = bpf_core_field_offset(struct fib_alias, fa_list);
	const struct fib_table *table;
	const struct key_vector *leaf;
	struct hlist_node *node;

	fib.state = NFP_FIB_UNREADABLE;
	if (!bpf_core_field_exists(net->ipv4.rules_ops))
		return 0;
	table = table_of(net);
	leaf = table ? leaf_of(table) : NULL;
	if (!leaf)
		return 0;
	node = BPF_CORE_READ(leaf, leaf.first);
	for (int i = 0; i < SAME_KEY && node; i++) {
		const struct fib_alias *fa = (void *)node - off;
		const struct fib_info___route *fi = BPF_CORE_READ(fa, fa_info);

		if (is_asked_for(fa, fi) && !fib.skip--) {
			take(fa, fi);
			return 0;
		}
		if (bpf_probe_read_kernel(&node, sizeof(node), node))
			return 0;
	}
	if (!node)
		fib.state = NFP_FIB_NONE;
	return 0;
}
