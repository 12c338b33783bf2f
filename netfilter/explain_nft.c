// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a rule of nft looks for and does. Its expressions load registers and compare them; here a
 * register holds what would be in it. An expression that is not known makes every register unknown,
 * and the rule one with a condition that nobody can decide.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>

#include "netfilter/explain_nft.h"
#include "netfilter/text_parts.h"

/* --- registers --- */

/* NFT_REG_1..4 hold 16 bytes each, NFT_REG32_00.. are the same bytes in pieces of 4. -1: none. */
int nft_slot(const struct nftnl_expr *e, uint16_t attr)
{
	uint32_t n;

	if (!nftnl_expr_is_set(e, attr))
		return -1;
	n = nftnl_expr_get_u32(e, attr);
	if (n >= NFT_REG_1 && n <= NFT_REG_4)
		return (n - NFT_REG_1) * 4;
	return n >= NFT_REG32_00 && n <= NFT_REG32_15 ? (int)(n - NFT_REG32_00) : -1;
}

struct nft_reg *nft_reg(struct nft_reading *rd, const struct nftnl_expr *e, uint16_t attr)
{
	int slot = nft_slot(e, attr);

	return slot < 0 ? NULL : &rd->regs[slot];
}

uint32_t nft_data(const struct nftnl_expr *e, uint16_t attr, uint32_t size, const void **out)
{
	uint32_t len = 0;

	*out = nftnl_expr_is_set(e, attr) ? nftnl_expr_get(e, attr, &len) : NULL;
	return *out && len <= size ? len : 0;
}

static void load(struct nft_reading *rd, const struct nftnl_expr *e, uint16_t attr, uint8_t key,
		 uint8_t len, const char *what)
{
	struct nft_reg *reg = nft_reg(rd, e, attr);

	if (!reg)
		return;
	memset(reg, 0, sizeof(*reg));
	reg->type = key == KEY_OTHER ? NREG_OTHER : NREG_KEY;
	reg->key = key;
	reg->len = len;
	reg->what = what;
	memset(reg->mask, 0xff, sizeof(reg->mask));
}

/* --- loads --- */

static bool on_meta_set(struct nft_reading *rd, const struct nft_reg *from)
{
	uint32_t mask, value;

	memcpy(&mask, from->mask, 4);
	memcpy(&value, from->type == NREG_DATA ? from->data : from->xor, 4);
	if (from->type != NREG_DATA && !(from->type == NREG_KEY && from->key == KEY_MARK))
		return false;
	rd->r->marks = true;
	rd->r->mark_mask = from->type == NREG_DATA ? UINT32_MAX : ~mask;
	rd->r->mark_value = value;
	return true;
}

static bool on_meta(struct nft_reading *rd, const struct nftnl_expr *e)
{
	static const struct {
		uint32_t meta;
		uint8_t key, len;
	} keys[] = {{NFT_META_L4PROTO, KEY_PROTO, 1},
		    {NFT_META_NFPROTO, KEY_FAMILY, 1},
		    {NFT_META_IIFNAME, KEY_IIF, 16},
		    {NFT_META_OIFNAME, KEY_OIF, 16},
		    {NFT_META_MARK, KEY_MARK, 4}};
	uint32_t meta = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	const struct nft_reg *from = nft_reg(rd, e, NFTNL_EXPR_META_SREG);

	if (from)
		return meta != NFT_META_MARK || on_meta_set(rd, from);
	load(rd, e, NFTNL_EXPR_META_DREG, KEY_OTHER, 4,
	     meta == NFT_META_IIF   ? "iif"
	     : meta == NFT_META_OIF ? "oif"
				    : "meta");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].meta == meta)
			load(rd, e, NFTNL_EXPR_META_DREG, keys[i].key, keys[i].len, "meta");
	return true;
}

static uint8_t network_key(const struct nft_reading *rd, uint32_t offset, uint32_t len)
{
	bool v6 = rd->family == NFPROTO_IPV6;

	if (rd->family != NFPROTO_IPV4 && !v6)
		return KEY_OTHER;
	if (offset == (v6 ? 8 : 12) && len <= (v6 ? 16 : 4))
		return KEY_SADDR;
	if (offset == (v6 ? 24 : 16) && len <= (v6 ? 16 : 4))
		return KEY_DADDR;
	return offset == (v6 ? 6 : 9) && len == 1 ? KEY_PROTO : KEY_OTHER;
}

static bool on_payload(struct nft_reading *rd, const struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	uint8_t key = KEY_OTHER;

	if (nft_reg(rd, e, NFTNL_EXPR_PAYLOAD_SREG))
		return true; /* it changes the packet, it does not look */
	if (base == NFT_PAYLOAD_NETWORK_HEADER)
		key = network_key(rd, offset, len);
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER && len == 2 && offset <= 2)
		key = offset == 0 ? KEY_SPORT : offset == 2 ? KEY_DPORT : KEY_OTHER;
	load(rd, e, NFTNL_EXPR_PAYLOAD_DREG, key, len, "payload");
	return true;
}

static bool on_ct(struct nft_reading *rd, const struct nftnl_expr *e)
{
	bool state = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY) == NFT_CT_STATE;

	load(rd, e, NFTNL_EXPR_CT_DREG, state ? KEY_CT_STATE : KEY_OTHER, 4, "ct");
	return true;
}

static bool on_fib(struct nft_reading *rd, const struct nftnl_expr *e)
{
	uint32_t flags = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS);
	uint8_t key = KEY_OTHER;

	if (nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) == NFT_FIB_RESULT_ADDRTYPE)
		key = flags & NFTA_FIB_F_DADDR ? KEY_DTYPE : KEY_STYPE;
	load(rd, e, NFTNL_EXPR_FIB_DREG, key, 4, "fib");
	return key == KEY_OTHER || !(flags & (NFTA_FIB_F_IIF | NFTA_FIB_F_OIF));
}

static bool on_numgen(struct nft_reading *rd, const struct nftnl_expr *e)
{
	struct nft_reg *reg = nft_reg(rd, e, NFTNL_EXPR_NG_DREG);

	load(rd, e, NFTNL_EXPR_NG_DREG, KEY_RANDOM, 4, "numgen");
	if (reg)
		reg->modulus = nftnl_expr_get_u32(e, NFTNL_EXPR_NG_MODULUS);
	return reg && reg->modulus && !nftnl_expr_get_u32(e, NFTNL_EXPR_NG_OFFSET);
}

static bool on_bitwise(struct nft_reading *rd, const struct nftnl_expr *e)
{
	struct nft_reg *from = nft_reg(rd, e, NFTNL_EXPR_BITWISE_SREG);
	struct nft_reg *to = nft_reg(rd, e, NFTNL_EXPR_BITWISE_DREG);
	const void *mask, *xor;
	uint32_t len = nft_data(e, NFTNL_EXPR_BITWISE_MASK, FACT_BYTES, &mask);

	if (!from || !to || !len || nftnl_expr_get_u32(e, NFTNL_EXPR_BITWISE_OP) ||
	    nft_data(e, NFTNL_EXPR_BITWISE_XOR, FACT_BYTES, &xor) != len || from->changed)
		return false;
	*to = *from;
	to->changed = true;
	memset(to->mask, 0, sizeof(to->mask));
	memcpy(to->mask, mask, len);
	memcpy(to->xor, xor, len);
	return true;
}

static bool on_byteorder(struct nft_reading *rd, const struct nftnl_expr *e)
{
	struct nft_reg *from = nft_reg(rd, e, NFTNL_EXPR_BYTEORDER_SREG);
	struct nft_reg *to = nft_reg(rd, e, NFTNL_EXPR_BYTEORDER_DREG);

	if (!from || !to || from->swapped || from->changed)
		return false;
	*to = *from;
	to->swapped = true;
	return true;
}

/* --- lookups and what is done --- */

/* The keys in the registers from `slot` on, as many as a key of this set has. */
static uint8_t keys_at(const struct nft_reading *rd, int slot, const struct fact_set *set,
		       uint8_t keys[FACT_SET_KEYS], uint32_t *modulus)
{
	uint32_t at = 0;
	uint8_t n = 0;

	while (at < set->klen && n < FACT_SET_KEYS && slot + at / 4 < NREGS) {
		const struct nft_reg *reg = &rd->regs[slot + at / 4];
		uint32_t len = (reg->len + 3) & ~3u;

		if (reg->type != NREG_KEY || reg->changed || !len ||
		    reg->swapped != (reg->key == KEY_RANDOM && set->intervals))
			return 0;
		if (reg->key == KEY_RANDOM)
			*modulus = reg->modulus;
		keys[n++] = reg->key;
		at += len;
	}
	return at >= set->klen ? n : 0;
}

static bool on_lookup(struct nft_reading *rd, const struct nftnl_expr *e)
{
	const struct rs_table *t = rd->r->chain->rs->table;
	struct fact_set *set =
		facts_set_named(rd->f, t, nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET));
	int slot = nft_slot(e, NFTNL_EXPR_LOOKUP_SREG);
	bool verdict = false, to_reg = false, inv = false;
	struct nft_reg *to = nft_reg(rd, e, NFTNL_EXPR_LOOKUP_DREG);
	uint8_t keys[FACT_SET_KEYS], n;
	uint32_t modulus = 0;
	struct fact *fact;

	if (!set || slot < 0)
		return false;
	n = keys_at(rd, slot, set, keys, &modulus);
	verdict = set->verdicts && nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG);
	to_reg = to && !verdict;
	if (nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS))
		inv = nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
	if (verdict) {
		rd->r->vmap = set;
		rd->r->verdict = VERDICT_UNKNOWN;
		rd->r->modulus = modulus;
		rd->r->n_vmap_keys = n;
		if (n == 1 && keys[0] == KEY_RANDOM && !set->intervals)
			set->modulus = modulus;
		memcpy(rd->r->vmap_keys, keys, sizeof(keys));
		return true;
	}
	if (to_reg) {
		memset(to, 0, sizeof(*to));
		to->type = NREG_MAP;
		to->map = set;
		to->n_keys = n;
		to->modulus = modulus;
		memcpy(to->keys, keys, sizeof(keys));
		return true;
	}
	if (!n)
		return false;
	fact = fact_add(&rd->l, KEY_OTHER, set->dynamic ? FACT_REMEMBERED : FACT_IN_SET, inv);
	if (set->dynamic) {
		fact->seconds = set->timeout;
		return true;
	}
	fact->set = set;
	fact->n_keys = n;
	memcpy(fact->keys, keys, sizeof(keys));
	return true;
}

static bool on_immediate(struct nft_reading *rd, const struct nftnl_expr *e)
{
	struct nft_reg *reg = nft_reg(rd, e, NFTNL_EXPR_IMM_DREG);
	struct fact_rule *r = rd->r;
	const void *data;
	uint32_t len;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT)) {
		len = nft_data(e, NFTNL_EXPR_IMM_DATA, FACT_BYTES, &data);
		if (!reg || !len)
			return false;
		memset(reg, 0, sizeof(*reg));
		reg->type = NREG_DATA;
		reg->len = len;
		memcpy(reg->data, data, len);
		return true;
	}
	r->verdict = verdict_of_nft(nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT));
	if (r->verdict == VERDICT_JUMP || r->verdict == VERDICT_GOTO) {
		r->to = facts_chain_named(rd->f, r->chain->rs->table,
					  nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN) ?: "");
		return r->to != NULL;
	}
	return true;
}

static bool on_nothing(struct nft_reading *rd, const struct nftnl_expr *e)
{
	return true;
}

static bool on_reject(struct nft_reading *rd, const struct nftnl_expr *e)
{
	rd->r->act = ACT_REJECT;
	rd->r->verdict = VERDICT_DROP;
	return true;
}

static bool on_queue(struct nft_reading *rd, const struct nftnl_expr *e)
{
	rd->r->verdict = VERDICT_QUEUE;
	return true;
}

static bool on_dynset(struct nft_reading *rd, const struct nftnl_expr *e)
{
	if (nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_EXPR) ||
	    nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_EXPRESSIONS))
		return false;
	rd->r->act = ACT_REMEMBER;
	return true;
}

/* Counters and helpers only watch; quotas and limits decide. */
static bool on_objref(struct nft_reading *rd, const struct nftnl_expr *e)
{
	uint32_t type = nftnl_expr_is_set(e, NFTNL_EXPR_OBJREF_IMM_TYPE)
				? nftnl_expr_get_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE)
				: 0;

	return type == NFT_OBJECT_COUNTER || type == NFT_OBJECT_CT_HELPER ||
	       type == NFT_OBJECT_SECMARK || type == NFT_OBJECT_CT_TIMEOUT;
}

static const struct {
	const char *name;
	bool (*read)(struct nft_reading *rd,
		     const struct nftnl_expr *e); /* false: there is more to it */
} readers[] = {
	{"immediate", on_immediate}, {"payload", on_payload},
	{"cmp", nft_on_cmp},	     {"meta", on_meta},
	{"counter", on_nothing},     {"lookup", on_lookup},
	{"bitwise", on_bitwise},     {"ct", on_ct},
	{"nat", nft_on_nat},	     {"numgen", on_numgen},
	{"range", nft_on_range},     {"fib", on_fib},
	{"masq", nft_on_masq},	     {"redir", nft_on_redir},
	{"reject", on_reject},	     {"log", on_nothing},
	{"dynset", on_dynset},	     {"byteorder", on_byteorder},
	{"objref", on_objref},	     {"queue", on_queue},
	{"notrack", on_nothing},     {"last", on_nothing},
	{"tproxy", nft_on_tproxy},   {"flow_offload", on_nothing},
};

static int read_one(struct nftnl_expr *e, void *data)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct nft_reading *rd = data;

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (!strcmp(name, readers[i].name) && readers[i].read(rd, e))
			return 0;
	for (int i = 0; i < NREGS; i++)
		rd->regs[i] = (struct nft_reg){.type = NREG_OTHER};
	fact_add_other(rd->f, &rd->l, name);
	return 0;
}

int facts_from_nft(struct facts *f, struct fact_rule *r, const struct nftnl_rule *nlr)
{
	struct nft_reading rd = {.f = f, .r = r, .family = r->chain->rs->table->family};
	const char *comment;
	uint32_t len = 0;

	r->verdict = VERDICT_CONTINUE;
	nftnl_expr_foreach((struct nftnl_rule *)nlr, read_one, &rd);
	if (!r->comment && nftnl_rule_is_set(nlr, NFTNL_RULE_USERDATA)) {
		comment = nftnl_rule_get_data(nlr, NFTNL_RULE_USERDATA, &len);
		comment = udata_comment(comment, len);
		r->comment = comment ? facts_strdup(f, comment) : NULL;
	}
	return facts_rule_done(f, r, &rd.l);
}
