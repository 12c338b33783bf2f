// SPDX-License-Identifier: GPL-2.0-or-later
/* flannel: chains FLANNEL-, or tables flannel-ipv4 and flannel-ipv6. */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	if (c->table->backend == BACKEND_NFT)
		return begins(c->table->name, "flannel-");
	return !c->base && begins(c->name, "FLANNEL-");
}

static bool owns_rule(const struct fact_rule *r)
{
	return r->comment && begins(r->comment, "flanneld ");
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	if (s->rule->act == ACT_MASQUERADE)
		fputs("pods to outside", out);
	else if (s->rule->verdict == VERDICT_RETURN)
		fputs("not masqueraded", out);
}

const struct explainer explain_flannel = {
	.name = "flannel",
	.owns = owns,
	.owns_rule = owns_rule,
	.words = words,
};
