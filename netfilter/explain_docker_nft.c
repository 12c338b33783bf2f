// SPDX-License-Identifier: GPL-2.0-or-later
/* Docker, backend nftables: a table docker-bridges in each family, chains for each bridge; its
 * comments say what rules are for. */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !strcmp(c->table->name, "docker-bridges") && c->table->backend == BACKEND_NFT;
}

/* A rule of a bridge's own chain, NAME__BRIDGE, or one that names it; NULL: neither. */
static const char *bridge_named(const struct fact_rule *r)
{
	const char *at = strstr(r->chain->rs->name, "__");

	if (at && at[2])
		return at + 2;
	for (unsigned int i = 0; i < r->n_facts; i++)
		if ((r->facts[i].key == KEY_IIF || r->facts[i].key == KEY_OIF) &&
		    r->facts[i].op == FACT_MASKED && *r->facts[i].value)
			return (const char *)r->facts[i].value;
	return NULL;
}

/* In a bridge's chain, one address and port are let in. */
static bool is_published(const struct fact_rule *r)
{
	bool to = false, port = false;

	for (unsigned int i = 0; i < r->n_facts; i++) {
		to |= r->facts[i].key == KEY_DADDR && !r->facts[i].inv;
		port |= r->facts[i].key == KEY_DPORT && !r->facts[i].inv;
	}
	return to && port && r->verdict == VERDICT_ACCEPT &&
	       begins(r->chain->rs->name, "filter-forward-in__");
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	static const struct {
		const char *comment, *words;
	} known[] = {
		{"UNPUBLISHED PORT DROP", "port that is not published"},
		{"DROP DIRECT ACCESS", "no way to containers past published ports"},
		{"SUBNET DROP EXTERNAL", "no way into the network past published ports"},
		{"DROP REMOTE LOOPBACK", "published on this host's loopback only"},
		{"INTERNAL NETWORK INGRESS", "an internal network"},
		{"INTERNAL NETWORK EGRESS", "an internal network"},
		{"ICC", "between containers of the network"},
		{"OUTGOING", "containers to outside"},
		{"MASQUERADE", "containers to outside"},
		{"MASQ TO OWN PORT", "a container to its own published port"},
		{"ALLOW FW MARK", "a mark that Docker was told to accept"},
	};
	const char *comment = s->rule->comment, *bridge = bridge_named(s->rule);

	if (s->rule->act == ACT_DNAT) {
		explain_published_port(x, s->rule, out);
		if (bridge)
			fprintf(out, " on bridge %.16s", bridge);
		else
			explain_target_bridge(x, s->rule, out);
		return;
	}
	for (size_t i = 0; comment && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(comment, known[i].comment)) {
			fputs(known[i].words, out);
			if (bridge)
				fprintf(out, ", bridge %.16s", bridge);
			return;
		}
	if (comment)
		fputs(comment, out);
	else if (is_published(s->rule) && bridge)
		fprintf(out, "published port, bridge %.16s", bridge);
}

const struct explainer explain_docker_nftables = {
	.name = "Docker",
	.mode = "nftables",
	.owns = owns,
	.words = words,
};
