// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rules of nf_tables a followed packet matched. nft_do_chain() walks a base chain; the
 * expressions of rules are functions, and one that runs as the last of its rule, or that sets a
 * verdict, tells that the rule matched. The address of the expression lies in the memory of its
 * chain's rules, and tells the rule.
 */
#include "bpf/rules.h"

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct rule_key);
	__type(value, __u32);
} chains SEC(".maps");

volatile __u64 generation = 1;
/* Transactions under way, of all namespaces: policies change in their midst, behind the new generation's beginning. */
volatile __s32 commits = 0;

/* --- names --- */

/* Chains that were announced, each in one word: what stands in front of the map. A base chain's has its
 * policy, in bits that are 0 in the address, if it was read while no transaction was under way. */
enum { TOLD = 1024, TOLD_BASE = 1 << 16, TOLD_ACCEPTS = 1 << 17 };
static volatile __u64 told[TOLD];

static __noinline int announce_anew(__u64 chain, __u64 gen)
{
	struct rule_key key = {chain, gen};
	const struct nft_chain *c = (void *)chain;
	const struct nft_table *t;
	struct nfp_chain *r;
	__u32 one = 1;

	if (bpf_map_lookup_elem(&chains, &key))
		return 0;
	r = record_reserve(sizeof(*r));
	if (!r) {
		count_lost(NFP_CHAIN);
		return -1;
	}
	event_init(&r->ev, NFP_CHAIN);
	t = BPF_CORE_READ(c, table);
	r->chain = chain;
	r->gen = gen;
	r->family = BPF_CORE_READ_BITFIELD_PROBED(t, family);
	r->pad = 0;
	bpf_probe_read_kernel_str(r->table, sizeof(r->table), BPF_CORE_READ(t, name));
	bpf_probe_read_kernel_str(r->name, sizeof(r->name), BPF_CORE_READ(c, name));
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	bpf_map_update_elem(&chains, &key, &one, BPF_ANY);
	return 0;
}

static __always_inline __u64 told_word(__u64 chain, __u64 gen)
{
	return chain << 16 | (gen & 0xffff); /* all addresses begin with the same 16 bits */
}

static __always_inline __u32 told_place(__u64 word)
{
	return word * 0x9e3779b97f4a7c15ull >> 54;
}

static __always_inline void announce(__u64 chain, __u64 gen)
{
	__u64 word = told_word(chain, gen);
	__u32 i = told_place(word);

	if (chain && (told[i % TOLD] & ~(__u64)(TOLD_BASE | TOLD_ACCEPTS)) != word && !announce_anew(chain, gen))
		told[i % TOLD] = word;
}

static __always_inline __u8 policy_of(__u64 chain)
{
	const struct nft_base_chain *base =
		(void *)(chain - bpf_core_field_offset(struct nft_base_chain, chain));

	return BPF_CORE_READ(base, policy);
}

/* Returns its policy. */
static __always_inline __u8 announce_base(__u64 chain, __u64 gen)
{
	__u64 word = told_word(chain, gen), known;
	__u32 i = told_place(word);
	__u8 policy;

	if (commits) {
		announce(chain, gen);
		return policy_of(chain);
	}
	known = told[i % TOLD];
	if ((known & ~(__u64)TOLD_ACCEPTS) == (word | TOLD_BASE))
		return known & TOLD_ACCEPTS ? NF_ACCEPT : NF_DROP;
	policy = policy_of(chain);
	if (!announce_anew(chain, gen))
		told[i % TOLD] = word | TOLD_BASE | (policy == NF_ACCEPT ? TOLD_ACCEPTS : 0);
	return policy;
}

/* --- the end of a visit --- */

/* Resolves the step, in place; false: it is none. */
static __always_inline bool resolve(struct visit *w, struct nfp_step *step)
{
	struct rule rule = {};

	if (!find_rule(w, step->handle, &rule)) {
		/* An expression outside all rules: those of elements of sets, which have no verdict. */
		if (step->verdict != NFT_CONTINUE || w->v.gen != generation)
			w->v.flags |= NFP_VISIT_UNKNOWN;
		return false;
	}
	if (step->verdict == NFT_CONTINUE && !(rule.handle & IS_LAST))
		return false;
	step->chain = rule.chain;
	step->handle = rule.handle & ~IS_LAST;
	return true;
}

/* What its verdict makes of the walk. */
static __always_inline void walk(struct visit *w, const struct nfp_step *step)
{
	switch (step->verdict) {
	case NFT_JUMP:
		w->stack[w->depth & (NFP_STACK - 1)] = w->chain;
		w->depth++;
		w->chain = step->target;
		break;
	case NFT_GOTO:
		w->chain = step->target;
		break;
	case NFT_RETURN:
		if (w->depth) {
			w->depth--;
			w->chain = w->stack[w->depth & (NFP_STACK - 1)];
		}
		break;
	case NFT_CONTINUE:
		break;
	default:
		w->ended = 1;
	}
}

struct resolving {
	struct visit *w;
	__u32 n, kept;
};

static long resolve_one(__u32 i, struct resolving *r)
{
	struct visit *w = r->w;
	struct nfp_step *from, *to;

	if (i >= r->n || i >= NFP_STEPS || r->kept >= NFP_STEPS)
		return 1;
	from = &w->v.steps[i];
	if (!resolve(w, from))
		return 0;
	announce(from->chain, w->v.gen);
	if (from->verdict == NFT_JUMP || from->verdict == NFT_GOTO)
		announce(from->target, w->v.gen);
	else
		from->target = 0;
	walk(w, from);
	to = &w->v.steps[r->kept++ & (NFP_STEPS - 1)];
	if (to != from)
		*to = *from;
	return 0;
}

static __noinline int flush(struct visit *w)
{
	struct resolving r = {.w = w};
	__u32 size;

	if (!w)
		return 0;
	r.n = w->v.n;
	if (r.n)
		bpf_loop(r.n, resolve_one, &r, 0);
	if (w->ended)
		w->v.flags &= ~NFP_VISIT_POLICY;
	w->v.n = r.kept;
	w->v.ev.ktime = bpf_ktime_get_ns();
	size = __builtin_offsetof(struct nfp_visit, steps) + r.kept * sizeof(struct nfp_step);
	if (size > sizeof(struct nfp_visit))
		return 0;
	if (record_output(&w->v, size, wake_reader()))
		count_lost(NFP_VISIT);
	w->v.n = 0;
	w->v.flags = NFP_VISIT_NEXT;
	note_activity();
	return 0;
}

/* --- nft_do_chain(struct nft_pktinfo *pkt, void *priv) --- */

/* nf_hook_bridge_pre() does not call nf_hook_slow(). */
static __always_inline bool is_first_sight(const struct nf_hook_state *state)
{
	return state->pf == NFPROTO_BRIDGE && state->hook == NF_INET_PRE_ROUTING;
}

static __always_inline int begin_visit(struct nft_pktinfo *pkt, const void *chain, bool first)
{
	const struct nf_hook_state *state = pkt->state;
	struct sk_buff *skb = pkt->skb;
	struct nfp_followed *f;
	struct visit *w;

	f = first ? enter(skb, state, NULL) : followed_of(skb);
	if (!f || !f->shown)
		return 0;
	end_walk(f, NF_ACCEPT);
	w = visit_find(pkt);
	if (w && w->unwatched) {
		/* Another packet's that ended unwatched, at the same place of the stack. */
		visit_ended(w->place, w->v.id, -1, 0);
		w = NULL;
	}
	/* Else it is one whose end was missed. */
	if (!w)
		w = visit_take(pkt);
	if (!w) {
		count_lost(NFP_VISIT);
		return 0;
	}
	w->v.ev.type = NFP_VISIT;
	w->v.ev.cpu = bpf_get_smp_processor_id();
	w->v.ev.pid = 0;
	w->v.ev.netns = f->netns;
	/* From a queue it comes later. */
	w->v.began = f->state == (__u64)state ? f->seen : bpf_ktime_get_ns();
	w->v.base = w->chain = (__u64)chain;
	w->v.gen = generation;
	w->v.id = f->id;
	w->v.pf = state->pf;
	w->v.hook = state->hook;
	w->v.flags = 0;
	w->v.policy = announce_base((__u64)chain, w->v.gen);
	w->v.n = 0;
	w->skb = (__u64)skb;
	w->depth = w->ended = 0;
	w->over = 0;
	/* The entry of its hook was left out, or it comes from a queue. */
	if (f->state != (__u64)state && is_nested())
		w->v.flags |= NFP_VISIT_UNKNOWN;
	f->in_visit = 1;
	w->unwatched = !ends_seen;
	if (w->unwatched) {
		f->visit = w->place;
		/* Behind a queue, say: the end of a hook will not say that it is over. */
		if (f->state != (__u64)state)
			w->v.flags |= NFP_VISIT_UNKNOWN;
	}
	return 0;
}

static __noinline int begin_by_fentry(__u64 *ctx, bool first)
{
	struct nft_pktinfo *pkt = (void *)ctx[0];

	if (!gate || is_first_sight(pkt->state) != first)
		return 0;
	return begin_visit(pkt, (void *)ctx[1], first);
}

SEC("fentry/nft_do_chain")
int chain_entered(__u64 *ctx)
{
	return watched.followed > 0 ? begin_by_fentry(ctx, false) : 0;
}

SEC("fentry/nft_do_chain")
int chain_first_entered(__u64 *ctx)
{
	return begin_by_fentry(ctx, true);
}

static __noinline int end_visit(__u64 *ctx)
{
	const struct nft_pktinfo *pkt = (void *)ctx[0];
	const struct nft_chain *chain = (void *)ctx[1];
	struct visit *w = visit_find(pkt);
	struct nfp_followed *f;

	if (!w)
		return 0;
	f = followed_of((void *)w->skb);
	if (f && f->id == w->v.id)
		f->in_visit = f->visit = 0;
	w->v.verdict = (int)ctx[2];
	/* The end of that visit was missed, and the beginning of this one. */
	if (w->skb != (__u64)pkt->skb || w->v.base != (__u64)chain)
		w->v.flags |= NFP_VISIT_UNKNOWN;
	w->v.flags |= NFP_VISIT_POLICY; /* flush() sees whether a rule was before it */
	flush(w);
	visit_leave(w);
	return 0;
}

SEC("fexit/nft_do_chain")
int chain_left(__u64 *ctx)
{
	return n_visits > 0 ? end_visit(ctx) : 0;
}

/* Out of the walk its rules may have been replaced, and their memory be another's: then none is told. */
int visit_ended(__u32 place, __u32 id, __s32 verdict, __u32 left)
{
	__u32 i = place - 1;
	struct visit *w;

	if (!knows_chains)
		return 0;
	w = i < NFP_VISITS ? bpf_map_lookup_elem(&visits, &i) : NULL;
	if (!w || !w->pkt || w->v.id != id)
		return 0;
	if (w->v.gen != generation) {
		w->v.flags |= NFP_VISIT_UNKNOWN;
		w->v.n = 0;
	}
	if (!w->over)
		w->v.verdict = verdict < 0 ? w->v.policy : verdict;
	w->v.flags |= NFP_VISIT_POLICY;
	if (w->v.pf != left >> 24 || w->v.hook != (left >> 16 & 0xff))
		left = 0; /* the beginning of its next hook was left out */
	w->v.flags |= left & (NFP_VISIT_LEFT | NFP_VISIT_LEARNED);
	w->v.ct = left >> 8;
	flush(w);
	visit_leave(w);
	return left != 0;
}

/* A rule gave the last word: nothing of this walk comes after it (nft_do_chain()). An accepted packet goes on, and leaves its hook mostly:
 * one record for both. */
static __noinline int ended_by_rule(struct visit *w, __s32 code)
{
	struct nfp_followed *f;

	if (!w)
		return 0;
	if (code == NF_ACCEPT) {
		w->over = 1;
		w->v.verdict = code;
		return 0;
	}
	f = followed_of((void *)w->skb);
	if (f && f->id == w->v.id)
		f->in_visit = f->visit = 0;
	w->v.verdict = code;
	flush(w);
	visit_leave(w);
	return 0;
}

/* --- expressions: void eval(const struct nft_expr *, struct nft_regs *, const struct nft_pktinfo *) --- */

static __always_inline struct nfp_step *push(struct visit *w, const void *expr, __s32 code,
					     __u64 target)
{
	struct nfp_step *step;
	__u32 n = w->v.n;

	/* nft_nat_inet_eval() calls nft_nat_eval(). */
	if (n && w->v.steps[(n - 1) & (NFP_STEPS - 1)].handle == (__u64)expr) {
		n--;
	} else if (n >= NFP_STEPS) {
		w->v.flags |= NFP_VISIT_PART;
		flush(w);
		n = 0;
	}
	step = &w->v.steps[n & (NFP_STEPS - 1)];
	step->handle = (__u64)expr;
	step->target = target;
	step->verdict = code;
	step->keyed = 0;
	w->v.n = n + 1;
	return step;
}

static __always_inline struct visit *visit_of(const struct nft_pktinfo *pkt)
{
	struct visit *w = visit_find(pkt);

	if (!w || w->skb == (__u64)pkt->skb)
		return w;
	/* Another packet's, whose end was missed, at the same place of a stack. */
	if (!w->unwatched)
		w->v.flags |= NFP_VISIT_UNKNOWN;
	return NULL;
}

static __noinline int push_eval(const void *expr, const struct nft_pktinfo *pkt, __s32 code,
				__u64 target)
{
	struct visit *w = visit_of(pkt);

	if (!w)
		return 0;
	push(w, expr, code, target);
	if (code >= 0 && w->unwatched)
		ended_by_rule(w, code);
	return 0;
}

/* Evaluated: what it left in the verdict register is the result. */
static __noinline int evaluated(__u64 *ctx)
{
	const struct nft_regs *regs = (void *)ctx[1];
	__s32 code = regs->verdict.code;

	if (code == NFT_BREAK)
		return 0;
	return push_eval((void *)ctx[0], (void *)ctx[2], code,
			 code == NFT_JUMP || code == NFT_GOTO ? (__u64)regs->verdict.chain : 0);
}

/* It has one result only: no need to wait for its return. */
static __noinline int continues(__u64 *ctx)
{
	return push_eval((void *)ctx[0], (void *)ctx[2], NFT_CONTINUE, 0);
}

static __noinline int set_at_once(__u64 *ctx)
{
	const struct nft_immediate_expr *priv;
	__s32 code = NFT_CONTINUE;
	__u64 target = 0;

	priv = (void *)(ctx[0] + bpf_core_field_offset(struct nft_expr, data));
	if (!BPF_CORE_READ(priv, dreg)) { /* NFT_REG_VERDICT */
		code = BPF_CORE_READ(priv, data.verdict.code);
		target = code == NFT_JUMP || code == NFT_GOTO
				 ? (__u64)BPF_CORE_READ(priv, data.verdict.chain)
				 : 0;
	}
	return push_eval((void *)ctx[0], (void *)ctx[2], code, target);
}

SEC("fentry/nft_immediate_eval")
int immediate(__u64 *ctx)
{
	return n_visits > 0 ? set_at_once(ctx) : 0;
}

static __always_inline int push_lookup(const void *expr, const void *regs,
				       const struct nft_pktinfo *pkt, __s32 code, __u64 target)
{
	struct visit *w = visit_of(pkt);
	const struct nft_lookup *priv =
		(void *)((__u64)expr + bpf_core_field_offset(struct nft_expr, data));
	const struct nft_set *set = BPF_CORE_READ(priv, set);
	struct nfp_step *step;
	struct nfp_key *k;
	__u32 len;

	if (!w || (code == NFT_CONTINUE && BPF_CORE_READ(set, dtype) != NFT_DATA_VERDICT))
		return 0;
	step = push(w, expr, code, target);
	k = record_reserve(sizeof(*k));
	if (!k) {
		count_lost(NFP_KEY);
		return 0;
	}
	event_init(&k->ev, NFP_KEY);
	k->id = w->v.id;
	len = BPF_CORE_READ_BITFIELD_PROBED(set, klen);
	if (len > NFP_KEY_LEN)
		len = NFP_KEY_LEN;
	k->len = len;
	bpf_probe_read_kernel_str(k->set, sizeof(k->set), BPF_CORE_READ(set, name));
	bpf_probe_read_kernel(k->key, len, (const __u32 *)regs + BPF_CORE_READ(priv, sreg));
	bpf_ringbuf_submit(k, BPF_RB_NO_WAKEUP);
	step->keyed = 1;
	if (code >= 0 && w->unwatched)
		ended_by_rule(w, code);
	return 0;
}

/* Only of verdict maps: else it is a match, and the rule goes on. */
static __noinline int looked_up(__u64 *ctx)
{
	const struct nft_regs *regs = (void *)ctx[1];
	__s32 code = regs->verdict.code;

	if (code == NFT_BREAK)
		return 0;
	return push_lookup((void *)ctx[0], regs, (void *)ctx[2], code,
			   code == NFT_JUMP || code == NFT_GOTO ? (__u64)regs->verdict.chain : 0);
}

SEC("fexit/nft_lookup_eval")
int lookup(__u64 *ctx)
{
	return n_visits > 0 ? looked_up(ctx) : 0;
}

#define EVALUATED(fn)                                                                              \
	SEC("fexit/" #fn)                                                                          \
	int fn##_left(__u64 *ctx)                                                                  \
	{                                                                                          \
		return n_visits > 0 ? evaluated(ctx) : 0;                                          \
	}

#define CONTINUES(fn)                                                                              \
	SEC("fentry/" #fn)                                                                         \
	int fn##_entered(__u64 *ctx)                                                               \
	{                                                                                          \
		return n_visits > 0 ? continues(ctx) : 0;                                          \
	}

CONTINUES(nft_counter_eval)
CONTINUES(nft_log_eval)
CONTINUES(nft_last_eval)
CONTINUES(nft_notrack_eval)
CONTINUES(nft_dup_ipv4_eval)
CONTINUES(nft_dup_ipv6_eval)
CONTINUES(nft_dup_netdev_eval)
EVALUATED(nft_meta_set_eval)
EVALUATED(nft_payload_set_eval)
EVALUATED(nft_exthdr_tcp_set_eval)
EVALUATED(nft_exthdr_tcp_strip_eval)
EVALUATED(nft_ct_set_eval)
EVALUATED(nft_ct_set_zone_eval)
EVALUATED(nft_dynset_eval)
EVALUATED(nft_objref_eval)
EVALUATED(nft_objref_map_eval)
EVALUATED(nft_reject_inet_eval)
EVALUATED(nft_reject_ipv4_eval)
EVALUATED(nft_reject_ipv6_eval)
EVALUATED(nft_reject_bridge_eval)
EVALUATED(nft_reject_netdev_eval)
EVALUATED(nft_nat_eval)
EVALUATED(nft_nat_inet_eval)
EVALUATED(nft_masq_eval)
EVALUATED(nft_masq_ipv4_eval)
EVALUATED(nft_masq_ipv6_eval)
EVALUATED(nft_masq_inet_eval)
EVALUATED(nft_redir_eval)
EVALUATED(nft_redir_ipv4_eval)
EVALUATED(nft_redir_ipv6_eval)
EVALUATED(nft_redir_inet_eval)
EVALUATED(nft_queue_eval)
EVALUATED(nft_queue_sreg_eval)
EVALUATED(nft_limit_pkts_eval)
EVALUATED(nft_limit_bytes_eval)
EVALUATED(nft_quota_eval)
EVALUATED(nft_connlimit_eval)
EVALUATED(nft_synproxy_eval)
EVALUATED(nft_tproxy_eval)
EVALUATED(nft_flow_offload_eval)
EVALUATED(nft_fwd_netdev_eval)
EVALUATED(nft_fwd_neigh_eval)
EVALUATED(nft_target_eval_xt)
EVALUATED(nft_target_eval_bridge)

/* static int nf_tables_commit(struct net *net, struct sk_buff *skb): before it changes anything */
SEC("fentry/nf_tables_commit")
int BPF_PROG(committing)
{
	__sync_fetch_and_add(&commits, 1);
	__sync_fetch_and_add(&generation, 1);
	return 0;
}

/* The reader looks at the rules at once: packets that come until then are not certain. */
SEC("fexit/nf_tables_commit")
int BPF_PROG(committed, struct net *net)
{
	struct nfp_event *ev;

	__sync_fetch_and_add(&commits, -1);
	ev = record_reserve(sizeof(*ev));
	if (!ev)
		return 0; /* nobody depends on it: the rules are looked at before each answer */
	event_init(ev, NFP_COMMIT);
	ev->netns = net->ns.inum;
	bpf_ringbuf_submit(ev, wake_reader());
	return 0;
}
