// SPDX-License-Identifier: GPL-2.0-or-later
/* Podman's netavark: the table inet netavark, or chains NETAVARK- of iptables. */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	if (c->table->backend == BACKEND_NFT)
		return !strcmp(c->table->name, "netavark");
	return !c->base && (begins(c->name, "NETAVARK") || begins(c->name, "NETAVARK_"));
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	const struct fact_chain *to = s->rule->to;

	if (s->rule->act == ACT_DNAT) {
		explain_published_port(x, s->rule, out);
		explain_target_bridge(x, s->rule, out);
	} else if (to && !strcmp(to->rs->name, "NETAVARK-HOSTPORT-SETMARK")) {
		fputs("to be masqueraded", out);
	} else if (to && begins(to->rs->name, "NETAVARK-ISOLATION")) {
		fputs("networks kept apart", out);
	} else if (s->rule->comment) {
		fputs(s->rule->comment, out);
	}
}

const struct explainer explain_podman = {.name = "Podman", .owns = owns, .words = words};
