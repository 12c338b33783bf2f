/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule of nf_tables from the fuzzer's bytes. Built by libnftnl's setters rather than parsed by
 * it, since it ends the process over a message that it does not understand. Input: a byte with bit
 * 7 begins the expression names[byte]; any other sets one of its attributes to what follows. 0xff:
 * the rest is the rule's user data. 0xfe: the rule ends.
 */
#ifndef NFPATH_TESTS_FUZZ_NFT_RULE_H
#define NFPATH_TESTS_FUZZ_NFT_RULE_H

#include <stdio.h> /* libnftnl/expr.h wants it */
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>

#include "tests/fuzz/fuzz.h"

enum kind { U16, U32, U64, DATA, STRING, OWNED };

struct row {
	const char *expr;
	uint16_t attr;
	enum kind kind;
};

static const struct row rows[] = {
	{"meta", NFTNL_EXPR_META_KEY, U32},
	{"meta", NFTNL_EXPR_META_DREG, U32},
	{"meta", NFTNL_EXPR_META_SREG, U32},
	{"payload", NFTNL_EXPR_PAYLOAD_DREG, U32},
	{"payload", NFTNL_EXPR_PAYLOAD_BASE, U32},
	{"payload", NFTNL_EXPR_PAYLOAD_OFFSET, U32},
	{"payload", NFTNL_EXPR_PAYLOAD_LEN, U32},
	{"bitwise", NFTNL_EXPR_BITWISE_SREG, U32},
	{"bitwise", NFTNL_EXPR_BITWISE_DREG, U32},
	{"bitwise", NFTNL_EXPR_BITWISE_LEN, U32},
	{"bitwise", NFTNL_EXPR_BITWISE_MASK, DATA},
	{"bitwise", NFTNL_EXPR_BITWISE_XOR, DATA},
	{"cmp", NFTNL_EXPR_CMP_SREG, U32},
	{"cmp", NFTNL_EXPR_CMP_OP, U32},
	{"cmp", NFTNL_EXPR_CMP_DATA, DATA},
	{"range", NFTNL_EXPR_RANGE_SREG, U32},
	{"range", NFTNL_EXPR_RANGE_OP, U32},
	{"range", NFTNL_EXPR_RANGE_FROM_DATA, DATA},
	{"range", NFTNL_EXPR_RANGE_TO_DATA, DATA},
	{"match", NFTNL_EXPR_MT_NAME, STRING},
	{"match", NFTNL_EXPR_MT_REV, U32},
	{"match", NFTNL_EXPR_MT_INFO, OWNED},
	{"target", NFTNL_EXPR_TG_NAME, STRING},
	{"target", NFTNL_EXPR_TG_REV, U32},
	{"target", NFTNL_EXPR_TG_INFO, OWNED},
	{"limit", NFTNL_EXPR_LIMIT_RATE, U64},
	{"limit", NFTNL_EXPR_LIMIT_UNIT, U64},
	{"limit", NFTNL_EXPR_LIMIT_BURST, U32},
	{"limit", NFTNL_EXPR_LIMIT_TYPE, U32},
	{"limit", NFTNL_EXPR_LIMIT_FLAGS, U32},
	{"immediate", NFTNL_EXPR_IMM_DREG, U32},
	{"immediate", NFTNL_EXPR_IMM_DATA, DATA},
	{"immediate", NFTNL_EXPR_IMM_VERDICT, U32},
	{"immediate", NFTNL_EXPR_IMM_CHAIN, STRING},
	{"log", NFTNL_EXPR_LOG_PREFIX, STRING},
	{"log", NFTNL_EXPR_LOG_GROUP, U16},
	{"log", NFTNL_EXPR_LOG_SNAPLEN, U32},
	{"log", NFTNL_EXPR_LOG_QTHRESHOLD, U16},
	{"ct", NFTNL_EXPR_CT_KEY, U32},
	{"ct", NFTNL_EXPR_CT_DREG, U32},
	{"lookup", NFTNL_EXPR_LOOKUP_SREG, U32},
	{"lookup", NFTNL_EXPR_LOOKUP_DREG, U32},
	{"lookup", NFTNL_EXPR_LOOKUP_SET, STRING},
	{"lookup", NFTNL_EXPR_LOOKUP_FLAGS, U32},
	{"numgen", NFTNL_EXPR_NG_DREG, U32},
	{"numgen", NFTNL_EXPR_NG_MODULUS, U32},
	{"numgen", NFTNL_EXPR_NG_TYPE, U32},
	{"numgen", NFTNL_EXPR_NG_OFFSET, U32},
	{"nat", NFTNL_EXPR_NAT_TYPE, U32},
	{"nat", NFTNL_EXPR_NAT_FAMILY, U32},
	{"nat", NFTNL_EXPR_NAT_REG_ADDR_MIN, U32},
	{"nat", NFTNL_EXPR_NAT_REG_ADDR_MAX, U32},
	{"nat", NFTNL_EXPR_NAT_REG_PROTO_MIN, U32},
	{"nat", NFTNL_EXPR_NAT_REG_PROTO_MAX, U32},
	{"redir", NFTNL_EXPR_REDIR_REG_PROTO_MIN, U32},
	{"redir", NFTNL_EXPR_REDIR_REG_PROTO_MAX, U32},
	{"masq", NFTNL_EXPR_MASQ_FLAGS, U32},
	{"fib", NFTNL_EXPR_FIB_DREG, U32},
	{"fib", NFTNL_EXPR_FIB_RESULT, U32},
	{"fib", NFTNL_EXPR_FIB_FLAGS, U32},
	{"byteorder", NFTNL_EXPR_BYTEORDER_SREG, U32},
	{"byteorder", NFTNL_EXPR_BYTEORDER_DREG, U32},
	{"dynset", NFTNL_EXPR_DYNSET_SREG_KEY, U32},
	{"objref", NFTNL_EXPR_OBJREF_IMM_TYPE, U32},
	{"tproxy", NFTNL_EXPR_TPROXY_FAMILY, U32},
	{"tproxy", NFTNL_EXPR_TPROXY_REG_ADDR, U32},
	{"tproxy", NFTNL_EXPR_TPROXY_REG_PORT, U32},
};

static const char *const names[] = {
	"meta",	     "payload", "bitwise",   "cmp",	"range",  "match",  "limit",  "target",
	"immediate", "log",	"ct",	     "counter", "lookup", "numgen", "nat",    "redir",
	"masq",	     "fib",	"byteorder", "dynset",	"objref", "tproxy", "reject", "queue"};

enum { N_ROWS = sizeof(rows) / sizeof(rows[0]), N_NAMES = sizeof(names) / sizeof(names[0]) };

/* The n-th attribute of this expression, counted round; NULL: it has none here. */
static const struct row *row_of(const char *expr, unsigned int n)
{
	unsigned int have = 0;

	for (int i = 0; i < N_ROWS; i++)
		have += !strcmp(rows[i].expr, expr);
	for (int i = 0; have && i < N_ROWS; i++)
		if (!strcmp(rows[i].expr, expr) && n-- % have == 0)
			return &rows[i];
	return NULL;
}

static void set_attr(struct nftnl_expr *e, const struct row *row, struct input *in)
{
	char room[256] = {0};
	const uint8_t *p;
	size_t len;
	void *owned;

	switch (row->kind) {
	case U16:
		nftnl_expr_set_u16(e, row->attr, take_u16(in));
		return;
	case U32: /* verdicts are negative */
		nftnl_expr_set_u32(e, row->attr, (uint32_t)(int8_t)take_u8(in));
		return;
	case U64:
		nftnl_expr_set_u64(e, row->attr, take_u16(in));
		return;
	case DATA: /* the kernel's data is at most 64 bytes */
		p = take_bytes(in, take_u8(in) % 65, &len);
		memcpy(room, p, len);
		nftnl_expr_set(e, row->attr, room, len);
		return;
	case STRING: /* as netlink attributes: with a NUL; 32 bytes hold any name of an extension */
		p = take_bytes(in, take_u8(in) % (row->attr == NFTNL_EXPR_LOG_PREFIX ? 127 : 32),
			       &len);
		memcpy(room, p, len);
		nftnl_expr_set_str(e, row->attr, room);
		return;
	case OWNED:
		p = take_bytes(in, take_u16(in), &len);
		owned = calloc(1, len + 1);
		check(owned);
		memcpy(owned, p, len);
		nftnl_expr_set(e, row->attr, owned, len);
		return;
	}
}

static bool is_jump(const struct nftnl_expr *e)
{
	int32_t code = nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT);

	return nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT) &&
	       (code == NFT_JUMP || code == NFT_GOTO);
}

/* What libnftnl's parser can make: nothing set twice, a verdict or data, a chain with a jump. Its
 * setters lose memory of the rest. */
static bool may_set(const struct nftnl_expr *e, const struct row *row)
{
	if (nftnl_expr_is_set(e, row->attr))
		return false;
	if (strcmp(row->expr, "immediate"))
		return true;
	if (row->attr == NFTNL_EXPR_IMM_CHAIN)
		return is_jump(e);
	if (row->attr == NFTNL_EXPR_IMM_VERDICT)
		return !nftnl_expr_is_set(e, NFTNL_EXPR_IMM_DATA);
	return row->attr != NFTNL_EXPR_IMM_DATA || !nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT);
}

static struct nftnl_rule *take_rule(struct input *in)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	const char *name = NULL;
	struct nftnl_expr *e = NULL;
	const struct row *row;
	size_t len;
	uint8_t b;

	check(r);
	while (in->len) {
		b = take_u8(in);
		if (b == 0xfe) /* the next rule, where there are several */
			break;
		if (b == 0xff) {
			const uint8_t *p = take_bytes(in, 255, &len);

			nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, p, len);
		} else if (b & 0x80) {
			name = names[(b & 0x7f) % N_NAMES];
			e = nftnl_expr_alloc(name);
			check(e);
			nftnl_rule_add_expr(r, e);
		} else if (e && (row = row_of(name, b))) {
			if (!may_set(e, row))
				continue;
			set_attr(e, row, in);
		}
	}
	return r;
}

#endif
