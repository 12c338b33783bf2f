// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What iptables-nft (1.8.0 to 1.8.11) meant by a rule's expressions. It writes most matches and
 * targets as xt blobs, and some as native expressions: interfaces, addresses, protocol, fragments,
 * ports and flags of tcp and udp, mark, limit, NFLOG, TRACE, verdicts. Anything else was not
 * written by it, and nft's text of the rule says it better.
 */
#include <errno.h>
#include <libnftnl/rule.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/text_parts.h"
#include "netfilter/xt_decode.h"

#include <linux/netfilter/nf_log.h>
#include <linux/netfilter/xt_comment.h>
#include <linux/netfilter/xt_limit.h>
#include <linux/netfilter/xt_NFLOG.h>

struct reg *xt_reg_of(struct xt_decoder *d, const struct nftnl_expr *e, uint16_t attr)
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

uint32_t xt_data_of(const struct nftnl_expr *e, uint16_t attr, uint32_t size, const void **out)
{
	uint32_t len = 0;

	*out = nftnl_expr_is_set(e, attr) ? nftnl_expr_get(e, attr, &len) : NULL;
	return *out && len <= size ? len : 0;
}

static int on_nothing(struct xt_decoder *d, const struct nftnl_expr *e)
{
	return 0;
}

static int on_meta(struct xt_decoder *d, const struct nftnl_expr *e)
{
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	struct reg *reg = xt_reg_of(d, e, NFTNL_EXPR_META_DREG);

	if (reg) {
		*reg = (struct reg){.type = REG_META, .key = key};
		return 0;
	}
	reg = xt_reg_of(d, e, NFTNL_EXPR_META_SREG);
	if (!reg || key != NFT_META_NFTRACE || reg->type != REG_DATA || !reg->data[0])
		return -EOPNOTSUPP;
	return xt_rule_set_target(d->r, "TRACE", 0, NULL, 0) ? 0 : -ENOMEM;
}

static int on_payload(struct xt_decoder *d, const struct nftnl_expr *e)
{
	struct reg *reg = xt_reg_of(d, e, NFTNL_EXPR_PAYLOAD_DREG);

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

bool xt_all_zero(const void *data, uint32_t len)
{
	const uint8_t *p = data;

	while (len--)
		if (*p++)
			return false;
	return true;
}

/* register & mask; with an xor it is not iptables'. */
static int on_bitwise(struct xt_decoder *d, const struct nftnl_expr *e)
{
	struct reg *from = xt_reg_of(d, e, NFTNL_EXPR_BITWISE_SREG);
	struct reg *to = xt_reg_of(d, e, NFTNL_EXPR_BITWISE_DREG);
	const void *mask, *xor;
	uint32_t len = xt_data_of(e, NFTNL_EXPR_BITWISE_MASK, REG_BYTES, &mask);

	if (!from || !to || !len || !xt_data_of(e, NFTNL_EXPR_BITWISE_XOR, REG_BYTES, &xor) ||
	    !xt_all_zero(xor, len) || from->masked)
		return -EOPNOTSUPP;
	if (to != from)
		*to = *from;
	to->masked = true;
	memcpy(to->mask, mask, len);
	return 0;
}

static int on_immediate(struct xt_decoder *d, const struct nftnl_expr *e)
{
	struct reg *reg = xt_reg_of(d, e, NFTNL_EXPR_IMM_DREG);
	const void *data;
	uint32_t len;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT)) {
		len = xt_data_of(e, NFTNL_EXPR_IMM_DATA, REG_BYTES, &data);
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

static int on_match(struct xt_decoder *d, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_MT_NAME);
	const void *info;
	uint32_t len = xt_data_of(e, NFTNL_EXPR_MT_INFO, UINT16_MAX, &info);

	if (!name ||
	    !xt_rule_add_match(d->r, name, nftnl_expr_get_u32(e, NFTNL_EXPR_MT_REV), info, len))
		return -EOPNOTSUPP;
	return 0;
}

static int on_target(struct xt_decoder *d, const struct nftnl_expr *e)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME);
	const void *info;
	uint32_t len = xt_data_of(e, NFTNL_EXPR_TG_INFO, UINT16_MAX, &info);

	if (!name ||
	    !xt_rule_set_target(d->r, name, nftnl_expr_get_u32(e, NFTNL_EXPR_TG_REV), info, len))
		return -EOPNOTSUPP;
	return 0;
}

static int on_limit(struct xt_decoder *d, const struct nftnl_expr *e)
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
static int on_log(struct xt_decoder *d, const struct nftnl_expr *e)
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
	int (*decode)(struct xt_decoder *d, const struct nftnl_expr *e);
} decoders[] = {
	{"counter", on_nothing}, {"meta", on_meta},   {"payload", on_payload},
	{"bitwise", on_bitwise}, {"cmp", xt_on_cmp},  {"range", xt_on_range},
	{"match", on_match},	 {"limit", on_limit}, {"immediate", on_immediate},
	{"target", on_target},	 {"log", on_log},
};

static int decode_one(struct nftnl_expr *e, void *data)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	const struct xt_rule *r = ((struct xt_decoder *)data)->r;

	/* iptables has one action, and it comes last. */
	if (r->target || r->verdict != VERDICT_CONTINUE)
		return -EOPNOTSUPP;

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
	uint32_t len = 0;

	if (!nftnl_rule_is_set(nlr, NFTNL_RULE_USERDATA))
		return 0;
	comment = nftnl_rule_get_data(nlr, NFTNL_RULE_USERDATA, &len);
	comment = udata_comment(comment, len);
	if (!comment)
		return 0;
	strncpy(info.comment, comment, sizeof(info.comment) - 1);
	return xt_rule_add_match(r, "comment", 0, &info, sizeof(info)) ? 0 : -ENOMEM;
}

int xt_rule_from_nft(struct xt_rule *r, uint8_t family, const char *chain,
		     const struct nftnl_rule *nlr)
{
	struct xt_decoder d = {.r = r};
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
