// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <net/ethernet.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "src/bytes.h"

enum {
	ETH_LEN = 14,
	VLAN_LEN = 4,
	IP4_LEN = 20,
	IP6_LEN = 40,
	ETHERTYPE_QINQ = 0x88a8,
};

/* What is left of a header, cut wherever the kernel cut it. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

static uint16_t be16(const uint8_t *b)
{
	return b[0] << 8 | b[1];
}

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)be16(b) << 16 | be16(b + 2);
}

static struct bytes skip(struct bytes b, size_t n)
{
	if (n > b.len)
		n = b.len;
	return (struct bytes){b.len ? b.p + n : NULL, b.len - n};
}

/*
 * Devices with an IP header as link-layer header (gre: __ipgre_rcv() leaves mac_header at the outer
 * one) show it here. It is no Ethernet header, and what stands at its byte 12 is an address.
 */
static bool is_gre_outer(struct bytes ll)
{
	if (ll.p[0] >> 4 == 4)
		return ll.p[9] == IPPROTO_GRE;
	return ll.p[0] >> 4 == 6 && ll.p[6] == IPPROTO_GRE;
}

static void parse_ethernet(struct packet *p, struct bytes ll)
{
	size_t at = ETH_LEN - 2;
	uint16_t type;

	if (ll.len < ETH_LEN || is_gre_outer(ll))
		return;
	type = be16(ll.p + at);
	while ((type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ) && at + VLAN_LEN + 2 <= ll.len) {
		at += VLAN_LEN;
		type = be16(ll.p + at);
	}
	p->has_ll = true;
	p->ethertype = type;
	memcpy(p->ll_dst, ll.p, sizeof(p->ll_dst));
	memcpy(p->ll_src, ll.p + 6, sizeof(p->ll_src));
}

bool packet_is_echo(const struct packet *p)
{
	if (!p->has_icmp)
		return false;
	if (p->proto == IPPROTO_ICMP)
		return p->icmp_type == 8 || p->icmp_type == 0;
	return p->icmp_type == 128 || p->icmp_type == 129;
}

static void parse_icmp(struct packet *p, struct bytes th)
{
	if (th.len < 2)
		return;
	p->has_icmp = true;
	p->icmp_type = th.p[0];
	p->icmp_code = th.p[1];
	if (!packet_is_echo(p) || th.len < 8)
		return;
	p->icmp_id = be16(th.p + 4);
	p->icmp_seq = be16(th.p + 6);
}

static void parse_tcp(struct packet *p, struct bytes th)
{
	if (th.len < 14)
		return;
	p->has_tcp = true;
	p->tcp_seq = be32(th.p + 4);
	p->tcp_flags = th.p[13];
}

bool proto_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE ||
	       proto == IPPROTO_SCTP || proto == IPPROTO_DCCP;
}

/* A later fragment has no transport header: what stands there is data. */
static void parse_transport(struct packet *p, struct bytes th)
{
	if (p->fragment)
		return;
	if (proto_has_ports(p->proto) && th.len >= 4) {
		p->has_ports = true;
		p->src.port = be16(th.p);
		p->dst.port = be16(th.p + 2);
	}
	if (p->proto == IPPROTO_TCP)
		parse_tcp(p, th);
	else if (p->family == AF_INET ? p->proto == IPPROTO_ICMP : p->proto == IPPROTO_ICMPV6)
		parse_icmp(p, th);
}

static void parse_ip4(struct packet *p, struct bytes nh, struct bytes th)
{
	size_t ihl = (nh.p[0] & 0xf) * 4;
	uint16_t frag = be16(nh.p + 6);

	p->len = be16(nh.p + 2); /* 0 with BIG TCP: not known */
	p->ip_id = be16(nh.p + 4);
	p->frag_off = (frag & 0x1fff) * 8;
	p->fragment = p->frag_off;
	p->more_frags = frag & 0x2000;
	p->proto = nh.p[9];
	p->has_addrs = true;
	memcpy(p->src.addr, nh.p + 12, 4);
	memcpy(p->dst.addr, nh.p + 16, 4);
	parse_transport(p, th.len ? th : skip(nh, ihl));
}

/*
 * Walks the extension headers that ipv6_find_hdr() walks. False: cut in the middle, p->proto is
 * then the last header that was announced and the transport header cannot be read, wherever it is.
 */
static bool walk_ip6(struct packet *p, struct bytes *b)
{
	size_t len;

	for (;;) {
		switch (p->proto) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			if (b->len < 8)
				return false;
			len = (b->p[1] + 1) * 8;
			break;
		case IPPROTO_AH:
			if (b->len < 8)
				return false;
			len = (b->p[1] + 2) * 4;
			break;
		case IPPROTO_FRAGMENT:
			if (b->len < 8)
				return false;
			len = 8;
			p->frag_off = be16(b->p + 2) & 0xfff8;
			p->fragment = p->frag_off;
			p->more_frags = b->p[3] & 1;
			p->frag_id = be32(b->p + 4);
			break;
		default:
			return true;
		}
		p->proto = b->p[0];
		*b = skip(*b, len);
		if (p->fragment)
			return true;
	}
}

static void parse_ip6(struct packet *p, struct bytes nh, struct bytes th)
{
	uint16_t payload = be16(nh.p + 4);
	struct bytes rest = skip(nh, IP6_LEN);

	p->proto = nh.p[6];
	/* A jumbogram says 0 and has its length in an option: not known. */
	if (payload || p->proto != IPPROTO_HOPOPTS)
		p->len = IP6_LEN + payload;
	p->has_addrs = true;
	memcpy(p->src.addr, nh.p + 8, 16);
	memcpy(p->dst.addr, nh.p + 24, 16);
	if (walk_ip6(p, &rest))
		parse_transport(p, th.len ? th : rest);
}

static bool looks_like_arp(struct bytes nh)
{
	static const uint8_t head[] = {0, 1, 8, 0, 6, 4}; /* Ethernet, IPv4, 6, 4 */

	return nh.len >= sizeof(head) && !memcmp(nh.p, head, sizeof(head));
}

/* struct arphdr, then who asks and what for: hardware and protocol address of each. */
static void parse_arp(struct packet *p, struct bytes nh)
{
	enum { OP = 6, SENDER = 14, TARGET = 24, LEN = 28 };

	p->ethertype = ETHERTYPE_ARP;
	if (nh.len < LEN || nh.p[OP] || nh.p[OP + 1] != 1)
		return;
	p->arp_request = true;
	memcpy(p->src.addr, nh.p + SENDER, 4);
	memcpy(p->dst.addr, nh.p + TARGET, 4);
}

/*
 * The version in the network header is the last word where IP was announced, since a tunnel device
 * keeps the outer frame as link-layer header: IPv6 behind "0x0800" is sit, and the Ethernet header
 * is another packet's.
 */
static uint8_t find_family(struct packet *p, struct bytes nh)
{
	uint8_t family = 0;

	if (p->has_ll && p->ethertype != ETHERTYPE_IP && p->ethertype != ETHERTYPE_IPV6)
		return 0;
	if (nh.len && nh.p[0] >> 4 == 4 && (nh.p[0] & 0xf) >= 5)
		family = AF_INET;
	else if (nh.len && nh.p[0] >> 4 == 6)
		family = AF_INET6;
	if (p->has_ll && family &&
	    p->ethertype != (family == AF_INET ? ETHERTYPE_IP : ETHERTYPE_IPV6)) {
		p->has_ll = false;
		p->ethertype = 0;
		memset(p->ll_src, 0, sizeof(p->ll_src));
		memset(p->ll_dst, 0, sizeof(p->ll_dst));
	}
	return family;
}

static void clear(struct packet *p)
{
	struct packet kept = {.mark = p->mark};

	memcpy(kept.iif, p->iif, sizeof(kept.iif));
	memcpy(kept.oif, p->oif, sizeof(kept.oif));
	*p = kept;
}

int packet_parse(struct packet *p, const uint8_t *ll, size_t ll_len, const uint8_t *nh,
		 size_t nh_len, const uint8_t *th, size_t th_len)
{
	struct bytes n = {nh, nh ? nh_len : 0}, t = {th, th ? th_len : 0};

	clear(p);
	parse_ethernet(p, (struct bytes){ll, ll ? ll_len : 0});
	p->family = find_family(p, n);
	if (p->family == AF_INET && n.len >= IP4_LEN)
		parse_ip4(p, n, t);
	else if (p->family == AF_INET6 && n.len >= IP6_LEN)
		parse_ip6(p, n, t);
	else if ((!p->has_ll || p->ethertype == ETHERTYPE_ARP) && looks_like_arp(n))
		parse_arp(p, n);
	return p->has_addrs || p->has_ll || p->ethertype ? 0 : -EBADMSG;
}

static bool same_tuple_parts(const struct packet *a, const struct packet *b)
{
	if (memcmp(a->src.addr, b->src.addr, ADDR_MAX) ||
	    memcmp(a->dst.addr, b->dst.addr, ADDR_MAX))
		return false;
	if (a->has_ports && b->has_ports &&
	    (a->src.port != b->src.port || a->dst.port != b->dst.port))
		return false;
	return !a->has_icmp || !b->has_icmp || a->icmp_id == b->icmp_id;
}

bool packet_same_piece(const struct packet *a, const struct packet *b)
{
	return a->fragment == b->fragment && a->frag_off == b->frag_off && a->frag_id == b->frag_id;
}

bool packet_same(const struct packet *a, const struct packet *b, bool same_tuple)
{
	if (a->family != b->family || a->proto != b->proto)
		return false;
	if (!a->family)
		return a->ethertype == b->ethertype &&
		       (!a->has_ll || !b->has_ll ||
			(!memcmp(a->ll_src, b->ll_src, 6) && !memcmp(a->ll_dst, b->ll_dst, 6)));
	if (a->ip_id != b->ip_id || a->more_frags != b->more_frags || !packet_same_piece(a, b))
		return false;
	if (a->len && b->len && a->len != b->len)
		return false;
	if (a->has_tcp && b->has_tcp && a->tcp_seq != b->tcp_seq)
		return false;
	if (a->has_icmp && b->has_icmp &&
	    (a->icmp_type != b->icmp_type || a->icmp_code != b->icmp_code ||
	     a->icmp_seq != b->icmp_seq))
		return false;
	return !same_tuple || !a->has_addrs || !b->has_addrs || same_tuple_parts(a, b);
}

uint8_t packet_nfproto(const struct packet *p)
{
	return p->family == AF_INET6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
}

const char *addr_text(char *buf, size_t size, uint8_t family, const uint8_t *addr)
{
	char *to = buf;

	/* Several of each packet are written, and inet_ntop() takes its time. */
	if (family == AF_INET && size >= INET_ADDRSTRLEN) {
		for (int i = 0; i < 4; i++) {
			to = decimal(to, addr[i], 1);
			*to++ = i < 3 ? '.' : '\0';
		}
		return buf;
	}
	if (!inet_ntop(family, addr, buf, size))
		snprintf(buf, size, "?");
	return buf;
}

const char *endpoint_text(char *buf, size_t size, uint8_t family, const struct endpoint *e,
			  bool with_port)
{
	char addr[INET6_ADDRSTRLEN], *to;

	if (with_port && family == AF_INET && size >= INET_ADDRSTRLEN + sizeof(":65535")) {
		addr_text(buf, size, family, e->addr);
		to = buf + strlen(buf);
		*to++ = ':';
		*decimal(to, e->port, 1) = '\0';
		return buf;
	}
	addr_text(addr, sizeof(addr), family, e->addr);
	if (!with_port)
		snprintf(buf, size, "%s", addr);
	else
		snprintf(buf, size, family == AF_INET6 ? "[%s]:%u" : "%s:%u", addr, e->port);
	return buf;
}

static const struct {
	uint8_t proto;
	const char *name, *text;
} protos[] = {
	{IPPROTO_TCP, "tcp", "TCP"},
	{IPPROTO_UDP, "udp", "UDP"},
	{IPPROTO_ICMP, "icmp", "ICMP"},
	{IPPROTO_ICMPV6, "icmpv6", "ICMPv6"},
	{IPPROTO_SCTP, "sctp", "SCTP"},
	{IPPROTO_DCCP, "dccp", "DCCP"},
	{IPPROTO_UDPLITE, "udplite", "UDPLITE"},
	{IPPROTO_ESP, "esp", "ESP"},
	{IPPROTO_AH, "ah", "AH"},
	{IPPROTO_GRE, "gre", "GRE"},
	{IPPROTO_IGMP, "igmp", "IGMP"},
	{IPPROTO_IPIP, "ipip", "IPIP"},
	{IPPROTO_IPV6, "ipv6", "IPV6"},
	{IPPROTO_PIM, "pim", "PIM"},
	{89, "ospf", "OSPF"},
	{112, "vrrp", "VRRP"},
};

const char *proto_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return NULL;
}

const char *proto_text(char *buf, size_t size, const struct packet *p)
{
	if (!p->family) {
		if (p->ethertype == ETHERTYPE_ARP)
			snprintf(buf, size, "ARP");
		else
			snprintf(buf, size, "ethertype-0x%04x", p->ethertype);
		return buf;
	}
	for (size_t i = 0; i < sizeof(protos) / sizeof(protos[0]); i++) {
		if (protos[i].proto == p->proto) {
			strncpy(buf, protos[i].text, size - 1);
			buf[size - 1] = '\0';
			return buf;
		}
	}
	snprintf(buf, size, "proto-%u", p->proto);
	return buf;
}

const char *tcp_flags_text(char *buf, size_t size, uint8_t flags)
{
	static const char letters[] = "FSRP.UEW"; /* from bit 0 on */
	size_t n = 0;

	for (unsigned int bit = 0; bit < 8 && n + 1 < size; bit++)
		if (flags & 1 << bit)
			buf[n++] = letters[bit];
	if (size)
		buf[n] = '\0';
	if (!flags)
		snprintf(buf, size, "none");
	return buf;
}
