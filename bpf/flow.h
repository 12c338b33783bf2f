/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of a packet, the filter held against them, and whether they are what they were. */
#ifndef NFPATH_BPF_FLOW_H
#define NFPATH_BPF_FLOW_H

#include "bpf/common.h"

/*
 * A field of a kernel struct. By a plain load where the verifier knows the type, which it does not in
 * programs at raw tracepoints: a constant says which.
 */
#define GET(probe, p, field) ((probe) ? BPF_CORE_READ(p, field) : (p)->field)

/* What user space asks for. */
const volatile struct nfp_filter filter __weak = {};
const volatile bool has_filter __weak = false; /* else every packet */
/* What it refuses is not wanted for another reason; else filter.ports ask for nothing. */
const volatile bool by_headers __weak = false;

enum { IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_DCCP = 33, IPPROTO_SCTP = 132, IPPROTO_UDPLITE = 136 };
enum { IP_OFFSET = 0x1fff };

/* What the filter and the comparison with what was seen before need. Of IPv4, the first words of
 * src and dst only: v6 says which are there. */
struct flow {
	__u32 src[4], dst[4];
	__u32 ports; /* as they stand in the packet */
	__u8 proto;
	bool has_ports;
	bool v6;
};

static __always_inline bool proto_has_ports(__u8 proto)
{
	return proto == IPPROTO_UDP || proto == IPPROTO_TCP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

/* Of the first words of IPv4's headers: with the ports, where there are no options. */
static __always_inline void flow_of4(struct flow *f, const __u32 *w)
{
	f->v6 = false;
	f->src[0] = w[3];
	f->dst[0] = w[4];
	f->proto = bpf_ntohl(w[2]) >> 16;
	f->has_ports = !(w[1] & bpf_htonl(IP_OFFSET)) && proto_has_ports(f->proto);
	f->ports = f->has_ports ? w[5] : 0;
}

/* Reading costs by the call more than by the byte. */
static __always_inline bool read_flow4(struct flow *f, const unsigned char *nh)
{
	__u32 w[6];

	if (bpf_probe_read_kernel(w, sizeof(w), nh))
		return false;
	flow_of4(f, w);
	if (f->has_ports && (w[0] & bpf_htonl(15 << 24)) != bpf_htonl(5 << 24))
		f->has_ports = !bpf_probe_read_kernel(&f->ports, sizeof(f->ports),
						      nh + (bpf_ntohl(w[0]) >> 24 & 15) * 4);
	return true;
}

/* Extension headers are not walked. */
static __always_inline bool read_flow6(struct flow *f, const unsigned char *nh)
{
	__u32 w[10];

	if (bpf_probe_read_kernel(w, sizeof(w), nh))
		return false;
	f->v6 = true;
	__builtin_memcpy(f->src, w + 2, 16);
	__builtin_memcpy(f->dst, w + 6, 16);
	f->proto = bpf_ntohl(w[1]) >> 8;
	f->ports = 0;
	f->has_ports = proto_has_ports(f->proto) &&
		       !bpf_probe_read_kernel(&f->ports, sizeof(f->ports), nh + 40);
	return true;
}

static __always_inline const unsigned char *network_header_of(const struct sk_buff *skb, bool probe)
{
	return GET(probe, skb, head) + GET(probe, skb, network_header);
}

static __always_inline bool same_addr(const struct flow *f, const __u32 *a,
				      const volatile __u32 *want, const volatile __u32 *mask)
{
	if ((a[0] ^ want[0]) & mask[0])
		return false;
	return !f->v6 || !(((a[1] ^ want[1]) & mask[1]) | ((a[2] ^ want[2]) & mask[2]) |
			   ((a[3] ^ want[3]) & mask[3]));
}

static __always_inline bool in_range(__u16 port, const volatile __u16 *range)
{
	return !range[1] || (port >= range[0] && port <= range[1]);
}

/* As they stand in the packet: the source's first. */
static __always_inline bool in_ranges(__u32 raw)
{
	__u32 ports = bpf_ntohl(raw);
	__u16 sport = ports >> 16, dport = ports;

	return in_range(dport, filter.dport) && in_range(sport, filter.sport) &&
	       (in_range(sport, filter.port) || in_range(dport, filter.port));
}

static __always_inline bool ports_match(const struct flow *f)
{
	if (!f->has_ports) /* behind an extension header, or in a later fragment: who knows */
		return f->v6 && !proto_has_ports(f->proto);
	return in_ranges(f->ports);
}

static __always_inline bool proto_matches(const struct flow *f)
{
	/* 0, 43, 44, 51, 60, 135: extension headers */
	return f->proto == filter.proto ||
	       (f->v6 && (f->proto == 0 || f->proto == 43 || f->proto == 44 || f->proto == 51 ||
			  f->proto == 60 || f->proto == 135));
}

static __always_inline bool addrs_match(const struct flow *f)
{
	if (filter.has_proto && !proto_matches(f))
		return false;
	if (filter.family && filter.family != (f->v6 ? AF_INET6 : AF_INET))
		return false;
	if (filter.has_src && !same_addr(f, f->src, filter.src, filter.src_mask))
		return false;
	if (filter.has_dst && !same_addr(f, f->dst, filter.dst, filter.dst_mask))
		return false;
	return !filter.has_addr || same_addr(f, f->src, filter.addr, filter.addr_mask) ||
	       same_addr(f, f->dst, filter.addr, filter.addr_mask);
}

/* What tells most packets apart comes first. */
static __always_inline bool flow_matches(const struct flow *f)
{
	return (!filter.has_ports || ports_match(f)) && addrs_match(f);
}

/* IPv4 without options, whatever it is called. */
static __always_inline bool is_plain4(const __u32 *w)
{
	return *(const __u8 *)w == 0x45;
}

/*
 * Before all else: most packets are nobody's. One of IPv4 without options is held against the filter as
 * far as one look at its headers goes; what is refused here is wanted in no hook. w: what was seen, 6 words.
 */
static __always_inline bool refused_by_look(const struct sk_buff *skb, __u32 *w)
{
	struct flow f;

	bpf_probe_read_kernel(w, 6 * sizeof(*w), network_header_of(skb, false)); /* or they are all 0 */
	if (!is_plain4(w))
		return false;
	if (nfp_ports_differ(&filter, w[5]))
		return true;
	barrier(); /* what lies behind it is not loaded before */
	if (!by_headers)
		return false;
	flow_of4(&f, w);
	return !addrs_match(&f);
}

static __always_inline bool refused_at_once(const struct sk_buff *skb)
{
	__u32 w[6];

	return refused_by_look(skb, w);
}

enum look { LOOK_OTHER, LOOK_FAILED, LOOK_READ };

static __noinline bool look_at6(struct flow *f, const unsigned char *nh)
{
	return read_flow6(f, nh);
}

/* Read once, it serves the filter and the comparison. LOOK_OTHER: it is not IP. */
static __always_inline enum look look_at(struct flow *f, const struct sk_buff *skb, bool probe)
{
	__u16 protocol = GET(probe, skb, protocol);

	if (protocol == bpf_htons(ETH_P_IP))
		return read_flow4(f, network_header_of(skb, probe)) ? LOOK_READ : LOOK_FAILED;
	if (protocol == bpf_htons(ETH_P_IPV6))
		return look_at6(f, network_header_of(skb, probe)) ? LOOK_READ : LOOK_FAILED;
	return LOOK_OTHER;
}

/* seen: by refused_by_look(), or NULL. */
static __always_inline enum look look_again(struct flow *f, const struct sk_buff *skb, const __u32 *seen)
{
	if (!seen || !is_plain4(seen) || skb->protocol != bpf_htons(ETH_P_IP))
		return look_at(f, skb, false);
	flow_of4(f, seen);
	return LOOK_READ;
}

static __always_inline bool selected_by(enum look look, const struct flow *f,
					const struct sk_buff *skb, bool probe)
{
	if (!has_filter)
		return true;
	if (filter.mark_mask && (GET(probe, skb, mark) ^ filter.mark) & filter.mark_mask)
		return false;
	if (look == LOOK_OTHER)
		return !filter.family && !filter.has_proto && !filter.has_ports;
	return look == LOOK_FAILED || flow_matches(f);
}

static __always_inline bool selected(const struct sk_buff *skb, bool probe)
{
	struct flow f = {};

	return selected_by(has_filter ? look_at(&f, skb, probe) : LOOK_OTHER, &f, skb, probe);
}

static __always_inline __u64 mix(__u64 h, __u64 v)
{
	return (h ^ v) * 0xff51afd7ed558ccdull;
}

static __always_inline __u64 print_of_flow(const struct flow *f)
{
	__u64 h = mix((__u64)f->src[0] << 32 | f->dst[0], (__u64)f->ports << 8 | f->proto);

	if (!f->v6)
		return h;
	h = mix(h, (__u64)f->src[1] << 32 | f->dst[1]);
	h = mix(h, (__u64)f->src[2] << 32 | f->dst[2]);
	return mix(h, (__u64)f->src[3] << 32 | f->dst[3]);
}

/* Changes when NAT changes the packet. */
static __always_inline __u64 print_by(enum look look, const struct flow *f)
{
	return look == LOOK_READ ? print_of_flow(f) : 0;
}

static __always_inline __u64 print_of(const struct sk_buff *skb)
{
	struct flow f;

	return print_by(look_at(&f, skb, false), &f);
}

#endif
