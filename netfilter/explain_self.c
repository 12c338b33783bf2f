// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables that nfpath makes itself while it traces. */
#include "netfilter/explainers.h"

static bool owns(const struct rs_chain *c)
{
	return c->table->ours;
}

const struct explainer explain_self = {.name = "nfpath", .owns = owns};
