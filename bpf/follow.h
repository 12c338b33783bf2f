/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that are followed: which skb is which packet. A packet is taken by the filter in the first
 * hook of its way that has functions at all, and is followed from then on by the address of its skb,
 * whatever NAT, devices and namespaces make of it, until that memory is freed.
 */
#ifndef NFPATH_BPF_FOLLOW_H
#define NFPATH_BPF_FOLLOW_H

#include "bpf/dst.h"
#include "bpf/flow.h"
#include "bpf/packets.h"
#include "bpf/replies.h"
#include "bpf/command.h"
#include "bpf/nested.h"
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* inum */
	__type(value, __u32);
} begin_netns __weak SEC(".maps");

const volatile bool begins_anywhere __weak = true; /* else in begin_netns only */

/* The reader sleeps until it is woken. Else it comes by itself, and waking it would cost more than
 * the record. */
volatile __u32 reader_sleeps __weak = 0;

static __always_inline __u64 wake_reader(void)
{
	if (!reader_sleeps)
		return BPF_RB_NO_WAKEUP;
	reader_sleeps = 0;
	return BPF_RB_FORCE_WAKEUP;
}

static __always_inline void note_activity(void)
{
	struct cpu_state *c = this_cpu();

	if (c)
		note_packet(c);
}

/*
 * Where nobody watches the ends of walks through base chains (nft.bpf.c): the next that is seen of the
 * packet says that it ended, and since no rule said the last word, its policy did. verdict: what that
 * proves, NF_ACCEPT: the packet went on; negative: nothing.
 */
int visit_ended(__u32 place, __u32 id, __s32 verdict, __u32 left);

/* left: the packet leaves this hook, and is what it was: NFP_LEFT(). Else 0. */
#define NFP_LEFT(pf, hook, ct, learned)                                                            \
	((__u32)(pf) << 24 | (__u32)(hook) << 16 | (__u32)(ct) << 8 | NFP_VISIT_LEFT |              \
	 ((learned) ? NFP_VISIT_LEARNED : 0))

/* The types of nf_tables, whose module may come after this program was loaded: who does not know them
 * ends no walk, and then the ends of all of them are watched. */
const volatile bool knows_chains __weak = false;

/* False: the end of the walk does not tell of left. */
static __always_inline bool end_walk_and(struct nfp_followed *f, __s32 verdict, __u32 left)
{
	__u32 place = f->visit;

	if (!place)
		return false;
	f->visit = 0;
	f->in_visit = 0;
	return visit_ended(place, f->id, verdict, left);
}

static __always_inline void end_walk(struct nfp_followed *f, __s32 verdict)
{
	end_walk_and(f, verdict, 0);
}

/* enum ip_conntrack_info, or NFP_CT_NONE. */
static __always_inline __u8 ct_of(const struct sk_buff *skb)
{
	unsigned long nfct = skb->_nfct;

	return nfct ? nfct & 7 : NFP_CT_NONE;
}

/* --- sights --- */

static __always_inline void copy_dev_name(char *to, const struct net_device *dev, bool probe)
{
	__u64 *w = (__u64 *)to;

	if (probe) {
		BPF_CORE_READ_INTO((char(*)[NFP_DEV_LEN])to, dev, name);
		return;
	}
	w[0] = *(__u64 *)&dev->name[0];
	w[1] = *(__u64 *)&dev->name[8];
}

static __always_inline void copy_dev(char *name, __u32 *index, const struct net_device *dev)
{
	if (!dev)
		return;
	*index = dev->ifindex;
	copy_dev_name(name, dev, false);
}

static __always_inline void copy_headers(struct nfp_sight *s, const struct sk_buff *skb)
{
	const unsigned char *head = skb->head;
	__u32 start = skb->network_header, mac = skb->mac_header;
	__u32 n = skb->tail;

	n = n > start ? n - start : 0;
	if (n > NFP_HEADER_LEN)
		n = NFP_HEADER_LEN;
	if (n && !bpf_probe_read_kernel(s->header, n, head + start))
		s->header_len = n;
	if (mac == 0xffff || mac + 14 > start)
		return;
	if (!bpf_probe_read_kernel(s->ll, 14, head + mac))
		s->ll_len = 14;
}

static __always_inline void fill_sight(struct nfp_sight *s, const struct nfp_followed *f,
				       const struct sk_buff *skb, __u8 pf, __u8 hook, __u32 what,
				       __u32 flags, __u64 now)
{
	s->ev.type = NFP_SIGHT;
	s->ev.cpu = bpf_get_smp_processor_id();
	s->ev.ktime = now;
	s->ev.pid = 0;
	s->ev.netns = f->netns;
	s->id = f->id;
	s->copy_of = f->copy_of;
	s->mark = skb->mark;
	s->len = skb->len;
	s->iif = s->oif = 0;
	s->protocol = skb->protocol;
	s->header_len = 0;
	s->pf = pf;
	s->hook = hook;
	s->what = what;
	s->flags = flags;
	s->ct = ct_of(skb);
	s->ll_len = 0;
	__builtin_memset(s->pad, 0, sizeof(s->pad));
}

/* pf, hook: of the state. Each load of a field of the kernel's is several instructions, for it may fault. */
static __always_inline void emit_sight(struct nfp_followed *f, const struct sk_buff *skb,
				       const struct nf_hook_state *state, __u8 pf, __u8 hook,
				       __u32 what, __u32 flags, bool full)
{
	struct nfp_sight *s;

	if (!full) {
		s = record_reserve(__builtin_offsetof(struct nfp_sight, in));
		if (!s) {
			count_lost(NFP_SIGHT);
			return;
		}
		fill_sight(s, f, skb, pf, hook, what, flags, f->seen);
		bpf_ringbuf_submit(s, wake_reader());
		return;
	}
	s = record_reserve(sizeof(*s));
	if (!s) {
		count_lost(NFP_SIGHT);
		return;
	}
	fill_sight(s, f, skb, pf, hook, what, flags | NFP_SIGHT_FULL, f->seen);
	__builtin_memset(s->in, 0, sizeof(*s) - __builtin_offsetof(struct nfp_sight, in));
	copy_dev(s->in, &s->iif, state->in);
	copy_dev(s->out, &s->oif, state->out);
	copy_headers(s, skb);
	bpf_ringbuf_submit(s, wake_reader());
}

/* --- where packets begin --- */

/* A bool of its own: or the compiler joins two pointers by an or, which the verifier refuses. */
static __always_inline bool has_hook(const struct nf_hook_entries *entries)
{
	bool has = entries != NULL;

	barrier_var(has);
	return has;
}

/*
 * A packet begins in the first hook of its way that has functions: had it been wanted in an earlier
 * one, it would be followed by now, and what NAT made of it since is not what it was first seen as.
 */
#define BEGINS_IP(net, hooks, skb, hook)                                                                \
	({                                                                                         \
		bool begins_ = true;                                                               \
		if ((hook) == NF_INET_LOCAL_IN || (hook) == NF_INET_FORWARD)                        \
			begins_ = !net->nf.hooks[NF_INET_PRE_ROUTING];                          \
		else if ((hook) == NF_INET_POST_ROUTING)                                            \
			/* __netif_receive_skb_core() sets skb_iif: it did not begin here. */       \
			begins_ = skb->skb_iif ? !has_hook(net->nf.hooks[NF_INET_PRE_ROUTING]) &&       \
							   !has_hook(net->nf.hooks[NF_INET_FORWARD])      \
						 : !net->nf.hooks[NF_INET_LOCAL_OUT];          \
		begins_;                                                                           \
	})

/* Every load of a kernel's field is ten instructions, for it may fault. */
static __always_inline bool may_begin(const struct sk_buff *skb, const struct nf_hook_state *state,
				      __u32 pf, __u32 hook)
{
	const struct net *net;

	if (hook == NF_INET_LOCAL_OUT || hook == NF_INET_PRE_ROUTING)
		return true;
	net = state->net;
	if (pf == NFPROTO_IPV4)
		return BEGINS_IP(net, hooks_ipv4, skb, hook);
	if (pf == NFPROTO_IPV6)
		return BEGINS_IP(net, hooks_ipv6, skb, hook);
	return true;
}

static __always_inline bool is_looked_at(__u32 netns)
{
	return begins_anywhere || bpf_map_lookup_elem(&begin_netns, &netns);
}

static __always_inline __u32 netns_of(const struct nf_hook_state *state)
{
	const struct net *net = state->net;

	return net->ns.inum;
}

enum wanted { WANTED_NOT, WANTED, WANTED_REPLY };

static __always_inline bool begins_at(const struct sk_buff *skb, const struct nf_hook_state *state, __u8 pf,
				      __u8 hook)
{
	return may_begin(skb, state, pf, hook) && (begins_anywhere || is_looked_at(netns_of(state)));
}

static __always_inline bool begins_here(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	return begins_at(skb, state, state->pf, state->hook);
}

static __always_inline enum wanted is_wanted(const struct sk_buff *skb,
					     const struct nf_hook_state *state, enum look look,
					     const struct flow *flow)
{
	if (command_wants(skb, state) && selected_by(look, flow, skb, false))
		return WANTED;
	return is_reply(look, flow) ? WANTED_REPLY : WANTED_NOT;
}

/*
 * It arrived, and its routing decision lies behind it, where nothing tells of it: from prerouting on
 * lookups are seen. For what this host sends they come right before its first hook.
 */
static __always_inline bool is_routed_unseen(const struct sk_buff *skb,
					     const struct net *net, __u8 pf, __u8 hook, bool moves)
{
	if ((pf != NFPROTO_IPV4 && pf != NFPROTO_IPV6) ||
	    (hook != NF_INET_LOCAL_IN && hook != NF_INET_FORWARD && hook != NF_INET_POST_ROUTING))
		return false;
	if (moves)
		return skb->skb_iif;
	if (hook == NF_INET_POST_ROUTING)
		return false;
	return pf == NFPROTO_IPV4 ? !has_hook(net->nf.hooks_ipv4[NF_INET_PRE_ROUTING])
				  : !has_hook(net->nf.hooks_ipv6[NF_INET_PRE_ROUTING]);
}

/* The packet that enters a hook here, if it is followed, or is to be from now on. Most are nobody's: what those need not run through lies in
 * functions of its own, whose registers and stack they need not make room for. seen: as look_again() has it. */
static __noinline __attribute__((unused)) struct nfp_followed *enter(const struct sk_buff *skb,
								    const struct nf_hook_state *state, const __u32 *seen)
{
	struct nfp_followed *f = followed_of(skb);
	struct flow flow = {};
	const struct net *net;
	__u8 pf = state->pf, hook = state->hook;
	struct cpu_state *c;
	__u32 netns;
	__u64 print;
	enum look look;
	bool begins, full, moves, nested = false;

	if (!f && !begins_at(skb, state, pf, hook))
		return NULL;
	look = look_again(&flow, skb, seen);
	if (!f) {
		enum wanted wanted = is_wanted(skb, state, look, &flow);

		f = wanted != WANTED_NOT ? follow(skb, 0) : NULL;
		if (!f)
			return NULL;
		f->reply = wanted == WANTED_REPLY;
	}
	end_walk(f, NF_ACCEPT);
	net = state->net;
	netns = net->ns.inum;
	print = print_by(look, &flow);
	if (tells_nesting) {
		__u32 here = level();

		if (!here)
			levels_unknown = 1;
		nested = here > 1 || was_switched(f);
		if (preempted)
			f->task = task_now();
	}
	f->state = (__u64)state;
	f->hooks++;
	begins = !f->shown;
	moves = begins || f->netns != netns;
	full = moves || f->print != print;
	f->netns = netns;
	f->print = print;
	f->seen = bpf_ktime_get_ns();
	c = this_cpu();
	if (c) {
		if (begins)
			emit_held(c, f->seen, BPF_RB_NO_WAKEUP); /* the sight that follows does */
		note_packet(c);
	}
	f->shown = 1;
	emit_sight(f, skb, state, pf, hook, NFP_ENTER,
		   (begins ? NFP_SIGHT_BEGINS : 0) | (f->reply ? NFP_SIGHT_REPLY : 0) |
			   (nested ? NFP_SIGHT_NESTED : 0), full);
	if (is_routed_unseen(skb, net, pf, hook, moves))
		emit_route(skb->_skb_refdst, skb->skb_iif, pf, f->id, netns);
	return f;
}

#endif
