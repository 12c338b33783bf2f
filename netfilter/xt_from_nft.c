// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What iptables-nft (1.8.0 to 1.8.11) meant by a rule's expressions. It writes most matches and
 * targets as xt blobs, and some as native expressions: interfaces, addresses, protocol, fragments,
 * ports and flags of tcp and udp, mark, limit, NFLOG, TRACE, verdicts. Anything else was not
 * written by it, and nft's text of the rule says it better.
 */
#include <errno.h>
#include <stdio.h> /* libnftnl/expr.h wants it */
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/udata.h"
#include "netfilter/xt_rule.h"

#include <linux/netfilter/nf_log.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_NFLOG.h>
#include <linux/netfilter/xt_tcpudp.h>

enum { N_REGS = 20, REG_BYTES = 16 };

enum reg_type { REG_EMPTY, REG_META, REG_PAYLOAD, REG_DATA };

/* What an earlier expression put into a register. */
struct reg {
	enum reg_type type;
	uint32_t key;		    /* REG_META */
	uint32_t base, offset, len; /* REG_PAYLOAD */
	bool masked;
	uint8_t mask[REG_BYTES];
	uint8_t data[REG_BYTES]; /* REG_DATA */
};

struct decoder {
	struct xt_rule *r;
	struct reg regs[N_REGS];
	struct xt_tcp *tcp; /* ports and flags gather in one match */
	struct xt_udp *udp;
};

/* NFT_REG_1..4 hold 16 bytes each, NFT_REG32_00.. are the same bytes in pieces of 4. */
static struct reg *reg_of(struct decoder *d, const struct nftnl_expr *e, uint16_t attr)
{
	uint32_t n;

	if (!nftnl_expr_is_set(e, attr))
		return NULL;
	n = nftnl_expr_get_u32(e, attr);
	if (n >= NFT_REG_1 && n <= NFT_REG_4)
		return &d->regs[(n - NFT_REG_1) * 4];
	if (n >= NFT_REG32_00 && n <= NFT_REG32_15)
		return &d->regs[n - NFT_REG32_00];
	return NULL;
}

/* Data of at most `size` bytes at *out; its length, or 0 when there is none or it is longer. */
static uint32_t data_of(const struct nftnl_expr *e, uint16_t attr, uint32_t size, const void **out)
{
	uint32_t len = 0;

	*out = nftnl_expr_is_set(e, attr) ? nftnl_expr_get(e, attr, &len) : NULL;
	return *out && len <= size ? len : 0;
}

static int on_nothing(struct decoder *d, const struct nftnl_expr *e)
{
	return 0;
}

static int on_meta(struct decoder *d, const struct nftnl_expr *e)
{
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	struct reg *reg = reg_of(d, e, NFTNL_EXPR_META_DREG);

	if (reg) {
		*reg = (struct reg){.type = REG_META, .key = key};
		return 0;
	}
	reg = reg_of(d, e, NFTNL_EXPR_META_SREG);
	if (!reg || key != NFT_META_NFTRACE || reg->type != REG_DATA || !reg->data[0])
		return -EOPNOTSUPP;
	return xt_rule_set_target(d->r, "TRACE", 0, NULL, 0) ? 0 : -ENOMEM;
}

static int on_payload(struct decoder *d, const struct nftnl_expr *e)
{
	struct reg *reg = reg_of(d, e, NFTNL_EXPR_PAYLOAD_DREG);

	if (!reg)
		return -EOPNOTSUPP;
	*reg = (struct reg){
		.type = REG_PAYLOAD,
		.base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE),
		.offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET),
		.len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN),
	};
	return 0;
}

static bool all_zero(const void *data, uint32_t len)
{
	const uint8_t *p = data;

	while (len--)
		if (*p++)
			return false;
	return true;
}

/* register & mask; with an xor it is not iptables'. */
static int on_bitwise(struct decoder *d, const struct nftnl_expr *e)
{
	struct reg *from = reg_of(d, e, NFTNL_EXPR_BITWISE_SREG);
	struct reg *to = reg_of(d, e, NFTNL_EXPR_BITWISE_DREG);
	const void *mask, *xor;
	uint32_t len = data_of(e, NFTNL_EXPR_BITWISE_MASK, REG_BYTES, &mask);

	if (!from || !to || !len || !data_of(e, NFTNL_EXPR_BITWISE_XOR, REG_BYTES, &xor) ||
	    !all_zero(xor, len) || from->masked)
		return -EOPNOTSUPP;
	if (to != from)
		*to = *from;
	to->masked = true;
	memcpy(to->mask, mask, len);
	return 0;
}

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
	if (!is_eq_or_ne(c) || c->len > IFNAMSIZ || !c->len || name[0])
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
		memset(mask, 0xff, 1);
		return 0;
	}
	memset(mask, 0xff, strlen(name) + 1);
	return 0;
}

static uint8_t *invflags_of(struct xt_rule *r)
{
	return r->family == NFPROTO_IPV6 ? &r->ip.v6.invflags : &r->ip.v4.invflags;
}

static int set_proto(struct decoder *d, const struct cmp *c)
{
	uint8_t proto;

	if (!is_eq_or_ne(c) || c->len != 1)
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

static int set_mark(struct decoder *d, const struct cmp *c)
{
	struct xt_mark_mtinfo1 mark = {.mask = UINT32_MAX, .invert = c->op == NFT_CMP_NEQ};

	if (!is_eq_or_ne(c) || c->len != sizeof(mark.mark))
		return -EOPNOTSUPP;
	memcpy(&mark.mark, c->data, sizeof(mark.mark));
	if (c->reg->masked)
		memcpy(&mark.mask, c->reg->mask, sizeof(mark.mask));
	return xt_rule_add_match(d->r, "mark", 1, &mark, sizeof(mark)) ? 0 : -ENOMEM;
}

static int cmp_meta(struct decoder *d, const struct cmp *c)
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
static int set_addr(struct decoder *d, const struct cmp *c, void *addr, void *mask, size_t size,
		    uint8_t inv)
{
	if (!is_eq_or_ne(c) || c->len > size || c->reg->len != c->len)
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

static int set_fragment(struct decoder *d, const struct cmp *c)
{
	const uint16_t offset_bits = htons(IP_OFFMASK);

	if (!is_eq_or_ne(c) || c->len != 2 || !all_zero(c->data, 2) || !c->reg->masked ||
	    memcmp(c->reg->mask, &offset_bits, 2))
		return -EOPNOTSUPP;
	d->r->ip.v4.flags |= IPT_F_FRAG;
	if (c->op == NFT_CMP_EQ)
		d->r->ip.v4.invflags |= IPT_INV_FRAG;
	return 0;
}

static int cmp_network(struct decoder *d, const struct cmp *c)
{
	struct ip6t_ip6 *ip6 = &d->r->ip.v6;
	struct ipt_ip *ip = &d->r->ip.v4;

	if (d->r->family == NFPROTO_IPV6) {
		switch (c->reg->offset) {
		case offsetof(struct ip6_hdr, ip6_src):
			return set_addr(d, c, &ip6->src, &ip6->smsk, 16, IP6T_INV_SRCIP);
		case offsetof(struct ip6_hdr, ip6_dst):
			return set_addr(d, c, &ip6->dst, &ip6->dmsk, 16, IP6T_INV_DSTIP);
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
static bool ports_of(struct decoder *d, bool dport, uint16_t **ports, uint8_t **invflags,
		     uint8_t *inv)
{
	uint16_t proto = d->r->family == NFPROTO_IPV6 ? d->r->ip.v6.proto : d->r->ip.v4.proto;
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

/* iptables-nft writes 0:N as <= N and "! 0:N" as > N, and reads them back as these ranges. */
static int set_port(struct decoder *d, bool dport, uint32_t op, uint16_t port)
{
	uint8_t *invflags, inv;
	uint16_t *ports;

	if (!ports_of(d, dport, &ports, &invflags, &inv))
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

static int set_tcp_flags(struct decoder *d, const struct cmp *c)
{
	uint8_t *invflags, inv;
	uint16_t *ports;

	if (!is_eq_or_ne(c) || c->len != 1 || !ports_of(d, false, &ports, &invflags, &inv) ||
	    !d->tcp)
		return -EOPNOTSUPP;
	if (c->op == NFT_CMP_NEQ)
		d->tcp->invflags |= XT_TCP_INV_FLAGS;
	d->tcp->flg_cmp = *(const uint8_t *)c->data;
	d->tcp->flg_mask = c->reg->masked ? c->reg->mask[0] : 0xff;
	return 0;
}

static int cmp_transport(struct decoder *d, const struct cmp *c)
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

static int on_cmp(struct decoder *d, const struct nftnl_expr *e)
{
	struct cmp c = {.reg = reg_of(d, e, NFTNL_EXPR_CMP_SREG),
			.op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP)};

	c.len = data_of(e, NFTNL_EXPR_CMP_DATA, 64, &c.data);
	if (!c.reg || !c.len)
		return -EOPNOTSUPP;
	if (c.reg->type == REG_META)
		return cmp_meta(d, &c);
	if (c.reg->type == REG_PAYLOAD && c.reg->base == NFT_PAYLOAD_NETWORK_HEADER)
		return cmp_network(d, &c);
	if (c.reg->type == REG_PAYLOAD && c.reg->base == NFT_PAYLOAD_TRANSPORT_HEADER)
		return cmp_transport(d, &c);
	return -EOPNOTSUPP;
}

/* A range of ports. */
static int on_range(struct decoder *d, const struct nftnl_expr *e)
{
	const struct reg *reg = reg_of(d, e, NFTNL_EXPR_RANGE_SREG);
	const void *from, *to;
	uint8_t *invflags, inv;
	uint16_t *ports;

	if (!reg || reg->type != REG_PAYLOAD || reg->base != NFT_PAYLOAD_TRANSPORT_HEADER ||
	    reg->masked || (reg->offset != 0 && reg->offset != 2) ||
	    data_of(e, NFTNL_EXPR_RANGE_FROM_DATA, 2, &from) != 2 ||
	    data_of(e, NFTNL_EXPR_RANGE_TO_DATA, 2, &to) != 2 ||
	    !ports_of(d, reg->offset == 2, &ports, &invflags, &inv))
		return -EOPNOTSUPP;
	ports[0] = ntohs(*(const uint16_t *)from);
	ports[1] = ntohs(*(const uint16_t *)to);
	if (nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ)
		*invflags |= inv;
	return 0;
}

static int on_immediate(struct decoder *d, const struct nftnl_expr *e)
{
	struct reg *reg = reg_of(d, e, NFTNL_EXPR_IMM_DREG);
	const void *data;
	uint32_t len;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT)) {
		len = data_of(e, NFTNL_EXPR_IMM_DATA, REG_BYTES, &data);
		if (!reg || !len)
			return -EOPNOTSUPP;
		*reg = (struct reg){.type = REG_DATA};
		memcpy(reg->data, data, len);
		return 0;
	}
	d->r->verdict = verdict_of_nft(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT));
	switch (d->r->verdict) {
	case VERDICT_ACCEPT:
	case VERDICT_DROP:
	case VERDICT_RETURN:
		return 0;
	case VERDICT_JUMP:
	case VERDICT_GOTO:
		d->r->to = nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN);
		return d->r->to ? 0 : -EOPNOTSUPP;
	default:
		return -EOPNOTSUPP;
	}
}

static int on_match(struct decoder *d, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);
	const void *info;
	uint32_t len = data_of(e, NFTNL_EXPR_MT_INFO, UINT16_MAX, &info);

	if (!name ||
	    !xt_rule_add_match(d->r, name, nftnl_expr_get_u32(e, NFTNL_EXPR_MT_REV), info, len))
		return -EOPNOTSUPP;
	return 0;
}

static int on_target(struct decoder *d, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
	const void *info;
	uint32_t len = data_of(e, NFTNL_EXPR_TG_INFO, UINT16_MAX, &info);

	if (!name ||
	    !xt_rule_set_target(d->r, name, nftnl_expr_get_u32(e, NFTNL_EXPR_TG_REV), info, len))
		return -EOPNOTSUPP;
	return 0;
}

static int on_limit(struct decoder *d, const struct nftnl_expr *e)
{
	uint64_t rate = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE);
	struct xt_rateinfo info = {.burst = nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_BURST)};

	if (!rate || nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_FLAGS) ||
	    nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_TYPE) != NFT_LIMIT_PKTS)
		return -EOPNOTSUPP;
	info.avg = XT_LIMIT_SCALE * nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_UNIT) / rate;
	return xt_rule_add_match(d->r, "limit", 0, &info, sizeof(info)) ? 0 : -ENOMEM;
}

/* As struct xt_nflog_info, with room for the longer prefix that nf_tables allows. */
struct long_nflog {
	uint32_t len;
	uint16_t group, threshold, flags, pad;
	char prefix[NF_LOG_PREFIXLEN];
};

_Static_assert(offsetof(struct long_nflog, prefix) == offsetof(struct xt_nflog_info, prefix),
	       "struct xt_nflog_info has changed");

/* NFLOG only: LOG is written as an xt target. */
static int on_log(struct decoder *d, const struct nftnl_expr *e)
{
	struct long_nflog info = {0};

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_LOG_GROUP))
		return -EOPNOTSUPP;
	info.group = nftnl_expr_get_u16(e, NFTNL_EXPR_LOG_GROUP);
	info.threshold = nftnl_expr_get_u16(e, NFTNL_EXPR_LOG_QTHRESHOLD);
	if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_SNAPLEN)) {
		info.len = nftnl_expr_get_u32(e, NFTNL_EXPR_LOG_SNAPLEN);
		info.flags = XT_NFLOG_F_COPY_LEN;
	}
	if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_PREFIX))
		strncpy(info.prefix, nftnl_expr_get_str(e, NFTNL_EXPR_LOG_PREFIX),
			sizeof(info.prefix) - 1);
	return xt_rule_set_target(d->r, "NFLOG", 0, &info, sizeof(info)) ? 0 : -ENOMEM;
}

static const struct {
	const char *name;
	int (*decode)(struct decoder *d, const struct nftnl_expr *e);
} decoders[] = {
	{"counter", on_nothing}, {"meta", on_meta},   {"payload", on_payload},
	{"bitwise", on_bitwise}, {"cmp", on_cmp},     {"range", on_range},
	{"match", on_match},	 {"limit", on_limit}, {"immediate", on_immediate},
	{"target", on_target},	 {"log", on_log},
};

static int decode_one(struct nftnl_expr *e, void *data)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++)
		if (!strcmp(name, decoders[i].name))
			return decoders[i].decode(data, e);
	return -EOPNOTSUPP;
}

/* Rules of 1.8 before 1.8.3 keep the comment in their user data. */
static int add_comment(struct xt_rule *r, const struct nftnl_rule *nlr)
{
	struct xt_comment_info info = {{0}};
	const char *comment;
	const void *udata;
	uint32_t len;

	if (!nftnl_rule_is_set(nlr, NFTNL_RULE_USERDATA))
		return 0;
	udata = nftnl_rule_get_data(nlr, NFTNL_RULE_USERDATA, &len);
	comment = udata ? udata_comment(udata, len) : NULL;
	if (!comment)
		return 0;
	strncpy(info.comment, comment, sizeof(info.comment) - 1);
	return xt_rule_add_match(r, "comment", 0, &info, sizeof(info)) ? 0 : -ENOMEM;
}

int xt_rule_from_nft(struct xt_rule *r, uint8_t family, const char *chain,
		     const struct nftnl_rule *nlr)
{
	struct decoder d = {.r = r};
	int rc;

	memset(r, 0, sizeof(*r));
	r->family = family;
	r->chain = chain;
	r->verdict = VERDICT_CONTINUE;
	rc = nftnl_expr_foreach((struct nftnl_rule *)nlr, decode_one, &d);
	if (!rc)
		rc = add_comment(r, nlr);
	if (rc)
		xt_rule_free(r);
	return rc;
}
