// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/decision.h"

#include <inttypes.h>
#include <stdio.h>

static const char *known(const char *s)
{
	return s ? s : "?";
}

static void rule_name(char *buf, size_t size, const struct step *s)
{
	char number[16] = "?", handle[40] = "";
	bool nft = s->backend == BACKEND_NFT;

	if (s->rule.number)
		snprintf(number, sizeof(number), "%" PRIu32, s->rule.number);
	if (nft && s->rule.handle)
		snprintf(handle, sizeof(handle), " (handle %" PRIu64 ")", s->rule.handle);
	snprintf(buf, size, "%s%s%s:%s:%s%s%s%s", nft ? family_name(s->family) : "", nft ? " " : "",
		 known(s->rule.table), known(s->rule.chain), step_type_name(s->type),
		 s->type == STEP_RULE ? ":" : "", s->type == STEP_RULE ? number : "", handle);
}

const char *decision_name(char *buf, size_t size, const struct step *s)
{
	switch (s->type) {
	case STEP_RULE:
	case STEP_POLICY:
	case STEP_RETURN:
		rule_name(buf, size, s);
		break;
	case STEP_RP_FILTER:
		snprintf(buf, size, "rp_filter on %s", known(s->rpf.iif));
		break;
	case STEP_ROUTE:
		snprintf(buf, size, "the route: %s", known(s->route.result));
		break;
	case STEP_HOOK:
		snprintf(buf, size, "hook function %s", known(s->hookfn.function));
		break;
	case STEP_DROP:
		snprintf(buf, size, "the kernel: %s at %s", known(s->drop.reason),
			 known(s->drop.location));
		break;
	default:
		snprintf(buf, size, "%s", step_type_name(s->type));
	}
	return buf;
}
