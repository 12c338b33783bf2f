// SPDX-License-Identifier: GPL-2.0-or-later
/* Netfilter hooks: where packets are taken by the filter, and where every function let them pass. */
#include "bpf/follow.h"

char LICENSE[] SEC("license") = "GPL";

/* int nf_hook_slow(struct sk_buff *skb, struct nf_hook_state *state, const struct nf_hook_entries *e,
 * unsigned int s) */
static __noinline int entered(__u64 *ctx, const __u32 *seen)
{
	if (gate)
		enter((void *)ctx[0], (void *)ctx[1], seen);
	return 0;
}

/* Where most packets began in an earlier hook, their headers are not looked at. */
static __always_inline bool began_before(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	return state->hook == NF_INET_POST_ROUTING &&
	       !may_begin(skb, state, state->pf, NF_INET_POST_ROUTING);
}

SEC("fentry/nf_hook_slow")
int hook_entered(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	__u32 seen[6];

	if (watched.followed > 0)
		return entered(ctx, NULL);
	barrier_var(skb);
	return began_before(skb, (void *)ctx[1]) || refused_by_look(skb, seen) ? 0 : entered(ctx, seen);
}

/* Dropped, queued or stolen, its memory may be another packet's by now, which is in another hook then: the
 * state lies on the stack of who runs this one. */
static __noinline int left(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	const struct nf_hook_state *state = (void *)ctx[1];
	struct nfp_followed *f = followed_of(skb);
	bool passed = (int)ctx[4] == NF_ACCEPT, full, learned, nested;
	__u8 pf, hook;
	__u64 print;

	if (!f || !f->shown || (!passed && f->state != (__u64)state))
		return 0;
	/* Else the entry says it. */
	nested = was_switched(f) || (f->state != (__u64)state && is_nested()) || (preempted && !f->hooks);
	f->state = 0;
	if (f->hooks)
		f->hooks--;
	if (!passed) {
		end_walk(f, -1);
		return 0;
	}
	print = print_of(skb);
	full = f->print != print;
	pf = state->pf;
	hook = state->hook;
	learned = learn(skb, pf, hook);
	if (end_walk_and(f, NF_ACCEPT, full || nested ? 0 : NFP_LEFT(pf, hook, ct_of(skb), learned)))
		return 0;
	f->print = print;
	f->seen = bpf_ktime_get_ns();
	note_activity();
	emit_sight(f, skb, state, pf, hook, NFP_LEAVE,
		   (learned ? NFP_SIGHT_LEARNED : 0) | (nested ? NFP_SIGHT_NESTED : 0), full);
	return 0;
}

/* Kept by somebody, it may be anything by now. */
static __noinline int kept(const struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (begins_here(skb, state) && !refused_at_once(skb))
		__sync_fetch_and_add(&unseen, 1);
	return 0;
}

/*
 * A hook whose entry was left out perhaps: who was to be taken there is asked for at its end. What the hook dropped is
 * asked for where it is freed (missed_drop()).
 */
static __noinline int left_unseen(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[0];
	const struct nf_hook_state *state = (void *)ctx[1];
	struct nfp_followed *f = followed_of(skb);
	enum came came;

	if (f && f->shown)
		return left(ctx);
	if (!gate || !tells_nesting)
		return 0;
	if ((int)ctx[4] != NF_ACCEPT)
		return (int)ctx[4] ? 0 : kept(skb, state);
	came = came_as(skb);
	if (came == CAME_UNWANTED)
		return 0;
	f = enter(skb, state, NULL);
	if (f) {
		f->hooks = 0; /* left() says that the entry was left out */
		return left(ctx);
	}
	if (came == CAME_WANTED && begins_here(skb, state))
		__sync_fetch_and_add(&unseen, 1);
	return 0;
}

SEC("fexit/nf_hook_slow")
int hook_left(__u64 *ctx)
{
	if (level_of_task() > 1)
		return left_unseen(ctx);
	return watched.followed > 0 ? left(ctx) : 0;
}

/*
 * Within one of our programs it shows (bpf/nested.h). But a task that sends may have left its CPU since, and what it was
 * nested in, so where tasks are preempted the end of the hooks in which they may be asks for whom the entry was left out;
 * not by a mark, which a rule may have set.
 */
static __always_inline bool may_be_unseen(__u64 *ctx)
{
	const struct nf_hook_state *state = (void *)ctx[1];

	if (!filter.mark_mask && (int)ctx[4] == NF_ACCEPT && state->hook >= NF_INET_LOCAL_OUT)
		return !refused_at_once((void *)ctx[0]);
	return level_of_cpu() > 1;
}

SEC("fexit/nf_hook_slow")
int hook_left_preempted(__u64 *ctx)
{
	if (may_be_unseen(ctx))
		return left_unseen(ctx);
	return watched.followed > 0 ? left(ctx) : 0;
}
