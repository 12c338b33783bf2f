// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/decision.h"

#include <inttypes.h>

static const char *known(const char *s)
{
	return s ? s : "?";
}

/* table:chain:rule:N as the TRACE target writes it; family and handle, where rules have them. */
static void rule_name(struct bytes_out *b, const struct step *s)
{
	bool nft = s->backend == BACKEND_NFT;

	if (nft) {
		bytes_str(b, family_name(s->family));
		bytes_char(b, ' ');
	}
	bytes_str(b, known(s->rule.table));
	bytes_char(b, ':');
	bytes_str(b, known(s->rule.chain));
	bytes_char(b, ':');
	bytes_str(b, step_type_name(s->type));
	if (s->type == STEP_RULE && s->rule.number) {
		bytes_char(b, ':');
		bytes_number(b, s->rule.number, 1);
	} else if (s->type == STEP_RULE) {
		bytes_str(b, ":?");
	}
	if (nft && s->rule.handle) {
		bytes_str(b, " (handle ");
		bytes_number(b, s->rule.handle, 1);
		bytes_char(b, ')');
	}
}

static void hook_function_name(struct bytes_out *b, const struct step *s)
{
	const char *module = s->hookfn.module;

	if (s->hookfn.bpf_id) {
		bytes_printf(b, "BPF program %s%s(id %" PRIu32 ", priority %" PRId32 ")",
			     s->hookfn.bpf_name ? s->hookfn.bpf_name : "",
			     s->hookfn.bpf_name ? " " : "", s->hookfn.bpf_id, s->hookfn.priority);
		return;
	}
	bytes_printf(b, "hook %s%s%s%s (priority %" PRId32 ")", known(s->hookfn.function),
		     module ? " [" : "", module ? module : "", module ? "]" : "",
		     s->hookfn.priority);
}

void decision_name(struct bytes_out *b, const struct step *s)
{
	switch (s->type) {
	case STEP_RULE:
	case STEP_POLICY:
	case STEP_RETURN:
		rule_name(b, s);
		break;
	case STEP_HOOK:
		hook_function_name(b, s);
		break;
	case STEP_RP_FILTER:
		bytes_str(b, "rp_filter on ");
		bytes_str(b, known(s->rpf.iif));
		break;
	case STEP_ROUTE:
		bytes_str(b, "the route: ");
		bytes_str(b, s->route.result ? s->route.result : "unknown");
		break;
	case STEP_DROP:
		bytes_str(b, "the kernel: ");
		bytes_str(b, s->drop.reason ? s->drop.reason : "no reason given");
		if (s->drop.location) {
			bytes_str(b, " at ");
			bytes_str(b, s->drop.location);
		}
		break;
	default:
		bytes_str(b, step_type_name(s->type));
	}
}
