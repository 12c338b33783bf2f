// SPDX-License-Identifier: GPL-2.0-or-later
/* Docker, backend nftables: a table docker-bridges in each family, chains for each bridge; its
 * comments say what rules are for. */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !strcmp(c->table->name, "docker-bridges") && c->table->backend == BACKEND_NFT;
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
	const char *comment = s->rule->comment;

	if (s->rule->act == ACT_DNAT) {
		explain_published_port(x, s->rule, out);
		return;
	}
	for (size_t i = 0; comment && i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(comment, known[i].comment)) {
			fputs(known[i].words, out);
			return;
		}
	if (comment)
		fputs(comment, out);
}

const struct explainer explain_docker_nftables = {
	.name = "Docker",
	.mode = "nftables",
	.owns = owns,
	.words = words,
};
