// SPDX-License-Identifier: GPL-2.0-or-later
/* ufw: chains ufw- and ufw6-; the administrator's rules stand in ufw-user-. */
#include <string.h>

#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return !c->base && c->table->backend != BACKEND_NFT &&
	       (begins(c->name, "ufw-") || begins(c->name, "ufw6-"));
}

static void words(const struct explain *x, const struct walk_step *s, FILE *out)
{
	const char *chain = strchr(s->rule->chain->rs->name, '-');

	/* One of INPUT that leads to ufw's chains is ufw's, too. */
	if (!chain++)
		return;
	if (begins(chain, "user-limit"))
		fputs("too many connections", out);
	else if (begins(chain, "user-"))
		fputs("a rule given to ufw", out);
	else if (begins(chain, "skip-to-policy-"))
		fputs("the default policy", out);
	else if (begins(chain, "not-local"))
		fputs("not for this host", out);
}

const struct explainer explain_ufw = {.name = "ufw", .owns = owns, .words = words};
