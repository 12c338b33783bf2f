// SPDX-License-Identifier: GPL-2.0-or-later
/* Calico: chains cali-, by kind of what they are for; each of its rules has a comment cali:HASH. */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	if (c->table->backend == BACKEND_NFT)
		return !strcmp(c->table->name, "calico");
	return !c->base && begins(c->name, "cali-");
}

static bool owns_rule(const struct fact_rule *r)
{
	return r->comment && begins(r->comment, "cali:");
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	static const struct {
		const char *prefix, *what;
	} kinds[] = {{"cali-tw-", "to workload"},	{"cali-fw-", "from workload"},
		     {"cali-th-", "to host interface"}, {"cali-fh-", "from host interface"},
		     {"cali-pi-", "policy, inbound"},	{"cali-po-", "policy, outbound"},
		     {"cali-pri-", "profile, inbound"}, {"cali-pro-", "profile, outbound"}};
	const char *chain = s->rule->chain->rs->name;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (begins(chain, kinds[i].prefix)) {
			fprintf(out, "%s %s", kinds[i].what, chain + strlen(kinds[i].prefix));
			return;
		}
}

const struct explainer explain_calico = {
	.name = "Calico",
	.owns = owns,
	.owns_rule = owns_rule,
	.words = words,
};
