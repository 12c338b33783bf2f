/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all programs share: the ring buffer, the gate, the per-CPU state. Weak, so that the linker
 * makes one of each. */
#ifndef NFPATH_BPF_COMMON_H
#define NFPATH_BPF_COMMON_H

#include "bpf/vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "bpf/event.h"

#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define NFPROTO_IPV4 2
#define NFPROTO_BRIDGE 7
#define NFPROTO_IPV6 10
#define NF_INET_PRE_ROUTING 0
#define NF_INET_LOCAL_IN 1
#define NF_INET_FORWARD 2
#define NF_INET_LOCAL_OUT 3
#define NF_INET_POST_ROUTING 4
#define NF_DROP 0
#define NF_ACCEPT 1
#define NFT_CONTINUE (-1)
#define NFT_BREAK (-2)
#define NFT_JUMP (-3)
#define NFT_GOTO (-4)
#define NFT_RETURN (-5)
#define NFT_DATA_VERDICT 0xffffff00u
#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd

struct cpu_state {
	__u32 recent; /* so many lookups to come may be those of the packet that was seen last */
	__u32 next;   /* slot of held[] that the next lookup takes: the oldest one */
	struct nfp_fib held[NFP_HELD]; /* ev.ktime 0: empty, or being written */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} records __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
} cpus __weak SEC(".maps");

/* Set by user space once everything is attached; 0 again to stop. */
volatile __u32 gate __weak = 0;
/* Records that found the ring buffer full, by type. */
volatile __u64 lost[NFP_TYPES] __weak = {};
/* A test's knob: one of so many records finds no room, by chance; 0: none. */
const volatile __u32 lose_one_of __weak = 0;
/* How long before the first message of a packet, or its first sight, a route lookup is taken for its
 * own; ns. A processor may be taken away from its machine between the two. */
const volatile __u64 window_ns __weak = 5000000;

/* Pointers may be compared and stored, and no more: a number is only the lower half of one. */
static __always_inline __u32 low_half(const void *p)
{
	__u32 low = (__u32)(__u64)p;

	asm volatile("%0 = %0" : "+w"(low));
	return low;
}

static __always_inline bool is_to_lose(void)
{
	return lose_one_of && bpf_get_prandom_u32() % lose_one_of == 0;
}

/* NULL: there is no room, which is to be counted. */
static __always_inline void *record_reserve(__u64 bytes)
{
	return is_to_lose() ? NULL : bpf_ringbuf_reserve(&records, bytes, 0);
}

/* 0, or else there is no room, which is to be counted. */
static __always_inline long record_output(void *record, __u64 bytes, __u64 flags)
{
	return is_to_lose() ? -1 : bpf_ringbuf_output(&records, record, bytes, flags);
}

static __always_inline void event_init(struct nfp_event *ev, __u32 type)
{
	ev->type = type;
	ev->cpu = bpf_get_smp_processor_id();
	ev->pid = bpf_get_current_pid_tgid() >> 32;
	ev->netns = 0;
	ev->ktime = bpf_ktime_get_ns();
}

static __always_inline void count_lost(__u32 type)
{
	if (type < NFP_TYPES)
		__sync_fetch_and_add(&lost[type], 1);
}

static __always_inline struct cpu_state *this_cpu(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

/*
 * Something is heard of a packet: the next lookups of this CPU may be its. Counted, not timed: however
 * long the processor is taken away meanwhile, they come next, but for those that interrupts make.
 */
static __always_inline void note_packet(struct cpu_state *c)
{
	c->recent = NFP_RECENT;
}

/* The lookups that came before the first that is heard of a packet: local output routes before any
 * hook. */
static __always_inline void emit_held(struct cpu_state *c, __u64 now, __u64 wakeup)
{
	__u32 i, slot;
	__u64 t;

	for (i = 0; i < NFP_HELD; i++) {
		slot = (c->next + i) % NFP_HELD;
		t = c->held[slot].ev.ktime;
		if (t && now - t <= window_ns &&
		    record_output(&c->held[slot], sizeof(c->held[slot]), wakeup))
			count_lost(c->held[slot].ev.type);
		c->held[slot].ev.ktime = 0;
	}
}

#endif
