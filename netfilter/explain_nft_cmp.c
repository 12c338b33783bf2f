// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparisons and NAT of nft rules. */
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include "netfilter/explain_nft.h"

static const uint8_t zero[FACT_BYTES];

static uint32_t u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* numgen random mod N == v, < v …: how many of the N numbers. */
static bool cmp_random(struct nft_reading *rd, const struct nft_reg *reg, uint32_t op,
		       const void *data)
{
	uint32_t v = reg->swapped ? ntohl(u32(data)) : u32(data);
	uint32_t below = v < reg->modulus ? v : reg->modulus, equal = v < reg->modulus;
	uint32_t n = below;
	struct fact *fact;

	if (op == NFT_CMP_EQ || op == NFT_CMP_NEQ)
		n = equal;
	else if (op == NFT_CMP_LTE || op == NFT_CMP_GT)
		n = below + equal;
	fact = fact_add(&rd->l, KEY_OTHER, FACT_CHANCE,
			op == NFT_CMP_NEQ || op == NFT_CMP_GT || op == NFT_CMP_GTE);
	fact->chance = (double)n / reg->modulus;
	return true;
}

/* "ct state a,b" is (state & bits) != 0. */
static bool cmp_state(struct nft_reading *rd, const struct nft_reg *reg, uint32_t op,
		      const void *data)
{
	bool masked = reg->changed && !memcmp(data, zero, 4) && !memcmp(reg->xor, zero, 4);

	if (!masked && reg->changed)
		return false;
	fact_add_bits(&rd->l, KEY_CT_STATE, masked ? op == NFT_CMP_EQ : op == NFT_CMP_NEQ,
		      masked ? u32(reg->mask) : u32(data));
	return op == NFT_CMP_EQ || op == NFT_CMP_NEQ;
}

static bool cmp_order(struct nft_reading *rd, const struct nft_reg *reg, uint32_t op,
		      const uint8_t *data, uint32_t len)
{
	static const uint8_t lowest[FACT_BYTES],
		highest[FACT_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

	if (reg->changed || reg->key == KEY_MARK || reg->key == KEY_IIF || reg->key == KEY_OIF)
		return false;
	if (op == NFT_CMP_LTE || op == NFT_CMP_GT)
		fact_add_range(&rd->l, reg->key, op == NFT_CMP_GT, lowest, data, len);
	else
		fact_add_range(&rd->l, reg->key, op == NFT_CMP_LT, data, highest, len);
	return true;
}

/* Loads and comparisons of prefixes may be shorter than the key. */
static bool cmp_equal(struct nft_reading *rd, const struct nft_reg *reg, bool inv,
		      const uint8_t *data, uint32_t len)
{
	uint8_t size = fact_key_len(reg->key, rd->family), value[FACT_BYTES] = {0},
		mask[FACT_BYTES] = {0};

	for (uint32_t i = 0; i < len && i < size; i++) {
		mask[i] = reg->changed ? reg->mask[i] : 0xff;
		value[i] = data[i] ^ (reg->changed ? reg->xor [i] : 0);
		if (value[i] & ~mask[i])
			return false; /* it can never be */
	}
	if (reg->key == KEY_FAMILY && !inv && rd->family == NFPROTO_INET)
		rd->family = value[0];
	fact_add_masked(&rd->l, reg->key, inv, value, mask, size);
	return true;
}

/* Interfaces by their number: 1 is lo in every namespace, names of others may change. */
static bool cmp_ifindex(struct nft_reading *rd, const struct nft_reg *reg, uint32_t op,
			const void *data, uint32_t len)
{
	char lo[16] = "lo";

	if (len != 4 || u32(data) != 1 || reg->changed || (op != NFT_CMP_EQ && op != NFT_CMP_NEQ))
		return false;
	fact_add_masked(&rd->l, *reg->what == 'i' ? KEY_IIF : KEY_OIF, op == NFT_CMP_NEQ, lo, NULL,
			16);
	return true;
}

bool nft_on_cmp(struct nft_reading *rd, const struct nftnl_expr *e)
{
	const struct nft_reg *reg = nft_reg(rd, e, NFTNL_EXPR_CMP_SREG);
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP), len;
	const void *data;

	len = nft_data(e, NFTNL_EXPR_CMP_DATA, FACT_BYTES, &data);
	if (!reg || !len)
		return false;
	if (reg->type == NREG_OTHER && reg->what &&
	    (!strcmp(reg->what, "iif") || !strcmp(reg->what, "oif")))
		return cmp_ifindex(rd, reg, op, data, len);
	if (reg->type != NREG_KEY)
		return false;
	if (reg->key == KEY_RANDOM)
		return !reg->changed && len == 4 && cmp_random(rd, reg, op, data);
	if (reg->swapped)
		return false;
	if (reg->key == KEY_CT_STATE)
		return len == 4 && cmp_state(rd, reg, op, data);
	if (op != NFT_CMP_EQ && op != NFT_CMP_NEQ)
		return cmp_order(rd, reg, op, data, len);
	if (reg->key == KEY_STYPE || reg->key == KEY_DTYPE) {
		if (reg->changed || len != 4 || u32(data) > 31)
			return false;
		fact_add_bits(&rd->l, reg->key, op == NFT_CMP_NEQ, 1u << u32(data));
		return true;
	}
	return cmp_equal(rd, reg, op == NFT_CMP_NEQ, data, len);
}

bool nft_on_range(struct nft_reading *rd, const struct nftnl_expr *e)
{
	const struct nft_reg *reg = nft_reg(rd, e, NFTNL_EXPR_RANGE_SREG);
	const void *from, *to;
	uint32_t len = nft_data(e, NFTNL_EXPR_RANGE_FROM_DATA, FACT_BYTES, &from);

	if (!reg || !len || reg->type != NREG_KEY || reg->changed || reg->swapped ||
	    reg->key == KEY_MARK || reg->key == KEY_RANDOM || reg->key == KEY_CT_STATE ||
	    len != fact_key_len(reg->key, rd->family) ||
	    nft_data(e, NFTNL_EXPR_RANGE_TO_DATA, FACT_BYTES, &to) != len)
		return false;
	fact_add_range(&rd->l, reg->key,
		       nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ, from, to, len);
	return true;
}

/* --- NAT --- */

static bool take_addr(struct nft_reading *rd, struct fact_nat *nat, const struct nftnl_expr *e)
{
	const struct nft_reg *min = nft_reg(rd, e, NFTNL_EXPR_NAT_REG_ADDR_MIN);
	const struct nft_reg *max = nft_reg(rd, e, NFTNL_EXPR_NAT_REG_ADDR_MAX);
	uint8_t *addrs;

	if (!min)
		return true;
	if (min->type == NREG_MAP) {
		nat->map = min->map;
		nat->n_keys = min->n_keys;
		nat->modulus = min->modulus;
		memcpy(nat->keys, min->keys, sizeof(nat->keys));
		return nat->n_keys && (!max || max == min);
	}
	if (min->type != NREG_DATA || (max && max->type != NREG_DATA))
		return false;
	addrs = facts_alloc(rd->f, 2 * FACT_BYTES);
	if (!addrs)
		return false;
	nat->min = memcpy(addrs, min->data, FACT_BYTES);
	nat->max = memcpy(addrs + FACT_BYTES, (max ? max : min)->data, FACT_BYTES);
	return true;
}

static bool take_port(struct nft_reading *rd, struct fact_nat *nat, const struct nftnl_expr *e,
		      uint16_t attr_min, uint16_t attr_max)
{
	const struct nft_reg *min = nft_reg(rd, e, attr_min), *max = nft_reg(rd, e, attr_max);

	if (!min)
		return true;
	/* Behind the address in the data of a map. */
	if (nat->map && min->type != NREG_DATA) {
		nat->map_port = true;
		return nat->map->dlen > 4;
	}
	if (min->type != NREG_DATA || (max && max->type != NREG_DATA))
		return false;
	nat->port_min = min->data[0] << 8 | min->data[1];
	nat->port_max = max ? max->data[0] << 8 | max->data[1] : nat->port_min;
	return true;
}

bool nft_on_nat(struct nft_reading *rd, const struct nftnl_expr *e)
{
	struct fact_nat *nat = facts_alloc(rd->f, sizeof(*nat));
	bool known;

	rd->r->act =
		nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_DNAT ? ACT_DNAT : ACT_SNAT;
	rd->r->verdict = VERDICT_ACCEPT;
	if (!nat)
		return false;
	nat->family = nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_FAMILY);
	/* nft_nat_inet_eval() passes over packets of the other family. */
	if (rd->r->chain->rs->table->family == NFPROTO_INET && nat->family != NFPROTO_INET)
		fact_add_masked(&rd->l, KEY_FAMILY, false, &nat->family, NULL, 1);
	known = take_addr(rd, nat, e) &&
		take_port(rd, nat, e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFTNL_EXPR_NAT_REG_PROTO_MAX);
	if (nftnl_expr_is_set(e, NFTNL_EXPR_NAT_FLAGS) &&
	    nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_FLAGS) & NF_NAT_RANGE_NETMAP)
		known = false;
	if (known)
		rd->r->nat = nat;
	return true;
}

bool nft_on_masq(struct nft_reading *rd, const struct nftnl_expr *e)
{
	rd->r->act = ACT_MASQUERADE;
	rd->r->verdict = VERDICT_ACCEPT;
	return true;
}

bool nft_on_redir(struct nft_reading *rd, const struct nftnl_expr *e)
{
	struct fact_nat *nat = facts_alloc(rd->f, sizeof(*nat));

	rd->r->act = ACT_REDIRECT;
	rd->r->verdict = VERDICT_ACCEPT;
	if (nat)
		nat->family = rd->family;
	if (nat &&
	    take_port(rd, nat, e, NFTNL_EXPR_REDIR_REG_PROTO_MIN, NFTNL_EXPR_REDIR_REG_PROTO_MAX))
		rd->r->nat = nat;
	return true;
}

bool nft_on_tproxy(struct nft_reading *rd, const struct nftnl_expr *e)
{
	rd->r->act = ACT_TPROXY;
	return true;
}
