// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/decision.h"

#include <inttypes.h>
#include <stdio.h>

static const char *known(const char *s)
{
	return s ? s : "?";
}

/* table:chain:rule:N as the TRACE target writes it; family and handle, where rules have them. */
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

static void hook_function_name(char *buf, size_t size, const struct step *s)
{
	const char *module = s->hookfn.module;

	snprintf(buf, size, "hook %s%s%s%s (priority %" PRId32 ")", known(s->hookfn.function),
		 module ? " [" : "", module ? module : "", module ? "]" : "", s->hookfn.priority);
}

const char *decision_name(char *buf, size_t size, const struct step *s)
{
	switch (s->type) {
	case STEP_RULE:
	case STEP_POLICY:
	case STEP_RETURN:
		rule_name(buf, size, s);
		break;
	case STEP_HOOK:
		hook_function_name(buf, size, s);
		break;
	case STEP_RP_FILTER:
		snprintf(buf, size, "rp_filter on %s", known(s->rpf.iif));
		break;
	case STEP_ROUTE:
		snprintf(buf, size, "the route: %s", s->route.result ? s->route.result : "unknown");
		break;
	case STEP_DROP:
		snprintf(buf, size, "the kernel: %s%s%s",
			 s->drop.reason ? s->drop.reason : "no reason given",
			 s->drop.location ? " at " : "", s->drop.location ? s->drop.location : "");
		break;
	default:
		snprintf(buf, size, "%s", step_type_name(s->type));
	}
	return buf;
}
