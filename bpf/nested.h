/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs within one of our programs: in an interrupt that hits it, or in another task on its CPU while it is
 * preempted. The kernel leaves that program out for it (__bpf_prog_enter_recur()), and no other. All that
 * runs there shows it: a program at a trampoline keeps its task from migrating (migrate_disable()), which is
 * counted in the task, and once a task in the CPU's run queue. So who counts more than itself is nested, and
 * may not have been seen by one of them. A task that leaves its CPU in the midst of a hook leaves that behind, too, but
 * not that it was switched.
 */
#ifndef NFPATH_BPF_NESTED_H
#define NFPATH_BPF_NESTED_H

#include "bpf/replies.h"

/* Packets tell of themselves that they are nested. Else each run that was left out is doubt for all of them. */
const volatile bool tells_nesting __weak = false;
/* Programs are preempted here, or nobody knows. */
const volatile bool preempted __weak = false;
/* The kernel does not count so: then nobody tells. */
volatile __u32 levels_unknown __weak = 0;
/* Of programs at tracepoints, which on some kernels count as well. */
volatile __u32 tracepoint_level __weak = ~0u;
/* Packets that were wanted, or may have been, and were gone before they could be taken. */
volatile __u64 unseen __weak = 0;

/* How many keep this task from migrating: in a program at a trampoline, one at least. 0: not known. */
static __always_inline __u32 level_of_task(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();

	return bpf_core_field_exists(task->migration_disabled) ? task->migration_disabled : 0;
}

/*
 * A task's run queue is that of its CPU (set_task_rq(), whatever its class), where tasks are scheduled in groups. By its
 * name (runqueues) libbpf would read all types of the kernel first.
 */
static __always_inline bool knows_pinned(void)
{
	return bpf_core_field_exists(((struct rq *)0)->nr_pinned) &&
	       bpf_core_field_exists(((struct sched_entity *)0)->cfs_rq) &&
	       bpf_core_field_exists(((struct cfs_rq *)0)->rq);
}

/* Likewise, with the other tasks of this CPU. */
static __always_inline __u32 level_of_cpu(void)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	__u32 here = level_of_task(), pinned;

	if (!knows_pinned())
		return 0;
	pinned = task->se.cfs_rq->rq->nr_pinned;
	/* This task counts in both. */
	return here && pinned ? here + pinned - 1 : 0;
}

static __always_inline __u32 level(void)
{
	return preempted ? level_of_cpu() : level_of_task();
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
	if (preempted && knows_pinned())
		here += BPF_CORE_READ(task, se.cfs_rq, rq, nr_pinned);
	if (here < tracepoint_level)
		tracepoint_level = here;
	return here > tracepoint_level;
}

/* Another one if another task runs, or this one has left its CPU meanwhile. */
static __always_inline __u64 task_now(void)
{
	const struct task_struct *task = (void *)bpf_get_current_task();

	return (__u64)task << 16 | (__u16)(BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw));
}

/* Since it entered the hook that it is in, or whose end was left out. */
static __always_inline bool was_switched(const struct nfp_followed *f)
{
	return preempted && f->state && f->task != task_now();
}

/* Was it wanted as it came, where NAT has changed it since? */
enum came { CAME_SO, CAME_WANTED, CAME_UNWANTED };

static __noinline __attribute__((unused)) enum came came_as(const struct sk_buff *skb)
{
	const struct nf_conntrack_tuple *t = nat_tuple(BPF_CORE_READ(skb, _nfct), true);
	struct flow f = {.v6 = BPF_CORE_READ(skb, protocol) == bpf_htons(ETH_P_IPV6)};

	if (!has_filter || !t)
		return CAME_SO;
	f.proto = BPF_CORE_READ(t, dst.protonum);
	bpf_probe_read_kernel(f.src, f.v6 ? 16 : 4, &t->src.u3);
	bpf_probe_read_kernel(f.dst, f.v6 ? 16 : 4, &t->dst.u3);
	f.has_ports = proto_has_ports(f.proto);
	if (f.has_ports)
		f.ports = BPF_CORE_READ(t, src.u.all) | (__u32)BPF_CORE_READ(t, dst.u.all) << 16;
	return flow_matches(&f) ? CAME_WANTED : CAME_UNWANTED;
}

#endif
