// SPDX-License-Identifier: GPL-2.0-or-later
/* Netfilter hooks: where packets are taken by the filter, and where every function let them pass. */
#include "bpf/follow.h"

char LICENSE[] SEC("license") = "GPL";

/* int nf_hook_slow(struct sk_buff *skb, struct nf_hook_state *state, const struct nf_hook_entries *e,
 * unsigned int s) */
static __noinline int entered(__u64 *ctx)
{
	if (gate == 1)
		enter((void *)ctx[0], (void *)ctx[1], false);
	return 0;
}

/* Where most packets began in an earlier hook, their headers are not looked at. */
static __always_inline bool began_before(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	return state->hook == NF_INET_POST_ROUTING &&
	       !may_begin(skb, state, state->pf, NF_INET_POST_ROUTING, false);
}

SEC("fentry/nf_hook_slow")
int hook_entered(__u64 *ctx)
{
	return watched.followed <= 0 && (began_before((void *)ctx[0], (void *)ctx[1]) ||
					 refused_at_once((void *)ctx[0], false))
		       ? 0
		       : entered(ctx);
}

/* Where entries are at kprobes: hooks whose entry ran, and hooks that ended. */
volatile __u64 hooks_entered = 0, hooks_ended = 0;

SEC("kprobe/nf_hook_slow")
int BPF_KPROBE(hook_entered_kprobe, struct sk_buff *skb, struct nf_hook_state *state)
{
	if (!by_kprobes)
		return 0;
	__sync_fetch_and_add(&hooks_entered, 1);
	if (gate == 2 && (watched.followed > 0 || !refused_at_once(skb, true)))
		enter(skb, state, true);
	return 0;
}

SEC("fexit/nf_hook_slow")
int hook_counted(__u64 *ctx)
{
	if (by_kprobes)
		__sync_fetch_and_add(&hooks_ended, 1);
	return 0;
}

/* Dropped, queued or stolen, its memory may be another packet's by now, which is in another hook then: the
 * state lies on the stack of who runs this one. */
static __noinline int left(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	const struct nf_hook_state *state = (void *)ctx[1];
	struct nfp_followed *f = followed_of(skb);
	bool passed = (int)ctx[4] == NF_ACCEPT, full, learned, nested;
	__u64 print;

	if (!f || !f->shown || (!passed && f->state != (__u64)state))
		return 0;
	/* Else the entry says it. */
	nested = f->state != (__u64)state && is_nested();
	f->state = 0;
	if (!passed) {
		end_walk(f, -1);
		return 0;
	}
	print = print_of(skb, false);
	full = f->print != print;
	learned = learn(skb, state);
	if (end_walk_and(f, NF_ACCEPT, full || nested ? 0 : NFP_LEFT(state->pf, state->hook, ct_of(skb, false), learned)))
		return 0;
	f->print = print;
	f->seen = bpf_ktime_get_ns();
	emit_sight(f, skb, state, NFP_LEAVE,
		   (learned ? NFP_SIGHT_LEARNED : 0) | (nested ? NFP_SIGHT_NESTED : 0), full, false);
	return 0;
}

/*
 * A hook within one of our programs: its entry was left out perhaps, and who was to be taken there is asked for
 * at its end. What the hook dropped is asked for where it is freed (missed_drop()).
 */
static __noinline int left_nested(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	struct nfp_followed *f = followed_of(skb);

	if (gate != 1 || !tells_nesting)
		return watched.followed > 0 ? left(ctx) : 0;
	if (f && f->shown)
		return left(ctx);
	if ((int)ctx[4] == 0) /* kept by somebody, it may be anything by now */
		__sync_fetch_and_add(&unseen, 1);
	if ((int)ctx[4] != NF_ACCEPT)
		return 0;
	if (enter(skb, (void *)ctx[1], false))
		return left(ctx);
	if (came_wanted(skb))
		__sync_fetch_and_add(&unseen, 1);
	return 0;
}

SEC("fexit/nf_hook_slow")
int hook_left(__u64 *ctx)
{
	if (level() > 1)
		return left_nested(ctx);
	return watched.followed > 0 ? left(ctx) : 0;
}
