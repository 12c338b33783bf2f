/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the decoders of iptables-nft's expressions share. Private to netfilter/. */
#ifndef NFPATH_NETFILTER_XT_DECODE_H
#define NFPATH_NETFILTER_XT_DECODE_H

#include <stdio.h> /* libnftnl/expr.h wants it */
#include <libnftnl/expr.h>

#include "netfilter/xt_rule.h"

#include <linux/netfilter/nf_tables.h>

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

struct xt_decoder {
	struct xt_rule *r;
	struct reg regs[N_REGS];
	struct xt_tcp *tcp; /* ports and flags gather in one match */
	struct xt_udp *udp;
};

/* The register that attribute attr names; NULL: none. NFT_REG_1..4 hold 16 bytes each,
 * NFT_REG32_00.. are the same bytes in pieces of 4. */
struct reg *xt_reg_of(struct xt_decoder *d, const struct nftnl_expr *e, uint16_t attr);

/* Data of at most `size` bytes at *out; its length, or 0 when there is none or it is longer. */
uint32_t xt_data_of(const struct nftnl_expr *e, uint16_t attr, uint32_t size, const void **out);

bool xt_all_zero(const void *data, uint32_t len);

/* Expressions "cmp" and "range". 0, -EOPNOTSUPP: iptables-nft does not write this, or -ENOMEM. */
int xt_on_cmp(struct xt_decoder *d, const struct nftnl_expr *e);
int xt_on_range(struct xt_decoder *d, const struct nftnl_expr *e);

#endif
