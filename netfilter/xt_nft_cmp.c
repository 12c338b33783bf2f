// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparisons of iptables-nft rules: interfaces, protocol, addresses, fragments, ports, flags of
 * tcp, mark. */
#include "netfilter/xt_decode.h"

#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <string.h>

#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_tcpudp.h>

/* A comparison of a register with a constant. */
struct cmp {
	const struct reg *reg;
	uint32_t op; /* NFT_CMP_* */
	const void *data;
	uint32_t len;
};

static bool is_eq_or_ne(const struct cmp *c)
{
	return c->op == NFT_CMP_EQ || c->op == NFT_CMP_NEQ;
}

/* The wildcard has no final NUL; "! -i +" is written as a name that nothing can have. */
static int set_iface(const struct cmp *c, char *name, unsigned char *mask, uint8_t *invflags,
		     uint8_t inv)
{
	if (!is_eq_or_ne(c) || c->len > IFNAMSIZ || c->reg->masked || name[0])
		return -EOPNOTSUPP;
	memcpy(name, c->data, c->len);
	if (c->op == NFT_CMP_NEQ)
		*invflags |= inv;
	if (name[c->len - 1]) {
		memset(mask, 0xff, c->len);
		if (c->len < IFNAMSIZ)
			name[c->len] = '+';
		return 0;
	}
	if (!strcmp(name, "INVAL/D") && c->op == NFT_CMP_EQ) {
		*invflags |= inv;
		strcpy(name, "+");
		memset(mask, 0xff, strlen(name) + 1);
		return 0;
	}
	memset(mask, 0xff, strlen(name) + 1);
	return 0;
}

static uint8_t *invflags_of(struct xt_rule *r)
{
	return r->family == NFPROTO_IPV6 ? &r->ip.v6.invflags : &r->ip.v4.invflags;
}

static uint16_t proto_of(const struct xt_rule *r)
{
	return r->family == NFPROTO_IPV6 ? r->ip.v6.proto : r->ip.v4.proto;
}

static int set_proto(struct xt_decoder *d, const struct cmp *c)
{
	uint8_t proto;

	if (!is_eq_or_ne(c) || c->len != 1 || c->reg->masked || proto_of(d->r))
		return -EOPNOTSUPP;
	proto = *(const uint8_t *)c->data;
	if (c->op == NFT_CMP_NEQ)
		*invflags_of(d->r) |= XT_INV_PROTO;
	if (d->r->family == NFPROTO_IPV6)
		d->r->ip.v6.proto = proto;
	else
		d->r->ip.v4.proto = proto;
	return 0;
}

static int set_mark(struct xt_decoder *d, const struct cmp *c)
{
	struct xt_mark_mtinfo1 mark = {.mask = UINT32_MAX, .invert = c->op == NFT_CMP_NEQ};

	if (!is_eq_or_ne(c) || c->len != sizeof(mark.mark))
		return -EOPNOTSUPP;
	memcpy(&mark.mark, c->data, sizeof(mark.mark));
	if (c->reg->masked)
		memcpy(&mark.mask, c->reg->mask, sizeof(mark.mask));
	return xt_rule_add_match(d->r, "mark", 1, &mark, sizeof(mark)) ? 0 : -ENOMEM;
}

static int cmp_meta(struct xt_decoder *d, const struct cmp *c)
{
	bool v6 = d->r->family == NFPROTO_IPV6;
	struct ip6t_ip6 *ip6 = &d->r->ip.v6;
	struct ipt_ip *ip = &d->r->ip.v4;

	switch (c->reg->key) {
	case NFT_META_L4PROTO:
		return set_proto(d, c);
	case NFT_META_MARK:
		return set_mark(d, c);
	case NFT_META_IIFNAME:
		return set_iface(c, v6 ? ip6->iniface : ip->iniface,
				 v6 ? ip6->iniface_mask : ip->iniface_mask, invflags_of(d->r),
				 IPT_INV_VIA_IN);
	case NFT_META_OIFNAME:
		return set_iface(c, v6 ? ip6->outiface : ip->outiface,
				 v6 ? ip6->outiface_mask : ip->outiface_mask, invflags_of(d->r),
				 IPT_INV_VIA_OUT);
	}
	return -EOPNOTSUPP;
}

/* A prefix of whole bytes is written as a shorter load. */
static int set_addr(struct xt_decoder *d, const struct cmp *c, void *addr, void *mask, size_t size,
		    uint8_t inv)
{
	if (!is_eq_or_ne(c) || c->len > size || !xt_all_zero(mask, size))
		return -EOPNOTSUPP;
	memcpy(addr, c->data, c->len);
	if (c->reg->masked)
		memcpy(mask, c->reg->mask, c->len);
	else
		memset(mask, 0xff, c->len);
	if (c->op == NFT_CMP_NEQ)
		*invflags_of(d->r) |= inv;
	return 0;
}

static int set_fragment(struct xt_decoder *d, const struct cmp *c)
{
	const uint16_t offset_bits = htons(IP_OFFMASK);

	if (!is_eq_or_ne(c) || c->len != 2 || !xt_all_zero(c->data, 2) || !c->reg->masked ||
	    memcmp(c->reg->mask, &offset_bits, 2))
		return -EOPNOTSUPP;
	d->r->ip.v4.flags |= IPT_F_FRAG;
	if (c->op == NFT_CMP_EQ)
		d->r->ip.v4.invflags |= IPT_INV_FRAG;
	return 0;
}

static int cmp_network(struct xt_decoder *d, const struct cmp *c)
{
	struct ip6t_ip6 *ip6 = &d->r->ip.v6;
	struct ipt_ip *ip = &d->r->ip.v4;

	if (d->r->family == NFPROTO_IPV6) {
		switch (c->reg->offset) {
		case offsetof(struct ip6_hdr, ip6_src):
			return set_addr(d, c, &ip6->src, &ip6->smsk, 16, IP6T_INV_SRCIP);
		case offsetof(struct ip6_hdr, ip6_dst):
			return set_addr(d, c, &ip6->dst, &ip6->dmsk, 16, IP6T_INV_DSTIP);
		case offsetof(struct ip6_hdr, ip6_nxt):
			return set_proto(d, c);
		}
		return -EOPNOTSUPP;
	}
	switch (c->reg->offset) {
	case offsetof(struct iphdr, saddr):
		return set_addr(d, c, &ip->src, &ip->smsk, 4, IPT_INV_SRCIP);
	case offsetof(struct iphdr, daddr):
		return set_addr(d, c, &ip->dst, &ip->dmsk, 4, IPT_INV_DSTIP);
	case offsetof(struct iphdr, protocol):
		return set_proto(d, c);
	case offsetof(struct iphdr, frag_off):
		return set_fragment(d, c);
	}
	return -EOPNOTSUPP;
}

/* The ports of the tcp or udp match, made at first need; NULL: neither protocol, or out of memory.
 */
static bool ports_of(struct xt_decoder *d, bool dport, uint16_t **ports, uint8_t **invflags,
		     uint8_t *inv)
{
	uint16_t proto = proto_of(d->r);
	const struct xt_tcp any_tcp = {.spts = {0, 0xffff}, .dpts = {0, 0xffff}};
	const struct xt_udp any_udp = {.spts = {0, 0xffff}, .dpts = {0, 0xffff}};

	if (proto == IPPROTO_TCP && !d->tcp)
		d->tcp = xt_rule_add_match(d->r, "tcp", 0, &any_tcp, sizeof(any_tcp));
	if (proto == IPPROTO_UDP && !d->udp)
		d->udp = xt_rule_add_match(d->r, "udp", 0, &any_udp, sizeof(any_udp));
	if (proto == IPPROTO_TCP && d->tcp) {
		*ports = dport ? d->tcp->dpts : d->tcp->spts;
		*invflags = &d->tcp->invflags;
		*inv = dport ? XT_TCP_INV_DSTPT : XT_TCP_INV_SRCPT;
		return true;
	}
	if (proto == IPPROTO_UDP && d->udp) {
		*ports = dport ? d->udp->dpts : d->udp->spts;
		*invflags = &d->udp->invflags;
		*inv = dport ? XT_UDP_INV_DSTPT : XT_UDP_INV_SRCPT;
		return true;
	}
	return false;
}

/* A second comparison of the same thing would take the place of the first: iptables cannot say
 * both. */
static bool are_any(const uint16_t ports[2])
{
	return ports[0] == 0 && ports[1] == UINT16_MAX;
}

/* iptables-nft writes 0:N as <= N and "! 0:N" as > N, and reads them back as these ranges. */
static int set_port(struct xt_decoder *d, bool dport, uint32_t op, uint16_t port)
{
	uint8_t *invflags, inv;
	uint16_t *ports;

	if (!ports_of(d, dport, &ports, &invflags, &inv) || !are_any(ports))
		return -EOPNOTSUPP;
	switch (op) {
	case NFT_CMP_NEQ:
		*invflags |= inv;
		/* fall through */
	case NFT_CMP_EQ:
		ports[0] = ports[1] = port;
		return 0;
	case NFT_CMP_LTE:
		ports[1] = port;
		return 0;
	case NFT_CMP_GT:
		ports[0] = port < UINT16_MAX ? port + 1 : UINT16_MAX;
		return 0;
	}
	return -EOPNOTSUPP;
}

static int set_tcp_flags(struct xt_decoder *d, const struct cmp *c)
{
	uint8_t *invflags, inv;
	uint16_t *ports;

	if (!is_eq_or_ne(c) || c->len != 1 || !ports_of(d, false, &ports, &invflags, &inv) ||
	    !d->tcp || d->tcp->flg_mask)
		return -EOPNOTSUPP;
	if (c->op == NFT_CMP_NEQ)
		d->tcp->invflags |= XT_TCP_INV_FLAGS;
	d->tcp->flg_cmp = *(const uint8_t *)c->data;
	d->tcp->flg_mask = c->reg->masked ? c->reg->mask[0] : 0xff;
	return 0;
}

static int cmp_transport(struct xt_decoder *d, const struct cmp *c)
{
	const uint8_t *p = c->data;
	int rc;

	if (c->reg->offset == 13)
		return set_tcp_flags(d, c);
	if (c->reg->masked)
		return -EOPNOTSUPP;
	if (c->reg->offset == 0 && c->len == 4 && is_eq_or_ne(c)) {
		rc = set_port(d, false, c->op, p[0] << 8 | p[1]);
		return rc ? rc : set_port(d, true, c->op, p[2] << 8 | p[3]);
	}
	if ((c->reg->offset == 0 || c->reg->offset == 2) && c->len == 2)
		return set_port(d, c->reg->offset == 2, c->op, p[0] << 8 | p[1]);
	return -EOPNOTSUPP;
}

int xt_on_cmp(struct xt_decoder *d, const struct nftnl_expr *e)
{
	struct cmp c = {.reg = xt_reg_of(d, e, NFTNL_EXPR_CMP_SREG),
			.op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP)};

	c.len = xt_data_of(e, NFTNL_EXPR_CMP_DATA, 64, &c.data);
	if (!c.reg || !c.len)
		return -EOPNOTSUPP;
	if (c.reg->type == REG_META)
		return cmp_meta(d, &c);
	if (c.reg->type == REG_PAYLOAD && c.reg->len != c.len)
		return -EOPNOTSUPP;
	if (c.reg->type == REG_PAYLOAD && c.reg->base == NFT_PAYLOAD_NETWORK_HEADER)
		return cmp_network(d, &c);
	if (c.reg->type == REG_PAYLOAD && c.reg->base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return cmp_transport(d, &c);
	return -EOPNOTSUPP;
}

/* A range of ports. */
int xt_on_range(struct xt_decoder *d, const struct nftnl_expr *e)
{
	const struct reg *reg = xt_reg_of(d, e, NFTNL_EXPR_RANGE_SREG);
	const void *from, *to;
	uint8_t *invflags, inv;
	uint16_t *ports;

	if (!reg || reg->type != REG_PAYLOAD || reg->base != NFT_PAYLOAD_TRANSPORT_HEADER ||
	    reg->masked || (reg->offset != 0 && reg->offset != 2) ||
	    xt_data_of(e, NFTNL_EXPR_RANGE_FROM_DATA, 2, &from) != 2 ||
	    xt_data_of(e, NFTNL_EXPR_RANGE_TO_DATA, 2, &to) != 2 ||
	    !ports_of(d, reg->offset == 2, &ports, &invflags, &inv) || !are_any(ports))
		return -EOPNOTSUPP;
	ports[0] = ntohs(*(const uint16_t *)from);
	ports[1] = ntohs(*(const uint16_t *)to);
	if (nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ)
		*invflags |= inv;
	return 0;
}
