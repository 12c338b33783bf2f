// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How packets end: dropped (and why), transmitted, consumed; and how they become two. The netlink
 * engine's are those that nf_trace marks, set by our own nft table; the bpf engine's those that it
 * follows.
 */
#include "bpf/follow.h"

char LICENSE[] SEC("license") = "GPL";

/* Namespaces' inode numbers: PROC_DYNAMIC_FIRST is 0xf0000000, and those fixed for the first
 * namespaces lie just below. */
#define NS_INUM_MIN 0xe0000000u

/* Set from the BTF of the tracepoint: the drop reason came with 5.17, the receiving socket
 * with 6.11. */
const volatile bool kfree_has_reason = false;
const volatile bool kfree_has_socket = false;
/* Drops of packets that are neither traced nor followed are wanted, too: of those that the filter takes
 * as they are then, where packets may begin. */
const volatile bool all_drops = false;

/* Where drops come from is told, too. */
const volatile bool with_stacks = false;

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, NFP_STACKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, NFP_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

/* A stack whose place another one has is not told: -EEXIST. */
static __always_inline __s32 stack_of(void *ctx)
{
	return with_stacks ? bpf_get_stackid(ctx, &stacks, 0) : -1;
}

static __always_inline bool traced(const struct sk_buff *skb)
{
	return bpf_core_field_exists(skb->nf_trace) && BPF_CORE_READ_BITFIELD_PROBED(skb, nf_trace);
}

/* The namespace of a device; 0 if the pointer leads to none. */
static __always_inline __u32 dev_netns(const struct net_device *dev)
{
	__u32 inum = (__s64)dev < 0 ? BPF_CORE_READ(dev, nd_net.net, ns.inum) : 0;

	return inum >= NS_INUM_MIN ? inum : 0;
}

static __always_inline __u32 sock_netns(const struct sock *sk)
{
	return sk ? BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) : 0;
}

/*
 * skb->dev shares its place with dev_scratch (udp_set_dev_scratch()) and with rbnode (TCP's
 * queues): it is a device only if it is a kernel address and what it points to lies in a namespace.
 */
static __always_inline void fill_dev(struct nfp_skb *s, const struct sk_buff *skb)
{
	const struct net_device *dev = BPF_CORE_READ(skb, dev);

	s->ev.netns = dev_netns(dev);
	if (!s->ev.netns)
		return;
	s->ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_INTO(&s->dev, dev, name);
}

/* In the output hook a packet has no device yet, and not always a socket, but it has a route. */
static __always_inline __u32 other_netns(const struct sk_buff *skb, const struct sock *rx_sk)
{
	const struct dst_entry *dst = (void *)(BPF_CORE_READ(skb, _skb_refdst) & SKB_DST_PTRMASK);
	__u32 inum = sock_netns(BPF_CORE_READ(skb, sk));

	if (!inum)
		inum = sock_netns(rx_sk);
	if (!inum && dst)
		inum = dev_netns(BPF_CORE_READ(dst, dev));
	return inum;
}

/* Headers as they are now, after NAT; only what lies in the linear part, where the stack has pulled
 * what it parsed. */
static __always_inline void fill_header(struct nfp_skb *s, const struct sk_buff *skb)
{
	const unsigned char *head = BPF_CORE_READ(skb, head);
	__u32 start = BPF_CORE_READ(skb, network_header);
	__u32 tail = BPF_CORE_READ(skb, tail);
	__u32 n;

	if (start >= tail)
		return;
	n = tail - start;
	if (n > NFP_HEADER_LEN)
		n = NFP_HEADER_LEN;
	if (!bpf_probe_read_kernel(s->header, n, head + start))
		s->header_len = n;
}

static __always_inline struct nfp_skb *begin(__u32 type, const struct sk_buff *skb, __u32 id)
{
	struct nfp_skb *s = record_reserve(sizeof(*s));

	if (!s) {
		count_lost(type);
		return NULL;
	}
	__builtin_memset(s, 0, sizeof(*s));
	event_init(&s->ev, type);
	s->skb = (__u64)skb;
	s->id = id;
	s->stack = -1;
	s->iif = BPF_CORE_READ(skb, skb_iif);
	s->mark = BPF_CORE_READ(skb, mark);
	s->len = BPF_CORE_READ(skb, len);
	s->protocol = BPF_CORE_READ(skb, protocol);
	fill_header(s, skb);
	return s;
}

static __always_inline int emit(void *ctx, __u32 type, const struct sk_buff *skb, __u64 location,
				__u32 reason, const struct sock *sk, __u32 id, __u32 in_visit,
				__u64 wakeup)
{
	struct nfp_skb *s = begin(type, skb, id);

	if (!s)
		return 0;
	s->in_visit = in_visit;
	if (type == NFP_KFREE)
		s->stack = stack_of(ctx);
	s->location = location;
	s->reason = reason;
	fill_dev(s, skb);
	if (!s->ev.netns)
		s->ev.netns = other_netns(skb, sk);
	bpf_ringbuf_submit(s, wakeup);
	return 0;
}

/* Datagrams of netlink and the like have no protocol; they are no packets. */
static __always_inline int dropped_alone(void *ctx, const struct sk_buff *skb, __u64 location,
					 __u32 reason, const struct sock *sk, __u64 wakeup)
{
	struct nfp_skb *s;

	if (!BPF_CORE_READ(skb, protocol) || !selected(skb, true))
		return 0;
	s = begin(NFP_KFREE, skb, 0);
	if (!s)
		return 0;
	s->flags = NFP_SKB_ALONE;
	s->stack = stack_of(ctx);
	s->location = location;
	s->reason = reason;
	fill_dev(s, skb);
	if (!s->ev.netns)
		s->ev.netns = other_netns(skb, sk);
	if (s->ev.netns && is_looked_at(s->ev.netns))
		bpf_ringbuf_submit(s, wakeup);
	else
		bpf_ringbuf_discard(s, BPF_RB_NO_WAKEUP);
	return 0;
}

/* kfree_skb(struct sk_buff *skb, void *location, enum skb_drop_reason reason, struct sock *rx_sk)
 */
SEC("raw_tp/kfree_skb")
int skb_dropped(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sk_buff *skb = (void *)ctx->args[0];

	if (!gate)
		return 0;
	if (!traced(skb))
		return all_drops ? dropped_alone(ctx, skb, ctx->args[1],
						 kfree_has_reason ? ctx->args[2] : 0,
						 kfree_has_socket ? (void *)ctx->args[3] : NULL, 0)
				 : 0;
	/* The verifier lets a program touch only as many arguments as the tracepoint has: no
	 * reading ahead of these tests. */
	return emit(ctx, NFP_KFREE, skb, ctx->args[1], kfree_has_reason ? ctx->args[2] : 0,
		    kfree_has_socket ? (void *)ctx->args[3] : NULL, 0, 0, 0);
}

/* net_dev_queue(struct sk_buff *skb) */
SEC("raw_tp/net_dev_queue")
int skb_transmitted(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sk_buff *skb = (void *)ctx->args[0];

	if (!gate || !traced(skb))
		return 0;
	return emit(ctx, NFP_TRANSMIT, skb, 0, 0, NULL, 0, 0, 0);
}

/* --- followed packets --- */

static __always_inline void gone(struct nfp_followed *f, bool dropped, bool unsure)
{
	struct nfp_gone *g;

	end_walk(f, dropped ? -1 : NF_ACCEPT);
	if (f->shown) {
		g = record_reserve(sizeof(*g));
		if (g) {
			event_init(&g->ev, NFP_GONE);
			g->ev.netns = f->netns;
			g->id = f->id;
			g->dropped = dropped;
			/* What drops it in a table of iptables-legacy comes to the end of that first: it was left out. */
			g->unsure = unsure || (dropped && f->in_visit == NFP_IN_LEGACY) || was_switched(f);
			bpf_ringbuf_submit(g, wake_reader());
		} else {
			count_lost(NFP_GONE);
		}
	}
	forget(f);
}

/* In a namespace where packets begin, as far as it says where it is. */
static __always_inline bool is_here(const struct sk_buff *skb)
{
	__u32 inum;

	if (begins_anywhere)
		return true;
	inum = dev_netns(BPF_CORE_READ(skb, dev));
	if (!inum)
		inum = other_netns(skb, NULL);
	return !inum || is_looked_at(inum);
}

/* In the first hook of its way, perhaps: it has not come by a device. */
static __always_inline bool is_dropped_sending(const struct sk_buff *skb, __u32 reason)
{
	return preempted && !filter.mark_mask && kfree_has_reason &&
	       bpf_core_enum_value_exists(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP) &&
	       reason == bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NETFILTER_DROP) &&
	       !BPF_CORE_READ(skb, skb_iif);
}

static __always_inline bool was_wanted(const struct sk_buff *skb)
{
	enum came came = came_as(skb);

	if (command_cgroup && !command_has_socket(BPF_CORE_READ(skb, sk)))
		return false;
	return BPF_CORE_READ(skb, protocol) && is_here(skb) &&
	       (came == CAME_SO ? selected(skb, true) : came == CAME_WANTED);
}

/* The entry of the hook in which it was to be taken may have been left out. */
static __noinline int missed_drop(const struct sk_buff *skb, bool follows, __u32 reason)
{
	if (gate && (is_nested_at_tracepoint() || is_dropped_sending(skb, reason)) && (follows || was_wanted(skb)))
		__sync_fetch_and_add(&unseen, 1);
	return 0;
}

SEC("raw_tp/kfree_skb")
int followed_dropped(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sk_buff *skb = (void *)ctx->args[0];
	struct nfp_followed *f = followed_of(skb);

	if (all_drops && gate && (!f || !f->shown))
		dropped_alone(ctx, skb, ctx->args[1], kfree_has_reason ? ctx->args[2] : 0,
			      kfree_has_socket ? (void *)ctx->args[3] : NULL, wake_reader());
	if (tells_nesting && (!f || !f->shown))
		missed_drop(skb, f, kfree_has_reason ? ctx->args[2] : 0);
	if (!f)
		return 0;
	end_walk(f, -1);
	if (f->shown)
		emit(ctx, NFP_KFREE, skb, ctx->args[1], kfree_has_reason ? ctx->args[2] : 0,
		     kfree_has_socket ? (void *)ctx->args[3] : NULL, f->id, f->in_visit,
		     BPF_RB_NO_WAKEUP);
	gone(f, true, false);
	return 0;
}

static __noinline int freed_followed(const void *skb)
{
	struct nfp_followed *f = followed_of(skb);

	if (f)
		gone(f, false, false);
	return 0;
}

/* By kfree_skb() perhaps, which was left out to tell. */
static __noinline int freed_finally(const void *skb)
{
	struct nfp_followed *f = followed_of(skb);

	if (f)
		gone(f, false, is_nested());
	return 0;
}

static __always_inline int freed(const void *skb)
{
	return watched.followed > 0 ? freed_followed(skb) : 0;
}

/* consume_skb(struct sk_buff *skb, …) */
SEC("raw_tp/consume_skb")
int followed_consumed(struct bpf_raw_tracepoint_args *ctx)
{
	const void *skb = (void *)ctx->args[0];
	return freed(skb);
}

#define FREES(fn, name)                                                                            \
	SEC("fentry/" #fn)                                                                         \
	int BPF_PROG(name, struct sk_buff *skb)                                                    \
	{                                                                                          \
		return freed(skb);                                                                 \
	}

/*
 * Where programs are preempted those at tracepoints may be left out, too: for whom consume_skb is told of elsewhere than in
 * consume_skb(), whose packets __kfree_skb() frees, the functions that it stands in.
 */
FREES(__consume_stateless_skb, consumed_stateless)

/* void napi_consume_skb(struct sk_buff *skb, int budget): at its beginning it is not yet said that this is the last reference. */
SEC("fentry/napi_consume_skb")
int BPF_PROG(consumed_napi, struct sk_buff *skb)
{
	return watched.followed > 0 && skb && skb->users.refs.counter == 1 ? freed_followed(skb) : 0;
}

/* void __kfree_skb(struct sk_buff *skb): TCP frees what it has received so, without a tracepoint. */
SEC("fentry/__kfree_skb")
int BPF_PROG(followed_freed, struct sk_buff *skb)
{
	return watched.followed > 0 ? freed_finally(skb) : 0;
}

/* void kfree_skb_partial(struct sk_buff *skb, bool head_stolen): its data went into another one. */
FREES(kfree_skb_partial, followed_merged)

/*
 * void skb_attempt_defer_free(struct sk_buff *skb): what a socket has received is freed later, by
 * the CPU that allocated it, or at once without a tracepoint (kfree_skb_napi_cache()); TCP since
 * 5.19, and UDP in newer kernels. Nobody but the caller has it any more.
 */
FREES(skb_attempt_defer_free, followed_deferred)

/* void __napi_kfree_skb(struct sk_buff *skb, enum skb_drop_reason reason); __kfree_skb_defer(struct
 * sk_buff *skb) before 6.4; void napi_skb_free_stolen_head(struct sk_buff *skb): GRO made it a part
 * of another one, without a tracepoint (gro_normal behind a veth pair). */
FREES(__napi_kfree_skb, followed_napi_freed)
FREES(__kfree_skb_defer, followed_freed_by_gro)
FREES(napi_skb_free_stolen_head, followed_stolen)

/* __dev_queue_xmit(): skb->dev is a device there, whatever it shares its place with elsewhere. */
static __noinline int transmitted(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	struct nfp_followed *f = followed_of(skb);
	const struct net_device *dev = skb->dev;
	struct nfp_sent *s;

	if (!f || !f->shown)
		return 0;
	end_walk(f, NF_ACCEPT);
	s = record_reserve(sizeof(*s));
	if (!s) {
		count_lost(NFP_SENT);
		return 0;
	}
	event_init(&s->ev, NFP_SENT);
	s->ev.netns = dev->nd_net.net->ns.inum;
	s->id = f->id;
	s->pad = 0;
	copy_dev_name(s->dev, dev, false);
	bpf_ringbuf_submit(s, wake_reader());
	return 0;
}

SEC("tp_btf/net_dev_queue")
int followed_transmitted(__u64 *ctx)
{
	return watched.followed > 0 ? transmitted(ctx) : 0;
}

/* A copy goes its own way; it is worth a word once a hook sees it. */
static __always_inline int copied(const struct sk_buff *skb, const struct sk_buff *copy)
{
	struct nfp_followed *f = copy ? followed_of(skb) : NULL;

	if (f)
		follow(copy, f->shown ? f->id : f->copy_of);
	return 0;
}

#define COPIES(fn, ...)                                                                            \
	SEC("fexit/" #fn)                                                                          \
	int BPF_PROG(copied_by_##fn, struct sk_buff *skb, ##__VA_ARGS__, struct sk_buff *copy)      \
	{                                                                                          \
		return copied(skb, copy);                                                          \
	}

COPIES(skb_clone, __u32 gfp)
COPIES(skb_copy, __u32 gfp)
COPIES(__pskb_copy_fclone, int headroom, __u32 gfp, bool fclone)
COPIES(skb_copy_expand, int newheadroom, int newtailroom, __u32 gfp)
