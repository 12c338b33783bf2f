// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FIB lookups as they happen. They come for every packet of the host and name no packet; what ties
 * them to a traced one is the CPU: it does one packet at a time, so a lookup between two trace
 * messages of a CPU is between them for the packet too.
 */
#include "bpf/follow.h"

char LICENSE[] SEC("license") = "GPL";

#define EAGAIN 11
#define EINVAL 22
#define EACCES 13
#define EHOSTUNREACH 113
#define ENETUNREACH 101
#define RTN_UNREACHABLE 7
#define RTN_BLACKHOLE 6
#define RTN_PROHIBIT 8
#define RTN_THROW 9

static __always_inline void fill_flow(struct nfp_fib *f, const struct flowi_common *fl, bool probe)
{
	const struct flowi_common___dscp *newer = (const void *)fl;

	f->iif = GET(probe, fl, flowic_iif);
	f->oif = GET(probe, fl, flowic_oif);
	f->mark = GET(probe, fl, flowic_mark);
	f->proto = GET(probe, fl, flowic_proto);
	if (bpf_core_field_exists(newer->flowic_dscp))
		f->tos = GET(probe, newer, flowic_dscp);
	else
		f->tos = GET(probe, fl, flowic_tos);
}

static __always_inline void fill_nexthop(struct nfp_fib *f, const struct fib_nh_common *nhc,
					 bool probe)
{
	const struct net_device *dev = GET(probe, nhc, nhc_dev);
	const struct net *net;

	f->scope = GET(probe, nhc, nhc_scope);
	f->gw_family = GET(probe, nhc, nhc_gw_family);
	if (f->gw_family == AF_INET)
		BPF_CORE_READ_INTO((__be32 *)f->gw, nhc, nhc_gw.ipv4);
	else if (f->gw_family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)f->gw, nhc, nhc_gw.ipv6);
	if (!dev)
		return;
	f->ifindex = GET(probe, dev, ifindex);
	copy_dev_name(f->dev, dev, probe);
	if (f->ev.netns)
		return;
	net = GET(probe, dev, nd_net.net);
	f->ev.netns = GET(probe, net, ns.inum);
}

/* The slot that the next lookup may fill; taken before it is filled, for an interrupt may do a
 * lookup of its own meanwhile. */
static __always_inline struct nfp_fib *take_slot(struct cpu_state *c)
{
	__u32 slot = c->next % NFP_HELD;
	struct nfp_fib *f = &c->held[slot];

	c->next = slot + 1;
	f->ev.ktime = 0;
	barrier();
	__builtin_memset(f, 0, sizeof(*f));
	return f;
}

/* Emits the lookup now when a packet of this CPU may have made it, else leaves it held for one to
 * come. */
static __always_inline void emit_or_hold(struct cpu_state *c, struct nfp_fib *f, bool followed)
{
	__u64 now = bpf_ktime_get_ns();

	barrier();
	f->ev.ktime = now;
	if (!c->recent)
		return;
	c->recent--;
	if (record_output(f, sizeof(*f), followed ? wake_reader() : 0))
		count_lost(f->ev.type);
	f->ev.ktime = 0;
}

static __always_inline void begin(struct nfp_fib *f, __u32 type, __u8 family)
{
	f->ev.type = type;
	f->ev.cpu = bpf_get_smp_processor_id();
	f->ev.pid = bpf_get_current_pid_tgid() >> 32;
	f->family = family;
	f->prefix_len = NFP_PREFIX_UNKNOWN;
}

/* What is told of a struct fib_info lies side by side: one read, which costs by the call more than by the byte. */
static __always_inline void fill_info(struct nfp_fib *f, const struct fib_info *fi)
{
	const __u32 protocol = bpf_core_field_offset(fi->fib_protocol), from = protocol & ~7u;
	const __u32 type = bpf_core_field_offset(fi->fib_type) - from;
	const __u32 metric = bpf_core_field_offset(fi->fib_priority) - from;
	__u64 words[4];
	char *at = (char *)words;

	if (type < sizeof(words) && metric <= sizeof(words) - sizeof(f->metric) &&
	    !bpf_probe_read_kernel(words, sizeof(words), (void *)fi + from)) {
		barrier_var(at); /* or an offset is added by an or, which the verifier refuses */
		f->protocol = at[protocol - from];
		f->result = at[type];
		f->metric = *(__u32 *)(at + metric);
		return;
	}
	f->result = BPF_CORE_READ(fi, fib_type);
	f->protocol = BPF_CORE_READ(fi, fib_protocol);
	f->metric = BPF_CORE_READ(fi, fib_priority);
}

/*
 * The route behind an IPv4 next hop. fib_create_info() lets nh_parent point to it; the next hop of
 * a nexthop object (nh_create_ipv4()) has none, and an IPv6 next hop of an IPv4 route is no fib_nh
 * at all.
 */
static __always_inline void fill_route4(struct nfp_fib *f, const struct fib_nh_common *nhc,
					bool probe)
{
	const struct fib_nh *nh = (const void *)nhc; /* nh_common is its first member */
	const struct fib_info *fi;

	if (GET(probe, nhc, nhc_family) != AF_INET)
		return;
	fi = BPF_CORE_READ(nh, nh_parent);
	if (fi)
		fill_info(f, fi);
}

/* Output's lookups have it. */
#define LOOPBACK_IFINDEX 1

/*
 * The bpf engine wants lookups of packets that it follows, or is about to: an arrived packet is
 * followed already; one of our own will be when it comes to its first hook.
 */
static __always_inline bool is_recent(void)
{
	struct cpu_state *c = this_cpu();

	return c && c->recent;
}

/* Ports first: they tell most flows apart. */
static __always_inline bool flow_ports_match(struct flow *f, const struct flowi_common *fl,
					     const union flowi_uli *uli)
{
	if (filter.has_ports) {
		f->ports = uli->ports.sport | (__u32)uli->ports.dport << 16;
		if (!in_ranges(f->ports))
			return false;
	}
	f->proto = fl->flowic_proto;
	f->has_ports = proto_has_ports(f->proto);
	return true;
}

/* nhc may be NULL. Verifiers before that of 6.13 (and of stable kernels that took it back) know
 * nothing of that and drop the test: has_nhc tells them; the later ones demand it. */
static __always_inline int record4(__u32 table, const struct flowi4 *fl,
				   const struct fib_nh_common *nhc, bool has_nhc, __s32 error,
				   bool probe)
{
	struct cpu_state *c = this_cpu();
	struct nfp_fib *f;

	if (!c)
		return 0;
	f = take_slot(c);
	begin(f, NFP_FIB4, AF_INET);
	f->table = table;
	f->error = error;
	fill_flow(f, &fl->__fl_common, probe);
	*(__be32 *)f->src = GET(probe, fl, saddr);
	*(__be32 *)f->dst = GET(probe, fl, daddr);
	f->sport = GET(probe, fl, uli.ports.sport);
	f->dport = GET(probe, fl, uli.ports.dport);
	if (has_nhc && nhc) {
		fill_nexthop(f, nhc, probe);
		fill_route4(f, nhc, probe);
	}
	emit_or_hold(c, f, !probe);
	return 0;
}

/* fib_table_lookup(u32 tb_id, const struct flowi4 *flp, const struct fib_nh_common *nhc, int err) */
SEC("raw_tp/fib_table_lookup")
int fib4_lookup(struct bpf_raw_tracepoint_args *ctx)
{
	const void *nhc = (void *)ctx->args[2];

	return gate ? record4(ctx->args[0], (void *)ctx->args[1], nhc, nhc, ctx->args[3], true) : 0;
}

static __noinline int followed4(__u64 *ctx)
{
	/* It lies within a larger struct: where the lower half is 0, none is there. */
	return record4(ctx[0], (void *)ctx[1], (void *)ctx[2], low_half((void *)ctx[2]), ctx[3], false);
}

/* A load of the flow is ten instructions: the source's port only if it is asked for. */
static __always_inline bool ports_differ(const struct flowi4 *fl)
{
	__u32 ports = (__u32)fl->uli.ports.dport << 16;

	if (filter.sport_asked)
		ports |= fl->uli.ports.sport;
	return nfp_ports_differ(&filter, ports);
}

static __noinline int may_be_followed4(__u64 *ctx)
{
	const struct flowi4 *fl = (void *)ctx[1];
	struct flow f;

	if (!gate)
		return 0;
	if (watched.followed <= 0 || !is_recent()) {
		if (fl->__fl_common.flowic_iif > LOOPBACK_IFINDEX)
			return 0;
		f.v6 = false;
		if (has_filter && !flow_ports_match(&f, &fl->__fl_common, &fl->uli))
			return 0;
		f.src[0] = fl->saddr;
		f.dst[0] = fl->daddr;
		if (has_filter && !flow_matches(&f))
			return 0;
	}
	return followed4(ctx);
}

SEC("tp_btf/fib_table_lookup")
int followed_lookup4(__u64 *ctx)
{
	const struct flowi4 *fl = (void *)ctx[1];

	return watched.followed <= 0 && ports_differ(fl) ? 0 : may_be_followed4(ctx);
}

/* As ip6_rt_type_to_error() has it. */
static __always_inline __s32 type_error(__u8 type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_THROW:
		return -EAGAIN;
	case RTN_UNREACHABLE:
		return -ENETUNREACH;
	}
	return 0;
}

static __always_inline void fill_route6(struct nfp_fib *f, const struct net *net,
					const struct fib6_result *res, bool probe)
{
	const struct fib6_info *fi = GET(probe, res, f6i);
	const struct fib6_nh *nh = GET(probe, res, nh);

	/* Found nothing: the null entry, which the table asked for does not contain. */
	if (!fi || (__u64)fi == (__u64)GET(probe, net, ipv6.fib6_null_entry)) {
		f->error = -EAGAIN;
		return;
	}
	f->result = GET(probe, res, fib6_type);
	f->error = type_error(f->result);
	f->prefix_len = GET(probe, fi, fib6_dst.plen);
	f->protocol = GET(probe, fi, fib6_protocol);
	f->metric = GET(probe, fi, fib6_metric);
	if (nh)
		fill_nexthop(f, (const void *)nh, probe); /* nh_common is its first member */
}

static __always_inline int record6(const struct net *net, const struct fib6_result *res,
				   const struct fib6_table *table, const struct flowi6 *fl,
				   bool probe)
{
	struct cpu_state *c = this_cpu();
	struct nfp_fib *f;

	if (!c)
		return 0;
	f = take_slot(c);
	begin(f, NFP_FIB6, AF_INET6);
	f->ev.netns = GET(probe, net, ns.inum);
	f->table = GET(probe, table, tb6_id);
	fill_flow(f, &fl->__fl_common, probe);
	BPF_CORE_READ_INTO((struct in6_addr *)f->src, fl, saddr);
	BPF_CORE_READ_INTO((struct in6_addr *)f->dst, fl, daddr);
	f->sport = GET(probe, fl, uli.ports.sport);
	f->dport = GET(probe, fl, uli.ports.dport);
	fill_route6(f, net, res, probe);
	emit_or_hold(c, f, !probe);
	return 0;
}

/*
 * fib6_table_lookup(const struct net *net, const struct fib6_result *res, struct fib6_table *table,
 * const struct flowi6 *flp)
 */
SEC("raw_tp/fib6_table_lookup")
int fib6_lookup(struct bpf_raw_tracepoint_args *ctx)
{
	return gate ? record6((void *)ctx->args[0], (void *)ctx->args[1], (void *)ctx->args[2],
			      (void *)ctx->args[3], true)
		    : 0;
}

static __always_inline bool flow6_matches(const struct flowi6 *fl)
{
	struct flow f = {.v6 = true};

	if (!flow_ports_match(&f, &fl->__fl_common, &fl->uli))
		return false;
	bpf_probe_read_kernel(f.src, sizeof(f.src), &fl->saddr);
	bpf_probe_read_kernel(f.dst, sizeof(f.dst), &fl->daddr);
	return flow_matches(&f);
}

static __noinline int followed6(__u64 *ctx)
{
	return record6((void *)ctx[0], (void *)ctx[1], (void *)ctx[2], (void *)ctx[3], false);
}

SEC("tp_btf/fib6_table_lookup")
int followed_lookup6(__u64 *ctx)
{
	const struct flowi6 *fl = (void *)ctx[3];

	if (!gate)
		return 0;
	if (watched.followed <= 0 || !is_recent()) {
		if (fl->__fl_common.flowic_iif > LOOPBACK_IFINDEX)
			return 0;
		if (has_filter && !flow6_matches(fl))
			return 0;
	}
	return followed6(ctx);
}
