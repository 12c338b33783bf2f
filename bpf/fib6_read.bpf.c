// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which route that refuses an IPv6 table of the task's network namespace has for one prefix, for the same reason
 * and in the same way as fib_read.bpf.c (fib6_locate() of net/ipv6/ip6_fib.c). With bpf_loop() (Linux 5.17): a loop
 * of 129 steps by itself takes the kernel longer to verify than a walk over the table takes.
 */
#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "bpf/fib_read.h"

char LICENSE[] SEC("license") = "GPL";

#define FIB6_TABLE_HASHSZ 256 /* with CONFIG_IPV6_MULTIPLE_TABLES */
#define SAME_HASH 16	      /* tables */
#define BITS 128
#define SAME_PREFIX 16 /* routes: metrics, next hops */
#define RTN_RTINFO 4

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct netns_ipv6___tables {
	void *fib6_rules_ops; /* with CONFIG_IPV6_MULTIPLE_TABLES */
	struct fib6_info___route *fib6_null_entry; /* stands in a root: no route */
	struct hlist_head *fib_table_hash;
};

struct net___routes6 {
	struct netns_ipv6___tables ipv6;
};

struct fib6_node {
	struct fib6_node *left, *right;
	struct fib6_node *subtree; /* with CONFIG_IPV6_SUBTREES: by source */
	struct fib6_info___route *leaf;
	__u16 fn_bit, fn_flags;
};

struct fib6_info___route {
	struct fib6_info___route *fib6_next;
	struct rt6key fib6_dst;
	__u32 fib6_metric;
	__u8 fib6_protocol, fib6_type;
};

struct fib6_table___tree {
	struct hlist_node tb6_hlist;
	__u32 tb6_id;
	struct fib6_node tb6_root;
};

#pragma clang attribute pop

struct nfp_fib6_read fib6 = {};

static __always_inline const struct fib6_table___tree *table_of(const struct net___routes6 *net)
{
	struct hlist_head *heads = BPF_CORE_READ(net, ipv6.fib_table_hash);
	__u32 off = bpf_core_field_offset(struct fib6_table___tree, tb6_hlist);
	const struct fib6_table___tree *table;
	struct hlist_node *node = NULL;

	if (bpf_probe_read_kernel(&node, sizeof(node), heads + fib6.table % FIB6_TABLE_HASHSZ))
		return NULL;
	for (int i = 0; i < SAME_HASH && node; i++) {
		table = (void *)node - off;
		if (BPF_CORE_READ(table, tb6_id) == fib6.table)
			return table;
		if (bpf_probe_read_kernel(&node, sizeof(node), node))
			return NULL;
	}
	if (!node)
		fib6.state = NFP_FIB_NONE;
	return NULL;
}

/* Does the route lie below the first `bits` of the prefix that is asked for? */
static __always_inline bool begins_so(const struct fib6_info___route *route, __u32 bits)
{
	__u32 addr[4] = {};

	if (bpf_probe_read_kernel(addr, sizeof(addr),
				  __builtin_preserve_access_index(&route->fib6_dst.addr)))
		return false;
	for (int i = 0; i < 4; i++) {
		__u32 here = bits > 32 * i ? bits - 32 * i : 0;
		__u32 mask = here >= 32 ? ~0u : ~(~0u >> (here & 31));

		if ((bpf_ntohl(addr[i]) ^ fib6.prefix[i]) & mask)
			return false;
	}
	return true;
}

struct descent {
	const struct fib6_node *n; /* NULL: there is none */
	bool there;
};

/* One node down, as fib6_locate_1(). */
static long step(__u32 i, struct descent *d)
{
	const struct fib6_node *n = d->n;
	__u32 bit = BPF_CORE_READ(n, fn_bit);
	const struct fib6_info___route *leaf = BPF_CORE_READ(n, leaf);

	d->n = NULL;
	if (fib6.plen < bit || (leaf && !begins_so(leaf, bit)))
		return 1;
	if (fib6.plen == bit) {
		d->n = n;
		d->there = true;
		return 1;
	}
	if (fib6.prefix[bit >> 5 & 3] >> (31 - (bit & 31)) & 1)
		d->n = BPF_CORE_READ(n, right);
	else
		d->n = BPF_CORE_READ(n, left);
	return !d->n;
}

/* NULL: there is none. */
static __always_inline const struct fib6_node *node_of(const struct fib6_table___tree *table)
{
	struct descent d = {.n = __builtin_preserve_access_index(&table->tb6_root)};

	bpf_loop(BITS + 1, step, &d, 0);
	if (d.there)
		return d.n;
	if (!d.n)
		fib6.state = NFP_FIB_NONE;
	return NULL;
}

SEC("raw_tp")
int fib6_read(void *ctx)
{
	const struct task_struct___namespaces *task = (void *)bpf_get_current_task();
	const struct net___routes6 *net = (void *)BPF_CORE_READ(task, nsproxy, net_ns);
	const struct fib6_table___tree *table;
	const struct fib6_info___route *route, *none;
	const struct fib6_node *n;

	fib6.state = NFP_FIB_UNREADABLE;
	if (!bpf_core_field_exists(net->ipv6.fib6_rules_ops))
		return 0;
	table = table_of(net);
	n = table ? node_of(table) : NULL;
	if (!n || (bpf_core_field_exists(n->subtree) && BPF_CORE_READ(n, subtree)))
		return 0;
	route = BPF_CORE_READ(n, fn_flags) & RTN_RTINFO ? BPF_CORE_READ(n, leaf) : NULL;
	none = BPF_CORE_READ(net, ipv6.fib6_null_entry);
	/* They stand by metric. */
	for (int i = 0; i < SAME_PREFIX && route; i++) {
		if (route != none && BPF_CORE_READ(route, fib6_type) == fib6.type &&
		    (__u32)BPF_CORE_READ(route, fib6_dst.plen) == fib6.plen) {
			fib6.metric = BPF_CORE_READ(route, fib6_metric);
			fib6.protocol = BPF_CORE_READ(route, fib6_protocol);
			fib6.state = NFP_FIB_FOUND;
			return 0;
		}
		route = BPF_CORE_READ(route, fib6_next);
	}
	if (!route)
		fib6.state = NFP_FIB_NONE;
	return 0;
}
