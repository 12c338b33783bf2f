/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs that the kernel left out. A program by fentry or fexit may be preempted where the kernel is, and
 * while it is, every other run of it on that CPU is left out and counted (__bpf_prog_enter_recur(),
 * bpf_prog_inc_misses_counter()). These counters tell whether it happened to a packet: those of its CPU
 * before and after.
 */
#ifndef NFPATH_BPF_MISSED_H
#define NFPATH_BPF_MISSED_H

#include "bpf/follow.h"

/* Where runs are left out (by_kprobes): the counters of the programs at expressions, as per-CPU
 * addresses. There may be none. */
volatile __u64 counters[NFP_COUNTERS] __weak = {};
volatile __u32 n_counters __weak = 0;
volatile __u64 cpus_base __weak = 0; /* the map `cpus`, such an address too */

struct moment {
	__u64 missed;	/* on this CPU so far */
	__u64 switches; /* of this task */
	__u32 cpu;
	__u32 pad;
};

struct counting {
	__u64 offset, sum;
};

static long count_one(__u32 i, struct counting *c)
{
	__u64 n = 0;

	if (i >= NFP_COUNTERS)
		return 1;
	bpf_probe_read_kernel(&n, sizeof(n), (void *)(counters[i] + c->offset));
	c->sum += n;
	return 0;
}

/* False: nobody asked for it. */
static __always_inline bool moment_take(struct moment *m)
{
	const struct task_struct *task;
	struct counting c = {};
	struct cpu_state *here;

	m->pad = 0;
	m->missed = m->switches = 0;
	m->cpu = -1;
	if (!by_kprobes)
		return false;
	here = this_cpu();
	if (!here)
		return false;
	/* Written and read back, an address is a number. */
	*(volatile __u64 *)&here->self = (__u64)here;
	c.offset = *(volatile __u64 *)&here->self - cpus_base;
	bpf_loop(n_counters, count_one, &c, 0);
	task = (void *)bpf_get_current_task();
	m->missed = c.sum;
	m->switches = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
	m->cpu = bpf_get_smp_processor_id();
	return true;
}

/* Nothing can have been left out since: the same CPU counts as many, and this task never left it. */
static __always_inline bool moment_holds(const struct moment *then)
{
	struct moment now;

	return !moment_take(&now) || (now.cpu == then->cpu && now.switches == then->switches &&
				      now.missed == then->missed);
}

#endif
