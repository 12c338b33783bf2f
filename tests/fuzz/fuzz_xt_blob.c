// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of iptables-legacy. Input: family (bit 0: IPv6), valid_hooks, five hook entries and
 * five underflows of two bytes each, then the blob.
 */
#include "netfilter/xt_blob.h"
#include "netfilter/xt_rule.h"
#include "tests/fuzz/fuzz.h"

static void check_chain(const struct rs_table *t, const struct rs_chain *c)
{
	struct xt_rule r;

	for (uint32_t n = 1; n <= c->n_rules; n++) {
		const struct rs_entry *e = &c->rules[n - 1];

		check(e->offset < t->blob_size);
		check(n == 1 || e->offset > c->rules[n - 2].offset);
		check((e->verdict != VERDICT_JUMP && e->verdict != VERDICT_GOTO) || e->target);
		check(!e->target || strlen(e->target) < 64);
		check(!xt_rule_from_entry(&r, c, n));
		check(r.n_matches <= t->blob_size / sizeof(struct xt_entry_match));
		xt_rule_free(&r);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct ruleset *rs = ruleset_new();
	uint8_t family = take_u8(&in) & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	struct rs_table *t = ruleset_add_table(rs, BACKEND_IPTABLES_LEGACY, family, "filter");

	check(t);
	t->valid_hooks = take_u8(&in);
	for (int i = 0; i < 5; i++)
		t->hook_entry[i] = take_u16(&in);
	for (int i = 0; i < 5; i++)
		t->underflow[i] = take_u16(&in);
	t->blob_size = in.len;
	t->blob = malloc(in.len);
	check(t->blob || !in.len);
	if (in.len)
		memcpy(t->blob, in.p, in.len);
	if (!xt_blob_parse(rs, t))
		for (size_t i = 0; i < t->n_chains; i++)
			check_chain(t, t->chains[i]);
	ruleset_put(rs);
	return 0;
}
