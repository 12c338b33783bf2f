/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of nft's expressions share. Private to netfilter/. */
#ifndef NFPATH_NETFILTER_EXPLAIN_NFT_H
#define NFPATH_NETFILTER_EXPLAIN_NFT_H

#include "netfilter/explain_facts.h"

struct nftnl_expr;

enum { NREGS = 16 };

enum nreg_type { NREG_NONE, NREG_KEY, NREG_DATA, NREG_MAP, NREG_OTHER };

/* What an earlier expression put into a register. */
struct nft_reg {
	enum nreg_type type;
	uint8_t key, len;
	bool changed, swapped; /* (key & mask) ^ xor; the other byte order */
	uint8_t mask[FACT_BYTES], xor[FACT_BYTES], data[FACT_BYTES];
	const struct fact_set *map;
	uint8_t keys[FACT_SET_KEYS], n_keys;
	uint32_t modulus;
	const char *what;
};

struct nft_reading {
	struct facts *f;
	struct fact_rule *r;
	uint8_t family; /* of the addresses: of the table, or what the rule asked for */
	struct fact_list l;
	struct nft_reg regs[NREGS];
};

int nft_slot(const struct nftnl_expr *e, uint16_t attr);
struct nft_reg *nft_reg(struct nft_reading *rd, const struct nftnl_expr *e, uint16_t attr);
/* Data of at most `size` bytes at *out; its length, or 0 when there is none or it is longer. */
uint32_t nft_data(const struct nftnl_expr *e, uint16_t attr, uint32_t size, const void **out);

/* Readers of expressions: false when there is more to it than they know. */
bool nft_on_cmp(struct nft_reading *rd, const struct nftnl_expr *e);
bool nft_on_range(struct nft_reading *rd, const struct nftnl_expr *e);
bool nft_on_nat(struct nft_reading *rd, const struct nftnl_expr *e);
bool nft_on_masq(struct nft_reading *rd, const struct nftnl_expr *e);
bool nft_on_redir(struct nft_reading *rd, const struct nftnl_expr *e);
bool nft_on_tproxy(struct nft_reading *rd, const struct nftnl_expr *e);

#endif
