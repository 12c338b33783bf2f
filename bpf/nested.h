/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What interrupts one of our programs. The kernel leaves that program out for it (__bpf_prog_enter_recur()), and
 * no other. All that runs there shows it: a program at a trampoline keeps its task from migrating
 * (migrate_disable()), which is counted in the task. So who counts more than itself is nested, and may not have
 * been seen by one of them. (Where programs are preempted that does not tell all: they are left out for other tasks, too.)
 */
#ifndef NFPATH_BPF_NESTED_H
#define NFPATH_BPF_NESTED_H

#include "bpf/replies.h"

/* Packets tell of themselves that they are nested. Else each run that was left out is doubt for all of them. */
const volatile bool tells_nesting __weak = false;
/* The kernel does not count so: then nobody tells. */
volatile __u32 levels_unknown __weak = 0;
/* Of programs at tracepoints, which on some kernels count as well. */
volatile __u32 tracepoint_level __weak = ~0u;
/* Packets that were wanted, or may have been, and were gone before they could be taken. */
volatile __u64 unseen __weak = 0;

/* How many keep this task from migrating: in a program at a trampoline, one at least. */
static __always_inline __u32 level(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	return bpf_core_field_exists(task->migration_disabled) ? task->migration_disabled : 0;
}

static __always_inline bool is_nested(void)
{
	return tells_nesting && level() > 1;
}

/* In a program at a tracepoint. */
static __always_inline bool is_nested_at_tracepoint(void)
{
	const struct task_struct *task = (void *)bpf_get_current_task();
	__u32 here;

	if (!tells_nesting || !bpf_core_field_exists(task->migration_disabled))
		return false;
	here = BPF_CORE_READ(task, migration_disabled);
	if (here < tracepoint_level)
		tracepoint_level = here;
	return here > tracepoint_level;
}

/* NAT has changed it, and the filter wants what it was. */
static __always_inline bool came_wanted(const struct sk_buff *skb)
{
	const struct nf_conntrack_tuple *t = nat_tuple(BPF_CORE_READ(skb, _nfct), true);
	struct flow f = {.v6 = BPF_CORE_READ(skb, protocol) == bpf_htons(ETH_P_IPV6)};

	if (!has_filter || !t)
		return false;
	f.proto = BPF_CORE_READ(t, dst.protonum);
	bpf_probe_read_kernel(f.src, f.v6 ? 16 : 4, &t->src.u3);
	bpf_probe_read_kernel(f.dst, f.v6 ? 16 : 4, &t->dst.u3);
	f.has_ports = proto_has_ports(f.proto);
	if (f.has_ports)
		f.ports = BPF_CORE_READ(t, src.u.all) | (__u32)BPF_CORE_READ(t, dst.u.all) << 16;
	return flow_matches(&f);
}

#endif
