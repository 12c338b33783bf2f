// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is registered at a hook of the network namespace of the task that runs it: one function at a
 * time. Attached to nothing, bpf_prog_test_run() runs it; it is an object of its own, since no
 * engine needs it.
 */
#include "bpf/hook_entries.h"
#include "bpf/hook_list.h"

char LICENSE[] SEC("license") = "GPL";

#define NFPROTO_IPV4 2
#define NFPROTO_ARP 3
#define NFPROTO_NETDEV 5
#define NFPROTO_BRIDGE 7
#define NFPROTO_IPV6 10
#define NF_NETDEV_INGRESS 0
#define NETDEV_HASHENTRIES 256
#define SAME_HASH 256 /* devices: indexes are given out one after the other */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net___devices {
	struct hlist_head *dev_index_head;
};

struct net_device___hooks {
	int ifindex;
	struct hlist_node index_hlist;
	struct nf_hook_entries *nf_hooks_ingress;
	struct nf_hook_entries *nf_hooks_egress; /* since 5.16 */
};

struct nf_nat_lookup_hook_priv {
	struct nf_hook_entries *entries;
};

struct nf_flowtable {
	int priority;
};

struct nft_flowtable {
	struct nft_table *table;
	char *name;
	struct nf_flowtable data;
};

struct bpf_prog_aux {
	__u32 id;
};

struct bpf_prog___named {
	struct bpf_prog_aux *aux;
};

#pragma clang attribute pop

enum bpf_func_id___asked { BPF_FUNC_snprintf___asked = 165 };

struct nfp_hook_ask ask = {};

static __always_inline const void *device_of(const struct net *net)
{
	struct hlist_head *heads = BPF_CORE_READ((struct net___devices *)net, dev_index_head);
	__u32 off = bpf_core_field_offset(struct net_device___hooks, index_hlist);
	const struct net_device___hooks *dev;
	struct hlist_node *node = NULL;

	ask.answer = NFP_HOOK_UNREADABLE;
	bpf_probe_read_kernel(&node, sizeof(node), heads + ask.ifindex % NETDEV_HASHENTRIES);
	for (int i = 0; i < SAME_HASH && node; i++) {
		dev = (void *)node - off;
		if ((__u32)BPF_CORE_READ(dev, ifindex) == ask.ifindex)
			return dev;
		if (bpf_probe_read_kernel(&node, sizeof(node), node))
			return NULL;
	}
	if (!node)
		ask.answer = NFP_HOOK_NO_DEVICE;
	return NULL;
}

static __always_inline const void *device_list(const struct net *net)
{
	const struct net_device___hooks *dev = device_of(net);

	if (!dev)
		return NULL;
	ask.answer = NFP_HOOK_NO_LIST;
	if (ask.hook == NF_NETDEV_INGRESS && bpf_core_field_exists(dev->nf_hooks_ingress)) {
		ask.answer = NFP_HOOK_END;
		return BPF_CORE_READ(dev, nf_hooks_ingress);
	}
	if (ask.hook != NF_NETDEV_INGRESS && bpf_core_field_exists(dev->nf_hooks_egress)) {
		ask.answer = NFP_HOOK_END;
		return BPF_CORE_READ(dev, nf_hooks_egress);
	}
	return NULL;
}

/* The heads lie in struct net; an index may be anything, since user space asks by hook_places[]. */
#define LIST(net, heads)                                                                           \
	({                                                                                         \
		const void *head__ = NULL;                                                         \
		ask.answer = NFP_HOOK_NO_LIST;                                                     \
		if (bpf_core_field_exists((net)->nf.heads)) {                                      \
			const void *at__ = __builtin_preserve_access_index(&(net)->nf.heads);      \
			__u32 size__ = bpf_core_field_size((net)->nf.heads);                       \
			ask.answer = NFP_HOOK_UNREADABLE;                                          \
			if (ask.hook * 8 < size__ &&                                               \
			    !bpf_probe_read_kernel(&head__, sizeof(head__), at__ + ask.hook * 8))  \
				ask.answer = NFP_HOOK_END;                                         \
		}                                                                                  \
		head__;                                                                            \
	})

static __always_inline const void *list_of_hook(const struct net *net)
{
	switch (ask.family) {
	case NFPROTO_IPV4:
		return LIST(net, hooks_ipv4);
	case NFPROTO_IPV6:
		return LIST(net, hooks_ipv6);
	case NFPROTO_ARP:
		return LIST(net, hooks_arp);
	case NFPROTO_BRIDGE:
		return LIST(net, hooks_bridge);
	case NFPROTO_NETDEV:
		return device_list(net);
	}
	ask.answer = NFP_HOOK_NO_LIST;
	return NULL;
}

/* nf_nat_inet_fn(): the list is the first member; where the types of the module are not known, it
 * is taken to be. */
static __always_inline const void *list_inside(void)
{
	const void *list = NULL, *at = (const void *)ask.inside;

	if (bpf_core_field_exists(((struct nf_nat_lookup_hook_priv *)0)->entries))
		at += bpf_core_field_offset(struct nf_nat_lookup_hook_priv, entries);
	ask.answer =
		bpf_probe_read_kernel(&list, sizeof(list), at) ? NFP_HOOK_UNREADABLE : NFP_HOOK_END;
	return list;
}

static __always_inline void read_names(const struct nft_table *table, const char *name)
{
	ask.chain_family = BPF_CORE_READ_BITFIELD_PROBED(table, family);
	bpf_probe_read_kernel_str(ask.chain, sizeof(ask.chain), name);
	bpf_probe_read_kernel_str(ask.table, sizeof(ask.table), BPF_CORE_READ(table, name));
}

static __always_inline void read_chain(const void *priv)
{
	const struct nft_chain *c = priv;

	if (bpf_core_field_exists(c->name) && bpf_core_field_exists(((struct nft_table *)0)->name))
		read_names(BPF_CORE_READ(c, table), BPF_CORE_READ(c, name));
}

static __always_inline void read_flowtable(const void *priv)
{
	const struct nft_flowtable *f;

	if (!bpf_core_field_exists(((struct nft_flowtable *)0)->data))
		return;
	f = priv - bpf_core_field_offset(struct nft_flowtable, data);
	read_names(BPF_CORE_READ(f, table), BPF_CORE_READ(f, name));
}

/* As nfnetlink_hook does it. */
static __always_inline void name_function(void)
{
	static const char format[] = "%ps";
	__u64 args[] = {ask.function};

	if (bpf_core_enum_value_exists(enum bpf_func_id___asked, BPF_FUNC_snprintf___asked))
		bpf_snprintf(ask.symbol, sizeof(ask.symbol), format, args, sizeof(args));
}

static __always_inline void read_program(const void *priv)
{
	const struct bpf_prog___named *prog = priv;

	ask.bpf_id = BPF_CORE_READ(prog, aux, id);
}

static __always_inline void read_ops(const struct nf_hook_ops *ops)
{
	ask.priority = BPF_CORE_READ(ops, priority);
	ask.type = NFP_OPS_PLAIN;
	if (bpf_core_field_exists(ops->hook_ops_type))
		ask.type = BPF_CORE_READ_BITFIELD_PROBED(ops, hook_ops_type);
	if (ask.type == NFP_OPS_PLAIN)
		ask.type = ask.as;
	if (ask.type == NFP_OPS_CHAIN)
		read_chain((const void *)ask.priv);
	if (ask.type == NFP_OPS_FLOWTABLE)
		read_flowtable((const void *)ask.priv);
	if (ask.type == NFP_OPS_BPF)
		read_program((const void *)ask.priv);
}

static __always_inline void read_entry(const void *list)
{
	const struct nf_hook_entries___list *e = list;
	const struct nf_hook_entry *entry = entry_of(list, ask.index);
	const struct nf_hook_ops *ops;

	ask.list = (__u64)list;
	ask.n = BPF_CORE_READ(e, num_hook_entries);
	if (ask.index >= ask.n)
		return;
	ask.function = (__u64)BPF_CORE_READ(entry, hook);
	ask.priv = (__u64)BPF_CORE_READ(entry, priv);
	ask.answer = NFP_HOOK_UNREADABLE;
	ops = ops_of(list, ask.n, ask.index);
	if (!ops)
		return;
	ask.answer = NFP_HOOK_IS;
	read_ops(ops);
	name_function();
}

SEC("raw_tp")
int hook_ask(void *ctx)
{
	const struct task_struct___namespaces *task = (void *)bpf_get_current_task();
	const struct net *net = BPF_CORE_READ(task, nsproxy, net_ns);
	const void *list = ask.inside ? list_inside() : list_of_hook(net);

	if (list)
		read_entry(list);
	return 0;
}
