// SPDX-License-Identifier: GPL-2.0-or-later
/* Back from nf_tables' expressions to the rule of iptables-nft; input: see nft_rule.h. */
#include "tests/fuzz/nft_rule.h"

#include "netfilter/xt_rule.h"

static void check_rule(const struct xt_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++) {
		const struct xt_entry_match *m = r->matches[i].m;

		check(m->u.match_size >= sizeof(*m));
		check(memchr(m->u.user.name, 0, sizeof(m->u.user.name)));
	}
	check(!r->target || memchr(r->target->u.user.name, 0, sizeof(r->target->u.user.name)));
	check((r->verdict != VERDICT_JUMP && r->verdict != VERDICT_GOTO) || r->to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t family = take_u8(&in) & 1 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	struct nftnl_rule *nlr = take_rule(&in);
	struct xt_rule r;

	if (!xt_rule_from_nft(&r, family, "INPUT", nlr)) {
		check_rule(&r);
		xt_rule_free(&r);
	}
	nftnl_rule_free(nlr);
	return 0;
}
