// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which rules of iptables-legacy a followed packet hit. ipt_do_table() decides nearly all by itself,
 * so its counters are the witness: before a traversal those of the rules that may match are read,
 * after it again. Which may match is found by a walk over what user space knows of the table
 * (struct nfp_xt_node): addresses, devices and protocol are compared as the kernel does, and a jump
 * that may be taken is followed.
 *
 * A counter tells nothing about who counted. The kernel's own xt_recseq rises by two for each
 * traversal of a CPU, and each one that begins on a CPU where a followed packet is under way is
 * recorded too: user space takes away what they counted, or says that it does not know.
 */
#include "bpf/legacy_walk.h"

char LICENSE[] SEC("license") = "GPL";

/* --- the beginning --- */

static __always_inline bool is_extension(__u8 proto)
{
	/* ipv6_ext_hdr(), NEXTHDR_NONE */
	return proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 59 ||
	       proto == 60 || proto == 135;
}

/* Returns where the header behind that of IP begins. */
static __always_inline const unsigned char *read_addresses(struct addresses *at, __u8 *proto,
							   __u32 *frag, const struct sk_buff *skb,
							   __u8 pf)
{
	const unsigned char *nh =
		BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, network_header);
	__u32 w[10];

	__builtin_memset(at, 0, sizeof(*at));
	*proto = 0;
	*frag = 0;
	if (pf == NFPROTO_IPV4) {
		if (bpf_probe_read_kernel(w, 20, nh))
			return nh;
		*proto = bpf_ntohl(w[2]) >> 16;
		*frag = bpf_ntohl(w[1]) & IP_OFFSET;
		at->src[0] = w[3];
		at->dst[0] = w[4];
		return nh + (bpf_ntohl(w[0]) >> 24 & 15) * 4;
	}
	if (bpf_probe_read_kernel(w, 40, nh))
		return nh;
	*proto = bpf_ntohl(w[1]) >> 8;
	__builtin_memcpy(at->src, w + 2, 16);
	__builtin_memcpy(at->dst, w + 6, 16);
	return nh + 40;
}

static __always_inline void read_packet(struct slot *s, const struct sk_buff *skb,
					const struct nf_hook_state *state)
{
	const struct net_device *in = BPF_CORE_READ(state, in), *out = BPF_CORE_READ(state, out);
	__u32 name = bpf_core_field_offset(struct net_device, name), frag;
	const unsigned char *th;
	__u16 ports[2];

	th = read_addresses(&s->at, &s->proto, &frag, skb, s->v.pf);
	s->fragment = frag;
	/* What does not lie in the linear part is not read. */
	s->has_ports = (s->proto == IPPROTO_TCP || s->proto == IPPROTO_UDP) && !frag &&
		       th + sizeof(ports) <=
			       BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, tail) &&
		       !bpf_probe_read_kernel(ports, sizeof(ports), th);
	if (s->has_ports) {
		s->sport = bpf_ntohs(ports[0]);
		s->dport = bpf_ntohs(ports[1]);
	}
	s->proto_known = s->v.pf == NFPROTO_IPV4 || !is_extension(s->proto);
	s->in[0] = s->in[1] = s->out[0] = s->out[1] = 0;
	if (in)
		bpf_probe_read_kernel(s->in, sizeof(s->in), (void *)in + name);
	if (out)
		bpf_probe_read_kernel(s->out, sizeof(s->out), (void *)out + name);
}

/* One whose end was missed is over. */
static __always_inline void open_frame(const struct frame_key *key, struct frame *f,
				       struct xt_cpu *c, __u64 now)
{
	struct frame *before = bpf_map_lookup_elem(&xt_frames, key);
	struct xt_cpu *other;

	if (before) {
		/* Its slot comes back by itself. */
		other = bpf_map_lookup_elem(&xt_cpus, &before->cpu);
		if (other)
			__sync_fetch_and_add(&other->open, -1);
		__sync_fetch_and_add(&watched.open, -1);
	}
	if (bpf_map_update_elem(&xt_frames, key, f, BPF_ANY)) {
		count_lost(NFP_XT);
		if (before)
			bpf_map_delete_elem(&xt_frames, key);
		return;
	}
	c->opened = now;
	__sync_fetch_and_add(&c->open, 1);
	__sync_fetch_and_add(&watched.open, 1);
}

/* The packet's last traversal had it, and did not come to its end. */
static __always_inline void free_slot(struct nfp_followed *f)
{
	__u32 at = f->slot;
	struct slot *s = bpf_map_lookup_elem(&xt_slots, &at);

	if (s && s->v.id == f->id)
		s->taken = 0;
}

/* Nobody else has it until it is given back. */
static __always_inline struct slot *take_slot(struct frame *f, __u64 now)
{
	for (__u32 i = 0; i < TRIES; i++) {
		__u32 at = (f->seq * TRIES + i) & (NFP_XT_SLOTS - 1);
		struct slot *s = bpf_map_lookup_elem(&xt_slots, &at);
		__u64 taken;

		if (!s)
			return NULL;
		taken = s->taken;
		if ((!taken || taken + SLOT_MAX < now) &&
		    __sync_val_compare_and_swap(&s->taken, taken, now) == taken) {
			f->slot = at;
			return s;
		}
	}
	count_lost(NFP_XT);
	return NULL;
}

/* who: id of the packet, and flags above it: there are but five arguments. Returns the slot. */
static __noinline int begin(const struct xt_table *table, const struct sk_buff *skb,
			    const struct nf_hook_state *state, __u64 who, __u32 netns)
{
	struct frame_key key = {(__u64)skb, (__u64)table};
	struct frame f = {.cpu = bpf_get_smp_processor_id()};
	struct xt_cpu *c = bpf_map_lookup_elem(&xt_cpus, &f.cpu);
	struct nfp_xt_info *info;
	struct slot *s;
	__u32 at;

	f.seq = __sync_fetch_and_add(&xt_next, 1) + 1;
	s = c ? take_slot(&f, bpf_ktime_get_ns()) : NULL;
	if (!s)
		return 0;
	at = f.slot;
	event_init(&s->v.ev, NFP_XT);
	s->v.ev.netns = netns;
	s->v.began = s->v.ev.ktime;
	s->v.id = who;
	s->v.serial = 0;
	s->v.cpu = f.cpu;
	s->v.pf = BPF_CORE_READ(state, pf);
	s->v.hook = BPF_CORE_READ(state, hook);
	s->v.flags = who >> 32;
	s->v.n = 0;
	s->seq = f.seq;
	s->n = s->depth = 0;
	BPF_CORE_READ_INTO(&s->v.table, table, name);
	open_frame(&key, &f, c, s->v.began);
	s->v.first = __sync_fetch_and_add(&c->begun, 1) + 1;
	s->cpu_offset = per_cpu_offset_at ? read_u64(per_cpu_offset_at + 8ull * f.cpu) : 0;
	s->v.recseq[0] = read_recseq(s);
	s->info = (__u64)BPF_CORE_READ(table, private);
	s->entries = s->info + bpf_core_field_offset(struct xt_table_info, entries);
	info = bpf_map_lookup_elem(&xt_infos, &s->info);
	if (!info || !info->ready) {
		s->v.flags |= NFP_XT_UNKNOWN;
		return at;
	}
	s->v.serial = info->serial;
	read_packet(s, skb, state);
	walk(s, info);
	if (c->begun != s->v.first)
		s->v.flags |= NFP_XT_DISTURBED;
	return at;
}

static __noinline int entered(const void *table, const struct sk_buff *skb,
			      const struct nf_hook_state *state)
{
	struct nfp_followed *f;
	struct xt_cpu *c;
	bool missed;
	__u64 who;
	__u32 cpu;

	if (!gate)
		return 0;
	f = followed_of(skb);
	if (f && f->shown) {
		end_walk(f, NF_ACCEPT);
		missed = f->in_visit == NFP_IN_LEGACY; /* the end of the traversal before */
		if (missed)
			free_slot(f);
		/* Or the entry of this hook. */
		missed |= f->state != (__u64)state && is_nested();
		who = missed ? (__u64)NFP_XT_BEFORE << 32 : 0;
		f->in_visit = NFP_IN_LEGACY;
		f->slot = begin(table, skb, state, who | f->id, f->netns);
		return 0;
	}
	cpu = bpf_get_smp_processor_id();
	c = bpf_map_lookup_elem(&xt_cpus, &cpu);
	if (!c || c->open <= 0 || bpf_ktime_get_ns() - c->opened >= OPEN_MAX)
		return 0;
	begin(table, skb, state, 0, BPF_CORE_READ(state, net, ns.inum));
	return 0;
}

/* --- the end --- */

static long compare_one(__u32 i, struct walk *w)
{
	struct slot *s = w->s;
	struct candidate *c;
	struct nfp_xt_hit *hit;
	__u64 now;

	if (!s || i >= s->n || i >= NFP_XT_CANDIDATES)
		return 1;
	c = &s->c[i];
	now = read_u64(c->counter);
	if (now == c->packets)
		return 0;
	if (s->v.n >= NFP_XT_HITS) {
		s->v.flags |= NFP_XT_OVERFLOW;
		return 1;
	}
	hit = &s->v.hits[s->v.n & (NFP_XT_HITS - 1)];
	hit->node = c->node;
	hit->times = now - c->packets > 0xffffffff ? 0xffffffff : now - c->packets;
	s->v.n++;
	return 0;
}

/* A traversal whose beginning was missed: its rules are not known, and that is what is told. */
static __always_inline void tell_missed(const void *table, struct nfp_followed *f)
{
	struct nfp_xt_visit *v;

	v = record_reserve(sizeof(*v));
	if (!v) {
		count_lost(NFP_XT);
		return;
	}
	__builtin_memset(v, 0, __builtin_offsetof(struct nfp_xt_visit, hits));
	event_init(&v->ev, NFP_XT);
	v->ev.netns = f->netns;
	v->began = v->ev.ktime;
	v->id = f->id;
	v->flags = NFP_XT_MISSED;
	BPF_CORE_READ_INTO(&v->table, (const struct xt_table *)table, name);
	bpf_ringbuf_submit(v, wake_reader());
}

static __noinline int finish(struct slot *s, const struct sk_buff *skb, __u32 verdict)
{
	struct walk w = {.s = s};
	struct nfp_xt_info *info;
	struct addresses at;
	struct xt_cpu *c;
	__u32 size, frag;
	__u8 proto;

	if (!s)
		return 0;
	c = bpf_map_lookup_elem(&xt_cpus, &s->v.cpu);
	s->v.last = c ? c->begun : 0;
	barrier();
	bpf_loop(NFP_XT_CANDIDATES, compare_one, &w, 0);
	s->v.recseq[1] = read_recseq(s);
	/* Its memory was freed, and was another's perhaps when it was read. */
	info = bpf_map_lookup_elem(&xt_infos, &s->info);
	if (s->v.serial && (!info || info->serial != s->v.serial))
		s->v.flags |= NFP_XT_REPLACING;
	if (!c || c->begun != s->v.last || bpf_ktime_get_ns() - s->v.began > OPEN_MAX)
		s->v.flags |= NFP_XT_DISTURBED;
	s->v.verdict = verdict;
	s->v.n_candidates = s->n;
	s->v.ev.cpu = bpf_get_smp_processor_id();
	s->v.ev.ktime = bpf_ktime_get_ns();
	/* What it said at the beginning decided which rules may match. */
	if (verdict == NF_ACCEPT && s->v.serial) {
		read_addresses(&at, &proto, &frag, skb, s->v.pf);
		if (addr_fails(at.src, s->at.src, (__u32[4]){~0u, ~0u, ~0u, ~0u}) ||
		    addr_fails(at.dst, s->at.dst, (__u32[4]){~0u, ~0u, ~0u, ~0u}) || proto != s->proto)
			s->v.flags |= NFP_XT_CHANGED;
	}
	size = s->v.n;
	if (size > NFP_XT_HITS)
		return 0;
	size = __builtin_offsetof(struct nfp_xt_visit, hits) + size * sizeof(struct nfp_xt_hit);
	if (record_output(&s->v, size, wake_reader()))
		count_lost(NFP_XT);
	note_activity();
	return 0;
}

/* Is it this traversal's still? Then until it is given back. */
static __always_inline bool keep_slot(struct slot *s, __u32 seq)
{
	__u64 taken = s->taken;

	return taken && s->seq == seq &&
	       __sync_val_compare_and_swap(&s->taken, taken, bpf_ktime_get_ns()) == taken &&
	       s->seq == seq;
}

static __noinline int left(__u64 *ctx)
{
	const struct sk_buff *skb = (void *)ctx[1];
	const void *table = (void *)ctx[0];
	__u32 verdict = ctx[3];
	struct frame_key key = {(__u64)skb, (__u64)table};
	struct nfp_followed *fo;
	struct frame *f;
	struct xt_cpu *c;
	struct slot *s;
	__u32 at, seq, cpu;

	if (!gate)
		return 0;
	f = watched.open > 0 ? bpf_map_lookup_elem(&xt_frames, &key) : NULL;
	if (!f) {
		fo = followed_of(skb);
		if (fo && fo->shown) {
			fo->in_visit = 0;
			tell_missed(table, fo);
		}
		return 0;
	}
	seq = f->seq;
	cpu = f->cpu;
	at = f->slot;
	s = bpf_map_lookup_elem(&xt_slots, &at);
	if (s && keep_slot(s, seq)) {
		fo = followed_of(skb);
		if (fo && fo->id == s->v.id)
			fo->in_visit = 0;
		finish(s, skb, verdict);
		s->taken = 0;
	} else {
		count_lost(NFP_XT);
	}
	if (bpf_map_delete_elem(&xt_frames, &key))
		return 0;
	c = bpf_map_lookup_elem(&xt_cpus, &cpu);
	if (c)
		__sync_fetch_and_add(&c->open, -1);
	__sync_fetch_and_add(&watched.open, -1);
	return 0;
}

/* Both of struct nfp_watched in one load: most packets are nobody's. */
static __always_inline bool is_anybody(void)
{
	return *(volatile __u64 *)&watched;
}

/* unsigned int ipt_do_table(void *priv, struct sk_buff *skb, const struct nf_hook_state *state) */

#define TRAVERSED(prefix, fn)                                                                      \
	SEC("fentry/" #fn)                                                                         \
	int prefix##_entered(__u64 *ctx)                                                           \
	{                                                                                          \
		return is_anybody() ? entered((void *)ctx[0], (void *)ctx[1], (void *)ctx[2]) : 0;        \
	}                                                                                          \
	SEC("fexit/" #fn)                                                                          \
	int prefix##_left(__u64 *ctx)                                                              \
	{                                                                                          \
		return is_anybody() ? left(ctx) : 0;                                               \
	}

TRAVERSED(legacy4, ipt_do_table)
TRAVERSED(legacy6, ip6t_do_table)

/* --- which rules a table has --- */

/* struct xt_table_info *xt_replace_table(struct xt_table *table, unsigned int num_counters,
 * struct xt_table_info *newinfo, int *error): the memory of newinfo may have been another's. */
SEC("fentry/xt_replace_table")
int BPF_PROG(legacy_replacing, struct xt_table *table, unsigned int n, struct xt_table_info *newinfo)
{
	__u64 key = (__u64)newinfo;

	bpf_map_delete_elem(&xt_infos, &key);
	return 0;
}

/* The old one is freed after this, not before. */
SEC("fexit/xt_replace_table")
int BPF_PROG(legacy_replaced, struct xt_table *table, unsigned int n, struct xt_table_info *newinfo,
	     int *error, struct xt_table_info *old)
{
	__u64 key = (__u64)old;
	struct nfp_event *ev;

	if (!old)
		return 0;
	bpf_map_delete_elem(&xt_infos, &key);
	ev = record_reserve(sizeof(*ev));
	if (!ev)
		return 0; /* the next packet finds that its rules are not known */
	event_init(ev, NFP_XT_REPLACED);
	bpf_ringbuf_submit(ev, wake_reader());
	return 0;
}

/*
 * struct xt_table *xt_find_table_lock(struct net *net, u8 af, const char *name): what user space
 * reads through it (get_entries()) are the rules that the table has now, since xt_replace_table()
 * needs the same lock.
 */
SEC("fexit/xt_find_table_lock")
int BPF_PROG(legacy_found, struct net *net, __u8 af, const char *name, struct xt_table *table)
{
	struct nfp_xt_table key = {};
	struct nfp_xt_found found = {}, *known;
	struct nfp_xt_info info = {}, *i;

	if (!xt_reading || !table || (__u64)table >= (__u64)-4095)
		return 0;
	key.netns = BPF_CORE_READ(net, ns.inum);
	key.pf = af;
	BPF_CORE_READ_INTO(&key.name, table, name);
	found.info = (__u64)BPF_CORE_READ(table, private);
	i = bpf_map_lookup_elem(&xt_infos, &found.info);
	if (i) {
		found.serial = i->serial;
	} else {
		found.serial = info.serial = __sync_fetch_and_add(&xt_serial, 1) + 1;
		bpf_map_update_elem(&xt_infos, &found.info, &info, BPF_NOEXIST);
	}
	known = bpf_map_lookup_elem(&xt_tables, &key);
	if (known)
		found.changes = known->changes + (known->serial != found.serial);
	bpf_map_update_elem(&xt_tables, &key, &found, BPF_ANY);
	return 0;
}
