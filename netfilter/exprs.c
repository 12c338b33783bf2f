// SPDX-License-Identifier: GPL-2.0-or-later
#include "netfilter/exprs.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Some names mean a match or a statement; the latter has this attribute. 0: always a statement. */
static const struct {
	const char *name;
	enum expr_kind kind;
	uint16_t attr;
} kinds[] = {
	{"immediate", EXPR_IMMEDIATE, 0},
	{"counter", EXPR_COUNTER, 0},
	{"lookup", EXPR_VERDICT_MAP, NFTA_LOOKUP_DREG},
	{"meta", EXPR_META_SET, NFTA_META_SREG},
	{"ct", EXPR_CT_SET, NFTA_CT_SREG},
	{"payload", EXPR_PAYLOAD_SET, NFTA_PAYLOAD_SREG},
	{"exthdr", EXPR_EXTHDR_SET, 0},
	{"target", EXPR_TARGET, 0},
	{"limit", EXPR_LIMIT, 0},
	{"log", EXPR_LOG, 0},
	{"last", EXPR_LAST, 0},
	{"notrack", EXPR_NOTRACK, 0},
	{"dup", EXPR_DUP, 0},
	{"fwd", EXPR_FWD, 0},
	{"dynset", EXPR_DYNSET, 0},
	{"objref", EXPR_OBJREF, 0},
	{"reject", EXPR_REJECT, 0},
	{"nat", EXPR_NAT, 0},
	{"masq", EXPR_MASQ, 0},
	{"redir", EXPR_REDIR, 0},
	{"queue", EXPR_QUEUE, 0},
	{"quota", EXPR_QUOTA, 0},
	{"connlimit", EXPR_CONNLIMIT, 0},
	{"synproxy", EXPR_SYNPROXY, 0},
	{"tproxy", EXPR_TPROXY, 0},
	{"flow_offload", EXPR_FLOW_OFFLOAD, 0},
};

static bool has_attr(const struct nlattr *data, uint16_t type)
{
	const struct nlattr *attr;

	if (!data)
		return false;
	mnl_attr_for_each_nested(attr, data)
		if (mnl_attr_get_type(attr) == type)
			return true;
	return false;
}

/* An object of type synproxy may keep the packet (nft_synproxy_do_eval()); what objects a map holds the rule does not say. */
static bool may_take(const struct nlattr *data)
{
	const struct nlattr *attr;

	if (!data)
		return true;
	mnl_attr_for_each_nested(attr, data)
		if (mnl_attr_get_type(attr) == NFTA_OBJREF_IMM_TYPE && !mnl_attr_validate(attr, MNL_TYPE_U32))
			return ntohl(mnl_attr_get_u32(attr)) == NFT_OBJECT_SYNPROXY;
	return true;
}

static uint64_t kind_of(const struct nlattr *expr)
{
	const struct nlattr *attr, *data = NULL;
	const char *name = NULL;

	mnl_attr_for_each_nested(attr, expr) {
		if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			name = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
			data = attr;
	}
	if (name && !strcmp(name, "objref") && may_take(data))
		return 1ULL << EXPR_OBJREF | 1ULL << EXPR_WALK_END;
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(name, kinds[i].name))
			return !kinds[i].attr || has_attr(data, kinds[i].attr)
				       ? 1ULL << kinds[i].kind
				       : 0;
	return 0;
}

/* These have no verdict: only as the last of a rule do they tell that it matched. iptables-nft counts
 * in every rule, and never last. */
static const uint64_t without_verdict =
	1ULL << EXPR_COUNTER | 1ULL << EXPR_LOG | 1ULL << EXPR_LAST | 1ULL << EXPR_NOTRACK |
	1ULL << EXPR_DUP | 1ULL << EXPR_META_SET | 1ULL << EXPR_PAYLOAD_SET | 1ULL << EXPR_EXTHDR_SET |
	1ULL << EXPR_CT_SET | 1ULL << EXPR_DYNSET | 1ULL << EXPR_OBJREF | 1ULL << EXPR_LIMIT |
	1ULL << EXPR_QUOTA | 1ULL << EXPR_CONNLIMIT;

uint64_t expr_kinds(const struct nlattr *expressions)
{
	const struct nlattr *expr;
	uint64_t found = 0, last = 0;

	mnl_attr_for_each_nested(expr, expressions) {
		last = kind_of(expr);
		found |= last & ~without_verdict;
	}
	return found | last;
}

/*
 * Where a walk ended by the policy, the packet's next hook, function or end says so, and nothing of its
 * own comes between. Not so where NAT or a chain of type route asks for a new route behind the walk,
 * where defragmentation keeps the packet behind it, and in hooks of bridges and devices.
 */
uint64_t expr_kinds_of_chain(uint8_t family, unsigned int hook, int32_t priority, const char *type)
{
	uint64_t asked = 0;

	if (family == NFPROTO_BRIDGE && hook == NF_INET_PRE_ROUTING)
		asked |= 1ULL << EXPR_FIRST_SIGHT;
	if ((family != NFPROTO_IPV4 && family != NFPROTO_IPV6 && family != NFPROTO_INET) ||
	    hook > NF_INET_POST_ROUTING || priority <= NF_IP_PRI_CONNTRACK_DEFRAG || strcmp(type, "filter"))
		asked |= 1ULL << EXPR_WALK_END;
	return asked;
}

/* They may free the packet, send it or keep it before their walk is over; behind a queue the next
 * walks are not within a hook. */
uint64_t expr_kinds_beside(uint64_t found)
{
	static const uint64_t taking = 1ULL << EXPR_FWD | 1ULL << EXPR_QUEUE | 1ULL << EXPR_SYNPROXY |
				       1ULL << EXPR_TPROXY | 1ULL << EXPR_TARGET;

	return found & taking ? 1ULL << EXPR_WALK_END : 0;
}
