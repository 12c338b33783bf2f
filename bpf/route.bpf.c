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

static __always_inline void fill_flow(struct nfp_fib *f, const struct flowi_common *fl)
{
	const struct flowi_common___dscp *newer = (const void *)fl;

	f->iif = BPF_CORE_READ(fl, flowic_iif);
	f->oif = BPF_CORE_READ(fl, flowic_oif);
	f->mark = BPF_CORE_READ(fl, flowic_mark);
	f->proto = BPF_CORE_READ(fl, flowic_proto);
	if (bpf_core_field_exists(newer->flowic_dscp))
		f->tos = BPF_CORE_READ(newer, flowic_dscp);
	else
		f->tos = BPF_CORE_READ(fl, flowic_tos);
}

static __always_inline void fill_nexthop(struct nfp_fib *f, const struct fib_nh_common *nhc)
{
	const struct net_device *dev = BPF_CORE_READ(nhc, nhc_dev);

	f->scope = BPF_CORE_READ(nhc, nhc_scope);
	f->gw_family = BPF_CORE_READ(nhc, nhc_gw_family);
	if (f->gw_family == AF_INET)
		BPF_CORE_READ_INTO((__be32 *)f->gw, nhc, nhc_gw.ipv4);
	else if (f->gw_family == AF_INET6)
		BPF_CORE_READ_INTO((struct in6_addr *)f->gw, nhc, nhc_gw.ipv6);
	if (!dev)
		return;
	f->ifindex = BPF_CORE_READ(dev, ifindex);
	BPF_CORE_READ_INTO(&f->dev, dev, name);
	if (!f->ev.netns)
		f->ev.netns = BPF_CORE_READ(dev, nd_net.net, ns.inum);
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

/* Emits the lookup now when a message of this CPU is recent, else leaves it held for a message to
 * come. */
static __always_inline void emit_or_hold(struct cpu_state *c, struct nfp_fib *f)
{
	__u64 now = bpf_ktime_get_ns();

	barrier();
	f->ev.ktime = now;
	if (now - c->last_message > window_ns)
		return;
	if (bpf_ringbuf_output(&records, f, sizeof(*f), 0))
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

/*
 * The route behind an IPv4 next hop. fib_create_info() lets nh_parent point to it; the next hop of
 * a nexthop object (nh_create_ipv4()) has none, and an IPv6 next hop of an IPv4 route is no fib_nh
 * at all.
 */
static __always_inline void fill_route4(struct nfp_fib *f, const struct fib_nh_common *nhc)
{
	const struct fib_nh *nh = (const void *)nhc; /* nh_common is its first member */
	const struct fib_info *fi;

	if (BPF_CORE_READ(nhc, nhc_family) != AF_INET)
		return;
	fi = BPF_CORE_READ(nh, nh_parent);
	if (!fi)
		return;
	f->result = BPF_CORE_READ(fi, fib_type);
	f->protocol = BPF_CORE_READ(fi, fib_protocol);
	f->metric = BPF_CORE_READ(fi, fib_priority);
}

/* The bpf engine: lookups of packets that it follows, or is about to. */
const volatile bool only_followed = false;

/* An arrived packet is followed already; one of our own will be when it comes to its first hook. */
static __always_inline bool is_worth_it(const struct cpu_state *c, const struct flow *f, int iif)
{
	if (iif > 1) /* LOOPBACK_IFINDEX is what output lookups put there */
		return n_followed > 0 && bpf_ktime_get_ns() - c->last_message <= window_ns;
	return !has_filter || flow_matches(f) ||
	       (n_followed > 0 && bpf_ktime_get_ns() - c->last_message <= window_ns);
}

static __always_inline void flow_ports(struct flow *f, const union flowi_uli *uli)
{
	f->sport = bpf_ntohs(BPF_CORE_READ(uli, ports.sport));
	f->dport = bpf_ntohs(BPF_CORE_READ(uli, ports.dport));
	f->has_ports = proto_has_ports(f->proto);
}

static __always_inline bool is_worth_it4(const struct cpu_state *c, const struct flowi4 *fl)
{
	struct flow f = {.family = AF_INET};
	int iif;

	if (!only_followed)
		return true;
	iif = BPF_CORE_READ(fl, __fl_common.flowic_iif);
	if (iif > 1 && n_followed <= 0)
		return false;
	f.proto = BPF_CORE_READ(fl, __fl_common.flowic_proto);
	flow_ports(&f, &fl->uli);
	if (n_followed <= 0 && filter.has_ports && !ports_match(&f))
		return false;
	f.src[0] = BPF_CORE_READ(fl, saddr);
	f.dst[0] = BPF_CORE_READ(fl, daddr);
	return is_worth_it(c, &f, iif);
}

static __always_inline bool is_worth_it6(const struct cpu_state *c, const struct flowi6 *fl)
{
	struct flow f = {.family = AF_INET6};
	int iif;

	if (!only_followed)
		return true;
	iif = BPF_CORE_READ(fl, __fl_common.flowic_iif);
	if (iif > 1 && n_followed <= 0)
		return false;
	f.proto = BPF_CORE_READ(fl, __fl_common.flowic_proto);
	BPF_CORE_READ_INTO((struct in6_addr *)f.src, fl, saddr);
	BPF_CORE_READ_INTO((struct in6_addr *)f.dst, fl, daddr);
	flow_ports(&f, &fl->uli);
	return is_worth_it(c, &f, iif);
}

/* fib_table_lookup(u32 tb_id, const struct flowi4 *flp, const struct fib_nh_common *nhc, int err)
 */
SEC("raw_tp/fib_table_lookup")
int fib4_lookup(struct bpf_raw_tracepoint_args *ctx)
{
	const struct flowi4 *fl = (void *)ctx->args[1];
	const struct fib_nh_common *nhc = (void *)ctx->args[2];
	struct cpu_state *c;
	struct nfp_fib *f;

	if (!gate)
		return 0;
	c = this_cpu();
	if (!c || !is_worth_it4(c, fl))
		return 0;
	f = take_slot(c);
	begin(f, NFP_FIB4, AF_INET);
	f->table = ctx->args[0];
	f->error = ctx->args[3];
	fill_flow(f, &fl->__fl_common);
	BPF_CORE_READ_INTO((__be32 *)f->src, fl, saddr);
	BPF_CORE_READ_INTO((__be32 *)f->dst, fl, daddr);
	f->sport = BPF_CORE_READ(fl, uli.ports.sport);
	f->dport = BPF_CORE_READ(fl, uli.ports.dport);
	if (nhc) {
		fill_nexthop(f, nhc);
		fill_route4(f, nhc);
	}
	emit_or_hold(c, f);
	return 0;
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
					const struct fib6_result *res)
{
	const struct fib6_info *fi = BPF_CORE_READ(res, f6i);
	const struct fib6_nh *nh = BPF_CORE_READ(res, nh);

	/* Found nothing: the null entry, which the table asked for does not contain. */
	if (!fi || fi == BPF_CORE_READ(net, ipv6.fib6_null_entry)) {
		f->error = -EAGAIN;
		return;
	}
	f->result = BPF_CORE_READ(res, fib6_type);
	f->error = type_error(f->result);
	f->prefix_len = BPF_CORE_READ(fi, fib6_dst.plen);
	f->protocol = BPF_CORE_READ(fi, fib6_protocol);
	f->metric = BPF_CORE_READ(fi, fib6_metric);
	if (nh)
		fill_nexthop(f, (const void *)nh); /* nh_common is its first member */
}

/*
 * fib6_table_lookup(const struct net *net, const struct fib6_result *res, struct fib6_table *table,
 * const struct flowi6 *flp)
 */
SEC("raw_tp/fib6_table_lookup")
int fib6_lookup(struct bpf_raw_tracepoint_args *ctx)
{
	const struct net *net = (void *)ctx->args[0];
	const struct fib6_result *res = (void *)ctx->args[1];
	const struct fib6_table *table = (void *)ctx->args[2];
	const struct flowi6 *fl = (void *)ctx->args[3];
	struct cpu_state *c;
	struct nfp_fib *f;

	if (!gate)
		return 0;
	c = this_cpu();
	if (!c || !is_worth_it6(c, fl))
		return 0;
	f = take_slot(c);
	begin(f, NFP_FIB6, AF_INET6);
	f->ev.netns = BPF_CORE_READ(net, ns.inum);
	f->table = BPF_CORE_READ(table, tb6_id);
	fill_flow(f, &fl->__fl_common);
	BPF_CORE_READ_INTO((struct in6_addr *)f->src, fl, saddr);
	BPF_CORE_READ_INTO((struct in6_addr *)f->dst, fl, daddr);
	f->sport = BPF_CORE_READ(fl, uli.ports.sport);
	f->dport = BPF_CORE_READ(fl, uli.ports.dport);
	fill_route6(f, net, res);
	emit_or_hold(c, f);
	return 0;
}
